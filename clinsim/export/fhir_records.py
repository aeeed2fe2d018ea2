"""From a chart to FHIR R4B resources: who the patient is, what was measured, ordered, given, done, reported and written."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clinsim.export.fhir import HL7, Case, Resource, codes
from clinsim.hospital.charts import OrderLine, ResultLine, StudyLine

Made = Iterator[tuple[str, Resource]]
GENDERS = {"F": "female", "M": "male", "female": "female", "male": "male"}
ENCOUNTER_STATUS = {"arrived": "arrived", "waiting": "triaged", "home": "finished", "left_unseen": "finished", "died": "finished"}
"""Status of the stay by the status of the chart; anything else is under way."""
DRUG_STATUS = {
    "to_verify": "draft", "queried": "on-hold", "verified": "active", "dispensed": "active", "given": "completed", "rejected": "cancelled",
    "cancelled": "cancelled", "stopped": "stopped",
}  # fmt: skip
REQUEST_STATUS = {"resulted": "completed", "reported": "completed", "done": "completed", "cancelled": "revoked", "refused": "revoked"}
"""Status of a request by the state of its order; anything else is active."""
NOTE_TITLES = {"medical": "Doctor's note", "nursing": "Nurse's note", "handover": "Handover", "consult": "Consultant's advice"}


def records(case: Case) -> Made:
    """All resources of a chart with their urls."""
    for make in (_person, _background, _vitals, _laboratory, _orders, _imaging, _diagnoses, _notes):
        yield from make(case)


def concept(text: str, system: str = "", code: str = "") -> Resource:
    """A CodeableConcept: a text, with its code where there is one."""
    return {"text": text, "coding": [{"system": system, "code": code}]} if code else {"text": text}


def measure(code: Mapping[str, str]) -> Resource:
    """A LOINC concept."""
    return concept(code["title"], "http://loinc.org", code["code"])


def quantity(value: float, unit: str) -> Resource:
    """A number with a UCUM unit."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _resource(kind: str, **fields: Any) -> Resource:
    return {"resourceType": kind, **{name: value for name, value in fields.items() if value not in (None, "", [])}}


def _person(case: Case) -> Made:
    chart = case.chart
    about = {"identifier": [{"value": chart.id}], "gender": GENDERS.get(chart.sex, "unknown"), "birthDate": f"{case.zero.year - chart.age:04d}"}
    died = case.at(chart.departed_at) if chart.status == "died" and chart.departed_at is not None else None
    yield case.url("Patient"), _resource("Patient", **about, deceasedDateTime=died)
    unit = "IMP" if chart.unit else "EMER"
    period = {"start": case.at(chart.arrived_at)} | ({"end": case.at(chart.departed_at)} if chart.departed_at is not None else {})
    left = {"dischargeDisposition": concept(chart.status)} if chart.departed_at is not None else None
    yield (
        case.url("Encounter"),
        _resource(
            "Encounter",
            status=ENCOUNTER_STATUS.get(chart.status, "in-progress"),
            **{"class": {"system": f"{HL7}/v3-ActCode", "code": unit}},
            subject={"reference": case.url("Patient")},
            period=period,
            priority=concept(f"Emergency Severity Index {chart.esi}") if chart.esi else None,
            reasonCode=[concept(chart.complaint)],
            hospitalization=left,
        ),
    )
    weight = codes()["weight"]
    yield case.url("Observation", "weight"), _observation(case, "vital-signs", weight, chart.arrived_at, chart.weight_kg)


def _background(case: Case) -> Made:
    chart, patient = case.chart, {"reference": case.url("Patient")}
    for name in chart.allergies:
        yield (
            case.url("AllergyIntolerance", name),
            _resource(
                "AllergyIntolerance",
                clinicalStatus=concept("Active", f"{HL7}/allergyintolerance-clinical", "active"),
                verificationStatus=concept("Confirmed", f"{HL7}/allergyintolerance-verification", "confirmed"),
                category=["medication"],
                code=concept(name),
                patient=patient,
            ),
        )
    for name in chart.home_drugs:
        statement = _resource("MedicationStatement", status="active", medicationCodeableConcept=concept(name), subject=patient)
        yield case.url("MedicationStatement", name), statement
    for name in chart.comorbidities:
        yield case.url("Condition", name), _condition(case, name, "problem-list-item", "confirmed")


