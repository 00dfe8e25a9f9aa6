"""Errors that a command reports to its user."""


class UsageError(Exception):
    """The command line asks for something that does not exist; the message is one line that says what."""
