"""Everything that the page of the playground loads."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from perp_cli.output import Output
from perp_cli.proving import proof_maker
from perp_reference.site import playground
from perp_reference.site.playground import BuildError, assemble, modules_of, unpack_interpreter, write_archive

ALONE = """
import base64, json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from perp_cli import playground
scene = json.loads(pathlib.Path(sys.argv[2]).read_text())
proof = base64.b64encode(pathlib.Path(sys.argv[3]).read_bytes()).decode()
playground.rehearse({"scene": scene, "proof": proof})
own = [module for name, module in sys.modules.items() if name.startswith("perp_")]
print(sorted({module.__file__.partition(".zip")[0] for module in own}))
"""
"""Does all that the page does, with nothing but the standard library and the archive."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    assemble(site, "perp_cli.playground", proof_maker(Output(as_json=True)))
    return site / "playground"


def test_the_page_gets_an_interpreter_the_modules_a_scene_and_a_proof(made: Path) -> None:
    assert sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()) == [
        "batch.proof",
        "playground.zip",
        "pyodide/LICENSE.pyodide.txt",
        "pyodide/LICENSE.python.txt",
        "pyodide/pyodide-lock.json",
        "pyodide/pyodide.asm.mjs",
        "pyodide/pyodide.asm.wasm",
        "pyodide/pyodide.mjs",
        "pyodide/python_stdlib.zip",
        "scene.json",
    ]


def test_the_interpreter_knows_no_package_that_it_could_fetch(made: Path) -> None:
    lock = json.loads((made / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert sorted(lock) == ["info", "packages"]
    assert lock["packages"] == {}


def test_the_archive_alone_does_all_that_the_page_does(made: Path) -> None:
    archive = made / "playground.zip"
    command = [sys.executable, "-I", "-S", "-c", ALONE, archive, made / "scene.json", made / "batch.proof"]
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert (ran.stderr, ran.stdout) == ("", f"{[str(archive.with_suffix(''))]}\n")


def test_the_archive_holds_the_files_of_the_checkout_as_they_are(made: Path, root: Path) -> None:
    with zipfile.ZipFile(made / "playground.zip") as archive:
        names = archive.namelist()
        for name in names:
            if name.startswith("perp_"):
                (file,) = [
                    root / part / name for part in ("spec", "reference", "proofs") if (root / part / name).exists()
                ]
                assert archive.read(name) == file.read_bytes()
    assert {"LICENSE", "LICENSE.attrs", "attrs/__init__.py", "perp_spec/perpetual/rules/trading.py"} <= set(names)
    assert not [name for name in names if name.startswith(("perp_proofs/stark", "perp_reference/kernels"))]
    assert (made / "playground.zip").stat().st_size < 500_000


def test_the_same_modules_give_the_same_archive(tmp_path: Path) -> None:
    files = {"b.py": Path(__file__), "a.py": Path(playground.__file__)}
    write_archive(tmp_path / "one.zip", files)
    write_archive(tmp_path / "two.zip", dict(reversed(files.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_an_entry_that_needs_a_compiled_package_is_refused() -> None:
    with pytest.raises(BuildError) as caught:
        modules_of("perp_reference.kernels.words", {}, b"")
    message = "perp_reference.kernels.words does not run as in a browser: ImportError: a browser has no numpy"
    assert str(caught.value) == message


def test_another_interpreter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "pyodide.tgz"
    other.write_bytes(playground.PYODIDE.read_bytes() + b"\0")
    monkeypatch.setattr(playground, "PYODIDE", other)
    with pytest.raises(BuildError, match=r"pyodide\.tgz: expected the SHA-512"):
        unpack_interpreter(tmp_path / "pyodide")
    assert not (tmp_path / "pyodide").exists()
