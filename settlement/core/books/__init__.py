"""The operator's books in money, beside the points: what each event of a settlement posts, and to which account.

Nothing is written twice: the journal is a function of what settlement keeps for ever anyway (lines of published
cycles, charges, moves of payments, security, write-offs), so no entry can be missing, stale or posted twice.
`templates` says what an event posts, `chart` what the accounts are, `checks` what must hold.
"""
