"""`clinsim train` and `clinsim eval`: make an agent better, and measure how good one is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from clinsim.commands.needless import refuse_needless
from clinsim.commands.screen import number, page, progress, table, write_json
from clinsim.errors import UsageError
from clinsim.scenario_file import load_scenario

NEEDS = "needs the extra `train`: pip install torch==2.13.0, then clinsim[train]"


def train(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="Name of a recipe; an unknown one lists them.")],
    given: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings, which win over the file's.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the run; default runs/train-RECIPE.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off, to the same numbers.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check settings and start, and play one step with nothing kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Train by a recipe; leave models, metrics and a curve in a folder."""
    if dry_run:
        refuse_needless(context, ("resume", "out"), "does not go with --dry-run, of which nothing is kept")
    recipes = _recipes()
    chosen = recipes.recipe_of(recipe)
    settings = recipes.settings_of(chosen, config, given or ())
    folder = out or Path("runs") / f"train-{recipe}"
    if dry_run:
        report = recipes.rehearsed(chosen, settings)
    else:
        _run(recipes, chosen, settings, folder, resume)
        report = recipes.summary(folder)
    if as_json:
        write_json(report)
    else:
        for name, value in report.items():
            page().print(f"{name}: {value}")


def _run(recipes: Any, chosen: Any, settings: Any, folder: Path, resume: bool) -> None:
    """Run a recipe; say of a run that is gone on with if nothing was left to do."""
    steps = 0

    def counted(row: Mapping[str, Any]) -> None:
        nonlocal steps
        steps += 1
        tell(row)

    recipes.run_recipe(chosen, settings, folder, resume, counted, lambda path: progress.print(f"learning curve: {path}"))
    if resume and not steps:
        progress.print(f"{folder}: this run was done already, no step was left to take")


def tell(row: Mapping[str, Any]) -> None:
    """One line of progress for a row of metrics."""
    shown = [f"step {row['step']}"]
    shown += [f"{name} {row[name]:.3f}" for name in ("loss", "return", "utility_loss", "entropy", "flat_share") if name in row]
    if "evaluation" in row:
        found = row["evaluation"]["return"]
        shown.append(f"validation {found['mean']:.3f} ({number(found['low'])} to {number(found['high'])})")
    shown += [f"WARNING {text}" for text in row.get("warnings", ())]
    progress.print("  ".join(shown))


def evaluate(
    policy: Annotated[str, typer.Argument(metavar="DIR|SPEC", help="Folder of a model or a run (its best), or a policy for all seats.")],
    scenario: Annotated[str, typer.Option(help="Name of a shipped scenario, or a scenario file.")],
    seeds: Annotated[str, typer.Option(metavar="A:B", help="Half-open; validation 10000:20000, test from 20000.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Play a policy at all seats on given seeds: return, utility loss and each agent's reward, with 95 % intervals."""
    load_scenario(scenario)
    chosen = parse_seeds(seeds)
    recipes = _recipes()
    found = recipes.evaluated(policy, scenario, chosen)
    if as_json:
        write_json({"policy": Path(policy).name if Path(policy).is_dir() else policy, "scenario": scenario, "seeds": seeds, **found})
        return
    rows = table(f"{scenario}, seeds {seeds}", "figure", "mean>", "low>", "high>", "n>")
    for name, figure in found.items():
        rows.add_row(name, number(figure["mean"], 3), number(figure["low"], 3), number(figure["high"], 3), str(figure["n"]))
    page().print(rows)


def parse_seeds(text: str) -> range:
    """Seeds `A:B`, half-open.

    Raises:
        UsageError: They are none.
    """
    first, colon, last = text.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal() or int(first) >= int(last):
        raise UsageError(f"--seeds {text}: give two whole numbers A:B with A below B, for example 20000:20030")
    return range(int(first), int(last))


def _recipes() -> Any:
    """The recipes, which need torch.

    Raises:
        UsageError: It is not installed.
    """
    try:
        from clinsim.training import recipes
    except ImportError as problem:
        raise UsageError(f"training {NEEDS} ({problem.name} is missing)") from problem
    return recipes
