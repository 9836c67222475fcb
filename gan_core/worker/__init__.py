"""The process that claims runs, trains them, answers jobs and obeys commands.

Imports jobs, store, data and, inside functions, engine. Only the service (to start it) and the command line import it.
"""
