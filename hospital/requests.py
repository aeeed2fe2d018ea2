"""What each kind of request starts: a table from kind to its check and its start. `check` only refuses; `start` commits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinsim.errors import ToolError
from clinsim.hospital import request_care as care
from clinsim.hospital import request_desk as desk
from clinsim.hospital import request_work as work
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital

Check = Callable[["Hospital", Actor, Order], None]
Start = Callable[["Hospital", Actor, Order], Receipt]


@dataclass(frozen=True, slots=True)
class Request:
    """A kind of request: what would refuse it, and what it starts."""

    check: Check
    start: Start


def _anything(hospital: Hospital, actor: Actor, order: Order) -> None:
    return None


def _not_away(hospital: Hospital, actor: Actor, order: Order) -> None:
    patient = hospital.patients[order.subject]
    if patient.away_at:
        raise ToolError(f"{patient.id} is away at {patient.away_at}; wait until the patient is back")


REQUESTS: dict[str, Request] = {
    "claim": Request(care.may_claim, care.claim),
    "hand_over": Request(_anything, care.hand_over),
    "history": Request(_not_away, care.history),
    "examine": Request(_not_away, care.examine),
    "measure": Request(_not_away, care.measure),
    "observe": Request(_anything, care.observe),
    "test": Request(care.may_order, care.order_test),
    "imaging": Request(care.may_order, care.order_imaging),
    "drug": Request(care.may_order, care.order_drug),
    "procedure": Request(care.may_order, care.order_procedure),
    "consult": Request(care.may_order, care.order_consult),
    "amend": Request(_anything, care.amend),
    "cancel": Request(_anything, care.cancel),
    "stop": Request(_anything, care.stop),
    "retriage": Request(_anything, care.retriage),
    "differential": Request(_anything, care.differential),
    "diagnosis": Request(_anything, care.diagnosis),
    "admit": Request(care.may_move, care.admit),
    "transfer": Request(care.may_move, care.transfer),
    "discharge": Request(care.may_go_home, care.discharge),
    "message": Request(_anything, desk.message),
    "call": Request(_anything, desk.call),
    "read_messages": Request(_anything, desk.read_messages),
    "acknowledge": Request(_anything, desk.acknowledge),
    "note": Request(_anything, desk.note),
    "verify": Request(work.is_open, work.verify),
    "change": Request(work.is_open, work.change),
    "query": Request(work.is_open, work.query),
    "reject": Request(work.is_open, work.reject),
    "check_override": Request(_anything, work.check_override),
    "reconcile": Request(_not_away, work.reconcile),
    "claim_study": Request(_anything, work.claim_study),
    "protocol": Request(work.is_unprotocolled, work.protocol),
    "view": Request(_anything, work.view_study),
    "report": Request(_anything, work.report),
    "addend": Request(_anything, work.addend),
    "critical_call": Request(_anything, work.critical_call),
    "reading_priority": Request(_anything, work.reading_priority),
}
