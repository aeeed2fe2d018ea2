"""Charts frozen at decision points of a shift that the guideline team plays, each with the truth behind it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

from clinsim.hospital.charts import Chart, OrderLine
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.patients import Patient
from clinsim.hospital.studies import Study
from clinsim.hospital.tools.live_chart import OXYGEN_PROCEDURES
from clinsim.referee import WardEnv
from clinsim.rollout import raw_env, run_episode

Stage = Literal["door", "worked", "diagnosed", "long", "order", "read"]
RESULTS_OF_WORKED, SETS_OF_WORKED, SETS_OF_LONG = 8, 2, 6
"""From how many results and sets of vital signs on a chart counts as worked up, and as followed for long."""
CARRIED_OUT = frozenset({"done", "given", "resulted", "reported"})


@dataclass(frozen=True, slots=True)
class Moment:
    """One chart at one minute: where it can be played live, what is charted by then, and what is true.

    `order` and `study` are what a moment of the stages `order` and `read` is about.
    """

    scenario: str
    seed: int
    minute: float
    stage: Stage
    chart: Chart
    orders: tuple[OrderLine, ...]
    truth: Patient
    order: OrderLine | None = None
    study: Study | None = None

    @property
    def person(self) -> str:
        """Who it is, over all shifts: scenario, seed and patient."""
        return f"{self.scenario}-{self.seed}-{self.chart.id}"

    @property
    def id(self) -> str:
        """What the frozen record is called: the person and the minute."""
        return f"{self.person}-{self.minute:.0f}"

    @property
    def on_oxygen(self) -> bool:
        """Whether oxygen has been started by then."""
        return any(line.kind == "procedure" and line.state == "done" and line.code in OXYGEN_PROCEDURES for line in self.orders)


def moments_of(scenario: str, seed: int) -> list[Moment]:
    """Play one shift with the guideline team, and freeze each chart the first time that it reaches each stage."""
    ward = raw_env(scenario)
    held: dict[tuple[str, str], Moment] = {}

    def watch(env: WardEnv) -> None:
        hospital = env.episode.hospital
        for moment in _reached(hospital, scenario, seed, held):
            held[moment.stage, moment.order.id if moment.order else moment.study.id if moment.study else moment.chart.id] = moment

    run_episode(ward, "guideline", seed=seed, observations=False, watch=watch)
    return list(held.values())


def _reached(hospital: Hospital, scenario: str, seed: int, held: dict[tuple[str, str], Moment]) -> Iterator[Moment]:
    for patient in hospital.listed.values():
        for stage in _stages(patient.chart):
            if (stage, patient.id) not in held:
                yield _frozen(hospital, scenario, seed, patient, stage)
    for order_id in hospital.desk.to_verify:
        line = hospital.desk.orders[order_id]
        if ("order", order_id) not in held and line.patient in hospital.patients:
            yield _frozen(hospital, scenario, seed, hospital.patients[line.patient], "order", order=line)
    for study_id in hospital.desk.to_read:
        study = hospital.images[study_id]
        if ("read", study_id) not in held:
            yield _frozen(hospital, scenario, seed, hospital.patients[study.patient], "read", study=study)


def _stages(chart: Chart) -> Iterator[Stage]:
    """The stages at which a chart stands."""
    if chart.esi is not None and chart.vitals and chart.unit in ("", "ed"):
        yield "door"
    if len(chart.results) >= RESULTS_OF_WORKED and len(chart.vitals) >= SETS_OF_WORKED:
        yield "worked"
    if chart.diagnosis and chart.vitals:
        yield "diagnosed"
    if len(chart.vitals) >= SETS_OF_LONG:
        yield "long"


def _frozen(
    hospital: Hospital, scenario: str, seed: int, patient: Patient, stage: Stage, order: OrderLine | None = None, study: Study | None = None
) -> Moment:
    lines = tuple(deepcopy(hospital.desk.orders[key]) for key in patient.chart.orders)
    return Moment(scenario, seed, hospital.now, stage, deepcopy(patient.chart), lines, patient, deepcopy(order), study)
