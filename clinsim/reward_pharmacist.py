"""What pharmacists are paid for: net benefit. Stopping the errors that matter, less false alarms, the prescriber's minutes and delay.

Sensitivity is `order_error_caught`, false alarms `false_alarm`, what every stop costs `query_cost`, delay `verification_in_time`. Passing an
order earns nothing by itself, or approving everything would earn it. All pay is for orders that were looked at, and is scaled (`Book.diligence`)
by how many of the orders that came due were, since who leaves the rest lying has not done the work, and by how far orders are stopped for their
errors, since who asks about everything has judged nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.record import Entry
from clinsim.reward_book import STOPPED, Book
from clinsim.reward_component import PHARMACIST, Component, Due, promptness
from clinsim.reward_conduct import VERIFY_MINUTES

MISSED = 1.0
"""Cost of letting a significant error pass (assumption): twice what catching one earns."""
CAUGHT = 0.5
"""Pay for a significant error that is stopped in the best way (assumption)."""
LOST = 0.5
"""Share of it that is left if the order is turned down where another dose would have done (assumption): the treatment is lost."""
MENDABLE = frozenset({"OVERDOSE", "UNDERDOSE"})
"""Errors that another dose mends."""
OWN_TEAM = 0.5
"""Share that stopping an error of a doctor of the episode earns (assumption): less than the error costs, or erring would pay the team."""
CAUGHT_AFTERWARDS = 0.25
"""Pay for finding that an override was not appropriate (assumption): what it saves is the next dose."""
PASSED_AFTERWARDS = 0.5
"""Cost of calling an override appropriate that was not (assumption)."""
FALSE_ALARMS = {"rejected": 0.5, "changed": 0.25, "queried": 0.25}
"""Cost of stopping an order that was right, by what was done to it (assumption): a question takes minutes.

With one significant error in ten orders, stopping all of them loses at least 0.25 x 0.9 and gains at most 0.5 x 0.1.
"""
PRESCRIBER_HOUR = 60.0


def order_error_caught(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist who looked at an order for a significant error stopped before the drug is given, and charges one that goes out.

    Turning down what another dose mends earns half. Errors of doctors of the episode earn half, once for a patient:
    making them gains the team nothing. Scaled by coverage and discernment. Source: the formulary; shares are assumptions.
    """
    order, data = book.order(entry.subject), entry.data
    if not data["significant"] or data["verdict"] == "unverified":
        return
    if data["verdict"] not in STOPPED or (data["verdict"] == "changed" and not data["fixed"]):
        yield Due(data["by"], order.patient, -MISSED)
    elif data["by"] in order.read_by:
        left = LOST if data["error"] in MENDABLE and data["verdict"] != "changed" else 1.0
        value = CAUGHT * left * book.diligence(data["by"])
        yield Due(data["by"], order.patient, value if order.background else OWN_TEAM * value, entry.subject if order.background else "")


def false_alarm(book: Book, entry: Entry) -> Iterator[Due]:
    """Charges the pharmacist for stopping an order that was right, or rejecting one whose error does not matter.

    Source: assumption.
    """
    data = entry.data
    needless = not data["error"] or (not data["significant"] and data["verdict"] == "rejected")
    if needless and data["verdict"] in FALSE_ALARMS:
        yield Due(data["by"], book.order(entry.subject).patient, -FALSE_ALARMS[data["verdict"]])


def query_cost(book: Book, entry: Entry) -> Iterator[Due]:
    """Charges the pharmacist for the prescriber's minutes that a query, change or rejection takes, right or wrong, as a share of an hour.

    Source: assumption (`PRESCRIBER_MINUTES` of the hospital).
    """
    minutes = entry.data.get("doctor_minutes", 0.0)  # traces of before have none
    if minutes:
        yield Due(entry.data["by"], book.order(entry.subject).patient, -min(1.0, minutes / PRESCRIBER_HOUR))


def verification_in_time(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist when an essential treatment begins whose order this pharmacist looked at and let go, by how soon it was decided.

    Scaled by coverage and discernment. Delay costs, looked at or not. Source of the targets: `VERIFY_MINUTES`.
    """
    data = entry.data
    order = book.orders.get(data["order"])
    if order is None or order.decided_at is None or data["override"] or not (data["essential"] and data["supported"]):
        return
    soon = promptness(order.decided_at - order.placed_at, VERIFY_MINUTES[order.priority])
    stake = book.patient(entry.subject).stake_of_treatment
    earned = book.diligence(data["verified_by"]) if data["verified_by"] in order.read_by else 0.0
    yield Due(data["verified_by"], entry.subject, stake * soon * (earned if soon > 0.0 else 1.0), data["treatment"])


def override_checked(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the pharmacist who finds that a drug given by override was not appropriate; a wrong verdict costs.

    Source: assumption.
    """
    data = entry.data
    is_alarm = data["verdict"] == "override_bad"
    if data["right"]:
        yield Due(data["by"], data["patient"], CAUGHT_AFTERWARDS if is_alarm else 0.0)
    else:
        yield Due(data["by"], data["patient"], -FALSE_ALARMS["rejected"] if is_alarm else -PASSED_AFTERWARDS)


COMPONENTS = (
    Component(order_error_caught, PHARMACIST, ("order_graded",)),
    Component(false_alarm, PHARMACIST, ("order_graded",)),
    Component(query_cost, PHARMACIST, ("order_graded",)),
    Component(verification_in_time, PHARMACIST, ("effect",)),
    Component(override_checked, PHARMACIST, ("override_graded",)),
)
