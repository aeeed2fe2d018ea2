"""Slips of background prescribers: a keyed share of orders is written wrongly, and a share of these matters.

Source: Bobb, Arch Intern Med 2004;164:785 (62.4 errors per 1,000 orders, 30.8 % clinically significant).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from clinsim.formulary_file import Drug, Formulary
from clinsim.hospital.drug_facts import Finding, PatientFacts
from clinsim.hospital.safety import is_significant, review
from clinsim.hospital.streams import Streams

PROCESS = "prescribing_slip"


@dataclass(frozen=True, slots=True)
class Prescription:
    """A drug order as written: name, single dose in `unit`, route."""

    drug: str
    dose: float
    unit: str
    route: str


@dataclass(frozen=True, slots=True)
class Slip:
    """An order that was written wrongly: what was meant, what stands there, and what a review of it finds."""

    kind: str
    meant: Prescription
    written: Prescription
    findings: tuple[Finding, ...]
    significant: bool


def slip(
    streams: Streams,
    key: str,
    meant: Prescription,
    facts: PatientFacts,
    formulary: Formulary,
    share: float | None = None,
) -> Slip | None:
    """The slip in an order, if there is one; the same for the same seed and key.

    Whether it is one that matters is drawn first, then its kind among those that this patient allows. If no slip of
    the wanted weight is possible, one of the other weight happens.

    Args:
        streams: Keyed randomness.
        key: Of the order.
        meant: The order as it was meant.
        facts: Of the patient.
        formulary: The knowledge by which significance is judged.
        share: Share of orders with a slip, 0 to 1; that of the formulary if none is given.
    """
    rule = formulary.slips
    if streams.uniform(PROCESS, key, 0) >= (rule.share if share is None else share):
        return None
    wanted = streams.uniform(PROCESS, key, 1) < rule.significant
    possible = list(_possible(meant, facts, formulary))
    fitting = [found for found in possible if found.significant == wanted] or possible
    return _drawn(streams, key, fitting, formulary)


def _drawn(streams: Streams, key: str, slips: list[Slip], formulary: Formulary) -> Slip | None:
    kinds = tuple(dict.fromkeys(found.kind for found in slips))
    weights = tuple((kind, formulary.slips.weights.get(kind, 0.0)) for kind in kinds)
    if not any(weight for _, weight in weights):
        return None
    kind = streams.pick(weights, PROCESS, key, 2)
    of_kind = [found for found in slips if found.kind == kind]
    return of_kind[int(streams.uniform(PROCESS, key, 3) * len(of_kind))]


def _possible(meant: Prescription, facts: PatientFacts, formulary: Formulary) -> Iterator[Slip]:
    """Slips that change what a review finds, or that change nothing worth a finding (the minor ones)."""
    drug = formulary.drugs[meant.drug]
    before = {finding.code for finding in _found(meant, facts, formulary) if finding.severity != "note"}
    known: dict[Prescription, tuple[Finding, ...]] = {}
    for kind, writings in KINDS.items():
        for written in writings(drug, meant, facts, formulary):
            if written not in known:
                known[written] = _found(written, facts, formulary)
            findings = known[written]
            new = [finding for finding in findings if finding.code not in before]
            if _belongs(kind, new):
                yield Slip(kind, meant, written, findings, is_significant(new))


def _belongs(kind: str, new: list[Finding]) -> bool:
    """Whether a swap of drugs really is the slip that it is called; slips of writing always are."""
    code = SWAPS.get(kind)
    return code is None or any(finding.code == code for finding in new)


def _found(order: Prescription, facts: PatientFacts, formulary: Formulary) -> tuple[Finding, ...]:
    return review(formulary.drugs[order.drug], order.dose, order.unit, order.route, facts, formulary)


def _times(factor: float) -> Callable[[Drug, Prescription, PatientFacts, Formulary], Iterator[Prescription]]:
    def written(drug: Drug, meant: Prescription, facts: PatientFacts, formulary: Formulary) -> Iterator[Prescription]:
        yield Prescription(meant.drug, meant.dose * factor, meant.unit, meant.route)

    return written


def _other_routes(drug: Drug, meant: Prescription, facts: PatientFacts, formulary: Formulary) -> Iterator[Prescription]:
    """The dose that was meant for one route, written for another; at worst for one that the drug is not made for."""
    for route in ("iv", "oral", "im", "sc"):
        if route != meant.route:
            yield Prescription(meant.drug, meant.dose, meant.unit, route)


def _swapped(drug: Drug, meant: Prescription, facts: PatientFacts, formulary: Formulary) -> Iterator[Prescription]:
    """Another drug of the group at its usual dose: the slip of choice, not of writing."""
    for other in formulary.groups[drug.group]:
        route = meant.route if meant.route in other.doses else other.routes[0]
        dose = other.usual(route, facts.weight_kg)
        if other.name != drug.name and dose is not None:
            yield Prescription(other.name, dose, other.unit, route)


def _again(drug: Drug, meant: Prescription, facts: PatientFacts, formulary: Formulary) -> Iterator[Prescription]:
    """One of the drugs that the patient has already, ordered once more, or another of its group."""
    for name in facts.current_drugs:
        current = formulary.find(name)
        dose = None if current is None else current.usual(current.routes[0], facts.weight_kg)
        if current is not None and dose is not None:
            yield Prescription(current.name, dose, current.unit, current.routes[0])
    yield from _swapped(drug, meant, facts, formulary)


Writings = Callable[[Drug, Prescription, PatientFacts, Formulary], Iterator[Prescription]]

KINDS: dict[str, Writings] = {
    "tenfold_dose": _times(10.0),
    "double_dose": _times(2.0),
    "half_dose": _times(0.5),
    "wrong_route": _other_routes,
    "allergy": _swapped,
    "duplicate": _again,
    "interaction": _swapped,
    "renal": _swapped,
}
"""Kinds of slips, with the ways in which each can be written."""
SWAPS: dict[str, str] = {
    "allergy": "ALLERGY",
    "duplicate": "DUPLICATE",
    "interaction": "INTERACTION",
    "renal": "RENAL",
}
"""Slips of choice, with the code that a review must newly find for the slip to be one."""
