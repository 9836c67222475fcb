"""Runs as one page of HTML that opens from a disk: settings, curves, samples, distances, what was found.

Imports records, configurations, distances' words and pictures. Only the service, and the public door, import it.
"""
