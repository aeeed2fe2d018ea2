"""What people call laboratory tests: an order in plain words, a name on a chart, and whether they mean the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol, TypeVar

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital_file import Source

BRACKETS = re.compile(r"\s*\(.*?\)")
SPECIMEN = re.compile(r"^(serum|plasma|stat|repeat|blood level of)\s+")


class PanelRule(Rule):
    """A panel: its other names, and the analytes in it."""

    also: tuple[str, ...]
    holds: tuple[str, ...]


class LaboratoryNames(Rule):
    """The whole file."""

    version: int
    source: Source
    panels: dict[str, PanelRule]
    analytes: dict[str, tuple[str, ...]]


class Named(Protocol):
    """A result that bears a name."""

    @property
    def test_name(self) -> str:
        """What it is called on the chart."""
        ...


N = TypeVar("N", bound=Named)


@lru_cache(maxsize=1)
def _file() -> LaboratoryNames:
    return checked(LaboratoryNames, read_data("records/laboratory_names.yaml"), "records/laboratory_names.yaml")


@lru_cache(maxsize=1)
def _analytes() -> dict[str, str]:
    return {also: name for name, others in _file().analytes.items() for also in (name, *others)}


@lru_cache(maxsize=1)
def _panels() -> dict[str, tuple[str, ...]]:
    return {also: rule.holds for name, rule in _file().panels.items() for also in (name, *rule.also)}


@lru_cache(maxsize=4096)
def analyte(written: str) -> str:
    """The common name of an analyte as written; the written name in small letters where none is known."""
    whole = " ".join(written.lower().split())
    bare = SPECIMEN.sub("", BRACKETS.sub("", whole))
    return _analytes().get(whole) or _analytes().get(bare) or bare


@lru_cache(maxsize=4096)
def meant_by(written: str) -> frozenset[str]:
    """Names that a test ordered in plain words may bear on a chart: its own, and those of the analytes of a panel."""
    whole = " ".join(written.lower().split())
    parts = {whole, analyte(whole), *_panels().get(whole, ()), *_panels().get(BRACKETS.sub("", whole), ())}
    return frozenset(parts | {analyte(part) for part in parts})


def of_test(written: str, results: Iterable[N]) -> tuple[N, ...]:
    """The results that a test ordered in plain words would give."""
    wanted = meant_by(written)
    return tuple(row for row in results if analyte(row.test_name) in wanted or wanted & meant_by(row.test_name))
