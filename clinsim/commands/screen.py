"""What commands write: one JSON object or a few lines on standard output, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

WIDE = 1000
"""Characters of a line that nobody looks at on a screen: ids are not cut off."""
progress = Console(stderr=True, markup=False, emoji=False)
"""Where progress goes, so that standard output holds the result alone."""


def page() -> Console:
    """Where results go: text from scenarios, charts and the user is shown as it is, brackets and colons included; in a file or pipe, uncut."""
    return Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)


def write_json(data: Mapping[str, Any]) -> None:
    """Write `data` as one JSON object."""
    typer.echo(json.dumps(data, indent=1, ensure_ascii=False))


def table(title: str, *columns: str) -> Table:
    """An empty table in the style of the project; columns whose name ends in `>` are aligned to the right."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        made.add_column(name.removesuffix(">"), justify="right" if name.endswith(">") else "left")
    return made


def number(value: float | None, digits: int = 2) -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"
