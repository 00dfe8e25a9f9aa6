"""Runs the command line as `python -m perp_cli`."""

import sys

from perp_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
