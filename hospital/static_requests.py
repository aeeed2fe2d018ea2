"""What the static world answers to each kind of order, and what it writes down: one short function a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clinsim.errors import ToolError
from clinsim.hospital.charts import Letter, VitalSet
from clinsim.hospital.static_orders import ORDER_ANSWERS, Answer, add_note, chart_of, study_of
from clinsim.record import Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.static_world import Facts, StaticWorld

NOTHING_HELD = "nothing is known"
NOTE_KIND = {"doctor": "medical", "pharmacist": "pharmacy", "radiologist": "radiology"}


# ---------------------------------------------------------------- staff


def _send(world: StaticWorld, order: Order) -> Receipt:
    is_call = order.kind != "message"
    letter = Letter(
        world.new_id("M"),
        world.actor.agent,
        order.to,
        order.text,
        world.now,
        patient=order.subject,
        call=is_call,
        urgent=order.flag or is_call,
    )
    world.desk.letters[letter.id] = letter
    return Receipt(letter.id, "calling" if is_call else "sent")


def _critical_call(world: StaticWorld, order: Order) -> Receipt:
    study = study_of(world, order)
    study.called_at = world.now
    return _send(world, Order("call", subject=study.patient, to=order.to, text=order.text))


def _read_messages(world: StaticWorld, order: Order) -> Receipt:
    mine = [letter for letter in world.desk.letters.values() if letter.to == order.subject]
    waiting = [letter for letter in mine if letter.read_at is None]
    for letter in waiting:
        letter.read_at = world.now
    return Receipt(order.subject, "read", f"{len(waiting)} letters", {"letters": [_shown(letter) for letter in waiting]})


def _shown(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in ("id", "sender", "text", "patient", "sent_at", "urgent")}


def _acknowledge(world: StaticWorld, order: Order) -> Receipt:
    letter = world.desk.letters[order.subject]
    letter.acknowledged_at = letter.read_at = world.now
    return Receipt(order.subject, "acknowledged")


def _write_note(world: StaticWorld, order: Order) -> Receipt:
    add_note(world, chart_of(world, order), NOTE_KIND[world.actor.role], order.text)
    return Receipt(order.subject, "written")


# ---------------------------------------------------------------- the doctor at the bedside


def _claim(world: StaticWorld, order: Order) -> Receipt:
    chart_of(world, order).owner = world.actor.agent
    return Receipt(order.subject, "claimed")


def _hand_over(world: StaticWorld, order: Order) -> Receipt:
    chart = chart_of(world, order)
    chart.owner = order.to
    add_note(world, chart, "handover", order.text)
    return Receipt(order.subject, "handed over")


def _ask_or_examine(world: StaticWorld, order: Order) -> Receipt:
    facts = _all_held(world, order) if order.code == "all" else world.held(order.subject, order.kind, order.code)
    chart = chart_of(world, order)
    chart.seen_at = world.now if chart.seen_at is None else chart.seen_at
    for what, text in facts.items():
        add_note(world, chart, {"history": "history", "examine": "examination"}[order.kind], f"{what}: {text}")
    return Receipt(order.subject, "done", "" if facts else f"{NOTHING_HELD} of {order.code}", facts)


def _all_held(world: StaticWorld, order: Order) -> Facts:
    found: dict[str, Any] = {}
    for (patient, kind, _), facts in world.held_back.items():
        if (patient, kind) == (order.subject, order.kind):
            found.update(facts)
    return found


def _measure(world: StaticWorld, order: Order) -> Receipt:
    facts = world.held(order.subject, "measure", "")
    if facts:
        chart_of(world, order).vitals.append(VitalSet(world.now, **facts))
    return Receipt(order.subject, "done", "" if facts else "no new set is held; the last one stands", facts)


def _set_on_chart(field: str, value: Callable[[Order], Any], status: str) -> Answer:
    def answer(world: StaticWorld, order: Order) -> Receipt:
        setattr(chart_of(world, order), field, value(order))
        return Receipt(order.subject, status)

    return answer


# ---------------------------------------------------------------- where the patient goes


def _decide(world: StaticWorld, order: Order, **changes: Any) -> Receipt:
    chart = chart_of(world, order)
    if chart.esi is None:
        raise ToolError(f"{chart.id} has not been triaged yet")
    for field, value in changes.items():
        setattr(chart, field, value)
    add_note(world, chart, "medical", order.text)
    return Receipt(chart.id, "decided", f"{chart.id}: {chart.disposition}")


def _discharge(world: StaticWorld, order: Order) -> Receipt:
    return _decide(world, order, disposition="home", status="home", place="home", departed_at=world.now)


def _to_unit(world: StaticWorld, order: Order) -> Receipt:
    return _decide(world, order, disposition=order.code, unit=order.code, place=order.code, status="inpatient")


ANSWERS: dict[str, Answer] = {
    **ORDER_ANSWERS,
    "message": _send,
    "call": _send,
    "read_messages": _read_messages,
    "acknowledge": _acknowledge,
    "note": _write_note,
    "claim": _claim,
    "hand_over": _hand_over,
    "history": _ask_or_examine,
    "examine": _ask_or_examine,
    "measure": _measure,
    "observe": _set_on_chart("observe_every", lambda order: order.amount, "done"),
    "retriage": _set_on_chart("esi", lambda order: int(order.amount or 0), "retriaged"),
    "differential": _set_on_chart("differential", lambda order: order.items, "recorded"),
    "diagnosis": _set_on_chart("diagnosis", lambda order: order.code, "recorded"),
    "admit": _to_unit,
    "transfer": _to_unit,
    "discharge": _discharge,
    "critical_call": _critical_call,
}
"""Every kind of order that a tool of toolset `live` makes."""
