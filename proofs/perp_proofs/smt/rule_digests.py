"""What one rule says, in one number: a digest of its text and all that it calls, and of the fields that it takes."""

import ast
import hashlib
from typing import Any

import attrs

from perp_proofs.smt.mutants import functions_of, parsed
from perp_spec.operation import Rule


def rule_digest(rule: Rule) -> str:
    """The digest of a rule, 64 hexadecimal digits. Comments and docstrings do not count, nor do other rules."""
    whole = hashlib.sha256()
    for function in sorted(functions_of(rule.function), key=lambda one: (one.__module__, one.__qualname__)):
        whole.update(f"{function.__module__} {ast.dump(parsed(function))}\n".encode())
    for record in (rule.operation, *(access.record for access in rule.footprint)):
        if record is not None:
            whole.update(fields(record).encode())
    return whole.hexdigest()


def fields(record: type[Any]) -> str:
    """The fields of a record with their ranges."""
    lines: list[str] = []
    for attribute in attrs.fields(record):
        about = attribute.metadata
        if "field" in about:
            own = about["field"]
            lines.append(f"{attribute.name} {own.unit.name} {own.low} {own.high} {own.count}")
        else:
            nested = about.get("nested") or about["rows"]
            lines.append(f"{attribute.name} {about.get('count', 1)} ({fields(nested)})")
    return f"{record.__name__}: {', '.join(lines)}\n"
