"""Alembic migrations of the schema ``hub``."""
