"""The command `stegafield`; docs/cli.md lists options and exit codes."""

import sys


def main() -> None:
    """The entry point of the command `stegafield`."""
    try:
        from .commands import app

        app()
    except KeyboardInterrupt:
        sys.exit(130)