def _condition(case: Case, text: str, category: str, sure: str) -> Resource:
    return _resource(
        "Condition",
        clinicalStatus=concept("Active", f"{HL7}/condition-clinical", "active"),
        verificationStatus=concept(sure.capitalize(), f"{HL7}/condition-ver-status", sure),
        category=[concept(category, f"{HL7}/condition-category", category)],
        code=concept(text),
        **case.about,
    )


def _observation(case: Case, category: str, code: Mapping[str, str], minute: float, value: float | str) -> Resource:
    said = {"valueString": value} if isinstance(value, str) else {"valueQuantity": quantity(value, code.get("unit", "1"))}
    return _resource(
        "Observation",
        status="final",
        category=[concept(category, f"{HL7}/observation-category", category)],
        code=measure(code) if "code" in code else concept(code["title"]),
        effectiveDateTime=case.at(minute),
        **said,
        **case.about,
    )


def _vitals(case: Case) -> Made:
    for number, taken in enumerate(case.chart.vitals):
        for name, code in codes()["vitals"].items():
            yield case.url("Observation", number, name), _observation(case, "vital-signs", code, taken.minute, getattr(taken, name))


def _laboratory(case: Case) -> Made:
    """Each value as an observation, and a report for the values of each order."""
    orders: dict[str, list[ResultLine]] = {}
    for line in case.chart.results:
        code = codes()["analytes"].get(line.analyte, {"title": line.analyte, "unit": line.unit or "1"})
        made = _observation(case, "laboratory", code, line.taken_at, line.value) | {"issued": case.at(line.filed_at)}
        flag = {"interpretation": [concept("Critical abnormal", f"{HL7}/v3-ObservationInterpretation", "AA")]} if line.critical else {}
        yield _result_url(case, line), made | flag
        orders.setdefault(line.order, []).append(line)
    for order, lines in orders.items():
        yield (
            case.url("DiagnosticReport", order),
            _resource(
                "DiagnosticReport",
                status="final",
                category=[concept("Laboratory", f"{HL7}/v2-0074", "LAB")],
                code=concept(_title(case, lines[0].test)),
                effectiveDateTime=case.at(lines[0].taken_at),
                issued=case.at(lines[0].filed_at),
                basedOn=[{"reference": case.url("Order", order)}] if order in case.chart.orders else None,
                result=[{"reference": _result_url(case, line)} for line in lines],
                **case.about,
            ),
        )


def _result_url(case: Case, line: ResultLine) -> str:
    return case.url("Observation", line.order, line.id, line.analyte)


def _title(case: Case, code: str) -> str:
    knowledge = case.knowledge
    if code in knowledge.panels:
        return knowledge.panels[code].title
    study = knowledge.imaging.studies.get(code)
    return study.title if study else knowledge.procedures.get(code) or knowledge.services.get(code) or code


# ---------------------------------------------------------------- orders


def _orders(case: Case) -> Made:
    for name in case.chart.orders:
        line = case.desk.orders[name]
        yield from _ORDERS.get(line.kind, _request)(case, line)


def _request(case: Case, line: OrderLine) -> Made:
    """A test, image, consult or procedure that was asked for; a procedure that was done as well."""
    yield (
        case.url("Order", line.id),
        _resource(
            "ServiceRequest",
            identifier=[{"value": line.id}],
            status=REQUEST_STATUS.get(line.state, "active"),
            intent="order",
            priority=line.priority,
            category=[concept(line.kind)],
            code=concept(_title(case, line.code)),
            authoredOn=case.at(line.placed_at),
            requester={"display": line.by},
            reasonCode=[concept(line.text)] if line.text else None,
            **case.about,
        ),
    )
    if line.kind == "procedure" and line.state == "done" and line.done_at is not None:
        done = {"performedDateTime": case.at(line.done_at), "basedOn": [{"reference": case.url("Order", line.id)}]}
        yield (
            case.url("Procedure", line.id),
            _resource("Procedure", status="completed", code=concept(_title(case, line.code)), **done, **case.about),
        )


