"""Work from the wards: prescriptions with keyed slips, answers to queries, and studies to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital import laboratory, radiology
from clinsim.hospital.charts import OrderLine
from clinsim.hospital.effects import facts_of
from clinsim.hospital.ordering import place
from clinsim.hospital.patients import Patient
from clinsim.hospital.safety import is_significant
from clinsim.hospital.slips import Prescription, slip
from clinsim.hospital.studies import Shown
from clinsim.record import Priority

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

WARD_DOCTOR = "ward_doctor"
ANSWER_MINUTES = 20.0
"""Minutes until a ward doctor answers a pharmacist's query (assumption)."""
EVERYDAY = (
    ("paracetamol", 6.0),
    ("pantoprazole", 4.0),
    ("enoxaparin", 4.0),
    ("furosemide", 3.0),
    ("amoxicillin", 3.0),
    ("ceftriaxone", 2.0),
    ("metoprolol", 2.0),
    ("lisinopril", 2.0),
    ("atorvastatin", 2.0),
    ("morphine", 2.0),
    ("ondansetron", 2.0),
    ("salbutamol", 2.0),
    ("prednisolone", 2.0),
)
"""What wards prescribe, with weights (assumption)."""
WARD_STUDIES = (("XR_CHEST", 5.0), ("CT_HEAD", 1.0), ("CT_ABDOMEN", 1.0), ("US_ABDOMEN", 1.0))
"""What wards have imaged, with weights (assumption)."""
EVERYDAY_PRIORITY: Priority = "routine"


def inpatients(hospital: Hospital) -> list[Patient]:
    """Those who lay in the wards before the shift began, in order of arrival."""
    return [patient for patient in hospital.present.values() if patient.origin == "inpatient"]


def someone(hospital: Hospital, process: str, number: int) -> Patient | None:
    """An inpatient, chosen by key."""
    here = inpatients(hospital)
    return here[int(hospital.streams.uniform(process, "patient", number) * len(here))] if here else None


def prescribe(hospital: Hospital, number: int) -> None:
    """A ward doctor orders an everyday drug, rightly or with a slip."""
    patient = someone(hospital, "ward.rx", number)
    if patient is None:
        return
    written, error = hospital.tape.once(lambda: what_is_written(hospital, patient, number))
    if written is None:
        return
    line = OrderLine(
        id=hospital.new_id("O"),
        kind="drug",
        patient=patient.id,
        code=written.drug,
        by=WARD_DOCTOR,
        priority=EVERYDAY_PRIORITY,
        placed_at=hospital.now,
        amount=written.dose,
        unit=written.unit,
        route=written.route,
        background=True,
    )
    if error:
        hospital.slips[line.id] = error
    place(hospital, patient, line)


def what_is_written(hospital: Hospital, patient: Patient, number: int) -> tuple[Prescription | None, str]:
    """An everyday drug order for the patient as it stands on the sheet (None: nothing suits), and the kind of slip in it (empty: none)."""
    meant = usual_prescription(hospital, patient, number)
    if meant is None:
        return None, ""
    facts, formulary = facts_of(hospital, patient), hospital.knowledge.formulary
    error = slip(hospital.streams, f"ward.{number}", meant, facts, formulary, hospital.rules.background.error_share)
    return (error.written, error.kind) if error else (meant, "")


def usual_prescription(hospital: Hospital, patient: Patient, number: int) -> Prescription | None:
    """An everyday drug in its usual dose that suits the patient; None if none of a few does."""
    formulary = hospital.knowledge.formulary
    for attempt in range(len(EVERYDAY)):
        drug = formulary.drugs[hospital.streams.pick(EVERYDAY, "ward.rx", f"drug{attempt}", number)]
        route = drug.routes[0]
        dose = drug.usual(route, patient.person.weight_kg)
        if dose is not None and not is_significant(patient.reviews.of(patient, hospital.now, drug, dose, drug.unit, route, formulary)):
            return Prescription(drug.name, dose, drug.unit, route)
    return None


def answer_query(hospital: Hospital, line: OrderLine) -> ProcessGenerator:
    """The ward doctor answers: an order with an error is taken back, a good one is confirmed."""
    from clinsim.hospital import pharmacy
    from clinsim.hospital.request_care import release

    yield hospital.clock.timeout(ANSWER_MINUTES)
    if line.state != "queried":
        return
    if pharmacy.error_in(hospital, hospital.patients[line.patient], line).code:
        hospital.desk.to_verify.remove(line.id)
        laboratory.set_state(hospital, line, "cancelled", WARD_DOCTOR)
        release(hospital, line)
        return
    line.query = ""
    laboratory.set_state(hospital, line, "to_verify", WARD_DOCTOR)
    pharmacy.tell_pharmacists(hospital, line, "new_order")


def take_images(hospital: Hospital, number: int) -> None:
    """Images of an inpatient come to the reading list; what they show is keyed."""
    patient = someone(hospital, "ward.study", number)
    if patient is None:
        return
    code = hospital.streams.pick(WARD_STUDIES, "ward.study", "code", number)
    shows: tuple[Shown, ...] = ()
    if hospital.streams.uniform("ward.study", "abnormal", number) < hospital.rules.background.abnormal_share:
        imaging = hospital.knowledge.imaging
        names = imaging.findings_of(code)
        name = names[int(hospital.streams.uniform("ward.study", "finding", number) * len(names))]
        regions = imaging.findings[name].seen[code].regions
        shows = (Shown(name, regions[int(hospital.streams.uniform("ward.study", "region", number) * len(regions))]),)
    line = OrderLine(hospital.new_id("O"), "imaging", patient.id, code, WARD_DOCTOR, "routine", hospital.now, text="ward patient", background=True)
    line.protocol = hospital.knowledge.imaging.studies[code].usual_protocol
    hospital.desk.orders[line.id] = line
    patient.chart.orders.append(line.id)
    facts = {"patient": patient.id, "kind": "imaging", "code": code, "by": WARD_DOCTOR, "priority": "routine", "background": True}
    hospital.note("order", line.id, facts)
    radiology.file_images(hospital, patient, line, hospital.new_id("S"), shows)
