"""Samples as pictures: grids of images, scatter pictures of points, films, and the colours of all of them.

Imports records and codec only. Service, command line, charts and pages import it.
"""
