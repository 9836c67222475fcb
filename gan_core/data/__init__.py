"""A name or a person's own file -> samples in three disjoint parts: train, holdout and test.

Imports arrays, codec, config and records. The jobs, the worker, the service and the command line import it.
"""
