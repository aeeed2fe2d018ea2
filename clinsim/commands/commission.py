"""`clinsim tasks generate --writer`: a model writes tasks; what it wrote, and what was refused, is told."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from clinsim.commands.screen import page, progress, table, write_json
from clinsim.errors import UsageError


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written: by whom, about shifts of which scenarios or records of which suite, and how much of it."""

    writer: str
    scenarios: tuple[str, ...]
    suite: str
    domain: str
    split: str
    n: int
    out: Path


def commissioned(order: Order, as_json: bool) -> None:
    """Have a model write tasks.

    Raises:
        UsageError: The order is none, or the server of the model failed.
        typer.Exit: There are fewer tasks than were wanted (exit code 1).
    """
    with nullcontext() if as_json else progress.status("having tasks written"):
        found = _written(order)
    if as_json:
        write_json(_data(found, order))
    else:
        _tell(found)
    if found.failure:
        raise UsageError(f"{found.failure}; the tasks that were written by then are in {found.source.folder}")
    if len(found.tasks) < order.n:
        raise typer.Exit(1)


def _written(order: Order) -> Any:
    from clinsim.benchmark.generation.model_written import commission, write
    from clinsim.benchmark.generation.sources import from_shifts, from_suite
    from clinsim.rollout import policy_for

    if not order.writer.startswith("chat:"):
        raise UsageError(f"--writer {order.writer}: a model writes tasks; give chat:MODEL@URL")
    if bool(order.scenarios) == bool(order.suite):
        raise UsageError("--writer needs what to write about: either --from SCENARIO or --suite SUITE")
    policy: Any = policy_for(order.writer)
    if order.suite:
        source = from_suite(order.suite, order.domain, order.split, order.out)
    else:
        source = from_shifts(order.scenarios, order.domain, order.split, order.n, order.out)
    found = commission(source, policy.server.complete, order.n, policy.server.settings.at_once)
    write(found)
    return found


def _data(found: Any, order: Order) -> dict[str, Any]:
    counts = {"tasks": len(found.tasks), "wanted": order.n, "asked": found.asked, "domains": {order.domain: len(found.tasks)}}
    refused = {"refused": dict(found.reasons), "refusals": [asdict(one) for one in found.refused]}
    spent = {"tokens": found.tokens, "cost": found.cost, "failure": found.failure}
    return {"out": str(order.out), **counts, "templates": dict(found.templates), **refused, **spent}


def _tell(found: Any) -> None:
    from clinsim.benchmark.generation.model_written import REFUSED

    rows = table("", "record", "refused for", "because")
    for one in found.refused:
        rows.add_row(one.record, one.reason, one.detail)
    page().print(rows)
    counts = ", ".join(f"{times} {reason}" for reason, times in sorted(found.reasons.items())) or "none"
    folder = found.source.folder
    spent = f"{found.tokens:,} tokens, cost {found.cost:.4f}"
    typer.echo(f"{len(found.tasks)} of {found.wanted} tasks in {folder}, from {found.asked} replies ({spent})")
    typer.echo(f"Refused: {counts}; each is in {folder / REFUSED}")
