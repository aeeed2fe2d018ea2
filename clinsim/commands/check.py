"""`clinsim verify` and `clinsim regrade`: look again at a finished trace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinsim.commands.screen import number, page, table, write_json
from clinsim.recheck import regrade_trace, verify_trace

ScenarioOption = Annotated[Path | None, typer.Option(help="File of its scenario, where that is not found by the name in the trace.")]
TraceArgument = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace.jsonl, or the folder of a run.")]


def verify(trace: TraceArgument, scenario: ScenarioOption = None) -> None:
    """Check that a trace is as it was written, and that playing it again gives the same."""
    verdict = verify_trace(trace_path(trace), scenario)
    typer.echo(verdict.message, err=not verdict.passed)
    if not verdict.passed:
        raise typer.Exit(1)


def regrade(
    trace: TraceArgument,
    scenario: ScenarioOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Grade a trace again, for all agents, by the rewards of its scenario as they are today."""
    graded = regrade_trace(trace_path(trace), scenario)
    if as_json:
        write_json(graded)
        return
    rows = table("", "agent", "component", "reward>")
    for agent, components in graded["components"].items():
        for name, value in components.items():
            rows.add_row(agent, name, number(value, 3))
    page().print(rows)
    typer.echo(f"return {graded['return']:.3f}, {'as' if graded['same'] else 'not as'} recorded")


def trace_path(given: Path) -> Path:
    """The trace file that the user means: the file itself, or the one in a folder."""
    return given / "trace.jsonl" if given.is_dir() else given
