"""The laboratory and bedside tests: collect, carry, analyse, file; critical values are phoned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinsim.hospital import nursing
from clinsim.hospital.charts import OrderLine, ResultLine
from clinsim.hospital.patients import Patient
from clinsim.hospital.sampling import draw
from clinsim.hospital_file import PanelRule
from clinsim.record import PLACE_IN_QUEUE

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

    from clinsim.hospital.hospital import Hospital

UNITS_OF = {
    "HB": "g/dL",
    "WBC": "10^9/L",
    "PLT": "10^9/L",
    "NA": "mmol/L",
    "K": "mmol/L",
    "CREAT": "mg/dL",
    "BUN": "mg/dL",
    "GLU": "mg/dL",
    "LACTATE": "mmol/L",
    "TROP": "ng/L",
    "CRP": "mg/L",
    "INR": "ratio",
    "DDIMER": "mg/L",
    "PH": "",
    "PCO2": "mmHg",
    "HCO3": "mmol/L",
    "BHB": "mmol/L",
    "BNP": "pg/mL",
    "LIPASE": "U/L",
    "ETHANOL": "mg/dL",
    "CSF_WBC": "cells/uL",
    "CSF_GLU": "mg/dL",
    "CSF_PROT": "mg/dL",
    "QTC": "ms",
}
"""Units in which analytes are reported; the rest are texts."""


BLOOD_GROUPS = (("O+", 37.0), ("O-", 7.0), ("A+", 36.0), ("A-", 6.0), ("B+", 8.0), ("B-", 2.0), ("AB+", 3.0), ("AB-", 1.0))
"""Blood groups with their shares (per cent). Source: American Red Cross donors, rounded."""


def test(hospital: Hospital, patient: Patient, line: OrderLine) -> ProcessGenerator:
    """Collect the sample, analyse it, file the result."""
    rule = hospital.rules.panels[line.code]
    place = PLACE_IN_QUEUE[line.priority]
    yield from nursing.bedside_task(hospital, patient, rule.collect, place)
    if patient.gone or line.state == "cancelled":
        return
    taken_at = hospital.now
    values = hospital.tape.once(lambda: {analyte: measured(patient, analyte, taken_at) for analyte in rule.analytes})
    set_state(hospital, line, "collected", "nurse")
    if not rule.bedside:
        yield hospital.clock.timeout(hospital.walks[bedside_location(hospital, patient), "laboratory"])
    if rule.bedside or rule.grows:
        yield hospital.clock.timeout(draw(hospital.streams, rule.analyse, "analyse", line_key(patient, line)))
    else:
        with hospital.pools["analyser"].request(place) as turn:
            yield turn
            yield hospital.clock.timeout(draw(hospital.streams, rule.analyse, "analyse", line_key(patient, line)))
    file_results(hospital, patient, line, rule, values, taken_at)


def line_key(patient: Patient, line: OrderLine) -> str:
    """Key of the draws for an order: the patient and the how-manyeth order of this code, whatever else was ordered in the hospital."""
    return f"{patient.person.id}.{line.code}.{line.repeat}"


def bedside_location(hospital: Hospital, patient: Patient) -> str:
    """The location on the floor where the patient is."""
    rule = hospital.rules.pools.get(patient.zone)
    if rule is not None:
        return rule.location
    unit = hospital.rules.units.get(patient.zone)
    return hospital.rules.pools[unit.beds].location if unit else "waiting_room"


def measured(patient: Patient, analyte: str, minute: float) -> float | str:
    """The value of an analyte in a sample taken at `minute`."""
    if analyte == "ECG":
        return patient.course.ecg(minute)
    if analyte == "GROUP":
        return patient.course.streams.pick(BLOOD_GROUPS, "blood", patient.person.id)
    value = patient.course.lab(analyte, minute)
    return value if isinstance(value, str) else round(value, 2)


def set_state(hospital: Hospital, line: OrderLine, state: str, by: str) -> None:
    """Move an order on and write it down."""
    line.state = state
    hospital.note("order_state", line.id, {"state": state, "by": by})


def file_results(hospital: Hospital, patient: Patient, line: OrderLine, rule: PanelRule, values: dict[str, float | str], taken_at: float) -> None:
    """Write the values into the chart, tell who ordered them, and phone what is critical."""
    critical = [analyte for analyte, value in values.items() if is_critical(rule, analyte, value)]
    for analyte, value in values.items():
        flag = "critical" if analyte in critical else ""
        result = ResultLine(
            hospital.new_id("R"),
            line.id,
            line.code,
            analyte,
            value,
            UNITS_OF.get(analyte, ""),
            round(taken_at, 2),
            round(hospital.now, 2),
            flag,
            bool(flag),
        )
        patient.chart.results.append(result)
    line.done_at = hospital.now
    set_state(hospital, line, "resulted", "laboratory")
    facts = {"order": line.id, "test": line.code, "values": values, "critical": bool(critical), "taken_at": taken_at}
    hospital.note("result", patient.id, facts)
    if patient.gone:
        return
    reader = patient.chart.owner or line.by
    text = ", ".join(f"{analyte} {value}" for analyte, value in values.items())
    news: dict[str, Any] = {"patient": patient.id, "order": line.id, "test": line.code, "values": values}
    if critical:
        from clinsim.hospital.messages import phone_critical

        phone_critical(hospital, "laboratory", reader, patient, f"critical {text}", news)
    else:
        hospital.tell(reader, "result", patient.id, text, **news)


def is_critical(rule: PanelRule, analyte: str, value: float | str) -> bool:
    """Whether a value lies beyond the limits at which the laboratory phones."""
    limits = rule.critical.get(analyte)
    return limits is not None and not isinstance(value, str) and not limits[0] <= value <= limits[1]
