"""The page docs/hash-suite.md says what the code does."""

import json
import re
from pathlib import Path
from typing import Any

from perp_hash.digest import (
    bytes_elements,
    compress,
    digest_to_hex,
    hash_bytes,
    hash_elements,
    hash_words,
    pack_digest,
)
from perp_hash.poseidon import DEFAULT_SUITE, MATRIX_FIRST_ROW, SUITES, permute
from perp_hash.tags import Tag
from perp_hash.words import word_limbs, words_elements

PAGE = (Path(__file__).parents[3] / "docs" / "hash-suite.md").read_text(encoding="utf-8")


def worked_values() -> dict[str, Any]:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    values: dict[str, Any] = json.loads(block)
    assert list(values) == ["permute", "compress", "hash_elements", "hash_bytes", "hash_words", "words"]
    return values


def test_worked_permutation() -> None:
    worked = worked_values()["permute"]
    assert list(DEFAULT_SUITE.round_constants[0][:4]) == worked["first_constants"]
    assert list(DEFAULT_SUITE.round_constants[-1][-4:]) == worked["last_constants"]
    assert list(permute(DEFAULT_SUITE, worked["state"])) == worked["result"]


def test_worked_compression() -> None:
    worked = worked_values()["compress"]
    digest = compress(Tag[worked["tag"]], worked["left"], worked["right"])
    assert list(digest) == worked["digest"]
    assert str(pack_digest(digest)) == worked["packed"]
    assert digest_to_hex(digest) == worked["hexadecimal"]


def test_worked_hash_of_elements() -> None:
    worked = worked_values()["hash_elements"]
    digest = hash_elements(Tag[worked["tag"]], worked["elements"])
    assert list(digest) == worked["digest"]
    assert digest_to_hex(digest) == worked["hexadecimal"]


def test_worked_hash_of_bytes() -> None:
    worked = worked_values()["hash_bytes"]
    data = worked["text"].encode()
    assert list(bytes_elements(data)) == worked["elements"]
    assert digest_to_hex(hash_bytes(Tag[worked["tag"]], data)) == worked["hexadecimal"]


def test_worked_hash_of_words() -> None:
    worked = worked_values()["hash_words"]
    digests, words = [int(text) for text in worked["digests"]], [int(text) for text in worked["words"]]
    assert str(hash_words(Tag[worked["tag"]], digests, words)) == worked["packed"]


def test_worked_words() -> None:
    worked = worked_values()["words"]
    words = [int(text) for text in worked["words"]]
    assert [list(word_limbs(word)) for word in words] == worked["limbs"]
    assert list(words_elements(words)) == worked["elements"]
    assert digest_to_hex(hash_elements(Tag[worked["tag"]], worked["elements"])) == worked["hexadecimal"]


def test_tables_of_the_page() -> None:
    tags = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", PAGE, flags=re.MULTILINE)
    assert tags == [(str(tag.value), tag.name) for tag in Tag]
    suites = re.findall(r"^\| `([^`]+)` \| (\d+) \| (\d+) \|", PAGE, flags=re.MULTILINE)
    assert suites == [(suite.name, str(suite.partial_rounds), str(suite.version)) for suite in SUITES.values()]
    assert f"       {' '.join(map(str, MATRIX_FIRST_ROW))}\n" in PAGE
