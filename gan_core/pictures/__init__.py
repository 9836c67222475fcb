"""Samples as pictures: grids, thumbnails and films.

Imports records only. The service and the pages import it.
"""
