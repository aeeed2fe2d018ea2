"""The machinery against queueing theory: systems with exact values, played on the pools, the clock and the arrivals of the hospital."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from clinsim.data_file import Rule, checked, read_yaml
from clinsim.intervals import of_ratio
from clinsim.processes import shared_out
from clinsim.validation.checks import Check, joined, near, part
from clinsim.validation.coverage import coverage
from clinsim.validation.network import Counts, Replication, System

PART = "queueing"
TABLE = Path(__file__).with_name("queueing.yaml")
CAPS = {"full": 0.03, "quick": 0.3}
"""Furthest that a value may lie from the exact one, as a share of it, whatever the standard error says."""
SEED = 41_000_000
SEEDS_APART = 100_000
"""Each system has seeds of its own, so that no two checks share their luck."""


class Table(Rule):
    """The file `queueing.yaml`."""

    systems: tuple[System, ...]


@lru_cache(maxsize=1)
def table() -> Table:
    """The systems, read once."""
    return checked(Table, read_yaml(TABLE.read_text(encoding="utf-8"), TABLE.name), TABLE.name)


def system(name: str) -> System:
    """A system by its id, for example A6."""
    return next(one for one in table().systems if one.id == name)


def report(quick: bool = False) -> dict[str, dict[str, Any]]:
    """The part `queueing`: every exact value with what was observed.

    Args:
        quick: Fewer replications; the cap on the tolerance is wider then.
    """
    systems = table().systems
    runs = [(one, number) for one in systems for number in range(_size(one, quick))]
    counts = shared_out(_play, runs, 8)
    by_system: dict[str, list[Counts]] = {one.id: [] for one in systems}
    for (one, _), found in zip(runs, counts, strict=True):
        by_system[one.id].append(found)
    checks = joined(compare(one, by_system[one.id], quick) for one in systems)
    checks += coverage(system("A1"), quick)
    return part(PART, checks)


def replicate(one: System, quick: bool = True) -> list[Counts]:
    """The counts of all replications of one system, one after the other."""
    return list(map(partial(_count, one), range(_size(one, quick))))


def compare(one: System, counts: list[Counts], quick: bool = True) -> list[Check]:
    """Each exact value of a system against its replications.

    Args:
        one: The system.
        counts: What its replications counted.
        quick: Which cap holds.
    """
    cap = CAPS["quick" if quick else "full"]
    checks = []
    for figure in one.figures:
        tops, bottoms = ([found.get(name, 0.0) for found in counts] for name in (figure.of, figure.over))
        found = of_ratio(tops, bottoms)
        name = f"{one.id} {one.title}: {figure.name}"
        checks.append(near(name, found, figure.exact, cap * (figure.scale or abs(figure.exact)), group=one.id))
    return checks


def _size(one: System, quick: bool) -> int:
    return one.replications.quick if quick else one.replications.full


def _play(run: tuple[System, int]) -> Counts:
    return _count(*run)


def _count(one: System, number: int) -> Counts:
    return Replication(one, SEED + SEEDS_APART * int(one.id.removeprefix("A")) + number).play()
