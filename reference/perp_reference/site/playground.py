"""The playground of the site: everything its page loads, put together from this checkout.

The page runs the project's own Python files, as they are, in Pyodide. What it loads is

- `pyodide/`: the interpreter, taken out of the archive in `vendor/` after its hash was compared;
- `playground.zip`: the modules that the page uses, and attrs as it is installed here;
- `scene.json`: an exchange, and operations on it to begin with;
- `batch.proof`: the proof of the first of these, made now.
"""

import base64
import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from perp_reference.core.batch import Batch, build_batch
from perp_reference.core.commitment import Commitment
from perp_reference.core.state import State, genesis
from perp_reference.demo import ACTS, ALICE, BOB, BTC, CAROL, DAVE, START, Cast, deal, demo_ring, order, price, tick
from perp_reference.formats.batch import DRAFT, encoded_operation
from perp_reference.formats.config import encode_config
from perp_reference.formats.state import encode_state
from perp_reference.formats.text import compact
from perp_reference.signing.key_ring import KeyRing
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.operations import Liquidate

Prove = Callable[[State, Commitment, Batch], bytes]
"""From a state, its trees and a batch to a proof file."""

ROOT = Path(__file__).resolve().parents[3]

PYODIDE = ROOT / "vendor" / "pyodide-314.0.7.tgz"
PYODIDE_SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
"""Of the archive, base64, as its registry publishes it."""

PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"

LICENCES = ("LICENSE.pyodide.txt", "LICENSE.python.txt")

FIRST_PARTY = ("perp_hash", "perp_spec", "perp_reference", "perp_cli", "perp_proofs")
ATTRS = ("attr", "attrs")

OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of every file in an archive, so that the same files give the same bytes."""

MARKETS = 3

BATCHES = 2
"""Of the demo, before the playground begins."""

TIME = START + 120


class BuildError(Exception):
    """The playground cannot be put together; the message says why."""


def assemble(site: Path, entry: str, prove: Prove) -> None:
    """Put all that the page loads below `playground/` of a site.

    Args:
        site: The finished site; the page itself is in it.
        entry: The module that the page calls. It and all that it imports goes to the browser.
        prove: Makes the proof of a batch.

    Raises:
        BuildError: The interpreter is not the one that is meant, or a module needs what a browser has not.
    """
    target = site / "playground"
    target.mkdir(parents=True, exist_ok=True)
    unpack_interpreter(target / "pyodide")
    text, proof = beginning(prove)
    (target / "scene.json").write_text(text, encoding="utf-8")
    (target / "batch.proof").write_bytes(proof)
    write_archive(target / "playground.zip", modules_of(entry, json.loads(text), proof))


def unpack_interpreter(target: Path) -> None:
    """Take the interpreter out of its archive.

    Raises:
        BuildError: The archive is not the one that is meant.
    """
    data = PYODIDE.read_bytes()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")
    if found != PYODIDE_SHA512:
        raise BuildError(f"{PYODIDE.name}: expected the SHA-512 {PYODIDE_SHA512}, got {found}")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(PYODIDE, "r:gz") as archive:
        for name in (*PYODIDE_FILES, LOCK):
            member = archive.extractfile(f"package/{name}")
            assert member is not None
            (target / name).write_bytes(member.read())
    lock = json.loads((target / LOCK).read_text(encoding="utf-8"))
    (target / LOCK).write_text(json.dumps({"info": lock["info"], "packages": {}}), encoding="utf-8")
    for name in LICENCES:
        shutil.copyfile(ROOT / "vendor" / name, target / name)


LISTING = """
import importlib, importlib.abc, json, sys

ENTRY, ALLOWED = sys.argv[1], frozenset(sys.argv[2].split()) | sys.stdlib_module_names

