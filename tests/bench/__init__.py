"""The benchmark: what this hub does in a second, beside what PostgreSQL's own benchmark does on the same server.

A figure alone says little about a machine that nobody else has; its ratio to pgbench's TPC-B, measured in the
same run on the same embedded server, can be compared anywhere. Run it with ``python -m tests.bench``.
"""
