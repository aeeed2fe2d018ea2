"""The ward board: what anyone may see on the wall, drawn in the terminal from charts and the desk alone."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from clinsim.hospital.charts import Chart, Desk
from clinsim.hospital.hospital import Hospital

WIDTH = 120
"""Columns of the board as text."""
ROWS = 30
"""How many patients fit on the board: the most urgent first."""
ACUITY_STYLES = {1: "bold red", 2: "red", 3: "yellow", 4: "green", 5: "cyan"}
COLUMNS = {
    "patient": 7, "who": 9, "complaint": 14, "ESI": 3, "place": 11, "doctor": 8, "here": 7, "HR": 3, "BP": 3, "SpO2": 4, "orders": 6, "plan": 18,
}  # fmt: skip
"""Columns of the board, with the characters that each needs at least."""


def ward_board(hospital: Hospital) -> Group:
    """The board of `hospital` at this minute: a headline, the patients (the department's first), and the beds."""
    here = [chart for chart in hospital.charts.values() if chart.is_here]
    here.sort(key=lambda chart: (chart.unit in hospital.rules.units, chart.esi or 9, chart.arrived_at))
    headline = _headline(hospital, here)
    table = Table(title=Text(headline, style="table.title"), title_justify="left", box=SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    for name, least in COLUMNS.items():
        table.add_column(name, overflow="ellipsis", no_wrap=True, min_width=least)
    for chart in here[:ROWS]:
        table.add_row(*map(Text, _cells(chart, hospital.desk, hospital.now)), style=ACUITY_STYLES.get(chart.esi or 0, ""))
    more = [Text(f"and {len(here) - ROWS} more")] if len(here) > ROWS else []
    return Group(table, *more, Text(_beds(hospital.desk.beds)))


def board_text(hospital: Hospital) -> str:
    """The board as plain text of fixed width."""
    page = StringIO()
    Console(file=page, width=WIDTH, force_terminal=False, no_color=True, legacy_windows=False).print(ward_board(hospital))
    return page.getvalue()


def time_of_day(starts_at_hour: float, minute: float) -> str:
    """The wall clock `minute` minutes after an episode that starts at an hour of day, as HH:MM."""
    total = int(starts_at_hour * 60.0 + minute) % (24 * 60)
    return f"{total // 60:02d}:{total % 60:02d}"


def _headline(hospital: Hospital, here: list[Chart]) -> str:
    file, desk = hospital.scenario.file, hospital.desk
    clock = time_of_day(file.starts_at_hour, hospital.now)
    lists = f"{len(desk.to_verify)} to verify, {len(desk.to_read)} to read"
    return f"{file.title}  {clock} (minute {hospital.now:.0f})  {len(here)} patients, {lists}"


def _cells(chart: Chart, desk: Desk, now: float) -> tuple[str, ...]:
    last = chart.vitals[-1] if chart.vitals else None
    vitals = (f"{last.hr:.0f}", f"{last.sbp:.0f}", f"{last.spo2:.0f}") if last else ("", "", "")
    waiting = sum(desk.orders[order].done_at is None for order in chart.orders if order in desk.orders)
    who = f"{chart.age} {chart.sex}"
    plan = chart.disposition or chart.diagnosis
    esi = str(chart.esi or "")
    here = f"{now - chart.arrived_at:.0f} min"
    return (chart.id, who, chart.complaint, esi, chart.place, chart.owner, here, *vitals, str(waiting or ""), plan)


def _beds(beds: Mapping[str, tuple[int, int, int]]) -> str:
    return "  ".join(f"{unit} {busy}/{staffed}" + (f" +{wait}" if wait else "") for unit, (busy, staffed, wait) in beds.items())
