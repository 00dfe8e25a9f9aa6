"""The command line `perp`: the only package that sees all others, each only when a command needs it."""

__version__ = "0.1.0"
"""The version of the distribution `perpspec`; the wheel's metadata is read from here."""
