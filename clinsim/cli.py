"""The command line: `clinsim COMMAND`. Exit code 0: done, 1: the check failed, 2: bad use, told in one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import typer

from clinsim.commands.catalogue import scenarios, tools
from clinsim.commands.check import regrade, verify
from clinsim.commands.experiment import experiment
from clinsim.commands.export import export
from clinsim.commands.replay import replay
from clinsim.commands.run import run
from clinsim.commands.tasks import tasks_app
from clinsim.commands.train import evaluate, train
from clinsim.commands.validate import validate
from clinsim.errors import UsageError

BAD_USE = 2
app = typer.Typer(
    name="clinsim",
    help="A simulated hospital in which doctors, pharmacists and radiologists are agents.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (run, replay, verify, regrade, scenarios, tools, experiment, export, validate, train):
    app.command()(command)
app.command(name="eval")(evaluate)
app.add_typer(tasks_app, name="tasks")

_Misspelt = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])
"""What typer raises for an unknown option or a missing argument; it has no public name."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    sys.exit(code_of(arguments))


def code_of(arguments: Sequence[str] | None = None) -> int:
    """Run one command (without any, show what there is); the exit code that it earns."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return app(args=given or ["--help"], standalone_mode=False) or 0
    except UsageError as problem:
        return _bad_use(str(problem))
    except _Misspelt as problem:
        return _bad_use(problem.format_message())


def _bad_use(problem: str) -> int:
    typer.echo(f"clinsim: {' '.join(problem.split())}", err=True)
    return BAD_USE


if __name__ == "__main__":
    main()
