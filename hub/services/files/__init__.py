"""Bulk files: how they come in, are validated, posted record by record, answered line by line, and taken back."""
