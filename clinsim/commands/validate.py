"""`clinsim validate`: the hospital against theory, published figures and clinical reference values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from clinsim.commands.screen import progress, table, write_json
from clinsim.errors import UsageError

CALCULATORS = "calculators"


def validate(
    part: Annotated[
        str, typer.Argument(metavar="[PART]", help="queueing, treatment-centre, calculators, physiology, scenarios, general-hospital, or all.")
    ] = "all",
    data: Annotated[Path | None, typer.Option(help="Rows to compare the calculators with (JSON), instead of our hand-worked cases.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute for all: fewer replications, wider tolerances.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report: a page with tables and figures. Draws of sensitivity are kept there, and told with all."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Most processes; the results do not depend on it.")] = None,
) -> None:
    """Check the hospital against theory, published figures and clinical reference values."""
    from clinsim.processes import keep_to
    from clinsim.validation.report import ALL, parts_of, passed, run_part, told_by_hand, write  # numpy and the hospital: only when they are needed

    names = parts_of(part)
    if data is not None and CALCULATORS not in names:
        raise UsageError(f"--data goes with {CALCULATORS} or all, not with {part}")
    if out is not None:
        _make(out)
    if workers is not None:
        keep_to(workers)
    report = {}
    for name in names:
        with nullcontext() if as_json else progress.status(name):
            report[name] = run_part(name, quick, data, out)
    if part == ALL and out is not None and not quick:
        report |= told_by_hand(out)
    page = write(report, out, quick) if out is not None else None
    if as_json:
        write_json(report)
    else:
        tell(report, page)
    if not passed(report):
        raise typer.Exit(1)


def tell(report: Mapping[str, Any], page: Path | None) -> None:
    """Say which parts have passed, show what failed, and, of a part asked for alone, every judged check."""
    from clinsim.validation.report import VERDICTS, tally, told, verdict

    console = Console()
    parts = table("", "part", "verdict", "checks>", "failed>", "not judged>")
    for name, found in report.items():
        parts.add_row(name, VERDICTS[found["passed"]], *map(str, tally(found["checks"])))
    rows = table("", "check", "observed>", "expected>", "low>", "high>", "z>", "verdict")
    for name, found in report.items():
        for check in found["checks"]:
            if check["passed"] is False or ((check["passed"] or "fits" in check) and len(report) == 1):
                label = check["name"] if len(report) == 1 else f"{name}: {check['name']}"
                figures = (told(check.get(key)) for key in ("observed", "expected", "low", "high", "z"))
                rows.add_row(label, *figures, verdict(check))
    if rows.row_count:
        console.print(rows)
    console.print(parts)
    if page is not None:
        console.print(f"Report {page}", soft_wrap=True)


def _make(folder: Path) -> None:
    """Make the folder of the report before minutes of work are spent on it."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: is a file; give a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"--out {folder}: cannot be made ({problem.strerror})") from problem
