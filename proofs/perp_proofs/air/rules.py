"""The tables of the rules: each table of the recorded program becomes one, each call one of its rows.

Nothing here knows a rule. An instruction is a gadget, an access of the memory, or a message; a loop has a table of its
steps, in each of which the callee is written out.
"""

from perp_proofs.air.buses import (
    BLOCK,
    COUNT_MAX,
    HEADER,
    arities,
    config_groups,
    first_free_tag,
    memory_tags,
)
from perp_proofs.air.interfaces import (
    RECEIVER,
    SENDER,
    Spans,
    called,
    contract,
    leaf,
    loop_kinds,
    word_places,
)
from perp_proofs.air.rulebook import TIMES_MAX, Rules
from perp_proofs.air.steps import StepWriter
from perp_proofs.air.system import MalformedSystem
from perp_proofs.air.words import Interval
from perp_proofs.air.writer import Writer
from perp_proofs.program.listing import (
    Program,
)


def rule_tables(program: Program) -> Rules:
    """Make the tables of a program. Raises MalformedSystem if its operations take too long, or its loops."""
    rules = Rules(program, Spans(program), arities=arities(program), loop_names=loop_kinds(program))
    if rules.spans.stride * (COUNT_MAX + 1) > TIMES_MAX + 1:
        raise MalformedSystem(
            f"an operation needs {rules.spans.stride // 2} points of time: those of a batch would wrap"
        )
    tag = first_free_tag(program)
    for table in called(program):
        rules.call_tags[table.name] = tag
        tag += 1
    for kind in rules.loop_names:
        rules.loop_tags[kind] = tag
        tag += 1
    fixed_contracts(rules)
    for table in program.tables.values():
        if table.role != "rule":
            Writer(rules, table, table.role, table.name).write()
            continue
        if table.name in rules.call_tags:
            Writer(rules, table, "rule", table.name).write()
        for kind, name in rules.loop_names.items():
            if kind.loop.callee == table.name:
                StepWriter(rules, table, kind, name).write()
    return rules


def fixed_contracts(rules: Rules) -> None:
    """Contracts of memory, configuration and what begins a batch."""
    program = rules.program
    for name, tag in memory_tags(program).items():
        record = program.records[name]
        parts: list[tuple[Interval | None, int]] = [(None, SENDER)] * record.keys
        parts.append(((0, TIMES_MAX), SENDER))
        leaves = [leaf(entry.type, entry.low, entry.high) for entry in record.fields]
        parts += [(one, SENDER) for of in leaves for one in of.bounds]
        rules.contracts[tag] = contract(parts, word_places(leaves, record.keys + 1))
    for group, tag in config_groups(program).items():
        record = program.records[group.record]
        keys: list[tuple[Interval | None, int]] = [(None, RECEIVER)] * record.keys
        leaves = [leaf(*record.fields[at][1:]) for at in group.fields]
        keys += [(one, RECEIVER) for of in leaves for one in of.bounds]
        rules.contracts[tag] = contract(keys, word_places(leaves, record.keys))
    for table in program.of_role("batch"):
        leaves = [leaf(entry.types[0], *entry.numbers) for entry in table.inputs]
        entries = [(one, SENDER) for of in leaves for one in of.bounds]
        rules.contracts[HEADER] = contract(entries, word_places(leaves, 0))
    rules.contracts[BLOCK] = contract([((0, TIMES_MAX // rules.spans.stride - 1), RECEIVER), *[(None, SENDER)] * 11])
