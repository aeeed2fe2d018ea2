"""The generated parts of the page on calculators, made from their declarations and from the table of readings."""

from __future__ import annotations

from collections import Counter

import tables

from clinsim.hospital.calculators.catalogue import FAMILIES
from clinsim.hospital.calculators.declaration import Calculator, Input, declared
from clinsim.validation.calculators import cases
from clinsim.validation.medcalc import readings


def calculators() -> str:
    """Every calculator, family by family, and what each takes."""
    parts = []
    for family in FAMILIES:
        rules = declared(family.__name__)
        head = f"### {family.__name__.rpartition('.')[2]}\n\n{(family.__doc__ or '').splitlines()[0]}"
        parts.append("\n\n".join([head, *(_one(rule) for rule in rules)]))
    return "\n\n".join(parts)


def _one(rule: Calculator) -> str:
    title = f"**`{rule.name}`** {rule.title}, in {rule.unit}. {rule.summary}"
    rows = [(f"`{each.name}`", each.allowed, _default(each), each.text) for each in rule.inputs]
    return f"{title}\n\nSource: {rule.citation}.\n\n{tables.table(('input', 'unit or words', 'if not given', 'what'), rows)}"


def _default(rule: Input) -> str:
    if rule.needed:
        return "refused"
    if rule.default is None:
        return "left out"
    return "absent" if rule.default is False else str(rule.default).lower() if isinstance(rule.default, bool) else str(rule.default)


def hand_worked() -> str:
    """How many hand-worked cases each calculator has."""
    counted = Counter(case.calculator for case in cases())
    return tables.table(("calculator", "cases"), [(f"`{name}`", number) for name, number in sorted(counted.items())])


def rows_apart() -> str:
    """Rows whose answer differs from ours, and why."""
    return tables.table(("row", "why ours stands"), sorted(readings().explained.items()))


def rows_left() -> str:
    """Calculators of the set that are not compared, and why."""
    return tables.table(("calculator of the set", "why not compared"), readings().not_compared.items())
