"""The reference with one mistake: python testee.py FAULT."""

import ast
import inspect
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import attrs

from perp_reference.conformance import serve as serving
from perp_reference.conformance.mutants import plain
from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.rule_sets import Applied
from perp_reference.conformance.serve import Server, reference, serve
from perp_reference.core import commitment
from perp_reference.core.compiled import itself
from perp_reference.core.machine import RUNNERS
from perp_spec.perpetual.operations import Cancel, Withdraw
from perp_spec.perpetual.records import MarketBook, OrderSlot
from perp_spec.words import ORDER_SLOTS

sys.path.insert(0, str(Path(__file__).resolve().parent))

from faults import FAULTS, MACHINE_FAULTS, Fault


def put_in(fault: Fault) -> None:
    """Replace a piece of a function."""
    module = sys.modules[fault.module]
    function = plain(vars(module)[fault.function])
    source = ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))
    assert source.count(fault.piece) == 1, f"{fault.piece} is {source.count(fault.piece)} times in {fault.function}"
    tree = ast.parse(source.replace(fault.piece, fault.replacement))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    namespace = dict(vars(module))
    exec(compile(tree, "<broken>", "exec"), namespace)
    function.__code__ = namespace[fault.function].__code__
    # A mistake may be of a kind that cannot be compiled, such as a float.
    for runner in RUNNERS.values():
        runner.reading = itself


def keep_on_rejection() -> None:
    """A refused intent uses up its nonce, and the state that is shown says so."""
    right = PerpetualSession.apply_operation

    def apply_operation(self: PerpetualSession, operation: Any) -> Applied:
        applied = right(self, operation)
        if applied.reason != "INITIAL_MARGIN" or not hasattr(operation, "intent"):
            return applied
        account = getattr(operation, "account", None) or getattr(operation, "sender", 0)
        place = account * ORDER_SLOTS + operation.intent.slot
        kept = attrs.evolve(self.current.get(OrderSlot, place), nonce=operation.intent.nonce + 1)
        self.current.put(OrderSlot, place, kept)
        self.current.commit()
        path = f"/order_slot/{account}/{operation.intent.slot}/nonce"
        return Applied(applied.reason, {path: str(kept.nonce)}, {})

    PerpetualSession.apply_operation = apply_operation


def leave_out_books() -> None:
    """The leaf of a market is hashed as if nobody had ever traded."""
    right = commitment.market_elements
    commitment.market_elements = lambda price, oracle, _: right(price, oracle, MarketBook())


def break_down(server: Server, name: str) -> None:
    """Crash, or fall silent."""
    right = PerpetualSession.apply_operation

    def apply_operation(self: PerpetualSession, operation: Any) -> Applied:
        if name == "crashes" and isinstance(operation, Withdraw):
            sys.stderr.write("about to divide\n")
            assert 1 // operation.amount >= -1
        if name == "silent" and isinstance(operation, Cancel):
            time.sleep(3_600)
        return right(self, operation)

    PerpetualSession.apply_operation = apply_operation


def repeat_members() -> None:
    """Each reply has its seq twice."""
    right = serving.encode_line
    serving.encode_line = lambda message: right(message).replace(b'{"seq":', b'{"seq":0,"seq":', 1)


def main(name: str) -> None:
    shown = ("reason", "delta", "root") if name == "one_root_for_all" else ("reason", "delta")
    server = reference(("perpetual",), shown)
    server.implementation = {**server.implementation, "name": f"broken: {name}"}
    if name in FAULTS:
        put_in(FAULTS[name])
    else:
        assert name in MACHINE_FAULTS
        match name:
            case "kept_on_rejection":
                keep_on_rejection()
            case "one_root_for_all":
                leave_out_books()
            case "repeats_members":
                repeat_members()
            case _:
                break_down(server, name)
    serve(server)


if __name__ == "__main__":
    main(sys.argv[1])
