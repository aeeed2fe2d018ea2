"""Rewards: a ledger folded over the log, the same for the live episode and for re-grading.

    ledger = Ledger(scenario)
    for row in ledger.add(new_entries):
        ...
    assert regrade(all_entries, scenario).rows == ledger.rows

Components (`reward_doctor`, `reward_pharmacist`, `reward_radiologist`, `reward_team`) say what is due; the ledger
weighs it, pays each good deed once for a patient, and keeps the safety gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from typing import NamedTuple, Protocol

from clinsim import reward_doctor, reward_pharmacist, reward_radiologist, reward_team
from clinsim.errors import ScenarioError
from clinsim.record import Entry, Role
from clinsim.reward_book import Book
from clinsim.reward_component import Component, Due
from clinsim.reward_reading import BOOKED, agents_of, read

SAFETY = "safety"
"""The gate, in `rewards` of a scenario: weight of what harm costs beyond what it takes back."""
GATED = frozenset({"harm", "breach"})
"""Kinds of entry that shut the gate."""
HARM_BASE = 0.1
"""Added to the loss (expected utility at 30 days) that a harmful act or a breach brings (assumption)."""

COMPONENTS: dict[str, Component] = {
    component.name: component for part in (reward_doctor, reward_pharmacist, reward_radiologist, reward_team) for component in part.COMPONENTS
}
"""All components by name, in the order in which they are asked."""


class Row(NamedTuple):
    """One payment: at which minute, to whom, for what, how much (weighted), and on which patient (empty: none)."""

    minute: float
    agent: str
    component: str
    value: float
    patient: str


class Staffed(Protocol):
    """A seat or a member of the background staff."""

    @property
    def agent(self) -> str:
        """Agent id."""
        ...

    @property
    def role(self) -> Role:
        """Role."""
        ...


class House(Protocol):
    """The part of a hospital file that rewards read."""

    @property
    def door_to_doctor(self) -> Mapping[int, float]:
        """Target minutes from arrival to the doctor, by true acuity."""
        ...


class Weighed(Protocol):
    """The part of a scenario that rewards read; `clinsim.scenario_file.Scenario` is one."""

    @property
    def rewards(self) -> Mapping[str, float]:
        """Weight of each component, and of `safety`."""
        ...

    @property
    def shares(self) -> Mapping[Role, float]:
        """Share of each role in a patient's outcome."""
        ...

    @property
    def seats(self) -> Sequence[Staffed]:
        """Who is paid."""
        ...

    @property
    def background(self) -> Sequence[Staffed]:
        """Who works and is not paid."""
        ...

    @property
    def hospital(self) -> House:
        """Targets of the house."""
        ...


