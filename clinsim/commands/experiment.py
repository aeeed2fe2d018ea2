"""`clinsim experiment`: replications of a scenario and of alternatives to it, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from clinsim.commands.needless import refuse_needless
from clinsim.commands.run import parse_policies
from clinsim.commands.screen import number, page, progress, table, write_json
from clinsim.errors import UsageError
from clinsim.scenario_file import load_scenario

LEFT_OUT = ("utilisation_", "queue_", "return_")
"""Figures that are not printed; the files have all."""


def experiment(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or a scenario file.")],
    replications: Annotated[int | None, typer.Option(min=1, max=100_000, help="Replications of each alternative; default 10.")] = None,
    precision: Annotated[float | None, typer.Option(help="Replicate until each --figure is known within this share of its mean, e.g. 0.05.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="FIELD=VALUE: an alternative, against the scenario as it is.")] = None,
    every: Annotated[list[str] | None, typer.Option("--every", help="FIELD=VALUE in all alternatives, the first one too.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="A team: SPEC, or SEAT=SPEC parted by ;. Each is an alternative.")] = None,
    figure: Annotated[list[str] | None, typer.Option(help="Figures for --precision; default length_of_stay.")] = None,
    warm_up: Annotated[str | None, typer.Option(help="Minutes to cut, or auto: found by MSER-5. Default: the scenario's own.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first replication.")] = 0,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="Most replications that --precision may take.")] = 200,
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes; the results do not depend on it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and figures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Replicate a scenario and alternatives to it on the same seeds: means with intervals, and paired differences."""
    from clinsim import experiment_files as files  # the hospital: only when it is needed
    from clinsim.experiment import Plan, conduct
    from clinsim.experiment_ward import alternatives, warm_up_of

    teams = alternatives(scenario, every or (), change or (), [_team(text, scenario) for text in policy or ()])
    for team in teams.values():
        team.check()
    if out is not None:
        files.check_folder(out)
    _check_size(replications, precision)
    if precision is None:
        refuse_needless(context, ("figure", "most"), "goes with --precision")
    plan = Plan(
        replications or 10,
        precision,
        tuple(figure or ("length_of_stay",)),
        most,
        seed,
        warm_up_of(next(iter(teams.values())).loaded(), warm_up),
        workers,
    )
    with nullcontext() if as_json else progress.status(f"{scenario}: {len(teams)} alternative{'s' * (len(teams) > 1)}"):
        findings = conduct(teams, plan)
        found = files.as_object(teams, findings)
    if out is not None:
        files.write(teams, findings, out)
    write_json(found) if as_json else tell(found, out)
    if precision is not None and findings.enough is None:
        raise typer.Exit(1)


def _check_size(replications: int | None, precision: float | None) -> None:
    if replications is not None and precision is not None:
        raise UsageError("--replications and --precision: give one of them")
    if precision is not None and not 0.0 < precision < 1.0:
        raise UsageError(f"--precision {precision:g}: give a share between 0 and 1, for example 0.05")


def _team(text: str, scenario: str) -> dict[str, str]:
    return parse_policies([part.strip() for part in text.split(";")], load_scenario(scenario))


def tell(found: Mapping[str, Any], out: Path | None) -> None:
    """Say what was found: the main figures of each alternative, and how the others differ from the first."""
    console = page()
    warm_up = found["warm_up"]
    settled = "" if warm_up["settled"] else "; that is half of the run: it has not settled, let it run longer"
    console.print(f"{found['scenario']}: {found['replications']} replications, seeds {found['seeds']}, {found['level']:.0%} intervals.")
    console.print(f"Warm-up {warm_up['minutes']:g} minutes ({warm_up['method']}{settled}).", soft_wrap=True)
    precision = found["precision"]
    if precision is not None:
        reached = f"reached with {precision['enough']}" if precision["enough"] else "not reached: more replications, or a wider --precision"
        console.print(f"Half-width of {', '.join(precision['figures'])} within {precision['wanted']:.1%} of the mean: {reached}.", soft_wrap=True)
    for row in found["alternatives"]:
        console.print(_table(row["name"], row["figures"]))
    for row in found["differences"]:
        name = f"{row['name']} less {row['from']}, by seed"
        console.print(f"{name}: every figure is the same; what was set has no effect here." if row["same"] else _table(name, row["figures"]))
    if out is not None:
        console.print(f"Tables and figures in {out}", soft_wrap=True)


def _table(title: str, figures: Mapping[str, Any]) -> Any:
    rows = table(title, "figure", "mean>", "low>", "high>", "n>", "unit")
    for name, row in figures.items():
        if row["n"] and not name.startswith(LEFT_OUT):
            rows.add_row(name, *(number(row[key], 3) for key in ("mean", "low", "high")), str(row["n"]), row.get("unit", ""))
    return rows
