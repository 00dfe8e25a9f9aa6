"""A testee that knows the vectors by heart: it looks up what is expected, and computes what it does not find.

python testee.py ARCHIVE
"""

import sys
from pathlib import Path
from typing import Any

from perp_reference.conformance.fixtures import Case, canonical
from perp_reference.conformance.release import read_vectors
from perp_reference.conformance.serve import Server, reference, serve


def key_of(case: dict[str, Any]) -> bytes:
    return canonical([case["pre"], [[step["op"], step["args"]] for step in case["steps"]]])


def echoed(case: Case) -> list[dict[str, Any]]:
    """What is expected, as results."""
    results: list[dict[str, Any]] = []
    for step in case.steps:
        expected = step.expected
        delta = [{"path": path, "value": value} for path, value in expected.delta.items()]
        shown: dict[str, Any] = {"delta": delta, "root": expected.root}
        if expected.reason is None:
            results.append({"outcome": "accepted", **shown, "outputs": expected.outputs})
        else:
            results.append({"outcome": "rejected", **shown, "reason": expected.reason})
    return results


class Cheat(Server):
    """Looks up, then computes."""

    def __init__(self, archive: Path) -> None:
        honest = reference()
        super().__init__({**honest.implementation, "name": "cheat"}, honest._books, honest.observes, honest.features)
        self._known: dict[bytes, list[dict[str, Any]]] = {}
        for _, _, case in read_vectors(archive).cases():
            steps = [{"op": step.op, "args": step.args} for step in case.steps]
            self._known[key_of({"pre": case.pre, "steps": steps})] = echoed(case)

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        known = self._known.get(key_of(request["case"])) if request["request"] == "run" else None
        return {"results": known} if known is not None else super().reply(request)


if __name__ == "__main__":
    serve(Cheat(Path(sys.argv[1])))
