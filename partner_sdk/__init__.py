"""The merchant's SDK of Hansa, the open coalition loyalty network."""
