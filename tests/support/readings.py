"""What a reading of a function gives, in a form that can be compared with another one's."""

from typing import Any

from perp_spec.language import Rejected


def ended(function: Any, *arguments: Any) -> Any:
    """What a function gives, or the reason it rejects with."""
    try:
        return function(*arguments)
    except Rejected as rejection:
        return rejection.reason


def as_tuples(value: Any) -> Any:
    """A value with its lists and named tuples as tuples."""
    return tuple(map(as_tuples, value)) if isinstance(value, list | tuple) else value
