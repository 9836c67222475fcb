"""A run as files: everything of it in a zip that another installation can import, and what other programs read.

Imports records, store and pictures. Service and jobs import it.
"""
