"""Exported cycles: one folder each, from which anyone can recompute the cycle.

`manifest.json` names every file with its SHA-256 and its number of rows, and the cycle with its digest. The files are
Parquet: `lines.parquet` has every obligation, the others what was published above them and what that follows from, see
`settlement.exports.tables`. pyarrow is loaded with these modules only, so who exports or verifies imports them late.
"""
