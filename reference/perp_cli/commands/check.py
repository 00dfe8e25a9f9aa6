"""Proves the theorems about the rules, for all values, any number of accounts and positions, with a solver.

    perp check                             every theorem
    perp check liquidate                   those about one rule, or one function of the rules; not what it calls
    perp check --goal withdraw_conserves_money
    perp check --config exchange.json      what depends on the numbers of a configuration of your own
    perp check --replay witness-X.json     run a counterexample again, in numbers
    perp check --mutate                    put faults into the rules, and see that theorems notice them
    perp check --write-ledger              write down what holds, and the page that says so
    perp check trade --solver cvc5         hand what Z3 refuted to a second solver, and see what that makes of it
    perp check --witnesses                 states on either side of each guard, found by the solver, run by the machine
    perp check --paths                     a state on each path of each proof, run in plain integers
    perp check --certificates              the lemmas, by their certificates: polynomial arithmetic, and no solver
    perp check --arithmetic                the arithmetic of the proof system: its gadgets, and that no equation wraps

Exit code 1 where a theorem is violated: a counterexample is shown and written to a file. Exit code 4 where none is
violated but the solver could not decide one.
"""

import argparse
import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perp_cli.errors import UsageError
from perp_cli.exit_codes import ExitCode
from perp_cli.output import Output
from perp_cli.present import compared, table

if TYPE_CHECKING:
    from perp_proofs.smt.prove import Goal, Result
    from perp_proofs.smt.witness import Witness

ELSEWHERE = "what breaks it is in positions or markets that plain integers do not have, or in a product left open"
"""Where a counterexample is none in plain integers."""

LINES_MAX = 40
"""Words of a counterexample that are shown; the file has all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes what to prove and how."""
    parser.add_argument("rule", metavar="RULE", nargs="?", help="a rule, or a function of the rules")
    parser.add_argument("--goal", metavar="NAME", nargs="+", action="extend", help="theorems by name")
    parser.add_argument("--config", metavar="FILE", type=Path, help="a configuration to prove things about")
    parser.add_argument("--solver", choices=("z3", "cvc5"), default="z3", help="z3, or cvc5 to check what Z3 found")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="the solver's random seed (default 0)")
    parser.add_argument("--processes", metavar="N", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path(), help="where counterexamples are written")
    parser.add_argument("--list", action="store_true", help="list the theorems and prove nothing")
    parser.add_argument("--replay", metavar="FILE", type=Path, help="run a counterexample again")
    parser.add_argument(
        "--mutate", metavar="N", type=int, nargs="?", const=400, help="try N faults (default 400) instead of proving"
    )
    parser.add_argument("--write-ledger", action="store_true", help="prove everything and write the ledger")
    parser.add_argument("--arithmetic", action="store_true", help="the arithmetic of the proof system instead")
    parser.add_argument("--witnesses", action="store_true", help="run the states that the solver found again instead")
    parser.add_argument("--write-witnesses", action="store_true", help="look for these states again and write them")
    parser.add_argument("--paths", action="store_true", help="see that each path of a proof has a state instead")
    parser.add_argument("--write-paths", action="store_true", help="look for these states again and write them")
    parser.add_argument("--certificates", action="store_true", help="check the lemmas without a solver instead")
    parser.add_argument(
        "--write-certificates", action="store_true", help="find the lemmas' proofs again and write them"
    )


