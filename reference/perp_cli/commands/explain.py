"""Says what an operation would do in a stored exchange, without applying it: every guard with its numbers.

OPERATION is one line of a draft, or - to read it from standard input. It is judged at the time of the last batch, or at
--time. Exit code 1 where it would be rejected. An entry of the queue, or a forced action, is accepted with an answer,
which may be a refusal. An end_batch is not judged: the builder makes it.
"""

import argparse
import sys

from perp_cli.arguments import whole
from perp_cli.errors import UsageError
from perp_cli.exchange import add_state_argument, open_store
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import guard_document, numbers_of, result_of, wanted
from perp_reference.core.batch import completed
from perp_reference.core.explain import Guard, explain, violated
from perp_reference.core.machine import rule_of
from perp_reference.core.state import replaced
from perp_reference.errors import MalformedInput
from perp_reference.formats.batch import DRAFT, decoded_line
from perp_reference.formats.text import LONGEST_LINE_BYTES, lines_of
from perp_reference.signing.authorise import ExchangeKeys, authorise, trust
from perp_reference.signing.keys import verify
from perp_reference.store.run import owner_in
from perp_spec.perpetual.records import Exchange
from perp_spec.words import TIME_MAX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the operation and the exchange."""
    parser.add_argument("operation", metavar="OPERATION", help="one line of a draft, or - for standard input")
    add_state_argument(parser)
    at = "judge it at this time instead of the last batch's"
    parser.add_argument("--time", metavar="SECONDS", type=whole(0, TIME_MAX), help=at)
    parser.add_argument("--trust", action="store_true", help="take signatures that are there for valid")


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Explains the operation.

    Raises:
        MalformedInput: The operation or the store is malformed.
        StoreError: There is no exchange in the directory.
        UsageError: The time is before its last batch.
    """
    given = arguments.operation
    name = "standard input" if given == "-" else "OPERATION"
    data = (
        sys.stdin.buffer.read(LONGEST_LINE_BYTES + 2)
        if given == "-"
        else f"{given.rstrip()}\n".encode(errors="surrogateescape")
    )
    (number, line), *others = lines_of(data, name)
    if others:
        raise MalformedInput(name, 2, None, "one line", "another")
    signed = decoded_line(DRAFT, line, name, number)
    with open_store(arguments.state, output) as store:
        state = store.state
        exchange = state.get(Exchange, 0)
        time = exchange.time if arguments.time is None else arguments.time
        if time < exchange.time:
            raise UsageError(f"--time is from the last batch's {exchange.time} on, not {time}")
        state.put(Exchange, 0, replaced(exchange, time=time))
        check = trust if arguments.trust else verify
        keys = ExchangeKeys.of(state.config)
        operation = completed(state, authorise(signed, keys, time, lambda account: owner_in(state, account), check))
        guards = explain(state, operation)
        output.line(wanted(store.config, operation))
    return report(rule_of(operation).name, guards, getattr(operation, "result", None), output)


def report(rule: str, guards: list[Guard], result: int | None, output: Output) -> ExitCode:
    """Shows every guard in order, and what follows; `result` is the answer that an operation states, where it does."""
    for guard in guards:
        numbers = numbers_of(guard)
        said = numbers if guard.holds else f"{guard.sentence}{f' ({numbers})' if numbers else ''}"
        output.line(f"  {'holds' if guard.holds else 'FALSE'}  {guard.reason.name:<18} {said}".rstrip())
    false = violated(guards)
    answer = None if result is None or false else result_of(result)
    output.line(f"rejected with {false[0].name}" if false else f"accepted{f', the answer: {answer}' if answer else ''}")
    output.document(
        {
            "rule": rule,
            "accepted": not false,
            "answer": answer,
            "reason": false[0].name if false else None,
            "violated": [reason.name for reason in false],
            "guards": [guard_document(guard) for guard in guards],
        }
    )
    return ExitCode.FALSE if false else ExitCode.OK
