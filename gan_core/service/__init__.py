"""The one door for pages and the command line: everything a person may ask for.

Imports store, jobs, data, bundles and pictures, and starts the worker. Pages and the command line import it.
"""