def run(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Does one of the things the command does.

    Raises:
        UsageError: There is no such rule or theorem, or the arguments do not go together.
        MalformedInput: A file breaks its format.
    """
    demand_one_way(arguments)
    if arguments.arithmetic:
        return arithmetic(output)
    if arguments.certificates:
        return certificates(output)
    if arguments.witnesses:
        return witnesses(output)
    if importlib.util.find_spec("z3") is None:
        raise UsageError("the proofs need z3-solver, which is not installed (pip install 'perpspec[proofs]')")
    return run_with_solver(arguments, output)


def run_with_solver(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Does one of the things that need the solver, or its counterexamples."""
    if arguments.replay is not None:
        return replay(arguments.replay, output)
    if arguments.config is not None:
        return check_config(arguments, output)
    if arguments.write_certificates:
        return write_certificates(output)
    if arguments.write_witnesses:
        return write_witnesses(arguments, output)
    goals = chosen(arguments.rule, arguments.goal or [])
    if arguments.list:
        return listed(goals, output)
    if arguments.mutate is not None:
        return mutate(goals, arguments, output)
    if arguments.paths or arguments.write_paths:
        return paths(goals, arguments, output)
    if arguments.solver == "cvc5":
        return second_solver(goals, arguments, output)
    return check(goals, arguments, output)


def demand_one_way(arguments: argparse.Namespace) -> None:
    """The arguments go together.

    Raises:
        UsageError: They do not.
    """
    ways = [
        arguments.replay is not None,
        arguments.config is not None,
        arguments.mutate is not None,
        arguments.write_ledger,
        arguments.write_certificates,
        arguments.write_witnesses,
        arguments.paths,
        arguments.write_paths,
        arguments.list,
    ]
    alone = [name for name in ("arithmetic", "certificates", "witnesses") if getattr(arguments, name)]
    other = any(ways) or arguments.solver != "z3"
    if alone and (len(alone) > 1 or other or arguments.rule or arguments.goal):
        raise UsageError(f"--{alone[0]} goes with no other way, no rule and no theorem")
    if sum(ways) > 1:
        raise UsageError("--replay, --config, --mutate, --list, --paths and what writes files do not go together")
    whole = arguments.write_ledger or arguments.write_certificates or arguments.write_paths
    if arguments.solver != "z3" and any(ways):
        raise UsageError("--solver cvc5 goes with a rule or with theorems only")
    proves = arguments.config is not None or arguments.write_ledger or not any(ways)
    if arguments.seed != 0 and (alone or not proves):
        raise UsageError("--seed goes with proving only")
    if (arguments.rule or arguments.goal) and (arguments.replay or arguments.config or whole):
        raise UsageError("--replay, --config and what writes files of all theorems take no rule and no theorem")
    if not 0 <= arguments.seed < 2**31:
        raise UsageError(f"--seed is from 0 to 2147483647, not {arguments.seed}")
    if not 1 <= arguments.processes <= 64:
        raise UsageError(f"--processes is from 1 to 64, not {arguments.processes}")


def chosen(rule: str | None, names: list[str]) -> "list[Goal]":
    """The theorems that are asked for.

    Raises:
        UsageError: There is none of a name.
    """
    from perp_proofs.smt.catalogue import GOALS

    by_name = {goal.name: goal for goal in GOALS}
    subjects = sorted({subject for goal in GOALS for subject in goal.subjects})
    for name in names:
        if name not in by_name:
            raise UsageError(f"no theorem {name}{near(name, list(by_name))}")
    if rule is not None and rule not in subjects:
        raise UsageError(f"no theorem is about {rule}{near(rule, subjects)}")
    if rule is None and not names:
        return list(GOALS)
    return [goal for goal in GOALS if goal.name in names or rule in goal.subjects]


def near(name: str, known: list[str]) -> str:
    """An offer of what may have been meant."""
    import difflib

    found = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {found[0]}?)" if found else " (see perp check --list)"


def listed(goals: "list[Goal]", output: Output) -> ExitCode:
    """Lists theorems."""
    for goal in goals:
        output.line(f"{goal.name}: {goal.sentence}")
    output.document({"goals": [{"name": goal.name, "sentence": goal.sentence} for goal in goals]})
    return ExitCode.OK


# The arithmetic of the proof system


