"""`python -m stegafield` is the command `stegafield`."""

from .cli import main

main()
