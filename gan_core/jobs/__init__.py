"""One request to a worker: its parameters, its handler, and the decoder of its answer.

Imports store and data; distances and engine only inside handlers. The worker and the service import it.
"""
