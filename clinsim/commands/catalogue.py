"""`clinsim scenarios` and `clinsim tools`: what there is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import clinsim.hospital.domains  # declares the tools of the domains
import clinsim.hospital.tools  # noqa: F401  # declares the live tools
from clinsim.commands.screen import page, table, write_json
from clinsim.errors import UsageError
from clinsim.record import ROLES
from clinsim.scenario_file import load_scenario, scenario_names
from clinsim.tooling import ToolSpec, toolsets

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def scenarios(as_json: AsJson = False) -> None:
    """List the shipped scenarios."""
    found = [_scenario_row(name) for name in scenario_names()]
    if as_json:
        write_json({"scenarios": found})
        return
    rows = table("", "scenario", "title", "minutes>", "seats")
    for row in found:
        rows.add_row(row["id"], row["title"], f"{row['minutes']:.0f}", " ".join(row["seats"]))
    page().print(rows)


def tools(
    role: Annotated[str | None, typer.Option(help=f"Only tools of this role: {', '.join(ROLES)}.")] = None,
    toolset: Annotated[str | None, typer.Option(help="Only tools of this toolset, for example live.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the tools that agents act with."""
    _check("role", role, ROLES)
    _check("toolset", toolset, tuple(toolsets()))
    specs = [spec for name, group in toolsets().items() if toolset in (None, name) for spec in group.values()]
    found = [_tool_row(spec) for spec in specs if role is None or role in spec.roles]
    if as_json:
        write_json({"tools": found})
        return
    rows = table("", "toolset", "tool", "roles", "what it does")
    for row in found:
        rows.add_row(row["toolset"], row["name"], " ".join(row["roles"]), row["description"])
    page().print(rows)


def _check(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise UsageError(f"--{option}: unknown {value!r}; there are {', '.join(allowed)}")


def _scenario_row(name: str) -> dict[str, Any]:
    scenario = load_scenario(name)
    return {
        "id": scenario.id,
        "version": scenario.version,
        "title": scenario.file.title,
        "story": scenario.file.story,
        "minutes": scenario.horizon_minutes,
        "seats": [rule.agent for rule in scenario.seats],
        "background": [rule.agent for rule in scenario.background],
        "hash": scenario.hash,
    }


def _tool_row(spec: ToolSpec) -> dict[str, Any]:
    card = spec.card
    shown = {"description": card.description, "parameters": card.parameters, "service": spec.service}
    return {"toolset": spec.toolset, "name": spec.name, "roles": list(spec.roles), **shown}
