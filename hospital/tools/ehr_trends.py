"""Bodies of the tools that look through an admission's measurements: results, their trend, and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinsim.errors import ToolError
from clinsim.hospital.calculators.news2 import EMERGENCY_AT, SINGLE_RED, URGENT_AT, news2
from clinsim.hospital.records.ehr import AdmissionRecord, LabEvent, LabRange, VitalEvent
from clinsim.hospital.records.laboratory_names import analyte, meant_by
from clinsim.hospital.tools.checks import written
from clinsim.hospital.wording import named, shown

CHANGE = 0.1
"""Share of the first value from which a difference counts as a change (assumption)."""
LOW_MEAN_PRESSURE = 65.0
"""mmHg. Source: Evans, Intensive Care Med 2021;47:1181 (Surviving Sepsis Campaign): target of at least 65."""
ROOM_AIR = 0.21
NEWS2_SOURCE = "Royal College of Physicians, NEWS2, 2017"


@dataclass(frozen=True, slots=True)
class LabRow:
    """A result; the range is that of the laboratory."""

    label: str
    value: float
    unit: str
    charttime: str
    flag: str
    ref_lower: float | None
    ref_upper: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """One value over an admission, oldest first."""

    hadm_id: str
    lab_name: str
    unit: str
    num_measurements: int
    first_time: str
    last_time: str
    values: Sequence[float]
    timestamps: Sequence[str]
    min_value: float
    max_value: float
    latest_value: float
    trend: str
    change_percent: float | None
    abnormal_count: int
    ref_lower: float | None
    ref_upper: float | None


@dataclass(frozen=True, slots=True)
class VitalAlert:
    """A reading that calls for a look: what, how much, and why."""

    charttime: str
    parameter: str
    value: float
    message: str
    source: str


def lab_rows(file: AdmissionRecord, lab_name: str) -> list[LabRow]:
    """Results of an admission, oldest first, all or those of one test in any of its names."""
    wanted = meant_by(lab_name) if lab_name.strip() else None
    kept = [row for row in file.lab_events if wanted is None or _bears(row, wanted, lab_name)]
    kept.sort(key=lambda row: row.charttime)
    return [LabRow(row.label, row.value, row.valueuom, row.charttime, row.flag, row.ref_range_lower, row.ref_range_upper) for row in kept]


def _bears(row: LabEvent, wanted: frozenset[str], lab_name: str) -> bool:
    return analyte(row.label) in wanted or lab_name.strip().lower() in row.label.lower()


def trend_of(hadm_id: str, lab_name: str, file: AdmissionRecord, ranges: Mapping[str, LabRange]) -> Trend:
    """The trend of one value.

    Raises:
        ToolError: The admission has no result of that name.
    """
    rows = lab_rows(file, written("lab_name", lab_name))
    labels = list(dict.fromkeys(row.label for row in rows))
    if not rows:
        known = dict.fromkeys(row.label for row in file.lab_events)
        raise ToolError(f"{hadm_id} has no result of {shown(lab_name)}; it has {named(known, lab_name)}")
    rows = [row for row in rows if row.label == labels[0]]
    values = [row.value for row in rows]
    low, high = _range(rows[-1], ranges)
    return Trend(
        hadm_id, labels[0], rows[-1].unit, len(rows), rows[0].charttime, rows[-1].charttime, values, [row.charttime for row in rows],
        min(values), max(values), values[-1], direction(values), _percent(values), sum(_is_out(value, low, high) for value in values), low, high,
    )  # fmt: skip


def _range(row: LabRow, ranges: Mapping[str, LabRange]) -> tuple[float | None, float | None]:
    if row.ref_lower is not None or row.ref_upper is not None:
        return row.ref_lower, row.ref_upper
    held = next((rule for label, rule in ranges.items() if analyte(label) == analyte(row.label)), None)
    return (held.lower, held.upper) if held else (None, None)


def _is_out(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _percent(values: Sequence[float]) -> float | None:
    return round(100.0 * (values[-1] - values[0]) / abs(values[0]), 1) if values[0] else None


def direction(values: Sequence[float]) -> str:
    """How values run: rising, falling, stable, rising then falling, falling then rising; `single` for one."""
    if len(values) < 2:
        return "single"
    first, last = values[0], values[-1]
    slack = CHANGE * max(abs(first), abs(last))
    if max(values) > max(first, last) + slack:
        return "rising then falling"
    if min(values) < min(first, last) - slack:
        return "falling then rising"
    if abs(last - first) <= slack:
        return "stable"
    return "rising" if last > first else "falling"


def alerts_in(row: VitalEvent) -> list[VitalAlert]:
    """Alerts of one reading: parameters with three points in NEWS2, its total from five on, and a low mean pressure."""
    values = {"rr": row.resp_rate, "spo2": row.spo2, "sbp": row.sbp, "hr": row.heart_rate, "temp": row.temperature, "gcs": row.gcs_total}
    on_oxygen = row.fio2 is not None and row.fio2 > ROOM_AIR
    found = news2(
        rr=row.resp_rate, spo2=row.spo2, sbp=row.sbp, hr=row.heart_rate, temp=row.temperature, gcs=row.gcs_total, on_oxygen=on_oxygen
    )  # fmt: skip
    names = {"consciousness": "gcs"}
    alerts = [
        VitalAlert(row.charttime, names.get(name, name), _number(values, names.get(name, name)), "three points in NEWS2", NEWS2_SOURCE)
        for name, points in found.components.items()
        if points >= SINGLE_RED
    ]
    if row.mean_bp is not None and row.mean_bp < LOW_MEAN_PRESSURE:
        text = f"mean pressure below {LOW_MEAN_PRESSURE:g} mmHg"
        alerts.append(VitalAlert(row.charttime, "mean_bp", row.mean_bp, text, "Surviving Sepsis Campaign 2021"))
    if found.total >= URGENT_AT:
        grade = "emergency response" if found.total >= EMERGENCY_AT else "urgent response"
        alerts.append(VitalAlert(row.charttime, "news2_total", found.total, grade, NEWS2_SOURCE))
    return alerts


def _number(values: Mapping[str, float | None], name: str) -> float:
    return values[name] or 0.0
