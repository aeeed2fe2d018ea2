"""What pharmacists are paid for: stopping the errors that matter, letting right orders pass without delay.

Passing an order earns nothing by itself, or approving everything would earn it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clinsim.record import Entry
from clinsim.reward_book import PASSED, STOPPED, Book
from clinsim.reward_component import PHARMACIST, Component, Due, promptness

MISSED = 1.0
"""Cost of letting a significant error pass (assumption): twice what catching one earns."""
CAUGHT = 0.5
"""Pay for a significant error that is stopped and put right (assumption)."""
CAUGHT_BUT_DELAYED = 0.25
"""Pay where the error is stopped but the patient needs the drug and still lacks it (assumption)."""
FALSE_ALARMS = {"rejected": 0.5, "override_bad": 0.5, "changed": 0.25, "queried": 0.25}
"""Cost of stopping an order that was right, by what was done to it (assumption): a question takes minutes.

With one significant error in ten orders, stopping all of them loses at least 0.25 x 0.9 and gains at most 0.5 x 0.1.
"""
VERIFY_MINUTES = {"stat": 10.0, "urgent": 20.0, "routine": 60.0}
"""Minutes from placing to verification by priority.

Source: Naylor 2011 (stat dispensing 9 to 10 minutes); urgent and routine are assumptions.
"""


def order_error_caught(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist for a significant error stopped before the drug is given, and charges one that is let pass.

    Errors of doctors of the episode earn once for a patient: making them again gains nothing. Source: the formulary.
    """
    order, data = book.order(entry.subject), entry.data
    if data["significant"] and data["verdict"] in PASSED and not _is_override(data):
        yield Due(data["by"], order.patient, -MISSED)
    if data["significant"] and data["verdict"] in STOPPED and not _is_override(data):
        yield Due(data["by"], order.patient, _catch(data), entry.subject if order.background else "")


def false_alarm(book: Book, entry: Entry) -> Iterator[Due]:
    """Charges the pharmacist for stopping an order that was right, or rejecting one whose error does not matter.

    Source: assumption.
    """
    data = entry.data
    needless = not data["error"] or (not data["significant"] and data["verdict"] == "rejected")
    if needless and data["verdict"] in FALSE_ALARMS:
        yield Due(data["by"], book.order(entry.subject).patient, -FALSE_ALARMS[data["verdict"]])


def verification_in_time(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist when an essential treatment that rested on the order begins, by how soon it was decided.

    Delay costs. Source of the targets: `VERIFY_MINUTES`.
    """
    data = entry.data
    order = book.orders.get(data["order"])
    if order is None or order.decided_at is None or data["override"] or not (data["essential"] and data["supported"]):
        return
    soon = promptness(order.decided_at - order.placed_at, VERIFY_MINUTES[order.priority])
    stake = book.patient(entry.subject).stake_of_treatment
    yield Due(data["verified_by"], entry.subject, stake * soon, data["treatment"])


def override_checked(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist who finds the significant error in a drug given by override, and charges one who passes it.

    Source: assumption; an override is checked afterwards, so what it saves is the next dose.
    """
    order, data = book.order(entry.subject), entry.data
    if data["significant"] and _is_override(data):
        yield Due(data["by"], order.patient, CAUGHT_BUT_DELAYED if data["verdict"] == "override_bad" else -MISSED)


def _is_override(data: Mapping[str, Any]) -> bool:
    return str(data["verdict"]).startswith("override")


def _catch(data: Mapping[str, Any]) -> float:
    return CAUGHT if data["fixed"] else CAUGHT_BUT_DELAYED


COMPONENTS = (
    Component(order_error_caught, PHARMACIST, ("order_graded",)),
    Component(false_alarm, PHARMACIST, ("order_graded",)),
    Component(verification_in_time, PHARMACIST, ("effect",)),
    Component(override_checked, PHARMACIST, ("order_graded",)),
)
