"""Requests to a worker: a file for each kind of job has its parameters, its handler and the decoder of its answer.

Imports store, data and the wings below; distances that load SciPy, and the engine, only inside handlers. The service
and the worker import it; what lies here without a KIND is shared by handlers, or (comparison) pure arithmetic.
"""
