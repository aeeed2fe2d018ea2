"""The guideline radiologist: protocols requests, reads by priority, reports, and calls what is critical.

It looks where the protocol says that a finding of weight would show, and applies the protocol's limits to what is measured there.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

from clinsim.agents.image_reading import certainty, findings
from clinsim.agents.machine import Machine, call
from clinsim.agents.notes import Call
from clinsim.agents.protocol_file import Look, protocols
from clinsim.record import Seat

Row = dict[str, Any]
PLACE = {"stat": 0, "urgent": 1, "routine": 2}


class Radiologist(Machine):
    """A radiologist who works the list from the top and finishes one study before the next."""

    def __init__(self, seat: Seat) -> None:
        """Sit down, having reported nothing."""
        super().__init__(seat)
        self._critical: dict[str, str] = {}
        self._n_known = 0

    def choose(self) -> Call:
        """Answer calls; call what was found; protocol; read; if there is nothing, wait."""
        for offers in (self.letters(), self.calls(), self.protocolling(), self.reading()):
            for made in offers:
                return made
        return self.wait(protocols().habits.wait)

    # ------------------------------------------------------------ protocols

    def protocolling(self) -> Iterable[Call]:
        """Requests that wait for a protocol, stat first."""
        waiting = [row for row in self.memory.worklist if row.get("state") == "to_protocol"]
        for row in sorted(waiting, key=lambda row: PLACE[row["priority"]]):
            asked = call("get_request", study_id=row["order"])
            request = self.memory.answers.get(self.key(asked))
            if request is None and self.may(asked) and row["priority"] != "stat":
                yield asked
            made = call("protocol_study", order_id=row["order"], protocol=chosen_protocol(row["code"], request or {}))
            if self.key(made) not in self.memory.done and self.may(made):
                yield made

    # ------------------------------------------------------------ reading

    def reading(self) -> Iterable[Call]:
        """The study in hand, else the first that nobody reads."""
        rows = [row for row in self.memory.worklist if "study" in row and row["reader"] in ("", self.seat.agent)]
        for row in sorted(rows, key=lambda row: (PLACE[row["priority"]], row["reader"] == "", row["taken_at"])):
            yield from self.steps(row)

    def steps(self, row: Row) -> Iterable[Call]:
        """Claim, look, report."""
        study = row["study"]
        claimed = call("claim_study", study_id=study)
        if not row["reader"] and self.key(claimed) not in self.memory.done and self.may(claimed):
            yield claimed
            return
        look = look_for(row["code"], row["indication"])
        critical = look.stop_when_critical and not critical_findings().isdisjoint(self.found(study, row))
        for region, window in () if critical else look.views:
            made = call("view_study", study_id=study, region=region, window=window)
            if self.key(made) not in self.memory.done and self.may(made):
                yield made
                return
        made = self.report(row)
        if self.key(made) not in self.memory.done and self.may(made):
            yield made

    def looks(self, study: str, row: Row) -> dict[tuple[str, str], Row]:
        """What each look at a study has told so far."""
        views = look_for(row["code"], row["indication"]).views
        answers = {(region, window): self.memory.answers.get(("view_study", study, f"{region} {window}")) for region, window in views}
        return {place: answer["facts"] for place, answer in answers.items() if answer}

    def found(self, study: str, row: Row) -> dict[str, str]:
        """The findings of a study by name, each with its region."""
        return findings(row["code"], self.looks(study, row))

    def report(self, row: Row) -> Call:
        """Findings, impression, and how sure."""
        looks = self.looks(row["study"], row)
        found = findings(row["code"], looks)
        named = [{"name": name, "region": region} for name, region in found.items()]
        names = ", ".join(f"{name.replace('_', ' ')} ({region})" for name, region in found.items())
        impression = f"Findings: {names}." if named else "No abnormality."
        sure = certainty(row["code"], looks)
        return call("submit_report", study_id=row["study"], findings=named, impression=impression, certainty=sure)

    # ------------------------------------------------------------ critical findings

    def calls(self) -> Iterable[Call]:
        """Critical findings that were reported and not called yet."""
        self._look_through_reports()
        for study, told in tuple(self._critical.items()):
            if ("call_critical", study, "") in self.memory.done:
                del self._critical[study]
            else:
                yield from self.call_about(study, self.memory.studies[study]["patient"], told)

    def _look_through_reports(self) -> None:
        """Keep those with a critical finding; a study is reported once, so each report is looked at once."""
        reports = self.memory.reports
        for study in reversed(list(islice(reversed(reports), len(reports) - self._n_known))):
            told = next((name for name in reports[study] if name in critical_findings()), None)
            if told is not None:
                self._critical[study] = told
        self._n_known = len(reports)

    def call_about(self, study: str, patient: str, finding: str) -> Iterable[Call]:
        """Find out who looks after the patient, then phone."""
        chart, staff = call("get_chart", patient_id=patient), call("list_colleagues")
        if "get_chart" in self.memory.tools:
            if self.key(chart) not in self.memory.done:
                yield chart
                return
        elif "list_colleagues" in self.memory.tools and self.key(staff) not in self.memory.done:
            yield staff
            return
        text = f"{patient}: {finding.replace('_', ' ')}. Please act now."
        made = call("call_critical", study_id=study, to=self.doctor_of(patient), text=text)
        if self.may(made):
            yield made

    def doctor_of(self, patient: str) -> str:
        """Who looks after the patient, as far as is known; else the first doctor."""
        chart = self.memory.answers.get(("get_chart", patient, ""))
        if chart and chart["owner"]:
            return str(chart["owner"])
        staff = (self.memory.answers.get(("list_colleagues", "", "")) or {}).get("colleagues", ())
        on_shift = [row["agent"] for row in staff if row["role"] == "doctor" and row["on_shift"]]
        return str(on_shift[0]) if on_shift else "doctor_1"


@lru_cache(maxsize=1)
def critical_findings() -> frozenset[str]:
    """Findings that are phoned."""
    return frozenset(reading.finding for reading in protocols().readings if reading.critical)


@lru_cache(maxsize=512)
def look_for(study: str, question: str) -> Look:
    """How a study is looked at for a question: the first row of the protocol that fits."""
    rows = (look for look in protocols().looks if look.study == study)
    return next(look for look in rows if any(word in question.lower() for word in look.question.split("|")))


def chosen_protocol(study: str, request: dict[str, Any]) -> str:
    """The protocol for a request: the first row that fits indication and kidneys, else the usual one."""
    indication, egfr = str(request.get("indication", "")).lower(), float(request.get("egfr", 90.0))
    for row in protocols().protocolling:
        if row.study == study and row.indication in indication and egfr >= row.egfr_from:
            return row.protocol
    allowed = request.get("allowed_protocols", ())
    return str(allowed[0]) if allowed else "standard"
