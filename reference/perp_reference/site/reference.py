"""The reference of protocol, fixtures and files, made of the JSON Schemas."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from perp_reference.conformance.schemas import schemas as conformance_schemas
from perp_reference.formats.schemas import schemas as format_schemas
from perp_reference.pages.markdown import code, number, page, table

Schema = dict[str, Any]

HEADS = ("member", "type", "must it be there", "")

LONGEST_PATTERN = 90


def reference_pages() -> dict[str, str]:
    """A page for each schema, and their index."""
    found: dict[str, Schema] = {**conformance_schemas(), **format_schemas()}
    made = {f"schemas/{slug(name)}.md": schema_page(name, schema) for name, schema in sorted(found.items())}
    rows = [
        (f"[{schema['title']}]({slug(name)}.md)", schema.get("description", ""), f"[{name}]({name})")
        for name, schema in sorted(found.items())
    ]
    made["schemas/index.md"] = page(
        "# Schemas",
        "A JSON Schema (draft 2020-12) for each file and each message, and a page of tables made of it. They come from "
        "the declarations that the project's own readers decode with: what a schema accepts in form, the reader does. "
        "What the members mean is said in [the formats](../formats.md) and [the protocol](../protocol.md).",
        table(("what", "", "schema"), rows),
    )
    return made


def slug(name: str) -> str:
    """The name of a schema's page."""
    return name.removesuffix(".schema.json")


def schema_page(name: str, schema: Schema) -> str:
    """The page of one schema."""
    named: dict[str, Schema] = schema.get("$defs", {})
    parts = list(sections(schema, schema["title"], 2, named))
    simple = [(key, own) for key, own in named.items() if not is_object(own)]
    return page(
        f"# {schema['title']}",
        schema.get("description", ""),
        f"Made of [{name}]({name}). [All schemas](index.md)",
        *parts,
        *(
            text
            for key, own in named.items()
            if is_object(own)
            for text in (f"## {key}", own.get("description", ""), *members(own, key, 3, named))
        ),
        *(["## Values", table(("name", "what it is"), value_rows(simple))] if simple else []),
    )


def is_object(schema: Schema) -> bool:
    """Whether a schema is of objects with members of their own."""
    return bool(schema.get("properties")) or "oneOf" in schema


def sections(schema: Schema, title: str, level: int, named: dict[str, Schema]) -> Iterator[str]:
    """What a schema says, under headings."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        for own in choices:
            yield f"{'#' * level} {own.get('title', title)}"
            yield from members(own, own.get("title", title), level + 1, named)
    else:
        yield f"{'#' * level} Members"
        yield from members(schema, title, level + 1, named)


def members(schema: Schema, title: str, level: int, named: dict[str, Schema]) -> Iterator[str]:
    """The table of an object's members, then the objects inside it."""
    if "oneOf" in schema:
        yield from sections(schema, title, level, named)
        return
    required = schema.get("required", ())
    inside: list[tuple[str, Schema]] = []
    rows: list[tuple[str, str, str, str]] = []
    for name, own in schema.get("properties", {}).items():
        rows.append((code(name), kind(own), "yes" if name in required else "no", own.get("description", "")))
        inside += [(name, found) for found in objects(own)]
    if rows:
        yield table(HEADS, rows)
    for name, own in inside:
        yield f"{'#' * min(level, 6)} {title}: {name}"
        yield from members(own, f"{title}: {name}", level + 1, named)


def objects(schema: Schema) -> Iterator[Schema]:
    """The objects that a member holds, directly or in an array."""
    if is_object(schema):
        yield schema
    elif isinstance(schema.get("items"), dict):
        yield from objects(schema["items"])
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from objects(schema["additionalProperties"])


def kind(schema: Schema) -> str:
    """What a value is, in a few words."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{integer(name)}](#{'values' if is_value(name) else name.lower()})"
        case {"const": value}:
            return code(json.dumps(value))
        case {"enum": [*values]}:
            return ", ".join(code(json.dumps(value)) for value in values)
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return " or ".join(dict.fromkeys(kind(choice) for choice in choices))
        case {"prefixItems": [*items]}:
            return f"array of {', '.join(dict.fromkeys(kind(item) for item in items))}"
        case {"type": "array", "items": items}:
            return f"array{count(schema)} of {kind(items)}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            return f"object whose every member is {kind(inner)}"
        case {"type": "string", "pattern": str(pattern)} if len(pattern) <= LONGEST_PATTERN:
            return f"string {code(pattern)}"
        case {"type": str(name)}:
            return f"{name}{count(schema)}"
        case _:
            return "any value"


def integer(name: str) -> str:
    """The name of a named schema for people: of an integer, its bounds."""
    if not name.startswith("integer_"):
        return name
    low, high = (number(int(bound)) for bound in name.removeprefix("integer_").split("_to_"))
    return f"integer {low} to {high}"


def is_value(name: str) -> bool:
    """Whether a named schema is one of the simple values, which one table lists."""
    return name.startswith("integer_") or name in SIMPLE


def count(schema: Schema) -> str:
    """How many there may be."""
    low, high = schema.get("minItems"), schema.get("maxItems")
    least = schema.get("minimum")
    if least is not None:
        return f" of at least {least}"
    if low is not None and low == high:
        return f" of {low}"
    bounds = [f"at least {low}"] if low else []
    bounds += [f"at most {high}"] if high is not None else []
    return f" ({', '.join(bounds)})" if bounds else ""


def value_rows(simple: Iterable[tuple[str, Schema]]) -> Iterator[tuple[str, str]]:
    """A row for each named value that is no object."""
    for name, schema in simple:
        if name.startswith("integer_"):
            low, high = (number(int(bound)) for bound in name.removeprefix("integer_").split("_to_"))
            yield integer(name), f"a decimal string of an integer from {low} to {high}"
        else:
            yield name, " ".join(filter(None, (schema.get("description", ""), kind(schema))))


def simple_names() -> frozenset[str]:
    """The named schemas that are no objects."""
    found: dict[str, Schema] = {**conformance_schemas(), **format_schemas()}
    return frozenset(
        name for schema in found.values() for name, own in schema.get("$defs", {}).items() if not is_object(own)
    )


SIMPLE = simple_names()
