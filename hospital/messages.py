"""Messages and calls between staff: a message arrives after a delay and is read; a call needs both free; critical values are called and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinsim.hospital.charts import Letter
from clinsim.hospital.patients import Patient

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

SHOWN_CHARACTERS = 160
"""How much of a message shows in the news; the rest is read with read_messages."""


def write_letter(hospital: Hospital, sender: str, to: str, text: str, *, patient: str = "", call: bool = False, urgent: bool = False) -> Letter:
    """Write a message down and log that it was sent."""
    letter = Letter(hospital.new_id("M"), sender, to, text, round(hospital.now, 2), patient, call, urgent)
    hospital.desk.letters[letter.id] = letter
    facts = {"from": sender, "to": to, "urgent": urgent, "characters": len(text), "call": call}
    hospital.note("message", letter.id, facts)
    return letter


def deliver(hospital: Hospital, letter: Letter) -> ProcessGenerator:
    """Bring a message to its addressee after the usual delay."""
    yield hospital.clock.timeout(hospital.rules.messages.delay)
    announce(hospital, letter, "message")


def ring(hospital: Hospital, letter: Letter) -> ProcessGenerator:
    """Ring until the addressee is free to talk; after a while leave it as an urgent message."""
    waited, patience = 0.0, hospital.rules.messages.call_patience
    while waited < patience and not hospital.staff[letter.to].is_free_to_talk:
        yield hospital.clock.timeout(1.0)
        waited += 1.0
    announce(hospital, letter, "call")


def announce(hospital: Hospital, letter: Letter, kind: str) -> None:
    """Tell the addressee."""
    text = letter.text[:SHOWN_CHARACTERS]
    hospital.tell(letter.to, kind, letter.id, text, urgent=letter.urgent, letter=letter.id, sender=letter.sender, patient=letter.patient)


def phone_critical(hospital: Hospital, sender: str, to: str, patient: Patient, text: str, news: dict[str, Any]) -> None:
    """Phone a critical value to who looks after the patient; it is to be read back with `acknowledge`."""
    staff = hospital.staff.get(to)
    reached = [staff] if staff else [s for s in hospital.staff.values() if s.role == "doctor" and s.is_on_shift(hospital.now)]
    for person in reached[:1]:
        letter = write_letter(hospital, sender, person.agent, text, patient=patient.id, call=True, urgent=True)
        hospital.tell(person.agent, "critical_result", patient.id, text, urgent=True, letter=letter.id, **news)


def unread_characters(hospital: Hospital, agent: str) -> int:
    """Characters of all messages to an agent that have not been read."""
    letters = hospital.desk.letters.values()
    return sum(len(letter.text) for letter in letters if letter.to == agent and letter.read_at is None)