def _drug(case: Case, line: OrderLine) -> Made:
    """A drug that was ordered, and its administration once it was given."""
    dose = {"doseAndRate": [{"doseQuantity": {"value": line.amount, "unit": line.unit}}]} if line.amount is not None else {}
    route = {"route": concept(line.route)} if line.route else {}
    drug = {"medicationCodeableConcept": concept(line.code.replace("_", " "))}
    yield (
        case.url("Order", line.id),
        _resource(
            "MedicationRequest",
            identifier=[{"value": line.id}],
            status=DRUG_STATUS.get(line.state, "unknown"),
            intent="order",
            priority=line.priority,
            authoredOn=case.at(line.placed_at),
            requester={"display": line.by},
            dosageInstruction=[{**route, **dose}] if route or dose else None,
            note=[{"text": f"verified by {line.verified_by}"}] if line.verified_by else None,
            **drug,
            **case.about,
        ),
    )
    if line.state in ("given", "stopped") and line.done_at is not None:
        given = {"dosage": {**route, "dose": {"value": line.amount, "unit": line.unit}}} if line.amount is not None else {}
        yield (
            case.url("MedicationAdministration", line.id),
            _resource(
                "MedicationAdministration",
                status="completed" if line.state == "given" else "stopped",
                effectiveDateTime=case.at(line.done_at),
                request={"reference": case.url("Order", line.id)},
                subject={"reference": case.url("Patient")},
                context={"reference": case.url("Encounter")},
                **drug,
                **given,
            ),
        )


_ORDERS: dict[str, Callable[[Case, OrderLine], Made]] = {"drug": _drug}


# ---------------------------------------------------------------- images, diagnoses, notes


def _imaging(case: Case) -> Made:
    chart = case.chart
    for study in case.desk.studies.values():
        if study.patient == chart.id:
            yield case.url("ImagingStudy", study.id), _study(case, study)
    for line in chart.reports:
        yield (
            case.url("DiagnosticReport", line.id),
            _resource(
                "DiagnosticReport",
                status="amended" if line.addendum else "final",
                category=[concept("Radiology", f"{HL7}/v2-0074", "RAD")],
                code=concept(_title(case, line.code)),
                effectiveDateTime=case.at(line.minute),
                issued=case.at(line.minute),
                performer=[{"display": line.by}],
                imagingStudy=[{"reference": case.url("ImagingStudy", line.study)}] if line.study in case.desk.studies else None,
                conclusion=line.impression,
                conclusionCode=[concept(f"{finding} ({region})") for finding, region in line.findings],
                **case.about,
            ),
        )


def _study(case: Case, study: StudyLine) -> Resource:
    modality = codes()["modalities"].get(case.knowledge.imaging.studies[study.code].modality, "OT")
    return _resource(
        "ImagingStudy",
        identifier=[{"value": study.id}],
        status="available",
        modality=[{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality}],
        started=case.at(study.taken_at),
        basedOn=[{"reference": case.url("Order", study.order)}] if study.order in case.chart.orders else None,
        reasonCode=[concept(study.indication)] if study.indication else None,
        description=_title(case, study.code),
        **case.about,
    )


def _diagnoses(case: Case) -> Made:
    """What doctors concluded, and what they held possible; never what the hospital knows."""
    chart, titles = case.chart, case.knowledge.diagnoses
    if chart.diagnosis:
        yield case.url("Condition", "diagnosis"), _condition(case, titles.get(chart.diagnosis, chart.diagnosis), "encounter-diagnosis", "confirmed")
    for name, share in chart.differential:
        made = _condition(case, titles.get(name, name), "encounter-diagnosis", "differential")
        yield case.url("Condition", "differential", name), made | {"note": [{"text": f"probability {share:g}"}]}


def _notes(case: Case) -> Made:
    for number, line in enumerate(case.chart.notes):
        content = {"contentType": "text/plain; charset=utf-8", "data": b64encode(line.text.encode()).decode()}
        yield (
            case.url("DocumentReference", number),
            _resource(
                "DocumentReference",
                status="current",
                type=concept(NOTE_TITLES.get(line.kind, line.kind.capitalize())),
                subject={"reference": case.url("Patient")},
                date=case.at(line.minute),
                author=[{"display": line.by}],
                content=[{"attachment": content}],
                context={"encounter": [{"reference": case.url("Encounter")}]},
            ),
        )
