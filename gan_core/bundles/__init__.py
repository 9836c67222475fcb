"""A run as one file: everything of it in a zip that another installation can import.

Imports records and store. Only the service imports it.
"""
