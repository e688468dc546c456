"""The Hypothesis machine: gives each command to a hub and to `tests.hub.model`, and holds them equal after each.

`base` has both sides and what must always hold; `reading` says what the hub's database holds in the model's words;
`drawing` says what terms and sales are tried. The commands are one file a noun, put together in `whole`.
"""
