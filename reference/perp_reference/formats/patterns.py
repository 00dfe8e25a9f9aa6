"""Regular expressions for the canonical decimal strings of a range of integers."""


def integers_between(low: int, high: int) -> str:
    """A pattern, anchored at both ends, for the canonical decimal strings of the integers from `low` to `high`."""
    parts: list[str] = []
    if low < 0:
        parts += [f"-{part}" for part in naturals_between(max(1, -high), -low)]
    if high >= 0:
        parts += naturals_between(max(low, 0), high)
    return f"^(?:{'|'.join(parts)})$"


def naturals_between(low: int, high: int) -> list[str]:
    """Patterns that together hold for the decimal strings of the integers from `low` to `high`, none of them negative.

    Each is a run of digits of one length, so that any two hold for different strings.
    """
    parts: list[str] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        least = 10 ** (length - 1) if length > 1 else 0
        parts += same_length(str(max(low, least)), str(min(high, 10**length - 1)))
    return parts


def same_length(low: str, high: str) -> list[str]:
    """Patterns for the decimal strings from `low` to `high`, which have one length."""
    if low == high:
        return [low]
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [digit_between(low[0], high[0]) + any_digits(rest)]
    if low[0] == high[0]:
        return [low[0] + part for part in same_length(low[1:], high[1:])]
    parts: list[str] = []
    first, last = low[0], high[0]
    if low[1:] != "0" * rest:
        parts += [first + part for part in same_length(low[1:], "9" * rest)]
        first = chr(ord(first) + 1)
    ending: list[str] = []
    if high[1:] != "9" * rest:
        ending = [last + part for part in same_length("0" * rest, high[1:])]
        last = chr(ord(last) - 1)
    if first <= last:
        parts.append(digit_between(first, last) + any_digits(rest))
    return parts + ending


def digit_between(first: str, last: str) -> str:
    """A pattern for one digit."""
    return first if first == last else f"[{first}-{last}]"


def any_digits(count: int) -> str:
    """A pattern for so many digits."""
    if count == 0:
        return ""
    return "[0-9]" if count == 1 else f"[0-9]{{{count}}}"