class Browser(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ImportError(f"a browser has no {name}")

sys.meta_path.insert(0, Browser())
importlib.import_module(ENTRY).rehearse(json.load(sys.stdin))
own = [module for name, module in sys.modules.items() if name.partition(".")[0] in ALLOWED - sys.stdlib_module_names]
print(json.dumps(sorted([module.__name__, module.__file__] for module in own)))
"""
"""Does in a fresh interpreter what the page will do, without the packages that a browser has not; then says which files
that took."""


def modules_of(entry: str, scene: dict[str, Any], proof: bytes) -> dict[str, Path]:
    """The files that the page needs, by their names in the archive, found by doing what the page does.

    Raises:
        BuildError: It fails without the packages that a browser has not.
    """
    given = json.dumps({"scene": scene, "proof": base64.b64encode(proof).decode("ascii")})
    command = [sys.executable, "-c", LISTING, entry, " ".join((*FIRST_PARTY, *ATTRS))]
    ran = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BuildError(f"{entry} does not run as in a browser: {ran.stderr.strip().splitlines()[-1]}")
    files: dict[str, Path] = {}
    for name, file in json.loads(ran.stdout):
        path = Path(file)
        parts = name.split(".") if path.name != "__init__.py" else [*name.split("."), "__init__"]
        files["/".join(parts) + ".py"] = path
    return files


def write_archive(target: Path, files: dict[str, Path]) -> None:
    """Write the modules, and the licences under which they are."""
    texts = {name: path.read_bytes() for name, path in files.items()}
    texts["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    texts["LICENSE.attrs"] = attrs_licence()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(texts):
            archive.writestr(zipfile.ZipInfo(name, OLDEST), texts[name], zipfile.ZIP_DEFLATED)


def attrs_licence() -> bytes:
    """The licence of attrs as it is installed here.

    Raises:
        BuildError: It came without.
    """
    for file in importlib.metadata.files("attrs") or ():
        if file.name == "LICENSE":
            return Path(str(file.locate())).read_bytes()
    raise BuildError("attrs came without its licence")


@frozen
class Preset:
    """Operations to begin with.

    Attributes:
        title: What the button says.
        text: What is tried, in a sentence.
    """

    title: str
    text: str
    operations: tuple[Any, ...]


TRADE = deal(order(CAROL, 20, True, BTC, 2_500, 40_100), order(DAVE, 20, False, BTC, 2_500, 40_100), 0, 0)

PRESETS = (
    Preset(
        "A trade",
        "Carol (account 4) buys 0.25 BTC from Dave (account 5) at 40,100. Every guard holds.",
        (TRADE,),
    ),
    Preset(
        "A rejected trade",
        "Alice (account 2) is long 2 BTC with some 3,100 of equity, and wants 2 BTC more. That takes more margin than "
        "she has.",
        (deal(order(ALICE, 20, True, BTC, 20_000, 40_100), order(BOB, 20, False, BTC, 20_000, 40_100), 0, 0),),
    ),
    Preset(
        "A liquidation",
        "BTC falls to 38,900, says the oracle's tick in the first line. Alice's equity is below her maintenance margin "
        "now, and a fifth of her position is sold to Bob's order (account 3). Before the tick she may not be touched.",
        (
            tick(BTC, 38_900),
            Liquidate(
                account=ALICE,
                slot=0,
                market=BTC,
                lots=4_000,
                price=price(BTC, 38_800),
                taker=order(BOB, 21, True, BTC, 4_000, 38_800),
                taker_slot=0,
            ),
        ),
    ),
)

MALFORMED = "A malformed line"
MALFORMED_TEXT = (
    "The trade again, with its lots as a JSON number. Integers are strings in every file: many parsers round numbers "
    "above 2^53."
)


def beginning(prove: Prove) -> tuple[str, bytes]:
    """The scene of the playground as JSON, and the proof of its first preset."""
    ring = demo_ring()
    state = genesis(ring.configured(default_config(MARKETS)), ring.fees.owner)
    commits = Commitment(state)
    for act in ACTS[:BATCHES]:
        build_batch(state, commits, act.time, act.operations(Cast.of(ring)))
    presets = [preset_document(ring, preset) for preset in PRESETS]
    broken = presets[0]["operations"].replace('"lots":"2500"', '"lots":2500', 1)
    presets.append({"title": MALFORMED, "text": MALFORMED_TEXT, "operations": broken})
    scene = {
        "config": encode_config(state.config).decode(),
        "state": encode_state(state, BATCHES, commits.root, commits.config_digest).decode(),
        "time": str(TIME),
        "presets": presets,
    }
    after = state.copy()
    batch, rejected, _ = build_batch(after, commits.copied(after), TIME, PRESETS[0].operations)
    assert not rejected
    return json.dumps(scene, ensure_ascii=False, indent=1), prove(state, commits, batch)


def preset_document(ring: KeyRing, preset: Preset) -> dict[str, str]:
    """A preset for the page: its operations signed, one a line."""
    lines = [compact(encoded_operation(DRAFT, ring.sign(operation, TIME))) for operation in preset.operations]
    return {"title": preset.title, "text": preset.text, "operations": "".join(f"{line}\n" for line in lines)}