def arithmetic(output: Output) -> ExitCode:
    """Shows what the tables of the recorded program rest on."""
    from perp_proofs.air.assurance import findings
    from perp_proofs.program.recorder import record_program

    found = list(findings(record_program()))
    for line in table([("what", "shown"), *((one.name, "yes" if one.shown else "NO") for one in found)], left=2):
        output.line(line)
    for one in found:
        for fault in one.faults:
            output.line(f"{one.name}: {fault}")
    shown = sum(one.shown for one in found)
    output.line(f"{shown} of {len(found)} shown")
    output.document(
        {
            "findings": [
                {"name": one.name, "statement": one.statement, "shown": one.shown, "faults": list(one.faults)}
                for one in found
            ]
        }
    )
    return ExitCode.OK if shown == len(found) else ExitCode.FALSE


# Certificates


def certificates(output: Output) -> ExitCode:
    """Checks the proofs of the lemmas by polynomial arithmetic, and that they are of the lemmas as they are."""
    from perp_proofs.certificates.checker import NoProof, check_document
    from perp_proofs.smt.statements import CERTIFICATES, read_certificates, stale

    try:
        found = read_certificates()
        sums = check_document(found)
    except OSError as error:
        raise UsageError(f"cannot read {CERTIFICATES}: {error.strerror}") from None
    except NoProof as error:
        output.line(f"NOT SHOWN: {error}")
        output.document({"lemmas": [], "fault": str(error), "stale": []})
        return ExitCode.FALSE
    rows = [(name, str(sums[name]), lemma["sentence"]) for name, lemma in found["lemmas"].items()]
    for line in table([("lemma", "sums", "what it says"), *rows], left=3):
        output.line(line)
    old = stale(found)
    for name in old:
        output.line(f"{name}: the rules' own text says something else now; perp check --write-certificates")
    output.line(f"{len(rows)} lemmas follow by {sum(sums.values())} sums, without a solver")
    listed_lemmas = [{"name": name, "sums": int(count), "sentence": sentence} for name, count, sentence in rows]
    output.document({"lemmas": listed_lemmas, "fault": None, "stale": old})
    return ExitCode.FALSE if old else ExitCode.OK


