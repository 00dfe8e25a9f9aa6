"""All generated pages, by their path."""

from pathlib import Path

from perp_reference.pages.defaults import defaults_page
from perp_reference.pages.reasons import reasons_page
from perp_reference.pages.rules import index_page, rule_page, shared_page
from perp_reference.pages.shared import SHARED_PAGES
from perp_reference.pages.state import state_page
from perp_spec.perpetual.catalogue import catalogue

COMMAND = "python -m perp_reference.pages docs"
"""What writes the pages again."""


def pages() -> dict[str, str]:
    """The text of every generated page, by its path under the documentation."""
    found = {
        "reasons.md": reasons_page(),
        "state.md": state_page(),
        "defaults.md": defaults_page(),
        "rules/index.md": index_page(),
    }
    found.update({f"rules/{page.slug}.md": shared_page(page) for page in SHARED_PAGES})
    found.update({f"rules/{rule.name}.md": rule_page(rule) for rule in catalogue()})
    return found


def write(directory: Path) -> list[Path]:
    """Write the pages into a directory; pages of rules that are no more are removed."""
    written: list[Path] = []
    for name, text in pages().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    for old in (directory / "rules").glob("*.md"):
        if old not in written:
            old.unlink()
    return written
