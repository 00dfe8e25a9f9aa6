"""Runs the command line as `python -m perp_cli`, as ./perp does, and as the installed program `perp`."""

import signal
import sys


def start() -> int:
    """Runs the command line of this process; returns its exit code.

    An interrupt is held back while the program loads and once it has ended: in between it is answered in one line.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    from perp_cli.main import main

    try:
        return main()
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


if __name__ == "__main__":
    sys.exit(start())
