"""The arithmetic of settlement: values in, values out; no database, no clock, no files."""
