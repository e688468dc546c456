"""Reconciliation of three books: our ledger, a partner's own report, and the bank.

`imports` takes files in, `runs` holds them against what we have, `breaks` is what is done about differences and
`write_offs` what two people agree to bear. What is the same and what is a break is decided by the pure core,
`settlement.core.reconciliation`.
"""
