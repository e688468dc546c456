"""Disputes about published lines: their moves, rules, views, and the check that holds them against adjustments."""
