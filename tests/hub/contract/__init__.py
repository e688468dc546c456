"""One list of scenarios for two hubs: the real one over HTTP, and the local one of `partner_sdk.testing`."""
