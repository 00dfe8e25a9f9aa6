"""JSON Schemas of the protocol and of fixtures. Run as a module it writes them to a directory."""

import sys
from pathlib import Path
from typing import Any

from perp_reference.conformance.fixtures import schema as fixture_schema
from perp_reference.conformance.protocol import schemas as protocol_schemas
from perp_reference.formats.schemas import schema_text


def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by the name of their file."""
    return {**protocol_schemas(), "fixture.schema.json": fixture_schema()}


def write_schemas(directory: Path) -> None:
    """Writes all schemas into a directory."""
    for name, schema in schemas().items():
        (directory / name).write_text(schema_text(schema), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
