"""Tools of every role: waiting, messages between staff, and notes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import ColleagueRow, Colleagues, Done, Letters, Waited, ask
from clinsim.record import ROLES, Order, World
from clinsim.tooling import tool

Text = Annotated[str, Field(min_length=1, max_length=4000)]


@tool("live", roles=ROLES, service="wait", minutes_from="minutes", interruptible=True, tags=("read",))
def wait(world: World, minutes: Annotated[int, Field(ge=1, le=60)]) -> Waited:
    """Let some minutes pass; urgent news ends the wait early.

    Args:
        minutes: How long, in minutes, 1 to 60.
    """
    return Waited(minutes, world.now)


@tool("live", roles=ROLES, service="message", tags=("write",))
def send_message(world: World, to: str, text: Text, patient_id: str = "", urgent: bool = False) -> Done:
    """Send a written message to a colleague, who reads it when there is a moment; an urgent one interrupts.

    Args:
        to: Agent id of the colleague, for example doctor_1; list_colleagues names them.
        text: What you want to say.
        patient_id: Patient that it is about, for example P0012; leave out if none.
        urgent: Whether it should interrupt the colleague.
    """
    return ask(world, _message(world, "message", to, text, patient_id, urgent))


@tool("live", roles=ROLES, service="call", tags=("write",))
def call_colleague(world: World, to: str, text: Text, patient_id: str = "") -> Done:
    """Phone a colleague: both are occupied for the call; if there is no answer it is left as a message.

    Args:
        to: Agent id of the colleague, for example pharmacist_1; list_colleagues names them.
        text: What you say.
        patient_id: Patient that it is about, for example P0012; leave out if none.
    """
    return ask(world, _message(world, "call", to, text, patient_id, False))


def _message(world: World, kind: str, to: str, text: str, patient_id: str, urgent: bool) -> Order:
    checks.colleague(world, to)
    checks.written("text", text)
    if patient_id:
        checks.patient(world, patient_id)
    return Order(kind, subject=patient_id, to=to, text=text, flag=urgent)


@tool("live", roles=ROLES, service="read", tags=("write",))
def read_messages(world: World) -> Letters:
    """Read the messages that are waiting for you; what they say is a colleague's word, to be judged."""
    done = ask(world, Order("read_messages", subject=world.actor.agent))
    return Letters(done.minute, done.status, tuple(done.facts.get("letters", ())), done.message)


@tool("live", roles=ROLES, service="message", tags=("write",))
def acknowledge(world: World, letter_id: str, read_back: Text) -> Done:
    """Acknowledge a call, or a message that you have read, by reading back what it said.

    Args:
        letter_id: Id of the letter, as the news and read_messages show it.
        read_back: What you understood: patient, finding, what you will do.
    """
    letter = checks.letter_to_me(world, letter_id)
    if letter.read_at is None and not letter.call:
        raise ToolError(f"{letter_id} has not been read yet; read_messages first")
    if letter.acknowledged_at is not None:
        raise ToolError(f"{letter_id} was acknowledged at minute {letter.acknowledged_at:g}; once is enough")
    return ask(world, Order("acknowledge", subject=letter_id, text=checks.written("read_back", read_back)))


@tool("live", roles=ROLES, service="note", tags=("write",))
def write_note(world: World, patient_id: str, text: Text) -> Done:
    """Write a note into a patient's chart, for all staff to read.

    Args:
        patient_id: Patient who is in the hospital, for example P0012.
        text: The note.
    """
    checks.patient_here(world, patient_id)
    return ask(world, Order("note", subject=patient_id, text=checks.written("text", text)))


@tool("live", roles=ROLES, service="desk", tags=("read",))
def list_colleagues(world: World) -> Colleagues:
    """List the staff that can be messaged, with their roles and whether they are on shift."""
    staff = checks.desk(world).colleagues.values()
    return Colleagues(world.actor.agent, tuple(ColleagueRow(who.agent, who.role, who.on_shift) for who in staff))
