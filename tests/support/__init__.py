"""What several test files use: a hub set up for tests, its server process, and a client that can misbehave."""
