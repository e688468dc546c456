"""The hub's rows in PostgreSQL: connections, migrations, the one posting function and the readers."""
