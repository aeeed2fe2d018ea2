"""What everybody can ask for: messages, calls, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital import messages, nursing
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


def message(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Send a message; it arrives after the usual delay."""
    letter = messages.write_letter(hospital, actor.agent, order.to, order.text, patient=order.subject, urgent=order.flag)
    hospital.clock.process(messages.deliver(hospital, letter))
    return Receipt(letter.id, "sent", f"message to {order.to}")


def call(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Call a colleague; a call needs both free and interrupts what can be interrupted."""
    letter = messages.write_letter(hospital, actor.agent, order.to, order.text, patient=order.subject, call=True, urgent=True)
    hospital.clock.process(messages.ring(hospital, letter))
    return Receipt(letter.id, "calling", f"calling {order.to}")


def read_messages(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Read everything that has not been read."""
    unread = [letter for letter in hospital.desk.letters.values() if letter.to == actor.agent and letter.read_at is None]
    for letter in unread:
        letter.read_at = hospital.now
    facts = [{"id": x.id, "sender": x.sender, "text": x.text, "patient": x.patient, "sent_at": x.sent_at, "urgent": x.urgent} for x in unread]
    return Receipt(actor.agent, "read", f"{len(unread)} letters", {"letters": facts})


def acknowledge(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Read a critical call back."""
    letter = hospital.desk.letters[order.subject]
    if letter.acknowledged_at is None:
        letter.acknowledged_at = letter.read_at = hospital.now
        minutes = round(hospital.now - letter.sent_at, 2)
        hospital.note("acknowledge", letter.id, {"by": actor.agent, "patient": letter.patient, "minutes": minutes, "sender": letter.sender})
    return Receipt(letter.id, "acknowledged", "read back")


def note(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Write into the notes."""
    kind = {"doctor": "medical", "pharmacist": "pharmacy", "radiologist": "radiology"}[actor.role]
    nursing.add_note(hospital, hospital.patients[order.subject], kind, actor.agent, order.text)
    return Receipt(order.subject, "written", "note written")