def write_certificates(output: Output) -> ExitCode:
    """Finds the proofs of the lemmas again, and writes the file.

    Raises:
        UsageError: The file cannot be written.
    """
    from perp_cli.progress import Progress
    from perp_proofs.smt.certify import proof_of
    from perp_proofs.smt.statements import CERTIFICATES, all_lemmas, document, encoded

    lemmas = all_lemmas()
    progress = Progress(len(lemmas))
    proofs: dict[str, Any] = {}
    try:
        for lemma in lemmas:
            proofs[lemma.__name__] = proof_of(lemma)
            progress.step(lemma.__name__)
    finally:
        progress.close()
    missing = [name for name, proof in proofs.items() if proof is None]
    for name in missing:
        output.line(f"no proof of {name} was found")
    if not missing:
        try:
            CERTIFICATES.write_text(encoded(document(proofs)), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {CERTIFICATES}: {error.strerror}") from None
        output.line(f"written: {CERTIFICATES.name}, {len(proofs)} lemmas")
    output.document({"lemmas": list(proofs), "missing": missing})
    return ExitCode.UNDECIDED if missing else ExitCode.OK


# States that the solver found


def witness_directory() -> Path:
    """Where the states that the solver found are.

    Raises:
        UsageError: This is no checkout.
    """
    from perp_proofs.smt.ledger import LEDGER

    tests = LEDGER.parents[1] / "tests"
    if not tests.is_dir():
        raise UsageError("the solver's states are in a checkout of perpspec, not in an installation")
    return tests / "vectors" / "witnesses"


def witnesses(output: Output) -> ExitCode:
    """Runs every state that the solver found by the machine, and says what was looked for and not found.

    Raises:
        MalformedInput: A file breaks its format.
    """
    from perp_proofs.smt.rule_digests import rule_digest
    from perp_reference.conformance.solved import outcome_of, read_directory, session_of_solved
    from perp_reference.pages.reached import HEADS, lines_without_state, row
    from perp_spec.perpetual.common import PERPETUAL

    found = read_directory(witness_directory())
    names = {rule.rule for rule in found}
    missing = [name for name in PERPETUAL.rules if name not in names]
    session = session_of_solved()
    differing: list[str] = []
    for rule in found:
        for case in rule.cases:
            if (outcome := outcome_of(case, session)) != case.outcome:
                said, stated = outcome or "accepted", case.outcome or "accepted"
                differing.append(f"{case.id}: the machine says {said}, the solver's state {stated}")
    for line in table([HEADS, *map(row, found)], left=1):
        output.line(line)
    for rule in found:
        for line in lines_without_state(rule):
            output.line(line)
    for line in differing:
        output.line(line)
    old = [rule.rule for rule in found if rule.digest != rule_digest(PERPETUAL.rules[rule.rule])]
    for name in (*old, *missing):
        output.line(f"{name}: no states of the rule as it is; perp check {name} --write-witnesses")
    states = sum(len(rule.cases) for rule in found)
    output.line(f"{states - len(differing)} of {states} states end as the solver said")
    output.document(
        {
            "rules": [
                {
                    "rule": rule.rule,
                    "states": len(rule.cases),
                    **rule.counts,
                    "guards": [dict(guard) for guard in rule.guards],
                    "missed": [dict(item) for item in rule.missed],
                }
                for rule in found
            ],
            "differing": differing,
            "stale": [*old, *missing],
        }
    )
    return ExitCode.FALSE if differing or old or missing else ExitCode.OK


def write_witnesses(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Looks for the states of a rule, or of all, and writes their files and the page about them.

    Raises:
        UsageError: There is no such rule, or a file cannot be written.
    """
    from perp_cli.progress import Progress
    from perp_cli.solved import solved_files
    from perp_reference.conformance.solved import read_directory
    from perp_reference.pages.reached import reached_page
    from perp_spec.perpetual.common import PERPETUAL

    names = [name for name in PERPETUAL.rules if arguments.rule in (None, name)]
    if not names or arguments.goal:
        raise UsageError(
            f"--write-witnesses takes a rule or nothing{near(arguments.rule or '', list(PERPETUAL.rules))}"
        )
    directory = witness_directory()
    progress = Progress(len(names))
    written: dict[str, int] = {}
    try:
        directory.mkdir(exist_ok=True)
        for name, data in solved_files(names, arguments.processes):
            (directory / f"{name}.jsonl").write_bytes(data)
            written[name] = data.count(b"\n") - 1
            progress.step(f"{name}: {written[name]} states")
        page = directory.parents[2] / "docs" / "reached.md"
        page.write_text(reached_page(read_directory(directory)), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write to {directory} or its page: {error.strerror}") from None
    finally:
        progress.close()
    for name in sorted(written):
        output.line(f"{name}: {written[name]} states")
    output.document({"written": written})
    return ExitCode.OK


# Paths of proofs


def paths(goals: "list[Goal]", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves theorems, and sees that each path of a proof has a state in the file, or looks for them.

    Raises:
        MalformedInput: The file breaks its format.
        UsageError: The file cannot be read or written.
    """
    from perp_cli.paths import Looked, looked_at, read_paths, write_paths
    from perp_cli.progress import Progress
    from perp_proofs.smt.catalogue import GOALS
    from perp_proofs.smt.ledger import TIMES
    from perp_proofs.smt.running import read_times, slowest_first

    file = witness_directory().parent / "paths.jsonl"
    known = read_paths(file)
    progress = Progress(len(goals))
    found: dict[str, Looked] = {}
    try:
        ordered = slowest_first(goals, read_times(TIMES))
        for item in looked_at(ordered, known, arguments.write_paths, arguments.processes):
            found[item.goal] = item
            progress.step(f"{item.goal}: {len(item.states)} paths")
    finally:
        progress.close()
    there = {goal.name for goal in GOALS}
    told = [f"{name}: there is no such theorem" for name in known if name not in there and not arguments.write_paths]
    wrong = bool(told) or any(item.faults and not item.undecided for item in found.values())
    told += [f"{goal.name}: {fault}" for goal in goals for fault in found[goal.name].faults]
    listed_paths = [state for goal in goals for state in found[goal.name].states]
    for line in told:
        output.line(line)
    impossible = sum(state.values is None for state in listed_paths)
    several = sum(len(item.states) > 1 for item in found.values())
    output.line(
        f"{len(listed_paths)} paths of {len(goals)} theorems, {several} with more than one: "
        f"{len(listed_paths) - impossible} with a state, {impossible} proved impossible"
    )
    if arguments.write_paths and not told:
        write_paths(file, listed_paths)
        output.line(f"written: {file.name}")
    output.document(
        {
            "goals": [
                {
                    "name": goal.name,
                    "paths": [
                        {"decided": list(state.path), "impossible": state.values is None}
                        for state in found[goal.name].states
                    ],
                }
                for goal in goals
            ],
            "faults": told,
        }
    )
    if wrong:
        return ExitCode.FALSE
    return ExitCode.UNDECIDED if told else ExitCode.OK


# Proving


def check(goals: "list[Goal]", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves theorems, and reports."""
    from perp_cli.progress import Progress
    from perp_proofs.smt.digests import rules_digest
    from perp_proofs.smt.ledger import TIMES
    from perp_proofs.smt.running import proved, read_times, slowest_first

    started = time.monotonic()
    progress = Progress(len(goals))
    results: dict[str, Result] = {}
    try:
        ordered = slowest_first(goals, read_times(TIMES))
        for result in proved(ordered, arguments.seed, arguments.processes):
            results[result.goal.name] = result
            progress.step(f"{result.goal.name} {result.verdict.value}")
    finally:
        progress.close()
    in_order = [results[goal.name] for goal in goals]
    rules = rules_digest()
    files = {result.goal.name: reported(result, rules, arguments.output, output) for result in in_order}
    report_table(in_order, time.monotonic() - started, output)
    code = exit_code(in_order)
    written = ledger_written(in_order, code, output) if arguments.write_ledger else []
    output.document(
        {
            "solver": solver_name(),
            "seed": arguments.seed,
            "rules": rules,
            "seconds": round(time.monotonic() - started, 2),
            "goals": [result_document(result, files[result.goal.name]) for result in in_order],
            "written": written,
        }
    )
    return code


def second_solver(goals: "list[Goal]", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves theorems, hands every question behind them to cvc5, and reports.

    Raises:
        UsageError: cvc5 is not installed.
    """
    from perp_cli.progress import Progress

    if importlib.util.find_spec("cvc5") is None:
        raise UsageError("--solver cvc5 needs cvc5, which is not installed (pip install 'perpspec[proofs]')")
    import cvc5

    from perp_proofs.smt.ledger import TIMES
    from perp_proofs.smt.running import read_times, slowest_first
    from perp_proofs.smt.second import Opinion, opinions

    progress = Progress(len(goals))
    found: dict[str, Opinion] = {}
    try:
        for item in opinions(slowest_first(goals, read_times(TIMES)), arguments.seed, arguments.processes):
            found[item.goal] = item
            progress.step(f"{item.goal} {item.said}")
    finally:
        progress.close()
    in_order = [found[goal.name] for goal in goals]
    rows = [(item.goal, item.verdict.value, str(item.questions), item.said) for item in in_order]
    for line in table([("theorem", "Z3", "questions", "cvc5"), *rows], left=2):
        output.line(line)
    questions, confirmed = sum(item.questions for item in in_order), sum(item.confirmed for item in in_order)
    asked = [item for item in in_order if item.questions]
    whole = sum(item.confirmed == item.questions for item in asked)
    output.line(
        f"cvc5 {cvc5.__version__} confirms {whole} of {len(asked)} theorems, {confirmed} of {questions} questions; "
        f"{len(in_order) - len(asked)} more hold without a question"
    )
    output.document(
        {
            "solvers": [solver_name(), f"cvc5 {cvc5.__version__}"],
            "seed": arguments.seed,
            "goals": [
                {
                    "name": item.goal,
                    "verdict": item.verdict.value,
                    "questions": item.questions,
                    "confirmed": item.confirmed,
                    "contradicted": item.refuted,
                }
                for item in in_order
            ],
        }
    )
    if any(item.refuted or item.verdict.value == "violated" for item in in_order):
        return ExitCode.FALSE
    sure = all(item.confirmed == item.questions and item.verdict.value == "proved" for item in in_order)
    return ExitCode.OK if sure else ExitCode.UNDECIDED


def check_config(arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Proves what depends on the numbers of a configuration, and reports.

    Raises:
        MalformedInput: The file is no configuration.
    """
    from perp_cli.progress import Progress
    from perp_proofs.smt.goals.config import config_goals
    from perp_proofs.smt.prove import prove
    from perp_reference.formats.config import read_config
    from perp_spec.perpetual.config import violations

    started = time.monotonic()
    config = read_config(arguments.config)
    broken = violations(config)
    for violation in broken:
        output.line(f"{violation.place}: expected {violation.expected}, got {violation.got}")
    goals = config_goals(config)
    progress = Progress(len(goals))
    results: list[Result] = []
    try:
        for goal in goals:
            results.append(prove(goal, arguments.seed))
            progress.step(goal.name)
    finally:
        progress.close()
    for result in results:
        if result.verdict.value != "proved":
            output.line(f"{result.goal.name} is {result.verdict.value}: {result.failed}")
            for name, value in sorted(result.values.items()):
                output.line(f"    {name}: {value:,}")
    report_table(results, time.monotonic() - started, output)
    output.document(
        {
            "config": str(arguments.config),
            "solver": solver_name(),
            "seed": arguments.seed,
            "seconds": round(time.monotonic() - started, 2),
            "violations": [{"place": item.place, "expected": item.expected, "got": item.got} for item in broken],
            "goals": [result_document(result, None) for result in results],
        }
    )
    return ExitCode.FALSE if broken else exit_code(results)


def solver_name() -> str:
    """Name and version of the solver."""
    import z3

    return f"Z3 {z3.get_version_string()}"


def exit_code(results: "list[Result]") -> ExitCode:
    """A violation weighs more than a theorem that is not decided."""
    verdicts = {result.verdict.value for result in results}
    if "violated" in verdicts:
        return ExitCode.FALSE
    return ExitCode.UNDECIDED if "unknown" in verdicts else ExitCode.OK


def report_table(results: "list[Result]", seconds: float, output: Output) -> None:
    """Shows every theorem with its verdict and the seconds it took."""
    rows = [(result.goal.name, result.verdict.value, f"{result.seconds:.2f}") for result in results]
    for line in table([("theorem", "verdict", "seconds"), *rows], left=2):
        output.line(line)
    proved = sum(result.verdict.value == "proved" for result in results)
    spent = sum(result.seconds for result in results)
    output.line(f"{proved} of {len(results)} proved in {seconds:.1f} s ({spent:.1f} s of processor time)")


def result_document(result: "Result", file: Path | None) -> dict[str, object]:
    """A result for programs."""
    return {
        "name": result.goal.name,
        "sentence": result.goal.sentence,
        "about": list(result.goal.subjects),
        "assumptions": list(result.goal.assumptions),
        "verdict": result.verdict.value,
        "seconds": round(result.seconds, 3),
        "paths": result.paths,
        "failed_claim": result.failed or None,
        "values": {name: value if isinstance(value, bool) else str(value) for name, value in result.values.items()},
        "in_integers": result.replayed or None,
        "witness": None if file is None else str(file),
    }


def reported(result: "Result", rules: str, directory: Path, output: Output) -> Path | None:
    """Says what is wrong with a theorem that is not proved, and writes the counterexample where there is one.

    Raises:
        UsageError: The directory cannot be written to.
    """
    from perp_proofs.smt.witness import encoded, witness_of

    if result.verdict.value == "proved":
        return None
    output.line(f"{result.goal.name} is {result.verdict.value}: {result.failed}")
    output.line(f"  {result.goal.sentence}")
    if result.verdict.value == "unknown":
        output.line("  The solver gave up. Nothing is known: neither a proof nor a counterexample.")
        return None
    witness = witness_of(result, rules)
    file = directory / f"witness-{result.goal.name}.json"
    try:
        file.write_text(encoded(witness), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None
    if not show_witness(witness, output):
        output.line(f"  {ELSEWHERE}")
    output.line(f"  replay it: ./perp check --replay {file}")
    output.line()
    return file


# Counterexamples


def show_witness(witness: "Witness", output: Output) -> bool:
    """Shows a counterexample in human units, and what the claim compares in it; returns whether the claim is false."""
    from perp_cli.witnesses import lines_of, replayed
    from perp_proofs.smt.frame import NotReached

    try:
        found = replayed(witness)
    except NotReached as obstacle:
        output.line(f"  in plain integers the state is not reached: {obstacle}")
        return False
    lines = table(lines_of(found.fields, witness.values))
    for line in lines[:LINES_MAX]:
        output.line(f"    {line}")
    if len(lines) > LINES_MAX:
        output.line(f"    and {len(lines) - LINES_MAX} more")
    output.line(f"  in plain integers the claim is {'true' if found.holds else 'FALSE'}: {found.claim}")
    for item in found.comparisons[:LINES_MAX]:
        output.line(f"    {compared(item)} {'holds' if item.holds else 'is false'}")
    return not found.holds


def replay(file: Path, output: Output) -> ExitCode:
    """Runs a counterexample again: by the rule in plain integers, and by the machine on a whole state.

    Raises:
        MalformedInput: The file is no witness.
        UsageError: There is no such file, theorem or claim.
    """
    from perp_proofs.smt.digests import rules_digest
    from perp_proofs.smt.witness import NoWitness, decoded
    from perp_reference.errors import MalformedInput

    try:
        witness = decoded(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MalformedInput(str(file), None, None, "UTF-8", "other bytes") from None
    except NoWitness as error:
        raise MalformedInput(str(file), None, error.field or None, error.expected, error.got) from None
    same = witness.rules == rules_digest()
    output.line(f"{witness.goal}: {witness.sentence}")
    if not same:
        output.line("the rules have changed since this was found")
    try:
        false = show_witness(witness, output)
        machine = show_machine(witness, output)
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None
    output.document({"goal": witness.goal, "claim": witness.claim, "same_rules": same, "false": false, **machine})
    return ExitCode.FALSE if false else ExitCode.OK


def show_machine(witness: "Witness", output: Output) -> dict[str, Any]:
    """Shows what the machine changes where it applies the operation of a witness."""
    from perp_cli.witnesses import NoState, in_the_machine, in_units, replayed
    from perp_proofs.smt.frame import NotReached

    try:
        scenes = replayed(witness).scenes
        if not scenes:
            return {"machine": None, "obstacle": "it is about a part of the rules, not about an operation"}
        changes = in_the_machine(scenes[0])
    except (NoState, NotReached) as obstacle:
        output.line(f"  the machine cannot run it: {obstacle}")
        return {"machine": None, "obstacle": str(obstacle)}
    output.line(f"  the machine accepts {scenes[0].rule.name} and changes{':' if changes else ' nothing'}")
    for item in changes:
        output.line(f"    {item.place}: {in_units(item.unit, item.before)} -> {in_units(item.unit, item.after)}")
    listing = [{"place": item.place, "before": str(item.before), "after": str(item.after)} for item in changes]
    return {"machine": listing, "obstacle": None}


# Faults


def mutate(goals: "list[Goal]", arguments: argparse.Namespace, output: Output) -> ExitCode:
    """Puts faults into the rules, in this process only, and counts those that theorems notice.

    Raises:
        UsageError: No fault is asked for.
    """
    from perp_cli.known_states import known_states
    from perp_cli.progress import Progress
    from perp_proofs.smt.catalogue import GOALS
    from perp_proofs.smt.kills import Fate, Judge, Score, chosen, judged, read_explanations
    from perp_proofs.smt.ledger import TIMES
    from perp_proofs.smt.mutants import all_mutants
    from perp_proofs.smt.running import read_times, slowest_first

    if arguments.mutate < 1:
        raise UsageError(f"--mutate takes 1 fault or more, not {arguments.mutate}")
    mutants = [mutant for mutant in all_mutants() if arguments.rule in (None, mutant.function.__name__)]
    tried = goals if arguments.goal else GOALS
    ordered = slowest_first(tried, read_times(TIMES))[::-1]
    judge = Judge(ordered, chosen(mutants, arguments.mutate), known_states(witness_directory()))
    progress = Progress(len(judge.mutants))
    kills = []
    try:
        for kill in judged(judge, arguments.processes):
            kills.append(kill)
            progress.step(f"{kill.fate.name.lower()} {kill.mutant}")
    finally:
        progress.close()
    explanations = read_explanations()
    score = Score(tuple(kills), frozenset(explanations))
    for fate in Fate:
        output.line(f"{fate.name.lower():<10} {len(score.of(fate)):>4}")
    for kill in (*score.of(Fate.SURVIVED), *score.of(Fate.UNDECIDED)):
        why = explanations.get(kill.mutant, "")
        output.line(f"  {kill.fate.name.lower()} {kill.mutant}{f' (no fault: {why})' if why else ''}")
    output.line(f"{score.percent:.1f} % killed by a counterexample that plain integers confirm")
    output.document(
        {
            "percent": round(score.percent, 2),
            "counts": {fate.name.lower(): len(score.of(fate)) for fate in Fate},
            "open": [kill.mutant for kill in score.open],
            "faults": [
                {
                    "name": kill.mutant,
                    "fate": kill.fate.name.lower(),
                    "theorem": kill.goal or None,
                    "claim": kill.claim or None,
                    "in_integers": kill.said or None,
                    "seconds": round(kill.seconds, 2),
                }
                for kill in kills
            ],
        }
    )
    return ExitCode.FALSE if score.open else ExitCode.OK


# The ledger


def ledger_written(results: "list[Result]", code: ExitCode, output: Output) -> list[str]:
    """Writes ledger, times and page where everything is proved; says why not otherwise.

    Raises:
        UsageError: This is no checkout.
    """
    import json

    from perp_proofs.smt.ledger import LEDGER, TIMES, encoded, ledger_of
    from perp_reference.pages.theorems import theorems_page

    page = LEDGER.parents[1] / "docs" / "theorems.md"
    if not page.parent.is_dir():
        raise UsageError("the ledger is in a checkout of perpspec, not in an installation")
    if code != ExitCode.OK:
        output.line("the ledger is not written: not everything is proved")
        return []
    ledger = ledger_of(results, solver_name())
    times = {result.goal.name: round(result.seconds, 2) for result in results}
    LEDGER.write_text(encoded(ledger), encoding="utf-8")
    TIMES.write_text(f"{json.dumps(times, indent=1)}\n", encoding="utf-8")
    page.write_text(theorems_page(ledger, times), encoding="utf-8")
    written = [str(file.relative_to(LEDGER.parents[1])) for file in (LEDGER, TIMES, page)]
    output.line(f"written: {', '.join(written)}")
    return written
