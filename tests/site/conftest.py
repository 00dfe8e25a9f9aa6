"""The built site on a plain server of files, and a browser to look at it."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chromium import Browser
from support.files_server import served


@pytest.fixture(scope="session")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `perp docs build` makes it, once for all workers of a run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "site.built").exists():
            command = [sys.executable, "-P", "-m", "perp_cli", "docs", "build"]
            built = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stdout + built.stderr
            (shared / "site.built").touch()
    return root / "site"


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of a worker."""
    with Browser() as browser:
        yield browser
