"""Trainings of somebody's own code, written into the store as they go: curves, samples and distances.

Imports the worker's measurement, jobs, the store and the data; the service and the public door import it.
"""
