"""The hub of a coalition: accounts, rates, rules, wire, worker and command line."""
