"""A testee to start from: python testee.py. It knows the protocol and no operation yet."""

import json
import sys
from typing import Any

HELLO = {
    "implementation": {"name": "my exchange", "version": "0.1", "language": "Python", "source": ""},
    "rules": ["perpetual"],
    # Name here what you have connected, such as "withdraw": what is not named is not sent.
    "operations": ["withdraw"],
    "features": [],
    "observes": ["reason", "delta"],
}


class Engine:
    """Your exchange goes here."""

    def configure(self, config: dict[str, Any]) -> None:
        """Take market parameters and the like."""

    def load(self, state: dict[str, Any]) -> None:
        """Start from this state; what is absent is zero."""

    def apply(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Apply one operation, wholly or not at all. Integers in args are decimal strings."""
        if op == "withdraw" and int(args["amount"]) < 1:
            return {"outcome": "rejected", "reason": "AMOUNT", "delta": []}
        # Where it happens: {"outcome": "accepted", "delta": [{"path": "/account/4/collateral", "value": "5000"}]}
        return {"outcome": "skipped", "why": f"{op} is not connected yet"}


def results(engine: Engine, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One result for each step; none after one that is neither accepted nor rejected."""
    found: list[dict[str, Any]] = []
    for step in steps:
        found.append(engine.apply(step["op"], step["args"]))
        if found[-1]["outcome"] not in ("accepted", "rejected"):
            break
    return found


def main() -> None:
    engine = Engine()
    for line in sys.stdin:
        request = json.loads(line)
        reply: dict[str, Any] = {"seq": request["seq"]}
        match request["request"]:
            case "hello":
                reply |= HELLO
            case "configure":
                engine.configure(request["config"])
                reply |= {"result": "ok"}
            case "run":
                engine.load(request["case"]["pre"])
                reply |= {"results": results(engine, request["case"]["steps"])}
            case "stop":
                return
        sys.stdout.write(f"{json.dumps(reply)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
