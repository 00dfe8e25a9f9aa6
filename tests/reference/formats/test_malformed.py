"""Thousands of broken files, each refused in one clear line; and thousands of mutants that are refused or well read.

The first kind is broken by construction: each mutation makes a file that no reader may take. The second kind changes
bytes at random, which can make another valid file: then what was read must be what its own canonical text says.
"""

import copy
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import decode_batch, decode_draft, encode_batch, encode_draft
from perp_reference.formats.candles import Candles, decode_candles
from perp_reference.formats.config import LONGEST_CONFIG_BYTES, decode_config, encode_config
from perp_reference.formats.state import DiffFile, StateFile, decode_diff, decode_state, encode
from perp_reference.formats.text import LONGEST_LINE_BYTES

FILE = "input"
LONGEST_MESSAGE = 700

Mutation = Callable[[random.Random, bytes], bytes | None]
"""Makes a broken file of a valid one, or None where it does not apply."""


def candles(data: bytes, file: str) -> Candles:
    return decode_candles(data, file, "0.0001")


def state_text(file: StateFile | DiffFile) -> bytes:
    form = "perpspec-state-1" if isinstance(file, StateFile) else "perpspec-diff-1"
    return encode(form, file.header, file.records)


class Form(NamedTuple):
    """A format, its reader and its writer; candles have no writer."""

    name: str
    decode: Callable[[bytes, str], Any]
    encode: Callable[[Any], bytes] | None
    chunks: int


FORMS = {
    form.name: form
    for form in (
        Form("batch", decode_batch, encode_batch, 8),
        Form("draft", decode_draft, encode_draft, 3),
        Form("config", decode_config, encode_config, 6),
        Form("state", decode_state, state_text, 6),
        Form("diff", decode_diff, state_text, 3),
        Form("candles", candles, None, 6),
    )
}
CHUNK = 500
"""Broken files in one test."""

WILD = 150
"""Random mutants in one test."""

CASES = [(form.name, chunk) for form in FORMS.values() for chunk in range(form.chunks)]


def lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


def joined(parts: list[bytes]) -> bytes:
    return b"".join(part + b"\n" for part in parts)


# Bytes


