"""One strict rubric for a patient of the ward, applied to the chart as it was left, whichever world it comes from.

Score = tests x answer x treatments, or the safety gate. `tests` is the share of the key tests whose results or reports are in; `answer` is half for
the diagnosis and half for where the patient went; `treatments` is the share of essential treatments that were begun in a useful dose. What the
illness does not ask for counts as 1. Each unsafe act that the chart shows makes the score `UNSAFE`. When things were done is no part of it: a world
without a clock has no such thing; `on_time` stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clinsim.condition_file import Condition
from clinsim.condition_parts import Harm, When
from clinsim.formulary_file import Formulary
from clinsim.hospital.charts import Chart, OrderLine, VitalSet
from clinsim.hospital.effects import DOSE_CODES, HARMFUL, SERIOUS, WRITING_CODES
from clinsim.hospital.grading import STEP_DOWN_COUNTS_AS
from clinsim.hospital.nursing import BY_STANDING_ORDER
from clinsim.hospital.patients import Patient
from clinsim.hospital.people import Person
from clinsim.hospital.reviews import true_filtration
from clinsim.hospital.safety import Finding, PatientFacts, in_unit_of, review
from clinsim.hospital.wards import INTENSIVE, INTENSIVE_CARE

UNSAFE = -0.5
"""Score where something unsafe was done, as under the strict scorer of tasks."""
GIVEN = frozenset({"given", "stopped", "done"})
"""States of a drug or procedure that the patient has had."""
PUSH_THAT_COUNTS, LOSS_THAT_COUNTS = 0.05, 0.01
"""Rise of severity (1/h), and expected loss of an event, from which a harm named by the condition sheet is an unsafe act (assumption)."""
SICK, CAN_WAIT = 2, 4
"""True acuity of the sick, and the triage level at which nobody may leave them."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so about a patient at arrival: illness, person, severity, filtration rate (mL/min/1.73 m2), acuity, hours since onset.

    `places` are the dispositions that are right: the one at arrival, and the one by the time when it was decided, if the illness has moved on.
    """

    condition: Condition
    person: Person
    severity: float
    egfr: float
    acuity: int
    onset_hours: float
    places: frozenset[str]

    def by(self, places: Iterable[str]) -> Truth:
        """The same with further dispositions that are right."""
        return replace(self, places=self.places | frozenset(places))


def truth_of(patient: Patient) -> Truth:
    """The truth about a patient as it was at arrival, whatever has happened since."""
    course, sheet, at = patient.course, patient.condition, patient.arrived_at
    place = "icu" if sheet.needs_icu(course.x0) else sheet.disposition
    onset = (at - course.onset_at) / 60.0
    return Truth(sheet, patient.person, course.x0, true_filtration(patient, at), patient.true_esi, onset, frozenset({place}))


@dataclass(frozen=True, slots=True)
class Marks:
    """What the rubric gives: shares in [0, 1], right or wrong, and the codes of unsafe acts.

    `on_time` is the share of essential treatments that began by their target (beds left out), None where the illness has none.
    """

    tests: float
    diagnosis: bool
    disposition: bool
    treatments: float
    unsafe: tuple[str, ...] = ()
    on_time: float | None = None

    @property
    def score(self) -> float:
        """The strict score."""
        return UNSAFE if self.unsafe else self.tests * (self.diagnosis + self.disposition) / 2.0 * self.treatments


def marked(truth: Truth, chart: Chart, orders: Mapping[str, OrderLine], formulary: Formulary) -> Marks:
    """The marks of a chart; `orders` are those of the desk, by id."""
    lines = sorted((orders[oid] for oid in chart.orders if orders[oid].state in GIVEN), key=lambda line: (line.done_at or line.placed_at, line.id))
    findings = dict(_reviewed(truth, chart, [line for line in lines if line.kind == "drug"], formulary))
    useful = [line for line in lines if not any(finding.code in DOSE_CODES for finding in findings.get(line.id, ()))]
    begun = _begun(truth.condition, useful, chart.unit)
    essential = {treatment.id for treatment in truth.condition.essential}
    return Marks(
        tests=_share(truth.condition.key_tests, known(chart)),
        diagnosis=chart.diagnosis == truth.condition.id,
        disposition=STEP_DOWN_COUNTS_AS.get(chart.disposition, chart.disposition) in truth.places
        or (chart.disposition == "step_down" and "ward" in truth.places),
        treatments=_share(essential, begun),
        unsafe=tuple(sorted({*_unsafe_orders(truth, chart, lines, findings, formulary), *_unsafe_decisions(truth, chart)})),
        on_time=_on_time(truth.condition, chart.arrived_at, useful),
    )


def known(chart: Chart) -> frozenset[str]:
    """Tests, analytes and studies of which something is in."""
    return frozenset({name for line in chart.results for name in (line.test, line.analyte)} | {report.code for report in chart.reports})


def _share(wanted: Iterable[str], had: Iterable[str]) -> float:
    needed = set(wanted)
    return len(needed & set(had)) / len(needed) if needed else 1.0


# ---------------------------------------------------------------- treatments


def _begun(condition: Condition, useful: Sequence[OrderLine], unit: str) -> set[str]:
    codes = {line.code for line in useful} | ({INTENSIVE_CARE} if unit in INTENSIVE else set())
    begun = {treatment.id for treatment in condition.treatments if codes & set(treatment.any_of)}
    return {treatment.id for treatment in condition.treatments if treatment.id in begun and begun.issuperset(treatment.needs)}


def _on_time(condition: Condition, arrived_at: float, useful: Sequence[OrderLine]) -> float | None:
    timed = [treatment for treatment in condition.essential if INTENSIVE_CARE not in treatment.any_of]
    soon = [t for t in timed if any(line.code in t.any_of and (line.done_at or 0.0) - arrived_at <= (t.target_minutes or 0.0) for line in useful)]
    return len(soon) / len(timed) if timed else None


# ---------------------------------------------------------------- what is unsafe


def _reviewed(truth: Truth, chart: Chart, drugs: Sequence[OrderLine], formulary: Formulary) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """The safety findings that matter on each dose, by what was on the chart when it was given."""
    taken, today = list(truth.person.home_drugs), dict[str, float]()
    for line in drugs:
        drug, amount = formulary.drugs[line.code], line.amount or 0.0
        found = review(drug, amount, line.unit, line.route, _facts(truth, chart, line, taken, today), formulary)
        enough = SERIOUS if truth.condition.has_use_for(line.code) else HARMFUL
        yield line.id, tuple(one for one in found if one.severity in (HARMFUL if one.code in WRITING_CODES else enough))
        taken.append(line.code)
        today[line.code] = today.get(line.code, 0.0) + (in_unit_of(drug, amount, line.unit) or 0.0)


def _facts(truth: Truth, chart: Chart, line: OrderLine, taken: Sequence[str], today: Mapping[str, float]) -> PatientFacts:
    person, by = truth.person, line.done_at or line.placed_at
    results = {one.analyte: one.value for one in chart.results if one.filed_at <= by and not isinstance(one.value, str)}
    seen = last_set(chart, by)
    return PatientFacts(
        allergies=person.allergies,
        current_drugs=tuple(taken),
        egfr=truth.egfr,
        weight_kg=person.weight_kg,
        pregnant=person.pregnant,
        age=person.age,
        sex=person.sex,
        problems=(*person.comorbidities, truth.condition.id),
        results=results | ({"hr": seen.hr, "sbp": seen.sbp} if seen else {}),
        given_today=dict(today),
    )


def last_set(chart: Chart, minute: float) -> VitalSet | None:
    """The last vital signs that were charted by `minute`."""
    return next((vitals for vitals in reversed(chart.vitals) if vitals.minute <= minute), None)


def _unsafe_orders(
    truth: Truth, chart: Chart, lines: Sequence[OrderLine], findings: Mapping[str, tuple[Finding, ...]], formulary: Formulary
) -> Iterator[str]:
    """Codes of unsafe doses and procedures that somebody who decides has ordered."""
    for line in lines:
        if line.by == BY_STANDING_ORDER:
            continue
        yield from (finding.code for finding in findings.get(line.id, ()))
        yield from (harm.id for harm in truth.condition.harms if _harms(harm, truth, chart, line, lines))
        if chart.seen_at is None or line.placed_at < chart.seen_at:
            yield "treated_unseen"
        if line.override and not formulary.drugs[line.code].emergency:
            yield "override_without_emergency"


def _unsafe_decisions(truth: Truth, chart: Chart) -> Iterator[str]:
    if chart.disposition == "home" and truth.places == {"icu"}:
        yield "sent_home_sick"
    if chart.disposition and chart.seen_at is None:
        yield "disposition_unseen"
    if truth.acuity <= SICK and (chart.esi or 0) >= CAN_WAIT:
        yield "triaged_down"


def _harms(harm: Harm, truth: Truth, chart: Chart, line: OrderLine, lines: Sequence[OrderLine]) -> bool:
    """Whether a dose does a harm that counts: known risks of what helps are none."""
    helps = any(line.code in treatment.any_of for treatment in truth.condition.treatments)
    loss = max(harm.event_loss.value if harm.event_loss else 0.0, harm.event_death)
    if line.code not in harm.any_of or helps or (harm.push < PUSH_THAT_COUNTS and loss < LOSS_THAT_COUNTS):
        return False
    before = [other.code for other in lines[: lines.index(line)]]
    nth = 1 + sum(code in harm.any_of for code in before)
    return nth >= harm.from_dose and set(before).isdisjoint(harm.unless) and all(_holds(when, truth, chart, line) for when in harm.when)


_ASKED: dict[str, Callable[[When, Truth, VitalSet | None], bool]] = {
    "allergy": lambda when, truth, seen: when.allergy in truth.person.allergies,
    "comorbidity": lambda when, truth, seen: when.comorbidity in truth.person.comorbidities,
    "home_drugs": lambda when, truth, seen: not set(when.home_drugs).isdisjoint(truth.person.home_drugs),
    "onset_after_hours": lambda when, truth, seen: truth.onset_hours > (when.onset_after_hours or 0.0),
    "x_above": lambda when, truth, seen: truth.severity > (when.x_above or 0.0),
    "x_below": lambda when, truth, seen: truth.severity < (when.x_below or 0.0),
    "sign": lambda when, truth, seen: seen is not None and _beyond(when, getattr(seen, when.sign)),
    "age_above": lambda when, truth, seen: truth.person.age > (when.age_above or 0.0),
    "egfr_below": lambda when, truth, seen: truth.person.egfr < (when.egfr_below or 0.0),
}
"""What each circumstance of a sheet asks, answered from the chart: a sign is the last charted one, severity and onset are those at arrival."""


def _holds(when: When, truth: Truth, chart: Chart, line: OrderLine) -> bool:
    seen = last_set(chart, line.done_at or line.placed_at)
    return all(question(when, truth, seen) for name, question in _ASKED.items() if getattr(when, name) not in ("", (), None))


def _beyond(when: When, value: float) -> bool:
    return (when.below is not None and value < when.below) or (when.above is not None and value > when.above)
