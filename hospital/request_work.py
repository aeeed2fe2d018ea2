"""What pharmacists and radiologists ask for: decisions on orders, protocols, views, reports, critical calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.errors import ToolError
from clinsim.hospital import grading, laboratory, messages, nursing, pharmacy, radiology
from clinsim.hospital.charts import OrderLine, ReportLine
from clinsim.hospital.effects import facts_of
from clinsim.hospital.follow_up import follow_up
from clinsim.hospital.reconciliation import write_list
from clinsim.hospital.request_care import release
from clinsim.hospital.viewing import seen
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


def _line(hospital: Hospital, order: Order) -> OrderLine:
    return hospital.desk.orders[order.subject]


def is_open(hospital: Hospital, actor: Actor, order: Order) -> None:
    """Only an order that still waits for the pharmacist can be decided on."""
    line = _line(hospital, order)
    if line.state not in pharmacy.OPEN_TO_PHARMACY:
        raise ToolError(f"{line.id} is {line.state}; only orders to verify or queried can be decided on")


def _off_list(hospital: Hospital, line: OrderLine) -> None:
    if line.id in hospital.desk.to_verify:
        hospital.desk.to_verify.remove(line.id)


def _let_go(hospital: Hospital, actor: Actor, line: OrderLine) -> None:
    _off_list(hospital, line)
    line.verified_by, line.verified_at = actor.agent, hospital.now
    laboratory.set_state(hospital, line, "verified", actor.agent)
    release(hospital, line)


def verify(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """The order goes to the dispensary as it stands."""
    line = _line(hospital, order)
    pharmacy.grade(hospital, line, "verified", actor.agent)
    _let_go(hospital, actor, line)
    return Receipt(line.id, "verified", f"{line.code} verified")


def change(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """The order goes to the dispensary with another dose, and the prescriber is told."""
    line = _line(hospital, order)
    before = pharmacy.error_in(hospital, hospital.patients[line.patient], line)
    line.amount = order.amount
    pharmacy.grade(hospital, line, "changed", actor.agent, before)
    _let_go(hospital, actor, line)
    text = f"{line.code} changed to {line.amount:g} {line.unit}: {order.text}"
    hospital.tell(line.by, "changed", line.id, text, order=line.id, patient=line.patient, sender=actor.agent)
    return Receipt(line.id, "verified", text)


def query(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Ask the prescriber; the order waits. Ward prescribers answer by themselves after a while."""
    line = _line(hospital, order)
    line.query = order.text
    laboratory.set_state(hospital, line, "queried", actor.agent)
    pharmacy.grade(hospital, line, "queried", actor.agent)
    if line.background:
        from clinsim.hospital.background import answer_query

        hospital.clock.process(answer_query(hospital, line))
    hospital.tell(line.by, "query", line.id, order.text, urgent=True, order=line.id, patient=line.patient, sender=actor.agent)
    return Receipt(line.id, "queried", f"{line.by} is asked")


