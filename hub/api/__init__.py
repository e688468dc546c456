"""The wire: Flask answers what partners ask. `routes.py` is the index of all endpoints."""
