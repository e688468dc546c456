"""Clearing between partners: what each owes the others, proved before it is said.

The hub hands every obligation to `settlement.intake` inside its own posting transaction. `settlement.cycles`
cuts a month off, calculates it, checks it and publishes it; `settlement.statements` and `settlement.export`
write it down; `python -m settlement verify` recomputes it from such a file alone.

This package is a leaf: it imports neither the hub nor the partner's SDK, so that an auditor can run it by
itself. Importing it does nothing.
"""
