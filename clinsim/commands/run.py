"""`clinsim run`: play one episode and leave its trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from clinsim.board import ward_board
from clinsim.commands.screen import number, page, progress, table, write_json
from clinsim.errors import ServerError, UsageError
from clinsim.run_folder import SUMMARY, TRACE, Plan, run_in, summary
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.trace_file import Trace

POOL_FIGURES = ("utilisation_", "queue_")


def run(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or a scenario file.")],
    seed: Annotated[int, typer.Option(help="Seed of the episode: training below 10,000, test from 20,000.")] = 0,
    policy: Annotated[list[str] | None, typer.Option(help="SEAT=SPEC for an agent or a role, or SPEC for all; more than once.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Show the ward board while it runs.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the run; default runs/SCENARIO-SEED.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Play one episode of a scenario and leave its trace."""
    loaded = load_scenario(scenario)
    folder = out or Path("runs") / f"{loaded.id}-{seed}"
    plan = Plan(scenario, seed, parse_policies(policy or (), loaded))
    try:
        if live:
            with Live(console=progress, transient=True) as board:
                trace = run_in(folder, plan, resume=resume, watch=lambda ward: board.update(ward_board(ward.hospital)))
        else:
            with nullcontext() if as_json else progress.status(f"{loaded.id}, seed {seed}"):
                trace = run_in(folder, plan, resume=resume)
    except ServerError as problem:
        raise UsageError(f"{problem}; what was played is kept in {folder}: go on with --resume") from problem
    if as_json:
        write_json({**summary(trace), "trace": str(folder / TRACE)})
    else:
        tell(trace, loaded, folder)


def parse_policies(given: Iterable[str], scenario: Scenario) -> dict[str, str]:
    """`SEAT=SPEC` by seat; a SPEC alone stands for each role.

    Raises:
        UsageError: A seat is named twice.
    """
    policies: dict[str, str] = {}
    for text in given:
        match = re.fullmatch(r"([a-z]+(?:_[0-9]+)?)=(.*)", text, flags=re.DOTALL)
        seats = [match[1]] if match else list(dict.fromkeys(rule.role for rule in scenario.seats))
        for seat in seats:
            if seat in policies:
                raise UsageError(f"--policy {text}: {seat} has a policy already")
            policies[seat] = match[2] if match else text
    return policies


def tell(trace: Trace, scenario: Scenario, folder: Path) -> None:
    """Say in a few lines what happened and where the files are."""
    found = summary(trace)
    console = page()
    console.print(
        Text(scenario.file.title, style="bold"),
        f"(seed {trace.seed}): {found['minutes']:.0f} minutes, {found['arrivals']} patients arrived, {trace.n_actions} actions.",
    )
    console.print(
        f"Expected deaths {number(found['expected_deaths'])}, utility loss {number(found['utility_loss'])}, "
        f"harm events {found['harm_events']}, return {number(found['return'])}."
    )
    agents = table("", "agent", "policy", "return>")
    for row in trace.header["staff"]:
        if row["seat"]:
            agents.add_row(row["agent"], row["policy"], number(trace.rewards[row["agent"]]))
    if found["tokens"]:
        console.print(f"Models read and wrote {found['tokens']:,} tokens, cost {found['cost']:.4f}.")
    console.print(agents, _figures(trace.kpis), _pools(trace.kpis))
    console.print(f"Trace {folder / TRACE}, summary {folder / SUMMARY}; check it with: clinsim verify {folder / TRACE}", soft_wrap=True)


def _figures(kpis: Mapping[str, Any]) -> Table:
    figures = table("", "key figure", "value>", "unit", "n>")
    for name, figure in kpis.items():
        if not name.startswith(POOL_FIGURES):
            figures.add_row(name, number(figure["value"]), figure["unit"], str(figure["n"]))
    return figures


def _pools(kpis: Mapping[str, Any]) -> Table:
    """Utilisation and queue of each pool, on one line."""
    pools = table("", "pool", "utilisation>", "queue>")
    busy, queue = POOL_FIGURES
    for name, figure in kpis.items():
        if name.startswith(busy) and figure["value"]:
            pool = name.removeprefix(busy)
            pools.add_row(pool, number(figure["value"]), number(kpis[queue + pool]["value"]))
    return pools
