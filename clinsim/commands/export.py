"""`clinsim export`: traces in the formats of others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from clinsim.commands.check import ScenarioOption, trace_path
from clinsim.commands.needless import refuse_needless
from clinsim.commands.screen import write_json
from clinsim.errors import UsageError
from clinsim.recheck import scenario_of
from clinsim.trace_file import Trace


def export(
    context: typer.Context,
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE...", help="Traces, or the folders of runs.")],
    vidigi: Annotated[Path | None, typer.Option(help="Write an event log for vidigi 2.0 to this CSV file; each trace is a run of it.")] = None,
    fhir: Annotated[Path | None, typer.Option(help="Write a FHIR R4B bundle for each chart of one trace into this folder.")] = None,
    scenario: ScenarioOption = None,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Day on which minute 0 lies, for FHIR.")] = datetime(2026, 1, 1),  # noqa: DTZ001
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write traces as an event log (vidigi) or their charts as bundles (FHIR)."""
    from clinsim.export.event_log import kept_places, write_event_log  # the hospital: only when it is needed
    from clinsim.export.fhir import bundles, write_bundles

    if vidigi is None and fhir is None:
        raise UsageError("nothing to write: give --vidigi FILE or --fhir DIR")
    if fhir is None:
        refuse_needless(context, ("day",), "goes with --fhir")
    if fhir is not None and len(traces) > 1:
        raise UsageError("--fhir takes one trace: patients of several would bear the same ids")
    loaded = [(Trace.load(path), path) for path in map(trace_path, traces)]
    played = [(trace, scenario_of(trace, path, scenario)) for trace, path in loaded]
    found: dict[str, int] = {}
    if vidigi is not None:
        found["rows"] = write_event_log([(trace, kept_places(file.hospital)) for trace, file in played], vidigi)
    if fhir is not None:
        found["bundles"] = write_bundles(bundles(*played[0], day.date()), fhir)
    if as_json:
        write_json(found)
    else:
        typer.echo(", ".join(f"{number} {name}" for name, number in found.items()))
