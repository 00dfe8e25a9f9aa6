"""The program `./perp`, on small trees of its own and without network.

Each tree has locks of one tiny package each, and a command line that shows what it can import.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SETUP_FAILED = 70
COMMAND_LINE = """
import importlib.util
import sys
found = [name for name in ("alpha", "beta", "perp_reference") if importlib.util.find_spec(name)]
print(sys.argv[1:], found, sys.prefix)
sys.exit(7)
"""


def host_python() -> str:
    """Returns the Python that the test environment was made with, which has pip."""
    return str(getattr(sys, "_base_executable", sys.executable))


def make_wheel(directory: Path, name: str) -> str:
    """Writes a wheel of one empty module; returns the line that locks it."""
    files = {
        f"{name}.py": "",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-1.0.dist-info/RECORD"
    rows = [f"{file},sha256={digest(text)},{len(text)}" for file, text in files.items()]
    wheel = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in {**files, record: "\n".join([*rows, f"{record},,\n"])}.items():
            archive.writestr(file, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def digest(text: str) -> str:
    """Returns a hash as a wheel's record writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Tree:
    """A checkout of its own with the real `./perp`."""

    def __init__(self, root: Path, directory: Path) -> None:
        self.path = directory / "tree"
        self.wheels = directory / "wheels"
        self.home = directory / "home"
        commands = Path("reference", "perp_cli", "commands")
        for made in (self.path / "requirements", self.path / commands, self.wheels, self.home):
            made.mkdir(parents=True)
        shutil.copy2(root / "perp", self.path / "perp")
        shutil.copy2(root / commands / "__init__.py", self.path / commands)
        (self.path / "reference" / "perp_cli" / "__init__.py").write_text("", encoding="utf-8")
        (self.path / "reference" / "perp_cli" / "__main__.py").write_text(COMMAND_LINE, encoding="utf-8")
        (self.path / "reference" / "perp_reference.py").write_text("", encoding="utf-8")
        alpha, beta = make_wheel(self.wheels, "alpha"), make_wheel(self.wheels, "beta")
        self.lock("runtime", alpha)
        for larger in ("test", "proofs", "docs"):
            self.lock(larger, alpha + beta)
        self.lock("tools", "# none\n")

    @property
    def stamp(self) -> Path:
        return self.path / ".venv" / ".perp-stamp"

    def lock(self, name: str, text: str) -> None:
        (self.path / "requirements" / f"{name}.txt").write_text(text, encoding="utf-8")

    def put_uv(self, script: str) -> None:
        """Puts a script in the place of uv."""
        lock = (self.path / "requirements" / "tools.txt").read_bytes()
        program = self.path / ".tools" / f"uv-{hashlib.sha256(lock).hexdigest()[:16]}" / "bin" / "uv"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        clean = {"PATH": os.defpath, "HOME": str(self.home), "PIP_FIND_LINKS": str(self.wheels)}
        return subprocess.Popen(
            [host_python(), str(self.path / "perp"), *arguments],
            cwd=self.home,
            env={**clean, **(environment or {"PIP_NO_INDEX": "1"})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def shown(self, arguments: list[str], found: list[str]) -> str:
        """Returns what the command line of this tree prints."""
        return f"{arguments} {found} {self.path / '.venv'}\n"


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Tree:
    return Tree(root, tmp_path)


def test_first_run_sets_up_and_second_starts_at_once(tree: Tree) -> None:
    """Given a fresh tree, when it runs twice, then only the first run installs, and both run the command."""
    code, out, err = tree.run("demo", "x y")
    assert (code, out) == (7, tree.shown(["demo", "x y"], ["alpha", "perp_reference"]))
    assert "perp: setting up .venv with the runtime requirements (only needed once)\n" in err
    assert tree.run("demo") == (7, tree.shown(["demo"], ["alpha", "perp_reference"]), "")


def test_a_command_that_is_not_there_is_refused_before_any_set_up(tree: Tree, root: Path) -> None:
    """Given a fresh tree, when its command line makes no sense, then it is refused and nothing is installed."""
    for package in ("perp_cli", "perp_reference"):
        shutil.rmtree(tree.path / "reference" / package, ignore_errors=True)
        shutil.copytree(root / "reference" / package, tree.path / "reference" / package)
    assert tree.run("frob") == (2, "", "perp: no command frob (see perp --help)\n")
    assert tree.run("-x", "demo") == (2, "", "perp: -x comes after the command (see perp --help)\n")
    assert not tree.stamp.parent.exists()


def test_an_interrupt_is_held_back_until_the_command_can_answer_it(tree: Tree) -> None:
    shows_mask = "import signal\nprint(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    (tree.path / "reference" / "perp_cli" / "__main__.py").write_text(shows_mask, encoding="utf-8")
    assert tree.run("demo")[1] == "True\n"


def test_closed_streams_are_no_traceback_and_no_files_number(tree: Tree) -> None:
    """Given that stdout and stderr are closed, when an environment is set up, then the command finds both open."""
    shows_streams = "import os, sys\nos.fstat(1), os.fstat(2)\nsys.exit(7)\n"
    (tree.path / "reference" / "perp_cli" / "__main__.py").write_text(shows_streams, encoding="utf-8")
    command = f"{host_python()} {tree.path / 'perp'} demo >&- 2>&-"
    clean = {"PATH": os.defpath, "HOME": str(tree.home), "PIP_FIND_LINKS": str(tree.wheels), "PIP_NO_INDEX": "1"}
    assert subprocess.run(["sh", "-c", command], env=clean, check=False).returncode == 7


def test_environment_grows_and_a_larger_one_serves_a_smaller_need(tree: Tree) -> None:
    tree.run("demo")
    code, out, err = tree.run("test")
    assert (code, out) == (7, tree.shown(["test"], ["alpha", "beta", "perp_reference"]))
    assert "with the test requirements" in err
    assert tree.run("demo")[2] == ""


def test_changed_lock_makes_the_environment_afresh(tree: Tree) -> None:
    """Given a whole environment, when its lock changes, then nothing of the old one stays."""
    tree.run("demo")
    tree.lock("runtime", make_wheel(tree.wheels, "beta"))
    assert tree.run("demo")[:2] == (7, tree.shown(["demo"], ["beta", "perp_reference"]))


def test_interrupted_set_up_is_made_afresh(tree: Tree) -> None:
    tree.run("demo")
    tree.stamp.write_text("unfinished\n", encoding="ascii")
    code, _, err = tree.run("demo")
    assert code == 7
    assert "setting up" in err


def test_a_link_to_another_environment_is_put_away_and_what_it_leads_to_stays(tree: Tree, tmp_path: Path) -> None:
    """Given an environment moved away with a link in its place, when the lock changes, then only the link goes."""
    tree.run("demo")
    elsewhere = (tree.path / ".venv").rename(tmp_path / "elsewhere")
    (tree.path / ".venv").symlink_to(elsewhere)
    tree.lock("runtime", make_wheel(tree.wheels, "beta"))
    assert tree.run("demo")[:2] == (7, tree.shown(["demo"], ["beta", "perp_reference"]))
    assert (elsewhere / "bin" / "python").exists()
    assert not list((tree.path / ".tools").glob("discarded-*"))


def test_environment_without_its_python_is_made_afresh(tree: Tree) -> None:
    tree.run("demo")
    (tree.path / ".venv" / "bin" / "python").unlink()
    assert tree.run("demo")[0] == 7


def test_two_at_once_set_up_once(tree: Tree) -> None:
    first, second = tree.start("demo"), tree.start("demo")
    said = [process.communicate(timeout=120)[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (7, 7)
    assert "".join(said).count("setting up") == 1


def test_wrong_hash_is_refused(tree: Tree) -> None:
    """Given a lock whose hash fits no file, when a command runs, then it fails and nothing counts as installed."""
    tree.lock("runtime", f"alpha==1.0 --hash=sha256:{'0' * 64}\n")
    code, out, err = tree.run("demo")
    assert (code, out) == (SETUP_FAILED, "")
    assert err.splitlines()[-1] == (
        "perp: set-up failed: could not install requirements/runtime.txt; "
        "check the network and pip's settings (pip config list), then try again"
    )
    assert tree.stamp.read_text(encoding="ascii") == "unfinished\n"


def test_missing_lock_is_one_line(tree: Tree) -> None:
    (tree.path / "requirements" / "runtime.txt").unlink()
    code, _, err = tree.run("demo")
    assert code == SETUP_FAILED
    assert err.splitlines()[-1].startswith("perp: set-up failed: ")
    assert "Traceback" not in err


def test_foreign_environment_is_left_alone(tree: Tree) -> None:
    foreign = tree.path / ".venv" / "precious"
    foreign.parent.mkdir()
    foreign.write_text("mine", encoding="utf-8")
    message = f"{foreign.parent} was not made by ./perp; move it away or remove it, then try again"
    code, _, err = tree.run("demo")
    assert (code, err.splitlines()[-1]) == (SETUP_FAILED, f"perp: set-up failed: {message}")
    assert foreign.read_text(encoding="utf-8") == "mine"


def test_uv_installs_where_it_works(tree: Tree) -> None:
    tree.lock("runtime", "# none\n")
    tree.put_uv('echo "$@" >&2')
    code, out, err = tree.run("demo", PIP_NO_INPUT="1")
    assert (code, out) == (7, tree.shown(["demo"], ["perp_reference"]))
    assert "--require-hashes --no-deps -r" in err
    assert "installing with pip" not in err


def test_pip_installs_where_uv_fails(tree: Tree) -> None:
    tree.lock("runtime", "# none\n")
    tree.put_uv("echo no route >&2; exit 2")
    code, _, err = tree.run("demo", PIP_NO_INPUT="1")
    assert code == 7
    assert "no route\nperp: uv failed: installing with pip instead\n" in err


def test_settings_for_a_users_own_installations_do_not_matter(tree: Tree) -> None:
    settings = {"PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_NO_INDEX": "1"}
    assert tree.run("demo", **settings)[0] == 7


def test_a_python_without_pip_is_told_what_to_do(tree: Tree) -> None:
    program = (
        "import importlib.util, runpy, sys\n"
        "importlib.util.find_spec = lambda name: None\n"
        f"sys.argv = ['perp', 'demo']\nrunpy.run_path({str(tree.path / 'perp')!r}, run_name='__main__')"
    )
    ran = subprocess.run([host_python(), "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == SETUP_FAILED
    assert "has no pip; install it" in ran.stderr


def test_an_older_python_is_refused_in_one_line(root: Path) -> None:
    program = (
        f"import runpy, sys\nsys.version_info = (3, 10, 4)\nrunpy.run_path({str(root / 'perp')!r}, run_name='__main__')"
    )
    ran = subprocess.run([host_python(), "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "perp: needs Python 3.11 or newer, this is 3.10\n")


def test_help_needs_no_set_up(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy2(root / "perp", copy)
    shutil.copytree(root / "reference", copy / "reference")
    ran = subprocess.run([host_python(), str(copy / "perp"), "--help"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: perp COMMAND")
    assert not (copy / ".venv").exists()
