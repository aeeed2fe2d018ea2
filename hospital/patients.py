"""The truth about a patient: person, course, where the pathway stands. Charts are what is written down; this never reaches an agent."""

from __future__ import annotations

from dataclasses import dataclass, field

from simpy.events import Event

from clinsim.condition_file import Condition
from clinsim.hospital.charts import Chart
from clinsim.hospital.people import Person, Presentation
from clinsim.hospital.physiology import Course, Outcome
from clinsim.hospital.pool import Pool
from clinsim.hospital.reviews import Reviews


@dataclass(slots=True)
class Patient:
    """One patient, as the hospital knows but nobody sees.

    `move` happens with what comes next (home, a unit, died, left_unseen); `requeue` when triage changes in the waiting room; `presence` is the
    one body:
    whoever takes the patient somewhere holds it. `given` are doses by minute, drug and amount in the drug's unit. Times are minutes since the start.
    """

    id: str
    chart: Chart
    condition: Condition
    person: Person
    presentation: Presentation
    course: Course
    arrived_at: float
    origin: str
    true_esi: int
    untreated: Outcome
    optimal: Outcome
    presence: Pool
    move: Event
    requeue: Event
    zone: str = ""
    away_at: str = ""
    gone: str = ""
    settled: bool = False
    seen_by: set[str] = field(default_factory=set)
    examined_by: set[str] = field(default_factory=set)
    effects: dict[str, float] = field(default_factory=dict)
    contributors: dict[str, str] = field(default_factory=dict)
    current_drugs: list[str] = field(default_factory=list)
    given: list[tuple[float, str, float]] = field(default_factory=list)
    extra_loss: float = 0.0
    pain_hours: float = 0.0
    alarm_silent_until: float = 0.0
    standing_done: set[str] = field(default_factory=set)
    wanted_unit: str = ""
    bed_wanted_at: float = -1.0
    icu_wait_hours: float = 0.0
    rounds: int = 0
    attended: int = 0
    moving: bool = False
    arrested: bool = False
    reviews: Reviews = field(default_factory=Reviews)

    @property
    def stakes(self) -> float:
        """Utility at stake: loss of the untreated course minus loss of the optimal one."""
        return max(0.0, self.untreated.loss - self.optimal.loss)

    @property
    def is_present(self) -> bool:
        """Whether the patient is in the hospital and alive."""
        return not self.gone
