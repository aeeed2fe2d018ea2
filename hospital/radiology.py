"""Imaging: protocol, scanner, transport over the floor, stat before routine, then the radiologist's work list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.condition_parts import ImagingLine
from clinsim.hospital import laboratory, nursing
from clinsim.hospital.charts import OrderLine, StudyLine
from clinsim.hospital.effects import HARMFUL, breach, facts_of
from clinsim.hospital.patients import Patient
from clinsim.hospital.sampling import minutes_of
from clinsim.hospital.studies import Shown, Study, review_protocol, shown
from clinsim.hospital.theatres import begin_away, end_away
from clinsim.imaging_file import ProtocolRule
from clinsim.record import PLACE_IN_QUEUE, Priority

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

NEEDS_PROTOCOL = frozenset({"ct", "mri"})


def imaging(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """Protocol, wait for the scanner, go there, be scanned, come back; the images go to the work list."""
    rule = hospital.knowledge.imaging.studies[line.code]
    place = PLACE_IN_QUEUE[line.priority]
    if rule.modality in NEEDS_PROTOCOL:
        yield from protocolled(hospital, line)
    with hospital.pools[hospital.rules.scanners[rule.modality]].request(place) as scanner:
        yield scanner
        with patient.presence.request(place) as body:
            yield body
            yield from nursing.until_unattended(hospital, patient)
            if patient.gone or line.state == "cancelled":
                patient.moving = False
                return
            laboratory.set_state(hospital, line, "scanning", scanner.unit)
            yield from there_and_scanned(hospital, patient, line, protocol_of(hospital, line).room_minutes)
            scanner.leave()
            if not patient.gone:
                file_study(hospital, patient, line)
            yield from brought_back(hospital, patient, line)


def protocolled(hospital: Hospital, line: OrderLine) -> ProcessGenerator:
    """Wait for the radiologist's protocol; after a while the technician uses the standard one."""
    hospital.desk.to_protocol.append(line.id)
    for staff in hospital.staff.values():
        if staff.role == "radiologist" and staff.is_on_shift(hospital.now):
            hospital.tell(staff.agent, "protocol_request", line.id, f"{line.code}, {line.priority}: {line.text}", order=line.id, patient=line.patient)
    stage = "protocol_stat" if line.priority == "stat" else "protocol"
    yield hospital.clock.first_of(hospital.releases[line.id], hospital.clock.timeout(minutes_of(hospital, stage, line.id)))
    if line.id in hospital.desk.to_protocol:
        hospital.desk.to_protocol.remove(line.id)
        line.protocol = hospital.knowledge.imaging.studies[line.code].usual_protocol
        laboratory.set_state(hospital, line, "protocolled", "technician")


def protocol_of(hospital: Hospital, line: OrderLine) -> ProtocolRule:
    """The protocol by which an order is taken: the chosen one, or the usual one of the study."""
    rule = hospital.knowledge.imaging.studies[line.code]
    return rule.protocols.get(line.protocol, rule.protocols[rule.usual_protocol])


def way_to(hospital: Hospital, patient: Patient, line: OrderLine) -> float:
    """Walking minutes from where the patient is to the scanner."""
    pool = hospital.rules.scanners[hospital.knowledge.imaging.studies[line.code].modality]
    return hospital.walks[laboratory.bedside_location(hospital, patient), hospital.rules.pools[pool].location]


def there_and_scanned(hospital: Hospital, patient: Patient, line: OrderLine, room_minutes: float) -> ProcessGenerator:
    """A porter takes the patient to the scanner; the scan takes its room time."""
    scanner = hospital.rules.scanners[hospital.knowledge.imaging.studies[line.code].modality]
    walk = way_to(hospital, patient, line)
    with hospital.pools["porter"].request(PLACE_IN_QUEUE[line.priority]) as porter:
        yield porter
        begin_away(hospital, patient, scanner)
        yield hospital.clock.timeout(walk)
    yield hospital.clock.timeout(room_minutes)


