"""Options that would have no effect beside others: refused in one line, never passed over."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from clinsim.errors import UsageError


def refuse_needless(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuse options (by the names of their parameters) that the user has given on the command line.

    Raises:
        UsageError: One was given; the message is its name and `why`.
    """
    called = {option.name: option.opts[0] for option in context.command.params}
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"{called[name]} {why}")
