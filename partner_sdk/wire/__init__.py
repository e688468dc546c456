"""The wire contract between a partner and the hub, shared word for word by both sides.

Everything here takes values and gives values: no clock, no network, no randomness. The hub imports these
modules, so client and server cannot drift apart. `docs/protocol.md` says the same for other languages.
"""
