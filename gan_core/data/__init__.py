"""A name or a person's own file -> samples in three disjoint parts: train, holdout and test.

Imports config and records. The jobs, the worker and the service import it.
"""
