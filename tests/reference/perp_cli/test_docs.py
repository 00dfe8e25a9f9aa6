"""The command that builds and serves the documentation."""

import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from perp_cli.commands import docs
from perp_cli.exit_codes import ExitCode
from perp_cli.main import main
from perp_reference.site.faults import Fault, Faulty

SERVE = """
import sys
from pathlib import Path
from perp_cli.commands import docs
from perp_cli.main import main
docs.ROOT = Path(sys.argv[1])
sys.exit(main(["docs", "serve", "--port", "0"]))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a site that was built."""
    for name in ("docs/index.md", "mkdocs.yml", "site/index.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("here", encoding="utf-8")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    return tmp_path


def test_serving_ends_well_when_it_is_interrupted(checkout: Path) -> None:
    command = [sys.executable, "-c", SERVE, str(checkout)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        address = serving.stdout.readline().split()[0]
        connection = HTTPConnection(address.removeprefix("http://").rstrip("/"))
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"here"
        connection.close()
        serving.send_signal(signal.SIGINT)
        rest = serving.stdout.read(), serving.stderr.read()
    assert (serving.returncode, rest) == (ExitCode.OK, ("stopped\n", ""))


def test_faults_are_listed_and_the_exit_code_says_so(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty(*_: object) -> None:
        raise Faulty([Fault("docs/a.md:3", "4", "5, which is theorems")])

    monkeypatch.setattr(docs, "facts_of", lambda _: None)
    monkeypatch.setattr("perp_reference.site.build.gather", faulty)
    assert main(["docs", "build"]) == ExitCode.FALSE
    assert capsys.readouterr().out == (
        "docs/a.md:3: expected 5, which is theorems, got 4\n1 faults: there is no site\n"
    )
    assert main(["docs", "build", "--json"]) == ExitCode.FALSE
    listed = json.loads(capsys.readouterr().out)
    assert listed == {"faults": [{"place": "docs/a.md:3", "expected": "5, which is theorems", "got": "4"}]}


def test_without_a_checkout_there_is_nothing_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert main(["docs", "build"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "perp: the pages are in a checkout of perpspec, not in an installation\n"
