import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from perp_reference.errors import MalformedInput
from perp_reference.formats.config import (
    LONGEST_CONFIG_BYTES,
    decode_config,
    encode_config,
    pretty,
    read_config,
)
from perp_spec.perpetual.config import Config
from perp_spec.perpetual.defaults import default_config

SMALL = attrs.evolve(default_config(2), governance_key="ab" * 32)
TEXT = encode_config(SMALL).decode()


def message(text: str) -> str:
    with pytest.raises(MalformedInput) as caught:
        decode_config(text.encode("utf-8", "surrogatepass"), "config.json")
    return str(caught.value)


def line_with(part: str) -> int:
    (line,) = [number for number, line in enumerate(TEXT.split("\n"), 1) if part in line]
    return line


def test_every_configuration_comes_back_from_its_text(strategies: Any) -> None:
    @settings(max_examples=40)
    @given(strategies.config())
    def comes_back(config: Config) -> None:
        data = encode_config(config)
        assert decode_config(data, "f") == config
        assert encode_config(decode_config(data, "f")) == data

    comes_back()


def test_the_default_configuration_comes_back() -> None:
    assert decode_config(encode_config(default_config()), "f") == default_config()


def test_the_largest_configuration_is_far_below_the_limits() -> None:
    entry = default_config(1).markets[0]
    largest = attrs.evolve(
        SMALL,
        name="é" * 64,
        fees_key="ab" * 32,
        oracle_keys=(("cd" * 32,) * 8,) * 4,
        markets=tuple(attrs.evolve(entry, symbol=f"MARKET-{number:02d}") for number in range(64)),
    )
    data = encode_config(largest)
    assert decode_config(data, "f") == largest
    assert len(data) < LONGEST_CONFIG_BYTES // 4
    assert data.count(b"[") + data.count(b"{") < 512 // 2


def test_the_text_is_for_people() -> None:
    assert pretty({"a": [], "b": ["1", "2"], "c": {"d": None}, "e": {}, "f": [{"g": "1"}]}) == (
        '{\n  "a": [],\n  "b": ["1", "2"],\n  "c": {\n    "d": null\n  },\n  "e": {},\n  "f": [{"g": "1"}]\n}'
    )
    assert TEXT.startswith('{\n  "format": "perpspec-config-1",\n  "name": "default",\n')
    assert TEXT.endswith("    }\n  ]\n}\n")
    assert max(map(len, TEXT.split("\n"))) <= 120


def test_white_space_and_order_do_not_matter() -> None:
    value = json.loads(TEXT)
    backwards = json.dumps(dict(reversed(list(value.items()))))
    assert decode_config(f"\n  {backwards} \n\n".encode(), "f") == SMALL


def test_files_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(TEXT, encoding="utf-8")
    assert read_config(tmp_path / "config.json") == SMALL