class Ledger:
    """What has been paid so far, and to whom.

    `rows` are in order of the log. `math.fsum` over the values of an agent is its return.
    """

    def __init__(self, scenario: Weighed, agents: Mapping[str, Role] | None = None) -> None:
        """Open an empty ledger that pays `agents` (agent to role; None: the seats of the scenario).

        Raises:
            ScenarioError: The scenario weighs a component that does not exist.
        """
        self.rows: list[Row] = []
        self._weights = _checked(scenario.rewards)
        self._paid_agents = {seat.agent: seat.role for seat in scenario.seats} if agents is None else dict(agents)
        staff = {person.agent: person.role for person in (*scenario.seats, *scenario.background)} | self._paid_agents
        self._book = Book(scenario.shares, scenario.hospital.door_to_doctor, staff)
        self._asked = _by_kind(self._weights)
        self._done: set[tuple[str, str, str]] = set()
        self._earned: dict[tuple[str, str], float] = {}
        self._shut: set[tuple[str, str]] = set()
        self._breaches: set[tuple[str, str, str]] = set()

    def add(self, entries: Iterable[Entry]) -> list[Row]:
        """Fold in the next entries of the log and return the rows that they bring."""
        before = len(self.rows)
        asked = self._asked
        for entry in entries:
            kind = entry.kind
            if kind in BOOKED:
                read(self._book, entry)
            if kind in GATED:
                self.rows.extend(self._gate(entry))
            if kind in asked:
                for component in asked[kind]:
                    self.rows.extend(self._weighed(component, entry))
        return self.rows[before:]

    def totals(self) -> dict[str, float]:
        """Return of each paid agent."""
        return {agent: fsum(row.value for row in self.rows if row.agent == agent) for agent in self._paid_agents}

    def by_component(self) -> dict[str, dict[str, float]]:
        """Sum of each component, by agent; components that paid nothing are left out."""
        values: dict[str, dict[str, list[float]]] = {agent: {} for agent in self._paid_agents}
        for row in self.rows:
            values[row.agent].setdefault(row.component, []).append(row.value)
        return {agent: {name: fsum(parts) for name, parts in sums.items()} for agent, sums in values.items()}

    def _weighed(self, component: Component, entry: Entry) -> Iterator[Row]:
        for due in component.due(self._book, entry):
            value = self._weights[component.name] * due.value
            if not value or self._book.roles.get(due.agent) not in component.roles:
                continue
            if value < 0.0 or self._may_earn(component, due):
                yield from self._row(entry.minute, due.agent, component.name, value, due.patient)

    def _may_earn(self, component: Component, due: Due) -> bool:
        """Whether this good deed is the first of its kind on the patient, by one who has done the patient no harm."""
        deed = (component.name, due.patient, due.item)
        if deed in self._done or (due.agent, due.patient) in self._shut:
            return False
        self._done.add(deed)
        return True

    def _row(self, minute: float, agent: str, component: str, value: float, patient: str) -> Iterator[Row]:
        if agent not in self._paid_agents:
            return
        if value > 0.0:
            self._earned[agent, patient] = self._earned.get((agent, patient), 0.0) + value
        yield Row(minute, agent, component, value, patient)

    def _gate(self, entry: Entry) -> Iterator[Row]:
        """On harm or breach, a row takes back what the agent earned on the patient, and a penalty; it earns no more."""
        for agent in agents_of(entry.data["by"]):
            if not self._is_repeated(agent, entry):
                self._shut.add((agent, entry.subject))
                back = self._earned.pop((agent, entry.subject), 0.0)
                penalty = self._weights[SAFETY] * min(1.0, entry.data.get("loss", 0.0) + HARM_BASE)
                yield from self._row(entry.minute, agent, SAFETY, -back - penalty, entry.subject)

    def _is_repeated(self, agent: str, entry: Entry) -> bool:
        """Whether the same unsafe act on the same patient has been charged before; harm is charged each time."""
        breach = (agent, entry.subject, str(entry.data["code"]))
        if entry.kind == "harm" or breach not in self._breaches:
            self._breaches.add(breach)
            return False
        return True


def regrade(entries: Iterable[Entry], scenario: Weighed, agents: Mapping[str, Role] | None = None) -> Ledger:
    """The ledger of a whole log, from scratch."""
    ledger = Ledger(scenario, agents)
    ledger.add(entries)
    return ledger


def _checked(weights: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(weights) - set(COMPONENTS) - {SAFETY})
    if unknown:
        known = ", ".join((*COMPONENTS, SAFETY))
        raise ScenarioError(f"rewards: unknown component {', '.join(unknown)}; there are {known}")
    if SAFETY not in weights:
        raise ScenarioError(f"rewards: no weight for {SAFETY}; every scenario keeps the gate")
    return dict(weights)


def _by_kind(weights: Mapping[str, float]) -> dict[str, tuple[Component, ...]]:
    chosen = [component for name, component in COMPONENTS.items() if weights.get(name)]
    kinds = dict.fromkeys(kind for component in chosen for kind in component.kinds)
    return {kind: tuple(component for component in chosen if kind in component.kinds) for kind in kinds}
