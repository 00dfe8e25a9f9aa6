"""JSON Schemas of the formats, made from the codecs. Run as a module it writes them to a directory."""

import json
import sys
from pathlib import Path
from typing import Any

from perp_reference.formats.batch import BATCH, DRAFT, BatchFormat
from perp_reference.formats.codec import Codec, Definitions
from perp_reference.formats.config import CONFIG
from perp_reference.formats.state import DIFF_FORMAT, ENTRIES, HEADERS, STATE_FORMAT

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(title: str, description: str, kinds: dict[str, Codec]) -> dict[str, Any]:
    """The schema of a line, or of a whole document, that is of one of some kinds."""
    definitions: Definitions = {}
    choices = [{"title": name, **codec.schema(definitions)} for name, codec in kinds.items()]
    about = {"$schema": DIALECT, "title": title, "description": description}
    body = choices[0] if len(choices) == 1 else {"oneOf": choices}
    return {**about, **{name: value for name, value in body.items() if name != "title"}, "$defs": definitions}


def batch_schema(form: BatchFormat, title: str) -> dict[str, Any]:
    """The schema of one line of a batch or a draft."""
    kinds: dict[str, Codec] = {"header": form.header, **form.operations}
    return document(title, "One line of the file: the first is the header, each further one an operation.", kinds)


def records_schema(form: str, title: str) -> dict[str, Any]:
    """The schema of one line of a state or a difference."""
    kinds: dict[str, Codec] = {"header": HEADERS[form], **ENTRIES}
    return document(title, "One line of the file: the first is the header, each further one a record.", kinds)


def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by the name of their file."""
    return {
        "batch-line.schema.json": batch_schema(BATCH, "A line of a batch file"),
        "draft-line.schema.json": batch_schema(DRAFT, "A line of a draft of a batch"),
        "state-line.schema.json": records_schema(STATE_FORMAT, "A line of a state file"),
        "diff-line.schema.json": records_schema(DIFF_FORMAT, "A line of a difference file"),
        "config.schema.json": document("A configuration file", "The whole file.", {"config": CONFIG}),
    }


def schema_text(schema: dict[str, Any]) -> str:
    """The text of a schema's file."""
    return f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"


def write_schemas(directory: Path) -> None:
    """Writes all schemas into a directory."""
    for name, schema in schemas().items():
        (directory / name).write_text(schema_text(schema), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
