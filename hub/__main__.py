"""`python -m hub` is the command `hansa`."""

from hub.cli import main

main()