def control_byte(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    byte = rng.choice([*(value for value in range(32) if value != 10), 127])
    return data[:place] + bytes([byte]) + data[place + rng.randrange(2) :]


def byte_that_is_no_utf8(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([rng.randrange(128, 256)]) + data[place + rng.randrange(2) :]


def cut_inside_a_line(rng: random.Random, data: bytes) -> bytes | None:
    place = rng.randrange(len(data))
    return None if data[:place].endswith(b"\n") else data[:place]


def byte_order_mark(rng: random.Random, data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def other_encoding(rng: random.Random, data: bytes) -> bytes:
    return data.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))


def carriage_returns(rng: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n") if rng.random() < 0.5 else data.replace(b"\n", b"\r")


def garbage_at_the_end(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice((b"x", b"{}\n", b"null\n", b"0\n", b"]\n", b"}\n", b",\n", b"# end\n", b"\x1a"))


def structural_byte_lost(rng: random.Random, data: bytes) -> bytes:
    place = rng.choice([place for place, byte in enumerate(data) if byte in b'{}[]":,'])
    return data[:place] + data[place + 1 :]


def structural_byte_doubled(rng: random.Random, data: bytes) -> bytes:
    place = rng.choice([place for place, byte in enumerate(data) if byte in b'{}[]":,'])
    return data[: place + 1] + data[place:]


def structural_byte_exchanged(rng: random.Random, data: bytes) -> bytes:
    place = rng.choice([place for place, byte in enumerate(data) if byte in b'{}[]":,'])
    other = rng.choice([byte for byte in b"{}[]:;'=(" if byte != data[place]])
    return data[:place] + bytes([other]) + data[place + 1 :]


BYTES = (
    control_byte,
    byte_that_is_no_utf8,
    cut_inside_a_line,
    byte_order_mark,
    other_encoding,
    carriage_returns,
    garbage_at_the_end,
    structural_byte_lost,
    structural_byte_doubled,
    structural_byte_exchanged,
)


# Lines


def line_order(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    other = rng.randrange(1, len(parts))
    parts[0], parts[other] = parts[other], parts[0]
    return joined(parts)


def neighbours_exchanged(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(1, len(parts) - 1)
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
    return joined(parts)


def line_doubled(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(len(parts))
    return joined([*parts[: place + 1], *parts[place:]])


def end_doubled(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.choice((0, len(parts) - 1))
    return joined([*parts[: place + 1], *parts[place:]])


def line_lost(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(len(parts))
    return joined([*parts[:place], *parts[place + 1 :]])


def end_lost(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    return joined(parts[1:]) if rng.random() < 0.5 else joined(parts[: rng.randrange(len(parts))])


def header_lost(rng: random.Random, data: bytes) -> bytes:
    return joined(lines(data)[1 : rng.randrange(2, len(lines(data)))])


def blank_line(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    parts.insert(rng.randrange(len(parts) + 1), rng.choice((b"", b" ", b"    ")))
    return joined(parts)


def lines_joined(rng: random.Random, data: bytes) -> bytes:
    place = rng.choice([match.start() for match in re.finditer(rb"\n", data)])
    return data[:place] + rng.choice((b"", b" ")) + data[place + 1 :]


def line_too_long(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(len(parts))
    parts[place] += b" " * (LONGEST_LINE_BYTES + rng.randrange(10))
    return joined(parts)


RECORD_LINES = (line_order, header_lost, blank_line, lines_joined, line_too_long, end_lost)
STATE_LINES = (*RECORD_LINES, neighbours_exchanged, line_doubled, line_lost)
BATCH_LINES = (*RECORD_LINES, end_doubled)


# Values of JSON

DECIMALS = (
    *("", "+1", "01", "-0", "00", "1.0", "1e3", "0x1", " 1", "1 ", "1_000", "--1", "-", "1-", "NaN", "true", "٣", "１"),
    *(str(2**63), str(-(2**63)), "9" * 50, "-" + "9" * 50, "9" * 9000),
    *(None, True, False, [], {}, ["1"], {"value": "1"}, "\ud800", "1\n", "1\0", "\ufeff1"),
)
FLAGS = ("true", "false", "", "0", "1", None, [], {}, "True")
NULLS = (False, True, "", "null", "0", [], [None])
OBJECTS = ([], "x", "", True, {}, [{}])
NUMBERS = ("1", "0", "-1", "1.5", "1e3", "9" * 400, "NaN", "Infinity", "-Infinity", "[" * 300 + "]" * 300, "[" * 5000)
"""Texts put in place of a value as they are."""

RAW = "place of a raw text"


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [inner for name, part in value.items() for inner in paths(part, (*path, name))]
    if isinstance(value, list):
        found += [inner for place, part in enumerate(value) for inner in paths(part, (*path, place))]
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    changed = copy.deepcopy(value)
    at(changed, path[:-1])[path[-1]] = new
    return changed


def texts_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def bad_hexadecimal(rng: random.Random, text: str) -> Any:
    wrong = (
        text[:-1],
        text + "0",
        text[:-1] + "g",
        "0x" + text[2:],
        text[:-2],
        " " + text[1:],
        text[:-1] + "A",
        "",
        text + text,
        True,
        [],
        [text],
        text[:-1] + "٣",
        text[:-1] + "\ud800",
    )
    return rng.choice(wrong)


def bad_value(rng: random.Random, path: tuple[Any, ...], value: Any) -> Any:
    """A value that may never stand where this one does."""
    if isinstance(value, bool):
        return rng.choice(FLAGS)
    if value is None:
        return rng.choice(NULLS)
    if isinstance(value, dict):
        return rng.choice(OBJECTS)
    if isinstance(value, list):
        return rng.choice((None, {}, "x", True, [*value, None], [*value, value], "[]"))
    if path[-1] in {"op", "record", "format"}:
        return rng.choice((value + "s", value.upper(), "", "header", None, True, [value], {value: value}, " " + value))
    if path[-1] in {"name", "symbol", "lot"}:
        return rng.choice((None, True, "", [], {}, "x" * 65, "\n", "\0", "a\ud800", "1.\n", "é\x7f"))
    if re.fullmatch("[0-9a-f]{64}|[0-9a-f]{128}", value):
        wrong = bad_hexadecimal(rng, value)
        return "0" if path[-1] in {"governance_key", "fees_key"} and wrong == "" else wrong
    return rng.choice(DECIMALS)


def line_and_value(rng: random.Random, data: bytes) -> tuple[list[bytes], int, Any]:
    """The lines of a file, the place of one of them and its JSON value; a document is one line."""
    parts = [data] if data.startswith(b"{\n") else lines(data)
    place = rng.randrange(len(parts))
    return parts, place, json.loads(parts[place])


def rejoined(parts: list[bytes], place: int, text: str) -> bytes:
    return joined([*parts[:place], text.encode(), *parts[place + 1 :]])


def value_of_another_kind(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    path = rng.choice(paths(value))
    if not path:
        return rejoined(parts, place, texts_of(rng.choice((None, True, [], [value], "x", {}))))
    return rejoined(parts, place, texts_of(with_value(value, path, bad_value(rng, path, at(value, path)))))


def number_or_nesting(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    path = rng.choice(paths(value)[1:])
    text = texts_of(with_value(value, path, RAW)).replace(f'"{RAW}"', rng.choice(NUMBERS))
    return rejoined(parts, place, text)


def objects(value: Any) -> list[tuple[Any, ...]]:
    return [path for path in paths(value) if isinstance(at(value, path), dict)]


def member_unknown(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    path = rng.choice(objects(value))
    names = ("authorised", "", "x", "Op", "comment", "__class__", "\ud800", "number ", "0", "ｏｐ")
    return rejoined(
        parts, place, texts_of(with_value(value, (*path, rng.choice(names)), rng.choice((True, "1", None))))
    )


def member_renamed(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    names = [path for path in paths(value) if path and isinstance(path[-1], str)]
    path = rng.choice(names)
    holder = copy.deepcopy(at(value, path[:-1]))
    old = path[-1]
    new = rng.choice((old.upper(), old + "_", "", old.replace("e", "é") + "e", old[::-1] + "x"))
    renamed = {new if name == old else name: part for name, part in holder.items()}
    whole = with_value(value, path[:-1], renamed) if path[:-1] else renamed
    return rejoined(parts, place, texts_of(whole))


OMITTABLE = {"number", "previous_root", "config_digest", "position", "chain", "result", "amount"}
"""Members that some object of a draft may leave out."""


def member_lost(rng: random.Random, data: bytes) -> bytes | None:
    parts, place, value = line_and_value(rng, data)
    names = [path for path in paths(value) if path and isinstance(path[-1], str)]
    path = rng.choice(names)
    if path[-1] in OMITTABLE and b"perpspec-draft" in parts[0]:
        return None
    changed = copy.deepcopy(value)
    del at(changed, path[:-1])[path[-1]]
    return rejoined(parts, place, texts_of(changed))


def member_doubled(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    names = [path for path in paths(value) if path and isinstance(path[-1], str)]
    path = rng.choice(names)
    member = f"{texts_of(path[-1])}: {texts_of(at(value, path))}"
    holder = at(value, path[:-1])
    again = rng.choice(
        (member, f"{texts_of(path[-1])}: null", member.replace(path[-1], f"\\u{ord(path[-1][0]):04x}{path[-1][1:]}", 1))
    )
    text = texts_of(holder)
    doubled = f"{text[:-1]}, {again}}}" if rng.random() < 0.5 else f"{{{again}, {text[1:]}"
    if not path[:-1]:
        return rejoined(parts, place, doubled)
    return rejoined(parts, place, texts_of(with_value(value, path[:-1], RAW)).replace(f'"{RAW}"', doubled))


def other_json_dialect(rng: random.Random, data: bytes) -> bytes:
    parts, place, value = line_and_value(rng, data)
    text = texts_of(value)
    dialects = (
        text.replace('"', "'"),
        f"{text[:-1]},}}",
        f"{text} // {place}",
        f"/* {place} */{text}",
        f"{text}{text}",
        f"[{text}]",
        f"{text},",
        f"({text})",
        text.replace('":', '"=', 1),
        re.sub(r'"(\w+)":', r"\1:", text, count=1),
        text[1:-1],
        f'"{place}"',
        text.replace('"', '"\\x', 1),
        text.replace('"', '"\\u12', 1),
        text.replace('"', "“", 1),
        f"\N{NO-BREAK SPACE}{text}",
    )
    return rejoined(parts, place, rng.choice(dialects))


VALUES = (
    value_of_another_kind,
    value_of_another_kind,
    value_of_another_kind,
    number_or_nesting,
    member_unknown,
    member_renamed,
    member_lost,
    member_doubled,
    other_json_dialect,
)


def other_format(rng: random.Random, data: bytes) -> bytes:
    name = re.search(rb"perpspec-[a-z]+-1", data)
    assert name
    kind = name.group()
    others = (kind[:-1] + b"2", b"perpspec-report-1", b"perpspec", kind + b"0", kind.upper(), b"", kind + b" ")
    return data.replace(kind, rng.choice(others), 1)


def too_long_a_document(rng: random.Random, data: bytes) -> bytes:
    return data + b" " * LONGEST_CONFIG_BYTES + b"\n"


def symbol_twice(rng: random.Random, data: bytes) -> bytes:
    return data.replace(b'"ETH"', b'"BTC"')


def digest_element_of_the_modulus(rng: random.Random, data: bytes) -> bytes | None:
    names = list(
        re.finditer(rb'"(?:previous_root|config_digest|root|owner|chain|governance)": ?"([0-9a-f]{64})"', data)
    )
    if not names:
        return None
    start = rng.choice(names).start(1) + 8 * rng.randrange(8)
    high = rng.choice((b"0100007f", b"ffffff7f", b"00000080", b"ffffffff"))
    return data[:start] + high + data[start + 8 :]


# Cells of CSV

TIMES = ("", "-60000", "1621209600001", "1621209600000.0", "1.6e12", "0", "9" * 40, "x", " 1621209600000", "１")
PRICES = (
    *("", "0", "0.00", "-1", "+1", "1e3", "01.5", "1.", ".5", "nan", "inf", " 1", "1 ", "1,5", '"1.5"', "0x10", "1_0"),
    *("1.001", "1.23456789", "9" * 33, "٣", "½", "99999999999999999", "1..5", "-"),
)
VOLUMES = ("", "-1", "+1", "1e3", "01", "1.", ".5", "nan", " 1", "1.123456789", "9" * 33, "99999999999", "x")


def bad_cell(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(2, len(parts))
    cells = parts[place].split(b",")
    column = rng.randrange(6)
    cells[column] = rng.choice((TIMES, PRICES, PRICES, PRICES, PRICES, VOLUMES)[column]).encode()
    return joined([*parts[:place], b",".join(cells), *parts[place + 1 :]])


def prices_out_of_order(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(1, len(parts))
    time, first, high, low, last, volume = parts[place].split(b",")
    wrong = rng.choice(((first, low, high, last), (b"0.01", high, low, last), (first, low, low, last)))
    return joined([*parts[:place], b",".join((time, *wrong, volume)), *parts[place + 1 :]])


def cell_more_or_less(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    place = rng.randrange(len(parts))
    cells = parts[place].split(b",")
    column = rng.randrange(6)
    changed = (
        [*cells[:column], *cells[column + 1 :]] if rng.random() < 0.5 else [*cells[:column], b"1", *cells[column:]]
    )
    return joined([*parts[:place], b",".join(changed), *parts[place + 1 :]])


def header_otherwise(rng: random.Random, data: bytes) -> bytes:
    first, *rest = lines(data)
    others = (first.upper(), first.replace(b"_", b" "), b";".join(first.split(b",")), first + b",x", b" " + first, b"")
    return joined([rng.choice(others), *rest])


def time_backwards(rng: random.Random, data: bytes) -> bytes:
    parts = lines(data)
    early, late = sorted(rng.sample(range(1, len(parts)), 2))
    cells = parts[late].split(b",")
    cells[0] = parts[early].split(b",")[0]
    return joined([*parts[:late], b",".join(cells), *parts[late + 1 :]])


CELLS = (
    bad_cell,
    bad_cell,
    bad_cell,
    prices_out_of_order,
    cell_more_or_less,
    header_otherwise,
    time_backwards,
    line_order,
    neighbours_exchanged,
    line_doubled,
    header_lost,
    blank_line,
    lines_joined,
    line_too_long,
)

COMMON = (*VALUES, *BYTES, other_format, digest_element_of_the_modulus)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "batch": (*COMMON, *BATCH_LINES),
    "draft": (*COMMON, line_order, header_lost, blank_line, lines_joined, line_too_long),
    "config": (*COMMON, too_long_a_document, symbol_twice),
    "state": (*COMMON, *STATE_LINES),
    "diff": (*COMMON, *STATE_LINES),
    "candles": (*BYTES, *CELLS),
}


def require_clear(error: MalformedInput) -> None:
    """The message is one readable line that names the file, the line in it, and what belongs there."""
    message = str(error)
    assert error.file == FILE
    assert error.expected
    assert error.got
    assert message.isprintable()
    assert len(message) < LONGEST_MESSAGE
    assert message.startswith(f"{FILE}:{error.line}: " if error.line else f"{FILE}: ")
    assert error.line or error.expected == f"at most {LONGEST_CONFIG_BYTES} bytes", message


def seed_of(name: str, chunk: int) -> int:
    return 1000 * list(FORMS).index(name) + chunk


@pytest.mark.parametrize(("name", "chunk"), CASES)
def test_a_broken_file_is_refused_in_one_clear_line(samples: Any, name: str, chunk: int) -> None:
    rng = random.Random(seed_of(name, chunk))
    maker = samples(seed_of(name, chunk))
    used: Counter[Any] = Counter()
    base = b""
    while used.total() < CHUNK:
        if used.total() % 50 == 0 or not base:
            base = getattr(maker, f"{name}_text")()
            FORMS[name].decode(base, FILE)
        mutation = rng.choice(MUTATIONS[name])
        broken = mutation(rng, base)
        if broken is None:
            continue
        used[mutation] += 1
        try:
            FORMS[name].decode(broken, FILE)
        except MalformedInput as error:
            require_clear(error)
        else:
            pytest.fail(f"{mutation.__name__} made a file that was read: {broken!r}")
    assert set(used) == set(MUTATIONS[name]), "every mutation was used"


def test_the_broken_files_are_more_than_ten_thousand() -> None:
    assert (
        sum(form.chunks for form in FORMS.values() if form.name in {"batch", "config", "state", "candles"}) * CHUNK
        > 10_000
    )


def wild(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, lost, put in, moved or repeated at random."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        place = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[place] = rng.choice(b'0123456789abcdef{}[]",:-. \ntruefalsnul')
            case 1:
                del changed[place : place + rng.randrange(1, 20)]
            case 2:
                changed.insert(place, rng.choice(b'0123456789abcdef{}[]",:-. \n\\'))
            case 3:
                piece = changed[place : place + rng.randrange(1, 200)]
                other = rng.randrange(len(changed))
                changed[other:other] = piece
            case _:
                changed[place] ^= 1 << rng.randrange(8)
        if not changed:
            break
    return bytes(changed)


@pytest.mark.parametrize(("name", "chunk"), CASES)
def test_a_wild_mutant_is_refused_or_read_as_what_it_says(samples: Any, name: str, chunk: int) -> None:
    rng = random.Random(seed_of(name, chunk) + 500_000)
    form = FORMS[name]
    base = getattr(samples(seed_of(name, chunk)), f"{name}_text")()
    for _ in range(WILD):
        mutant = wild(rng, base)
        try:
            value = form.decode(mutant, FILE)
        except MalformedInput as error:
            require_clear(error)
            continue
        if isinstance(value, Candles):
            assert all(1 <= candle.low <= candle.open <= candle.high for candle in value.candles)
            assert all(candle.low <= candle.close <= candle.high and candle.time % 60 == 0 for candle in value.candles)
            assert all(one.time < next_one.time for one, next_one in pairwise(value.candles))
        if form.encode is not None:
            text = form.encode(value)
            assert form.decode(text, FILE) == value
            assert form.encode(form.decode(text, FILE)) == text