SIGNERS = '"signers": ["5", "5", "0", "0"]'
LOT = "a positive decimal with at most 12 digits on either side of the point and no needless zeros"
MESSAGES = {
    "syntax": (
        TEXT.replace('"markets": "2"', '"markets" "2"'),
        (
            f"config.json:{line_with(chr(34) + 'markets' + chr(34) + ': ' + chr(34))}: "
            "expected one JSON object, got '\"2\",' at column 15"
        ),
    ),
    "array": ("[]\n", "config.json:1: expected one JSON object, got an array of 0"),
    "nesting": ("[" * 600 + "\n", "config.json:1: expected at most 512 arrays and objects, got 600"),
    "length": (
        TEXT + " " * LONGEST_CONFIG_BYTES + "\n",
        f"config.json: expected at most 1048576 bytes, got {len(TEXT) + 1048577} bytes",
    ),
    "cut": (
        TEXT[:-3],
        f"config.json:{TEXT.count(chr(10)) - 1}: expected a line feed after the last line, got the end of the file",
    ),
    "tab": (
        TEXT.replace("  ", "\t", 1),
        "config.json:2: expected no control character but the line feed, got byte 0x09 at byte 1",
    ),
    "range": (
        TEXT.replace('"penalty_ppm": "10000"', '"penalty_ppm": "1000001"'),
        (
            f"config.json:{line_with('penalty_ppm')}: field parameters.penalty_ppm: "
            'expected a decimal string from 0 to 1000000, got "1000001"'
        ),
    ),
    "element": (
        TEXT.replace(SIGNERS, SIGNERS.replace('"0"]', '"9"]')),
        (
            f"config.json:{line_with(SIGNERS)}: field parameters.signers[3]: "
            'expected a decimal string from 0 to 8, got "9"'
        ),
    ),
    "second market": (
        TEXT.replace('"lot": "0.001"', '"lot": "0.0010"'),
        (f'config.json:{line_with("0.001" + chr(34))}: field markets[1].lot: expected {LOT}, got "0.0010"'),
    ),
    "symbol twice": (
        TEXT.replace("ETH", "BTC"),
        f'config.json:{line_with("ETH")}: field markets[1].symbol: expected a symbol of its own, got "BTC"',
    ),
    "symbol": (
        TEXT.replace("ETH", "E TH"),
        (
            f"config.json:{line_with('ETH')}: field markets[1].symbol: "
            'expected 1 to 16 letters, digits, dots, dashes and underscores, got "E TH"'
        ),
    ),
    "name": (
        TEXT.replace('"default"', '"a\\u0000b"'),
        'config.json:3: field name: expected 1 to 64 printable characters, got "a\\x00b"',
    ),
    "half a surrogate": (
        TEXT.replace('"default"', '"\\ud800"'),
        'config.json:3: field name: expected 1 to 64 printable characters, got "\\ud800"',
    ),
    "encoded surrogate": (TEXT.replace("default", "\ud800"), "config.json:3: expected UTF-8, got byte 0xed at byte 12"),
    "key": (
        TEXT.replace("ab" * 32, "ab" * 31),
        (
            "config.json:4: field governance_key: "
            "expected 64 lower-case hexadecimal digits of a key, or an empty string, "
            f'got "{"ab" * 31}"'
        ),
    ),
    "member lost": (
        TEXT.replace('  "name": "default",\n', ""),
        "config.json:1: field name: expected 1 to 64 printable characters, got no such member",
    ),
    "member of a market lost": (
        TEXT.replace('      "lot": "0.001",\n', ""),
        (f"config.json:{line_with('ETH') - 1}: field markets[1].lot: expected {LOT}, got no such member"),
    ),
    "member unknown": (
        TEXT.replace('"penalty_ppm"', '"penalty"'),
        (
            f"config.json:{line_with('parameters')}: field parameters.penalty_ppm: "
            "expected a decimal string from 0 to 1000000, got no such member"
        ),
    ),
    "member twice": (
        TEXT.replace('"penalty_ppm": "10000"', '"penalty_ppm": "10000",\n    "markets": "2"'),
        f"config.json:{line_with('penalty_ppm') + 1}: field markets: expected each member once, got it twice",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_for(case: str) -> None:
    text, expected = MESSAGES[case]
    assert message(text) == expected


@pytest.mark.parametrize("lot", ["1", "10", "0.1", "0.0001", "12.5", "999999999999", "0.000000000001"])
def test_a_lot_is_a_canonical_decimal(lot: str) -> None:
    (entry,) = default_config(1).markets
    config = attrs.evolve(SMALL, markets=(attrs.evolve(entry, lot=lot),))
    assert decode_config(encode_config(config), "f").markets[0].lot == lot


@pytest.mark.parametrize(
    "lot",
    ["", "0", "0.0", "01", "1.0", "1.", ".5", "-1", "+1", "1e3", "1 ", "٣", "0.0000000000001", "1000000000000", "1\n"],
)
def test_a_lot_is_no_other_text(lot: str) -> None:
    (entry,) = default_config(1).markets
    with pytest.raises(ValueError, match="not a positive decimal"):
        encode_config(attrs.evolve(SMALL, markets=(attrs.evolve(entry, lot=lot),)))


def test_what_no_file_can_hold_is_not_written() -> None:
    first, second = SMALL.markets
    with pytest.raises(ValueError, match=r'markets\[1\]\.symbol: not a symbol of its own: "BTC"'):
        encode_config(attrs.evolve(SMALL, markets=(first, attrs.evolve(second, symbol="BTC"))))
    with pytest.raises(ValueError, match="not a tuple of 1 to 64"):
        encode_config(attrs.evolve(SMALL, markets=()))
