"""What the ancestor's tools were and how they failed, so that replays of its trajectories can say what it would have flagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital.domains import Called
from clinsim.hospital_file import Source


class Mended(Rule):
    """Expected calls that failed there and succeed here."""

    domain: str
    tool: str
    there: str
    here: str
    reason: str


class Ancestor(Rule):
    """The whole file: arguments of each tool by domain and name, as `name: type` or `name: type = default`."""

    version: int
    source: Source
    tools: dict[str, dict[str, tuple[str, ...]]]
    silent_misses: dict[str, tuple[str, ...]]
    mended: tuple[Mended, ...]


@lru_cache(maxsize=1)
def ancestor() -> Ancestor:
    """What is known of the ancestor's tools."""
    return checked(Ancestor, read_data("records/ancestor.yaml"), "records/ancestor.yaml")


UNCHECKED = ("submit_answer", "think")
"""Tools that took whatever they were given, so long as the names fitted: a number for an answer was no error."""


def would_flag(domain: str, name: str, called: Called, arguments: Mapping[str, Any] | None = None) -> bool:
    """Whether the ancestor would have flagged a call as an error, given what came of it here.

    It knew fewer tools, answered some unknown ids with words instead of an error, and refused nothing on its merits.

    Args:
        domain: Name of the domain.
        name: Name of the tool.
        called: What came of the call here.
        arguments: What it was called with, if that is known.
    """
    known = ancestor()
    if name not in known.tools[domain] or called.outcome == "unknown_tool":
        return True
    if called.outcome == "schema":
        return arguments is None or name not in UNCHECKED or not _names_fit(known.tools[domain][name], arguments)
    return called.outcome == "missing" and name not in known.silent_misses.get(domain, ())


def _names_fit(declared: Sequence[str], arguments: Mapping[str, Any]) -> bool:
    """Whether arguments bear the names that a tool declares, and none that it needs is missing."""
    names = {text.partition(":")[0] for text in declared}
    needed = {text.partition(":")[0] for text in declared if "=" not in text}
    return needed <= set(arguments) <= names


def is_mended(domain: str, name: str) -> bool:
    """Whether a call of this tool failed there and succeeds here because a fault was mended."""
    return any((row.domain, row.tool) == (domain, name) for row in ancestor().mended)