def brought_back(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """A porter brings the patient back."""
    if not patient.gone:
        with hospital.pools["porter"].request(PLACE_IN_QUEUE[line.priority]) as porter:
            yield porter
            yield hospital.clock.timeout(way_to(hospital, patient, line))
    end_away(hospital, patient)


def file_study(hospital: Hospital, patient: Patient, line: OrderLine) -> None:
    """The images are taken: put them on the work list, log what they truly show."""
    file_images(hospital, patient, line, hospital.new_id("S"), visible_in(hospital, patient, line.code))


def visible_in(hospital: Hospital, patient: Patient, code: str) -> tuple[Shown, ...]:
    """What images of a kind, taken of the patient now, would truly show."""
    swap = patient.course.streams.uniform("side", patient.person.id) < 0.5
    sheet = [(f.study, f.finding, other_side(hospital, f) if swap else f.region, f.sensitivity.value) for f in patient.condition.imaging]
    return shown(sheet, patient.course.severity(hospital.now), code, patient.course.streams, patient.person.id)


def other_side(hospital: Hospital, line: ImagingLine) -> str:
    """The same place on the other side of the body, where the study knows it: illness keeps to no side."""
    for one, other in (("left", "right"), ("right", "left")):
        if line.region.startswith(one):
            mirrored = other + line.region.removeprefix(one)
            return mirrored if mirrored in hospital.knowledge.imaging.findings[line.finding].seen[line.study].regions else line.region
    return line.region


def file_images(hospital: Hospital, patient: Patient, line: OrderLine, sid: str, visible: tuple[Shown, ...]) -> None:
    """Write a study into work list and log."""
    line.done_at = hospital.now
    laboratory.set_state(hospital, line, "to_read", "technician")
    row = StudyLine(sid, line.id, patient.id, line.code, line.priority, line.text, hospital.now)
    hospital.desk.studies[sid] = row
    earlier = hospital.images.values() if line.repeat else ()
    priors = tuple(study.id for study in earlier if study.patient == patient.id and study.code == line.code)
    key = f"{patient.person.id}.{line.code}.{line.repeat}"
    hospital.images[sid] = Study(sid, patient.id, line.code, line.protocol, hospital.now, visible, priors, key)
    put_in_order(hospital, sid)
    hospital.note(
        "study", sid, {"patient": patient.id, "code": line.code, "order": line.id, "priority": line.priority, "background": line.background}
    )
    rules = hospital.knowledge.imaging.findings
    critical = any(rules[found.finding].critical for found in visible)
    stakes = hospital.rules.background.study_stakes if line.background else patient.stakes
    truth = {"findings": [[s.finding, s.region] for s in visible], "critical": critical, "patient": patient.id}
    hospital.truth("study_truth", sid, truth | {"background": line.background, "stakes": round(stakes, 6)})
    for staff in hospital.staff.values():
        if staff.role == "radiologist" and staff.is_on_shift(hospital.now):
            text = f"{line.code}, {line.priority}: {line.text}"
            hospital.tell(staff.agent, "new_study", sid, text, urgent=line.priority == "stat", study=sid, patient=patient.id)


def put_in_order(hospital: Hospital, sid: str) -> None:
    """Put a study on the work list: stat before routine, then the older first."""
    pile, studies = hospital.desk.to_read, hospital.desk.studies
    if sid not in pile:
        pile.append(sid)
    pile.sort(key=lambda s: (PLACE_IN_QUEUE[studies[s].priority], studies[s].taken_at, s))


def reprioritise(hospital: Hospital, sid: str, priority: Priority) -> None:
    """Move a study on the work list."""
    hospital.desk.studies[sid].priority = priority
    put_in_order(hospital, sid)


def unsafe_protocol(hospital: Hospital, patient: Patient, line: OrderLine, by: str) -> None:
    """A protocol that the patient must not have (contrast, magnet) is an unsafe act of whoever chose it, unless minutes count."""
    if line.priority == "stat":
        return
    for finding in review_protocol(line.code, line.protocol, facts_of(hospital, patient), hospital.knowledge.imaging):
        if finding.severity in HARMFUL:
            breach(hospital, patient, by, finding.code, finding.text)
