"""Who answers for whom: doctors claim patients, or a rule of the scenario assigns them in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.hospital.patients import Patient

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital

WAITING = "waiting_room"


def announce(hospital: Hospital, patient: Patient) -> None:
    """Tell the doctors of the department that somebody is there to be seen."""
    chart = patient.chart
    if chart.owner or patient.gone:
        return
    doctors = [staff for staff in hospital.staff.values() if staff.role == "doctor" and staff.is_on_shift(hospital.now)]
    if hospital.scenario.file.assignment == "round_robin" and doctors:
        chosen = doctors[(int(patient.id[1:]) - 1) % len(doctors)]
        chart.owner = chosen.agent
        hospital.note("claim", patient.id, {"by": chosen.agent, "assigned": True})
        doctors = [chosen]
    text = f"{chart.complaint}, {chart.age} {chart.sex}, ESI {chart.esi}, {chart.place}"
    for staff in doctors:
        hospital.tell(staff.agent, "new_patient", patient.id, text, urgent=chart.esi == 1, quiet=chart.place == WAITING, patient=patient.id)
