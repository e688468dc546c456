"""The demonstration: a year of real purchases through the signed SDK, into the ledger, out as a settlement."""