def reject(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """The order will not be given."""
    line = _line(hospital, order)
    pharmacy.grade(hospital, line, "rejected", actor.agent)
    _off_list(hospital, line)
    line.done_at = hospital.now
    laboratory.set_state(hospital, line, "rejected", actor.agent)
    release(hospital, line)
    text = f"{line.code} rejected: {order.text}"
    hospital.tell(line.by, "rejected", line.id, text, urgent=True, order=line.id, patient=line.patient, sender=actor.agent)
    return Receipt(line.id, "rejected", text)


def check_override(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Say afterwards whether an override was appropriate."""
    line = _line(hospital, order)
    line.to_check = False
    _off_list(hospital, line)
    drug = hospital.knowledge.formulary.drugs[line.code]
    appropriate = drug.emergency and not hospital.errors[line.id].significant
    verdict = "override_ok" if order.code == "appropriate" else "override_bad"
    right = appropriate == (order.code == "appropriate")
    data = {"verdict": verdict, "by": actor.agent, "right": right, "patient": line.patient, "minutes": round(hospital.now - (line.done_at or 0.0), 2)}
    hospital.truth("override_graded", line.id, data)
    return Receipt(line.id, "checked", order.code)


def reconcile(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Ask the patient and the pharmacy outside what is really taken at home, and chart it."""
    patient = hospital.patients[order.subject]
    before = patient.chart.home_drugs
    home = write_list(hospital, patient, actor.agent)
    nursing.add_note(hospital, patient, "pharmacy", actor.agent, f"Home drugs as asked: {', '.join(home) or 'none'}.")
    return Receipt(patient.id, "reconciled", f"{len(home)} home drugs", {"home_drugs": list(home), "before": list(before)})


def claim_study(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """The radiologist has the images in hand."""
    hospital.desk.studies[order.subject].reader = actor.agent
    return Receipt(order.subject, "claimed", f"{order.subject} is yours to read")


def is_unprotocolled(hospital: Hospital, actor: Actor, order: Order) -> None:
    """Only a request that waits for its protocol can be protocolled."""
    if order.subject not in hospital.desk.to_protocol:
        raise ToolError(f"{order.subject} does not wait for a protocol; waiting: {', '.join(hospital.desk.to_protocol) or 'none'}")


def protocol(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Choose how the images are taken; the request goes on to the scanner."""
    line = _line(hospital, order)
    line.protocol = order.code
    hospital.desk.to_protocol.remove(line.id)
    laboratory.set_state(hospital, line, "protocolled", actor.agent)
    radiology.unsafe_protocol(hospital, hospital.patients[line.patient], line, actor.agent)
    release(hospital, line)
    return Receipt(line.id, "protocolled", f"{line.code}: {order.code}")


def view_study(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """What can be measured in a region under a window, now and in an earlier study; looking again gives the same numbers."""
    hospital.looked.setdefault((order.subject, actor.agent), set()).add(order.code)
    study = hospital.images[order.subject]
    earlier = hospital.images[study.priors[-1]] if study.priors else None
    own = hospital.patients[study.patient].course.streams
    return Receipt(order.subject, "viewed", f"{order.code}, {order.text}", seen(study, order.code, order.text, own, earlier))


def _file_report(hospital: Hospital, actor: Actor, order: Order, addendum: bool) -> Receipt:
    study = hospital.desk.studies[order.subject]
    findings = tuple((name, region) for name, _, region in (item.partition("@") for item, _ in order.items))
    rid = hospital.new_id("R")
    report = ReportLine(rid, study.id, study.code, round(hospital.now, 2), actor.agent, findings, order.text, float(order.amount or 0.0), addendum)
    patient = hospital.patients[study.patient]
    patient.chart.reports.append(report)
    if study.id in hospital.desk.to_read:
        hospital.desk.to_read.remove(study.id)
    study.reported_at = study.reported_at or hospital.now
    data = {"patient": study.patient, "by": actor.agent, "findings": [list(f) for f in findings], "impression": order.text}
    hospital.note("report", study.id, data | {"certainty": report.certainty, "addendum": addendum, "code": study.code})
    grading.grade_report(hospital, study, report)
    line = hospital.desk.orders[study.order]
    if line.state != "reported":
        laboratory.set_state(hospital, line, "reported", actor.agent)
    named = [f"{name} ({region})" for name, region in findings]
    to = patient.chart.owner or line.by
    text = f"{study.code}: {', '.join(named) or 'no abnormality reported'}"
    looked = hospital.looked.get((study.id, actor.agent), set())
    later = follow_up(hospital.images[study.id], (f for f in findings if f[1] in looked), facts_of(hospital, patient), patient.course.streams)
    text = f"{text}; {later}" if later else text
    hospital.tell(to, "report", study.id, text, patient=patient.id, study=study.id, code=study.code, findings=[list(f) for f in findings])
    return Receipt(rid, "reported", text)


def report(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """File the report; who answers for the patient is told."""
    return _file_report(hospital, actor, order, addendum=False)


def addend(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Correct or complete an earlier report."""
    return _file_report(hospital, actor, order, addendum=True)


def critical_call(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Call a critical finding to a doctor, who is to read it back."""
    study = hospital.desk.studies[order.subject]
    study.called_at = study.called_at or hospital.now
    letter = messages.write_letter(hospital, actor.agent, order.to, order.text, patient=study.patient, call=True, urgent=True)
    hospital.note("critical_call", study.id, {"by": actor.agent, "to": order.to, "patient": study.patient})
    grading.grade_call(hospital, study, actor.agent, order.to)
    hospital.clock.process(messages.ring(hospital, letter))
    return Receipt(letter.id, "calling", f"calling {order.to}")


def reading_priority(hospital: Hospital, actor: Actor, order: Order) -> Receipt:
    """Move a study on the reading list."""
    radiology.reprioritise(hospital, order.subject, order.priority)
    return Receipt(order.subject, "moved", order.priority)
