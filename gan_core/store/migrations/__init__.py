"""Alembic's folder: `env.py`, which it runs, and one file in `versions` for every revision of the tables.

Only gan_core.store.upgrade runs what is here.
"""
