"""A plain model of the scheme: its rules in as few words as they can be said in, of dictionaries, fractions and dates.

It imports nothing of the hub or of the settlement, so that what both do alike is not the same mistake made once.
`tests.hub.machine` gives each command to the hub and to the model and compares them.
"""
