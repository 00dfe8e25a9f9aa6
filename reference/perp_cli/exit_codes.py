"""What the exit code of `perp` says."""

import enum


class ExitCode(enum.IntEnum):
    """The exit codes of `perp`, the same for every command."""

    OK = 0
    """The command did what it was asked, and what it checked holds."""

    FALSE = 1
    """A checked property is false, or a tested implementation does not conform."""

    USAGE = 2
    """The command line asks for something that does not exist, or for a file to be written that cannot be."""

    MALFORMED = 3
    """An input file breaks its format; nothing was changed."""

    UNDECIDED = 4
    """A solver gave up or ran out of time before it decided a property."""

    TESTEE_CRASHED = 5
    """A tested implementation crashed or ran out of time."""

    INTERNAL = 70
    """An error of this program, or of its set-up."""

    INTERRUPTED = 130
    """The user interrupted the command."""

    BROKEN_PIPE = 141
    """The reader of the output went away."""
