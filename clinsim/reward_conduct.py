"""How the staff work as a whole, folded from the log: what pharmacists let lie and stop, how doctors choose, whether radiologists tell.

What is right by chance is worth little. Who gives everybody the same drugs helps some, who verifies unread delays nobody,
and who asks about every order stops the wrong ones too; so pay for single good deeds is scaled by the conduct that they
stand in. Shares, 0 to 1; times in minutes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import fsum

REVIEWS = frozenset({"screen_order", "get_medication_profile"})
"""Tools with which a pharmacist looks at an order, or at the patient's drugs."""
VERIFY_MINUTES = {"stat": 10.0, "urgent": 20.0, "routine": 60.0}
"""Minutes from placing to verification by priority.

Source: Naylor 2011 (stat dispensing 9 to 10 minutes); urgent and routine are assumptions.
"""
DECIDE_MINUTES = 5.0
"""Minutes from opening an order to deciding on it (assumption): half the time of a stat order."""
CALL_MINUTES = 30.0
"""Minutes from report to phone call. Source: assumption; guidance asks for direct contact at once."""
NO_LONGER = frozenset({"cancelled", "stopped", "rejected", "given", "dispensed"})
"""States in which an order waits no more."""
STOPS = frozenset({"change_order", "reject_order", "query_order"})
"""Tools with which a pharmacist keeps an order from going out as it was written."""
BLIND, CHOSEN = 0.25, 0.5
"""Shares of right choices up to which somebody is taken to choose blindly, and from which with care (assumption).

A doctor's choices are drugs, right where they are of use, and again as far as the same drug is kept from own patients without use for it; a
pharmacist's are the orders that are stopped, right where there is an error.
Alerts that are passed on unjudged are blind: prescribers override 49 to 96 % of drug alerts (van der Sijs et al., J Am Med Inform Assoc
2006;13:138).
"""


def deliberate(right: float, n: int) -> float:
    """How far `right` of `n` choices are more than chance, 0 to 1; the first mistake is forgiven."""
    return min(1.0, max(0.0, ((right + 1) / (n + 1) - BLIND) / (CHOSEN - BLIND)))


@dataclass(slots=True)
class Verification:
    """Drug orders that waited for pharmacists: still open (with the minute by which each was due), decided, or let lie.

    Only what came due while a pharmacist was at work counts as let lie: `at_work` is the minute of the last action of any. Who has opened an
    order owes a decision on it soon.
    """

    reads: dict[tuple[str, str], float] = field(default_factory=dict)
    at_work: float = -1.0
    waiting: dict[str, float] = field(default_factory=dict)
    decided: dict[str, bool] = field(default_factory=dict)
    n_read: int = 0
    n_lost: int = 0

    def act(self, agent: str, tool: str, subject: str, minute: float) -> None:
        """A pharmacist has done something to `subject`."""
        self.at_work = minute
        if tool in REVIEWS:
            self.reads[agent, subject] = minute
            if subject in self.waiting:
                self.waiting[subject] = min(minute + DECIDE_MINUTES, self.waiting[subject])

    def wait(self, order: str, priority: str, minute: float) -> None:
        """A drug order has come on the list."""
        self.waiting[order] = minute + VERIFY_MINUTES[priority]

    def has_read(self, agent: str, order: str, patient: str, placed_at: float) -> bool:
        """Whether this pharmacist has looked at the order, or at the patient's drugs since it was placed."""
        return (agent, order) in self.reads or self.reads.get((agent, patient), -1.0) >= placed_at

    def decide(self, order: str, is_read: bool) -> None:
        """A pharmacist has decided; the last decision on an order counts."""
        self.waiting.pop(order, None)
        self.n_read += is_read - self.decided.get(order, False)
        self.decided[order] = is_read

    def drop(self, order: str, is_lost: bool) -> None:
        """An order waits no more, though no pharmacist has decided."""
        due = self.waiting.pop(order, None)
        self.n_lost += is_lost and due is not None and due <= self.at_work

    @property
    def coverage(self) -> float:
        """The share of the orders that pharmacists had to decide on which one has decided, having looked."""
        overdue = sum(due <= self.at_work for due in self.waiting.values())
        owed = len(self.decided) + self.n_lost + overdue
        return self.n_read / owed if owed else 1.0


@dataclass(slots=True)
class Judgement:
    """The orders that one pharmacist stopped, or would have stopped had a colleague not decided first: whether there was an error."""

    stopped: dict[str, bool] = field(default_factory=dict)
    n_wrong: int = 0

    def stop(self, order: str, is_wrong: bool) -> None:
        """An order is changed, turned down or asked about, or that was tried; the last time counts."""
        self.n_wrong += is_wrong - self.stopped.get(order, False)
        self.stopped[order] = is_wrong

    @property
    def discernment(self) -> float:
        """How far orders are stopped for their errors: 1 for who stops none."""
        return deliberate(self.n_wrong, len(self.stopped))


@dataclass(slots=True)
class Prescribing:
    """The drugs and procedures that one doctor has ordered: (patient, code), whether of use there; what own patients had use for."""

    ordered: dict[tuple[str, str], bool] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)
    in_use: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    needless: Counter[str] = field(default_factory=Counter)

    def order(self, patient: str, code: str, uses: frozenset[str]) -> None:
        """Something is ordered for a patient whose illness has these `uses`; the same for the same patient counts once."""
        if patient not in self.patients:
            self.patients.add(patient)
            self.in_use.update(uses)
        if (patient, code) not in self.ordered:
            self.ordered[patient, code] = code in uses
            self.times[code] += 1
            self.needless[code] += code not in uses

    @property
    def choice(self) -> float:
        """How far the doctor chooses: whether drugs are of use, times whether they are kept from own patients who have no use for them."""
        n = len(self.ordered)
        return deliberate(n - self.needless.total(), n) * self._restraint()

    def _restraint(self) -> float:
        """How far drugs are kept from those without use for them: by orders, so that many rare drugs do not hide a common one.

        A drug that all own patients have use for says nothing.
        """
        others = {code: len(self.patients) - self.in_use[code] for code in self.times}
        telling = [code for code, without in others.items() if without]
        kept = fsum(self.times[code] * (1.0 - self.needless[code] / others[code]) for code in telling)
        return deliberate(kept, sum(self.times[code] for code in telling))


@dataclass(slots=True)
class Telling:
    """What one radiologist did with critical findings: studies on which one was missed, reported (with the minute), phoned."""

    missed: set[str] = field(default_factory=set)
    found: dict[str, float] = field(default_factory=dict)
    phoned: set[str] = field(default_factory=set)

    def report(self, study: str, minute: float, is_found: bool, is_missed: bool) -> None:
        """A report is filed; an addendum may put right what the first one missed."""
        if is_found:
            self.found.setdefault(study, minute)
        (self.missed.add if is_missed else self.missed.discard)(study)

    def untold(self, now: float) -> set[str]:
        """Studies whose critical finding was reported and not phoned within `CALL_MINUTES`."""
        return {study for study, minute in self.found.items() if study not in self.phoned and now - minute > CALL_MINUTES}

    def candour(self, now: float) -> float:
        """The share of the studies with a critical finding on which nothing was missed or left untold; the first slip is half forgiven."""
        quiet = len(self.missed | self.untold(now))
        return 1.0 - quiet / (len(self.missed | self.found.keys()) + 1)
