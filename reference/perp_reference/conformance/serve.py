"""The other side of the protocol: a rule book as a testee. Testees in Python are made with it."""

import sys
from collections.abc import Mapping
from typing import IO, Any

from perp_reference.conformance.perpetual import PerpetualSession
from perp_reference.conformance.protocol import OBSERVABLE, PROTOCOL, decode_request, encode_line
from perp_reference.conformance.rule_sets import RULE_SETS, Applied, RuleBook, Session, Unsupported, rule_book
from perp_reference.formats.text import Refused

Books = Mapping[str, RuleBook]


class Server:
    """Answers requests.

    Attributes:
        implementation: What it says of itself.
        observes: What its results show.
        features: What it can do.
    """

    def __init__(
        self,
        implementation: Mapping[str, str],
        books: Books,
        observes: tuple[str, ...] = ("reason", "delta", "root", "outputs"),
        features: tuple[str, ...] = ("root", "config_digest"),
    ) -> None:
        self.implementation = implementation
        self.observes = observes
        self.features = features
        self._books = books
        self._session: Session | None = None

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request, without its seq.

        Raises:
            Refused: The request holds what its rule set does not have.
        """
        match request["request"]:
            case "hello":
                return self.hello()
            case "configure":
                return self.configure(request["rules"], request["config"])
            case "run":
                case = request["case"]
                self.session().load(case["pre"])
                return {"results": self.results(case["steps"])}
            case "load":
                self.session().load(request["case"]["pre"])
                return {"result": "ok"}
            case "apply":
                return {"results": self.results([request["step"]])}
            case _:
                return {"state": self.session().state()}

    def hello(self) -> dict[str, Any]:
        """What it is."""
        operations = dict.fromkeys(name for book in self._books.values() for name in book.operations)
        return {
            "implementation": dict(self.implementation),
            "rules": list(self._books),
            "operations": list(operations),
            "features": list(self.features),
            "observes": list(self.observes),
        }

    def configure(self, rules: str, config: Any) -> dict[str, Any]:
        """Take a configuration."""
        if rules not in self._books:
            return {"result": "unsupported", "why": f"rule set {rules}"}
        try:
            self._session = self._books[rules].configure(config)
        except Unsupported as why:
            return {"result": "unsupported", "why": str(why)}
        if isinstance(self._session, PerpetualSession):
            self._session.trusts_headers = "root" not in self.features
        return {"result": "ok"}

    def session(self) -> Session:
        """The state.

        Raises:
            Refused: Nothing is configured.
        """
        if self._session is None:
            raise Refused("configure before the first case", "none")
        return self._session

    def results(self, steps: list[Any]) -> list[dict[str, Any]]:
        """The result of each step."""
        session = self.session()
        return [self.result(session, session.apply(step["op"], step["args"])) for step in steps]

    def result(self, session: Session, applied: Applied) -> dict[str, Any]:
        """The result of a step."""
        result: dict[str, Any] = {"outcome": "accepted"}
        if applied.reason is not None:
            result = {"outcome": "rejected"}
            if "reason" in self.observes:
                result["reason"] = applied.reason
        elif "outputs" in self.observes:
            result["outputs"] = applied.outputs
        if "delta" in self.observes:
            result["delta"] = [{"path": path, "value": value} for path, value in applied.delta.items()]
        if "state" in self.observes:
            result["state"] = session.state()
        if "root" in self.observes:
            result["root"] = session.root()
        return result


def serve(server: Server, reads: IO[bytes] | None = None, writes: IO[bytes] | None = None) -> None:
    """Answer requests until stop, or the end of the input."""
    source = sys.stdin.buffer if reads is None else reads
    sink = sys.stdout.buffer if writes is None else writes
    for line in source:
        seq = 0
        try:
            request = decode_request(line.removesuffix(b"\n"))
            seq = int(request["seq"])
            if request["request"] == "stop":
                return
            reply = server.reply(request)
        except Refused as refused:
            place = f"{refused.field}: " if refused.field else ""
            reply = {"error": f"{place}expected {refused.expected}, got {refused.got}"}
        sink.write(encode_line({"seq": seq, **reply}))
        sink.flush()


def reference(rules: tuple[str, ...] = RULE_SETS, observes: tuple[str, ...] | None = None) -> Server:
    """The reference itself."""
    about = {"name": "perpspec reference", "version": str(PROTOCOL), "language": "Python", "source": ""}
    shown = ("reason", "delta", "root", "outputs") if observes is None else observes
    assert set(shown) <= set(OBSERVABLE)
    features = ("root", "config_digest") if "root" in shown else ()
    return Server(about, {name: rule_book(name) for name in rules}, shown, features)
