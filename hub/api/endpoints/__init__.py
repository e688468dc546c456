"""The signed endpoints, one noun a file. Each offers `ENDPOINTS`; add a file, then a line in `hub.api.routes`."""
