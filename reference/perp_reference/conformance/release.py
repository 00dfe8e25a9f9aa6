"""Releases: an archive of fixtures and its manifest. From the same scenarios comes the same archive, byte by byte.

The hash that counts is of the tar file inside, so that another version of the compressor changes nothing.
"""

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from perp_reference.conformance.fixtures import (
    Case,
    Expected,
    Fixture,
    canonical,
    decode_fixture,
    encode_fixture,
    sha256,
)
from perp_reference.conformance.scenarios import Scenario, fixture_of, numbered_apart, sheets_of
from perp_reference.conformance.shapes import STRICT, Count, Fixed, Listing, Members, Only, Text
from perp_reference.conformance.spec import SPEC_VERSION, spec_digest
from perp_reference.errors import MalformedInput
from perp_reference.formats.text import Refused, malformed, read_file

FORMAT = "perpspec-vectors-1"

ARCHIVE = "perpspec-vectors.tar.xz"
MANIFEST = "MANIFEST.json"

LARGEST_BYTES = 2**28
"""An archive that unpacks to more is refused."""

DECOY_EVERY = 5
"""Of the scenarios that may become decoys, one in so many does."""

DIGEST = Text("sha256:[0-9a-f]{64}", "sha256: and 64 hexadecimal digits")

FILE = Fixed({"sha256": DIGEST, "cases": Count(), "steps": Count()})

MANIFEST_SHAPE = Fixed(
    {
        "format": Only(FORMAT),
        "spec": Fixed({"version": Text(), "digest": DIGEST}),
        "decoys": Listing(DIGEST),
        "files": Members(),
    }
)


@frozen
class Vectors:
    """The fixtures of a release.

    Attributes:
        name: Where they are from.
        digest: SHA-256 of the tar file.
        spec_version: The rules they were made from.
        spec_digest: The digest of their text.
        fixtures: Fixtures by name.
        decoys: Ids of the cases whose expectation is wrong on purpose.
    """

    name: str
    digest: str
    spec_version: str
    spec_digest: str
    fixtures: Mapping[str, Fixture]
    decoys: frozenset[str]

    def cases(self) -> Iterable[tuple[str, Fixture, Case]]:
        """Each case with the name of its fixture and the fixture."""
        for name, fixture in self.fixtures.items():
            for case in fixture.cases:
                yield name, fixture, case


def build(scenarios: Iterable[Scenario], variants: Iterable[Scenario]) -> bytes:
    """The tar file of a release. Of the `variants`, some become decoys.

    Raises:
        Refused: A scenario breaks the format of its rule set.
    """
    several = list(variants)
    fooled = {scenario.id for scenario in several if decoy_number(scenario.id) % DECOY_EVERY == 0}
    files: dict[str, bytes] = {}
    counts: dict[str, Any] = {}
    decoys: list[str] = []
    for name, sheet in sorted(sheets_of(numbered_apart([*scenarios, *several])).items()):
        fixture = fixture_of(sheet)
        decoys += [case.id for case in fixture.cases if case.id in fooled]
        fixture = evolve(fixture, cases=tuple(decoy(c) if c.id in fooled else c for c in fixture.cases))
        files[f"{name}.json"] = data = encode_fixture(fixture)
        steps = sum(len(case.steps) for case in fixture.cases)
        counts[f"{name}.json"] = {"sha256": sha256(data), "cases": len(fixture.cases), "steps": steps}
    manifest = {
        "format": FORMAT,
        "spec": {"version": SPEC_VERSION, "digest": spec_digest()},
        "decoys": sorted(hidden(case_id) for case_id in decoys),
        "files": counts,
    }
    return archive({MANIFEST: f"{json.dumps(manifest, indent=1)}\n".encode(), **files})


def decoy_number(case_id: str) -> int:
    """A number that chooses decoys."""
    return int.from_bytes(hashlib.sha256(f"decoy {case_id}".encode()).digest()[:4], "big")


def hidden(case_id: str) -> str:
    """An id as the manifest names a decoy: it is found by who has the id, and not read by the way."""
    return sha256(f"decoy {case_id}".encode())


