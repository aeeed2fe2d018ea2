"""What concerns all roles: a share in how the patient fares, and the price of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clinsim.record import Entry, Role
from clinsim.reward_book import Book
from clinsim.reward_component import EVERYBODY, Component, Due, bounded

MESSAGE_PRICE = 0.1
"""What a message costs before its length, as a share of the unit weight (assumption): it interrupts somebody."""
CHARACTERS = 1000.0
"""Length of a message that costs a whole unit more (assumption)."""


def outcome_share(book: Book, entry: Entry) -> Iterator[Due]:
    """Shares among those who did real work for a patient what the team saved, or lost, against no decisions at all.

    Each role has its share in the scenario, parted within the role by the hospital's contributor weights. A gain goes
    only to those with an act that proved right, and is scaled by their conduct: a doctor's by how far drugs are chosen, a
    pharmacist's by coverage and discernment, a radiologist's by candour, with nothing after a critical finding of this
    patient missed or not phoned; a loss goes in
    full to all who had a hand in it. Whoever has charge of a patient who
    ends worse than untreated bears the whole difference. Paid at settlement to 30 days; a patient who died is never
    counted better than untreated. Source of the shares: the scenario.
    """
    data, patient = entry.data, book.patient(entry.subject)
    loss = max(data["loss"], data["loss_untreated"]) if patient.died else data["loss"]
    gain = bounded(data["loss_idle"] - loss)
    parts = _parts(book, data["contributors"])
    owed = {by: gain * part if gain < 0.0 else gain * part * _conduct(book, entry, by) for by, part in parts.items()}
    if patient.owner and loss > data["loss_untreated"]:
        owed[patient.owner] = min(owed.get(patient.owner, 0.0), data["loss_untreated"] - loss)
    for by, value in owed.items():
        yield Due(by, entry.subject, value, by)


def messages(book: Book, entry: Entry) -> Iterator[Due]:
    """Costs the sender of each message or call a little, more for long ones.

    For all roles. Source: assumption.
    """
    yield Due(entry.data["from"], "", -min(1.0, MESSAGE_PRICE + entry.data["characters"] / CHARACTERS))


def _conduct(book: Book, entry: Entry, agent: str) -> float:
    """The share of its part in a gain that an agent has earned by the way it works."""
    if agent not in book.patient(entry.subject).confirmed:
        return 0.0
    role = book.roles[agent]
    if role == "doctor":
        return book.prescribing[agent].choice
    if role == "pharmacist":
        return book.diligence(agent)
    telling = book.telling[agent]
    kept_quiet = telling.missed | telling.untold(entry.minute)
    return 0.0 if any(book.study(sid).patient == entry.subject for sid in kept_quiet) else telling.candour(entry.minute)


def _parts(book: Book, contributors: Mapping[str, float]) -> dict[str, float]:
    """The part of the whole that each contributor has: the role's share, times the agent's weight within the role."""
    known = {by: (book.roles[by], weight) for by, weight in contributors.items() if by in book.roles and weight > 0.0}
    within: dict[Role, float] = {}
    for role, weight in known.values():
        within[role] = within.get(role, 0.0) + weight
    return {by: book.shares.get(role, 0.0) * weight / within[role] for by, (role, weight) in known.items()}


COMPONENTS = (
    Component(outcome_share, EVERYBODY, ("settled",)),
    Component(messages, EVERYBODY, ("message",)),
)
