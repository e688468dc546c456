"""What the hub does, one module a noun: each service opens its transaction and returns plain values."""
