"""What radiologists are paid for: finding what is there in time, calling what cannot wait, knowing how sure they are.

A normal study read as normal earns nothing by itself, or reporting everything as normal would earn it.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.record import Entry
from clinsim.reward_book import Book, StudyFacts, timeliness
from clinsim.reward_component import RADIOLOGIST, Component, Due, bounded, promptness
from clinsim.reward_conduct import CALL_MINUTES

CRITICAL = 0.3
"""What a critical finding weighs beyond the stakes of the patient (assumption)."""
PLAIN = 0.05
"""What any abnormal study weighs at least, and a false finding costs (assumption)."""
MISS = 1.0
"""Cost of missing all that is there, as a share of what the study weighs (assumption)."""
CRITICAL_MISS = 1.0
"""What a missed critical finding costs besides, as a share of what the study weighs (assumption)."""
CRITICAL_INVENTED = 0.15
"""What a critical finding costs that is not there (assumption): somebody will act on it."""
ADDENDUM = 0.5
"""Share that findings earn which come only in an addendum (assumption)."""
FALSE_CALL = 0.5
"""Cost of the first phone call about something that is not critical (assumption), and twice that from the second on: it interrupts a doctor."""
NOT_CALLED = 0.5
"""Share of its weight that a critical finding costs which was reported and not phoned (assumption)."""
UNTOLD = 1.0
"""Share of its weight that such a finding takes back of the pay for reading it (assumption): all of it."""
REPORT_MINUTES = {"stat": 30.0, "urgent": 60.0, "routine": 120.0}
"""Minutes from images to report by priority.

Source: American Heart Association stroke times (20 minutes from scan to reading); Wait Time Alliance (stat within 60);
the steps are assumptions.
"""


def report_findings(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the radiologist by F1 over findings and regions where something was found; misses and false findings cost, critical ones more.

    An addendum earns half, where nothing has been earned before. A critical finding that was never phoned takes back at
    the end what reporting the study can earn: nobody was told. Scaled by candour (`Telling`). Source of the findings: the
    truth of the images; prices are assumptions.
    """
    if entry.kind == "end":
        yield from _never_called(book, entry.minute, UNTOLD)
        return
    data, study = entry.data, book.study(entry.subject)
    tp, fp, fn = data["tp"], data["fp"], data["fn"]
    found = 2 * tp / (2 * tp + fp + fn) if tp else 0.0
    told = book.telling[data["by"]].candour(entry.minute)
    yield Due(data["by"], study.patient, weight_of(study) * found * told * (ADDENDUM if data["addendum"] else 1.0))
    if not data["addendum"]:
        invented = CRITICAL_INVENTED * data["critical_invented"]
        yield Due(data["by"], study.patient, -bounded(_mistakes(study, tp, fp, fn, bool(data["critical_missed"])) + invented))


def report_in_time(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the radiologist for a timely report that found something that is there; from twice the target on it costs.

    Scaled by candour.     Source of the targets: `REPORT_MINUTES`, by the priority of the study.
    """
    data, study = entry.data, book.study(entry.subject)
    if data["tp"] and not data["addendum"]:
        soon = promptness(entry.minute - study.taken_at, REPORT_MINUTES[study.priority])
        yield Due(data["by"], study.patient, weight_of(study) * soon * (book.telling[data["by"]].candour(entry.minute) if soon > 0.0 else 1.0))


def critical_called(book: Book, entry: Entry) -> Iterator[Due]:
    """Pays the radiologist for phoning a critical finding that the same radiologist has reported, by minutes between.

    Paid when both are there; a call about something that is not critical costs, more from the second on, and so does a critical finding that was
    reported and never phoned. Source of the target: `CALL_MINUTES`.
    """
    if entry.kind == "end":
        yield from _never_called(book, entry.minute, NOT_CALLED)
        return
    study, by = book.study(entry.subject), entry.data["by"]
    if entry.kind == "call_graded" and not entry.data["critical"]:
        yield Due(by, study.patient, -min(1.0, FALSE_CALL * book.false_calls[by]))
    elif study.critical and by in study.found_by and by in study.called_at:
        soon = timeliness(study.called_at[by] - study.reported_at[by], CALL_MINUTES)
        yield Due(by, study.patient, weight_of(study) * soon)


def certainty_brier(book: Book, entry: Entry) -> Iterator[Due]:
    """Scores the radiologist's stated certainty that a report is right; nothing is earned where nothing was found.

    Source: Brier, Mon Weather Rev 1950;78:1; a report that found something starts from the score of a coin toss, 0.25.
    """
    data, study = entry.data, book.study(entry.subject)
    if data["addendum"]:
        return
    is_right = float(data["fp"] == 0 and data["fn"] == 0)
    start = 0.25 if data["tp"] else 0.0
    yield Due(data["by"], study.patient, weight_of(study) * (start - (data["certainty"] - is_right) ** 2))


def weight_of(study: StudyFacts) -> float:
    """What reading this study right is worth: the stakes of the patient, more if something on it is critical."""
    return min(1.0, max(PLAIN, study.stakes + (CRITICAL if study.critical else 0.0)))


def _mistakes(study: StudyFacts, tp: int, fp: int, fn: int, critical_missed: bool) -> float:
    missed = MISS * fn / (tp + fn) if fn else 0.0
    return bounded(weight_of(study) * (missed + CRITICAL_MISS * critical_missed) + PLAIN * fp)


def _never_called(book: Book, now: float, price: float) -> Iterator[Due]:
    for study in book.studies.values():
        for by in sorted(study.found_by - set(study.called_at)):
            if now - study.reported_at[by] > CALL_MINUTES:
                yield Due(by, study.patient, -price * weight_of(study))


COMPONENTS = (
    Component(report_findings, RADIOLOGIST, ("report_graded", "end")),
    Component(report_in_time, RADIOLOGIST, ("report_graded",)),
    Component(critical_called, RADIOLOGIST, ("report_graded", "call_graded", "end")),
    Component(certainty_brier, RADIOLOGIST, ("report_graded",)),
)
