"""The hub's rules as plain values and functions: no database, no web, no clock, no randomness."""
