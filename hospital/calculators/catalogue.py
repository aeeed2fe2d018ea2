"""All calculators by name: `CALCULATORS["sofa"].of(platelets=Quantity(90, "10^9/L"))`. For simulation and research only."""

from __future__ import annotations

from clinsim.hospital.calculators import (
    abdomen,
    acid_base,
    apache,
    body,
    cardiac,
    drugs,
    imaging,
    kidney,
    liver,
    metabolic,
    neuro,
    pregnancy,
    qt,
    readmission,
    respiratory,
    sepsis,
    sofa,
    sofa2,
    thrombosis,
    triage,
)
from clinsim.hospital.calculators.declaration import Calculator, Given, Score, declared
from clinsim.hospital.calculators.quantity import InputError

FAMILIES = (
    sepsis,
    sofa,
    sofa2,
    apache,
    cardiac,
    qt,
    thrombosis,
    respiratory,
    kidney,
    acid_base,
    liver,
    abdomen,
    metabolic,
    neuro,
    body,
    triage,
    imaging,
    readmission,
    drugs,
    pregnancy,
)
"""The modules that declare calculators."""

CALCULATORS = {rule.name: rule for family in FAMILIES for rule in declared(family.__name__)}
"""Every calculator by name, family by family."""


def find(name: str) -> Calculator:
    """The calculator of that name.

    Args:
        name: Name of a calculator.

    Raises:
        InputError: There is none of that name.
    """
    if name not in CALCULATORS:
        raise InputError(f"unknown calculator {name!r}; there are {', '.join(sorted(CALCULATORS))}")
    return CALCULATORS[name]


def calculate(name: str, **given: Given) -> Score:
    """Compute by name from quantities with units.

    Args:
        name: Name of a calculator.
        **given: Its inputs.

    Raises:
        InputError: There is no such calculator, or it refuses an input.
    """
    return find(name).of(**given)
