"""What the reward components know: one record each for a patient, an order, a study, and how the staff work as a whole.

Filled by `reward_reading`. Stakes and losses are expected utility loss at 30
days, 0 to 1; times are minutes since the start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from clinsim.record import Role
from clinsim.reward_conduct import Judgement, Prescribing, Telling, Verification

STOPPED = frozenset({"changed", "rejected", "queried"})
"""Verdicts of a pharmacist that keep an order from going out as it was written."""


@dataclass(slots=True)
class PatientFacts:
    """What is known of a patient: the truth at arrival, who has taken charge, and who has done something right.

    `essential` gives the target minutes from arrival of each essential treatment, `uses` all that treats the illness;
    `confirmed` holds the agents with an act that proved right.
    """

    origin: str = ""
    arrived_at: float = 0.0
    acuity: int = 0
    stakes: float = 0.0
    essential: dict[str, float] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    owner: str = ""
    seen_by: str = ""
    seen_at: float = 0.0
    differential: tuple[str, float] | None = None
    guesses: int = 0
    confirmed: set[str] = field(default_factory=set)
    answered: dict[str, float] = field(default_factory=dict)
    died: bool = False

    @property
    def stake_of_treatment(self) -> float:
        """The stakes that each essential treatment carries."""
        return self.stakes / max(1, len(self.essential))


@dataclass(slots=True)
class OrderFacts:
    """What is known of an order: who placed it, what was wrong with it, when a pharmacist first decided, and who had looked before."""

    patient: str = ""
    kind: str = ""
    code: str = ""
    by: str = ""
    priority: str = "routine"
    placed_at: float = 0.0
    background: bool = False
    error: str = ""
    significant: bool = False
    decided_at: float | None = None
    read_by: set[str] = field(default_factory=set)


@dataclass(slots=True)
class StudyFacts:
    """What is known of a study: what it shows, what hangs on it, who found the critical finding, who phoned."""

    patient: str = ""
    priority: str = "routine"
    taken_at: float = 0.0
    stakes: float = 0.0
    critical: bool = False
    background: bool = False
    reported_at: dict[str, float] = field(default_factory=dict)
    found_by: set[str] = field(default_factory=set)
    called_at: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """All facts so far, and what the scenario says.

    Shares of the outcome by role, minutes to the doctor by true acuity, roles of all staff; `true_calls` holds (doctor,
    patient) for each call about images that do show something critical.
    """

    shares: Mapping[Role, float]
    door_to_doctor: Mapping[int, float]
    roles: Mapping[str, Role]
    patients: dict[str, PatientFacts] = field(default_factory=dict)
    orders: dict[str, OrderFacts] = field(default_factory=dict)
    studies: dict[str, StudyFacts] = field(default_factory=dict)
    true_calls: set[tuple[str, str]] = field(default_factory=set)
    false_calls: Counter[str] = field(default_factory=Counter)
    verification: Verification = field(default_factory=Verification)
    judgement: defaultdict[str, Judgement] = field(default_factory=lambda: defaultdict(Judgement))
    prescribing: defaultdict[str, Prescribing] = field(default_factory=lambda: defaultdict(Prescribing))
    telling: defaultdict[str, Telling] = field(default_factory=lambda: defaultdict(Telling))

    def patient(self, pid: str) -> PatientFacts:
        """Facts of a patient; one of whom nothing is known has nothing at stake."""
        facts = self.patients.get(pid)
        if facts is None:
            facts = self.patients[pid] = PatientFacts()
        return facts

    def order(self, oid: str) -> OrderFacts:
        """Facts of an order."""
        facts = self.orders.get(oid)
        if facts is None:
            facts = self.orders[oid] = OrderFacts()
        return facts

    def study(self, sid: str) -> StudyFacts:
        """Facts of a study."""
        return self.studies.setdefault(sid, StudyFacts())

    def diligence(self, pharmacist: str) -> float:
        """How a pharmacist works as a whole, 0 to 1: whether all is looked at, and what is stopped has an error."""
        return self.verification.coverage * self.judgement[pharmacist].discernment


def timeliness(minutes: float, target: float) -> float:
    """1 up to the target (minutes), falling in a straight line to 0 at three times the target (an assumption)."""
    return min(1.0, max(0.0, 1.5 - 0.5 * minutes / target))
