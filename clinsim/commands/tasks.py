"""`clinsim tasks` and `clinsim tasks check`: the static tasks there are, and whether they prove themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from clinsim.commands.needless import refuse_needless
from clinsim.commands.screen import page, progress, table, write_json
from clinsim.errors import UsageError

SuiteOption = Annotated[str, typer.Option(help="own, one of its domains, or bioagents, agentclinic, tau2 with --data.")]
DataOption = Annotated[Path | None, typer.Option(help="Folder or file of a suite that is not the project's own.")]
SplitOption = Annotated[str, typer.Option(help="train, test, heldout or all.")]
DomainOption = Annotated[str, typer.Option(help="Only tasks of this domain.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

tasks_app = typer.Typer(invoke_without_command=True, help="List the static tasks of a suite, or check them.")


@tasks_app.callback()
def tasks(
    context: typer.Context,
    suite: SuiteOption = "own",
    data: DataOption = None,
    split: SplitOption = "all",
    domain: DomainOption = "",
    as_json: AsJson = False,
) -> None:
    """List the static tasks of a suite."""
    if context.invoked_subcommand is not None:
        refuse_needless(
            context,
            ("suite", "data", "split", "domain", "as_json"),
            f"goes behind the name of the command: clinsim tasks {context.invoked_subcommand}",
        )
        return
    from clinsim.benchmark.suite import load_suite  # the hospital: only when it is needed

    loaded = load_suite(suite, data)
    found = [_row(placed) for placed in loaded.chosen(split, domain)]
    if as_json:
        write_json({"suite": suite, "tasks": found, "unknown": list(loaded.unknown), "disputed": list(loaded.disputed)})
        return
    rows = table("", "domain", "task", "split", "difficulty", "category", "calls>")
    for row in found:
        rows.add_row(*(str(row[name]) for name in ("domain", "id", "split", "difficulty", "category", "calls")))
    page().print(rows)
    typer.echo(f"{len(found)} tasks")


@tasks_app.command()
def check(
    suite: SuiteOption = "own",
    data: DataOption = None,
    split: SplitOption = "all",
    domain: DomainOption = "",
    as_json: AsJson = False,
) -> None:
    """Prove each task: its schema and ids hold, its gold plan executes and scores 1, doing nothing scores 0, cheats are not paid."""
    from clinsim.benchmark.proof import check_suite
    from clinsim.benchmark.suite import load_suite

    loaded = load_suite(suite, data)
    chosen = loaded.chosen(split, domain)
    with nullcontext() if as_json else progress.status(suite):
        problems = [asdict(problem) for problem in check_suite(loaded, chosen)]
    if as_json:
        write_json({"suite": suite, "tasks": len(chosen), "passed": not problems, "problems": problems})
    else:
        _tell(len(chosen), problems)
    if problems:
        raise typer.Exit(1)


@tasks_app.command()
def generate(
    context: typer.Context,
    n: Annotated[int, typer.Option("--n", min=1, help="How many tasks.")],
    source: Annotated[list[str] | None, typer.Option("--from", help="Scenario whose shifts are played; may be given several times.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write into: one folder below it for each domain.")] = Path("generated"),
    writer: Annotated[str, typer.Option(metavar="chat:MODEL@URL", help="A model that writes the tasks, for --domain.")] = "",
    domain: DomainOption = "",
    split: Annotated[str, typer.Option(help="train, test or heldout: whose seeds or records a model writes about.")] = "train",
    suite: Annotated[str, typer.Option(help="A suite whose records a model writes about, instead of shifts.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write tasks from shifts, with gold from what is true, or have a model write them; each is proven as by `tasks check`."""
    if writer:
        from clinsim.commands.commission import Order, commissioned

        commissioned(Order(writer, tuple(source or ()), suite, domain, split, n, out), as_json)
        return
    refuse_needless(
        context, ("domain", "split", "suite"), "goes with --writer: tasks from shifts are written for all domains, in the split of their seeds"
    )
    if not source:
        raise UsageError("tasks generate needs --from SCENARIO (or --writer, with --from or --suite)")
    from clinsim.benchmark.generation.collect import chosen, shares, write
    from clinsim.benchmark.generation.collect import generate as collect
    from clinsim.benchmark.replay import make_folder

    make_folder(out)
    with nullcontext() if as_json else progress.status("playing shifts"):
        found = collect(source, n)
        tasks = chosen(found, n)
        domains = {domain: len(held) for domain, held in write(tasks, out).items()}
    told = {"out": str(out), "tasks": len(tasks), "domains": domains, "templates": dict(shares(tasks))}
    if as_json:
        write_json(told | {"shifts": found.shifts, "near_duplicates": found.duplicates, "unproven": found.unproven})
        return
    rows = table("", "template", "tasks>")
    for name, count in sorted(shares(tasks).items()):
        rows.add_row(name, str(count))
    page().print(rows)
    typer.echo(f"{len(tasks)} tasks from {found.shifts} shifts in {out}; refused: {found.duplicates} near-duplicates, {found.unproven} unproven")


def _tell(checked: int, problems: Sequence[dict[str, Any]]) -> None:
    rows = table("", "domain", "file", "task", "problem")
    for problem in problems:
        rows.add_row(*problem.values())
    if problems:
        page().print(rows)
    wrong = {(row["domain"], row["file"], row["task_id"]) for row in problems if row["domain"] and row["file"]}
    others = sum(not (row["domain"] and row["file"]) for row in problems)
    typer.echo(f"{checked} tasks checked, {len(wrong)} with problems{f'; {others} problems of the suite as a whole' if others else ''}")


def _row(placed: Any) -> dict[str, Any]:
    task = placed.task
    shown = {"id": task.id, "domain": task.domain, "file": placed.file, "split": placed.split, "category": task.category}
    return {**shown, "difficulty": task.difficulty, "template": task.template, "calls": len(task.gold), "ticket": task.ticket}
