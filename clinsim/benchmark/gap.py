"""The static-to-live gap: one patient, one rubric, three worlds: no clock, the clock alone, the clock and a full department.

The patient is the same in all three: who comes, with what, and how it shows are keyed draws that nobody else moves. `still` is the chart frozen when
the patient has a place (`still_ward`); `alone` the living hospital with this patient and no other work; the others are whole shifts with everybody
else in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from clinsim.benchmark.rubric import Marks, Truth, marked, truth_of
from clinsim.benchmark.still_ward import DOCTOR, StillWard, arrive, at_arrival
from clinsim.hospital.arrivals import true_disposition
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.static_world import Frozen
from clinsim.record import Seat
from clinsim.referee import WardEnv
from clinsim.rollout import policy_for, raw_env, run_episode
from clinsim.scenario_file import Scenario, load_scenario

POLICIES = ("guideline", "guideline_slow", "guideline_half", "guideline_noisy", "idle")
STILL, ALONE = "still", "alone"
SHIFTS = ("ed_evening", "surge")
WORLDS = (STILL, ALONE, *SHIFTS)
KEY = "g0"
"""Under which the patient who is written into the scenario is drawn."""
ARRIVES_AT = 90.0
"""Minute of the shift at which the patient comes: the surge is at its height then."""
FIRST_TEST_SEED = 20_000
CONDITIONS = (
    "septic_shock",
    "simple_uti",
    "stemi",
    "reflux",
    "pulmonary_embolism",
    "viral_illness",
    "upper_gi_bleed",
    "gastroenteritis",
    "bacterial_meningitis",
    "migraine",
    "dka",
    "renal_colic",
    "tension_pneumothorax",
    "ankle_sprain",
    "anaphylaxis",
    "hyperkalaemia",
    "aortic_dissection",
)
"""Dangerous and mild in turn, so that any number of patients is of both kinds."""
MILD = frozenset({"simple_uti", "reflux", "viral_illness", "gastroenteritis", "migraine", "renal_colic", "ankle_sprain"})
_QUIET: Mapping[str, Any] = {
    "arrivals": None,
    "case_mix": None,
    "events": [],
    "ends": "all_departed",
    "hospital_overrides": {
        "units.icu.occupied": 0.0,
        "units.step_down.occupied": 0.0,
        "units.ward.occupied": 0.0,
        "background.prescriptions_per_hour": 0.0,
        "background.studies_per_hour": 0.0,
        "breakdowns": {},
    },
}
"""What an evening is without everybody else: nobody arrives, beds are free, nothing comes from the wards, nothing breaks."""


@dataclass(frozen=True, slots=True)
class Case:
    """A patient: condition and seed; a dangerous one comes by ambulance."""

    condition: str
    seed: int

    @property
    def is_dangerous(self) -> bool:
        """Whether waiting may cost this patient."""
        return self.condition not in MILD


@dataclass(frozen=True, slots=True)
class Job:
    """One policy for one patient in one world."""

    case: Case
    policy: str
    world: str


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a job: marks and score of the rubric, and where there is a clock what became of the patient.

    `seen_after` is minutes from the door to the first doctor (None: nobody came), `loss` the expected utility loss at 30 days, beside what it is
    where nobody decides anything (`loss_idle`) and with the best care (`loss_optimal`).
    """

    condition: str
    seed: int
    policy: str
    world: str
    score: float
    tests: float
    diagnosis: bool
    disposition: bool
    treatments: float
    unsafe: Sequence[str]
    on_time: float | None = None
    seen_after: float | None = None
    loss: float | None = None
    loss_idle: float | None = None
    loss_optimal: float | None = None

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What names the job in a journal."""
        return (self.condition, self.seed, self.policy, self.world)


def cases(patients: int, first: int = FIRST_TEST_SEED) -> list[Case]:
    """So many patients, the conditions in turn, each on a seed and in a shift of its own."""
    return [Case(CONDITIONS[number % len(CONDITIONS)], first + number) for number in range(patients)]


def jobs(patients: Sequence[Case], policies: Sequence[str] = POLICIES, worlds: Sequence[str] = WORLDS) -> list[Job]:
    """Every policy for every patient in every world."""
    return [Job(*chosen) for chosen in product(patients, policies, worlds)]


def scenario_of(case: Case, world: str) -> Scenario:
    """The shift that a patient comes into; without a clock it is the quiet one, frozen."""
    given = {"condition": case.condition, "minute": ARRIVES_AT, "ambulance": case.is_dangerous}
    if world in SHIFTS:
        return load_scenario(world, {"patients": [given]})
    return load_scenario(SHIFTS[0], {"patients": [given], **_QUIET})


def play(job: Job) -> Row:
    """Let the policy play the case in its world, and mark the chart that it leaves."""
    return _play_still(job) if job.world == STILL else _play_live(job)


# ---------------------------------------------------------------- without a clock


@lru_cache(maxsize=64)
def frozen_case(case: Case) -> tuple[Frozen, str, Truth, Seat]:
    """The frozen chart of a case, the patient's id, the truth, and the doctor's seat."""
    scenario = scenario_of(case, STILL)
    ward = raw_env(scenario)
    hospital = Hospital(scenario, case.seed)
    patient = arrive(hospital, KEY)
    return at_arrival(hospital, patient), patient.id, truth_of(patient).by([true_disposition(patient, hospital.now)]), _seat(ward, case.seed)


def _seat(ward: WardEnv, seed: int) -> Seat:
    ward.reset(seed=seed)
    return next(seat for seat in ward.seats() if seat.agent == DOCTOR)


def still_ward(case: Case) -> StillWard:
    """A fresh stage without a clock for a case; it lasts as many numbered minutes as the shift goes on after the patient has come."""
    frozen, patient, _, _ = frozen_case(case)
    scenario = scenario_of(case, STILL)
    return StillWard(frozen, patient, raw_env(scenario).tools[DOCTOR], scenario.horizon_minutes - ARRIVES_AT, early=case.seed % 2)


def _play_still(job: Job) -> Row:
    frozen, _, truth, seat = frozen_case(job.case)
    stage = still_ward(job.case)
    stage.play(policy_for(job.policy), seat)
    return _row(job, marked(truth, stage.chart, stage.world.desk.orders, frozen.knowledge.formulary))


# ---------------------------------------------------------------- with a clock


def _play_live(job: Job) -> Row:
    ward = raw_env(scenario_of(job.case, job.world))
    run_episode(ward, job.policy, seed=job.case.seed, observations=False)
    hospital = ward.hospital
    patient = next(one for one in hospital.patients.values() if one.person.id == KEY)
    about = [entry for entry in hospital.log if entry.subject == patient.id]
    needed = [entry.data["needed"] for entry in about if entry.kind == "disposition_graded"]
    settled = next(entry.data for entry in about if entry.kind == "settled")
    marks = marked(truth_of(patient).by(needed), patient.chart, hospital.desk.orders, hospital.knowledge.formulary)
    seen_at = patient.chart.seen_at
    outcome = {name: settled[name] for name in ("loss", "loss_idle", "loss_optimal")}
    return _row(job, marks, on_time=marks.on_time, seen_after=None if seen_at is None else round(seen_at - patient.arrived_at, 2), **outcome)


def _row(job: Job, marks: Marks, **more: Any) -> Row:
    plain = {name: value for name, value in asdict(marks).items() if name != "on_time"}
    return Row(job.case.condition, job.case.seed, job.policy, job.world, marks.score, **plain, **more)
