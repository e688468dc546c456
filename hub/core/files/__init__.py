"""Bulk files as values: what a template says, how a row becomes a record, what control totals must come to."""