def decoy(case: Case) -> Case:
    """A case with an expectation that is wrong on purpose, whatever a testee observes: the outcome is the other one."""
    first = case.steps[0]
    if first.expected.reason is None:
        reason = "FROZEN" if case.steps[0].op != "freeze" else "NOT_DUE"
        wrong = Expected(reason, (reason,), {}, first.expected.root, {})
    else:
        wrong = Expected(None, (), {"/ledger/dust": "1"}, first.expected.root, {})
    return evolve(case, steps=(evolve(first, expected=wrong), *case.steps[1:]))


def archive(files: Mapping[str, bytes]) -> bytes:
    """A tar file that depends on names and contents only."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    return written.getvalue()


def compressed(tar: bytes) -> bytes:
    """The archive as it is stored."""
    return lzma.compress(tar, preset=9)


def uncompressed(data: bytes, file: str) -> bytes:
    """The tar file of an archive.

    Raises:
        MalformedInput: It is none, or too large.
    """
    try:
        with lzma.open(io.BytesIO(data)) as opened:
            tar = opened.read(LARGEST_BYTES + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise MalformedInput(file, None, None, "an xz archive", str(error)) from None
    if len(tar) > LARGEST_BYTES:
        raise MalformedInput(file, None, None, f"at most {LARGEST_BYTES} bytes", "more")
    return tar


def files_of(tar: bytes, file: str) -> dict[str, bytes]:
    """The files in a tar file.

    Raises:
        MalformedInput: It is none, or holds something else than files.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
            for entry in opened:
                content = opened.extractfile(entry)
                if content is None:
                    raise MalformedInput(file, None, entry.name, "a file", "something else")
                found[entry.name] = content.read()
    except tarfile.TarError as error:
        raise MalformedInput(file, None, None, "a tar file", str(error)) from None
    return found


def read_vectors(path: Path) -> Vectors:
    """The vectors in an archive.

    Raises:
        MalformedInput: It cannot be read, a hash is wrong, or a fixture breaks its format.
    """
    return decode_vectors(uncompressed(read_file(path), str(path)), str(path))


def decode_vectors(tar: bytes, file: str) -> Vectors:
    """The vectors in a tar file.

    Raises:
        MalformedInput: A hash is wrong, or a fixture breaks its format.
    """
    files = files_of(tar, file)
    manifest = decode_manifest(files.pop(MANIFEST, b"{}"), f"{file}/{MANIFEST}")
    listed: dict[str, Any] = manifest["files"]
    if list(files) != list(listed):
        raise MalformedInput(f"{file}/{MANIFEST}", None, "files", "the files of the archive", "others")
    fixtures: dict[str, Fixture] = {}
    hidden_ids = frozenset(manifest["decoys"])
    for name, data in files.items():
        if sha256(data) != listed[name]["sha256"]:
            raise MalformedInput(f"{file}/{name}", None, None, f"the content {listed[name]['sha256']}", sha256(data))
        fixtures[name.removesuffix(".json")] = decode_fixture(data, f"{file}/{name}")
    ids = [case.id for fixture in fixtures.values() for case in fixture.cases]
    decoys = frozenset(case_id for case_id in ids if hidden(case_id) in hidden_ids)
    if len(decoys) != len(hidden_ids):
        raise MalformedInput(f"{file}/{MANIFEST}", None, "decoys", "cases of the archive", "others")
    spec = manifest["spec"]
    return Vectors(file, sha256(tar), spec["version"], spec["digest"], fixtures, decoys)


def decode_manifest(data: bytes, file: str) -> dict[str, Any]:
    """A manifest.

    Raises:
        MalformedInput: It breaks the format.
    """
    try:
        manifest = STRICT.decode(data.decode("utf-8"))
        MANIFEST_SHAPE.check(manifest)
        for item in manifest["files"].values():
            FILE.check(item)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise MalformedInput(file, None, None, "a JSON object", "something else") from None
    except Refused as refused:
        raise malformed(file, None, refused) from None
    return manifest


__all__ = ["ARCHIVE", "Vectors", "archive", "build", "canonical", "compressed", "decode_vectors", "read_vectors"]
