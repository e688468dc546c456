"""Recomputing cycles from their lines, with DuckDB: what the self-checks do, and what anyone does with an export.

Lines come in stretches (`settlement.exports.lines`). `sequence` looks at their order and takes pair digests, `sums` and
`events` ask DuckDB about all lines of a stretch at once; what DuckDB cannot vouch for goes line by line to the rules in
`settlement.core`, which say what is wrong and name it. `cycle` holds the whole against what is stated, `folder` does so
for an exported cycle, and `chain` for many.
"""
