"""Draws docs/timeline.svg: who did what, and where the patients were, in an episode of `first_hour`.

.venv/bin/python docs/figure.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import clinsim
from clinsim.record import CHART
from clinsim.trace_file import Trace

PATH = Path(__file__).resolve().parent / "timeline.svg"
SCENARIO, SEED = "first_hour", 0
THINKING, WORKING, WAITING = "#e0a030", "#30638e", "#dddddd"
PLACES = {"door": "#f7f1dd", "waiting_room": "#efdc9f", "resus": "#d1495b", "acute": "#b79ccf", "fast_track": "#9bc53d"}
AWAY, BED = "#8d99ae", "#6c8fb5"
MARKS = {"seen": "v", "given": "o", "procedure": "P", "disposition": "D"}
"""Kinds of entry that are marked on a patient's line, with their marks."""
HEIGHT = 0.7


def stamp(trace: Trace) -> str:
    """What the file says of itself: from which episode it was drawn."""
    return f"{SCENARIO}, seed {SEED}, guideline, digest {trace.digest}"


def play() -> Trace:
    """The episode that is drawn."""
    return clinsim.run_episode(clinsim.raw_env(SCENARIO), "guideline", seed=SEED)


def is_current() -> bool:
    """Whether the file on disk was drawn from the episode as it is played today."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", PATH.read_text(encoding="utf-8") if PATH.exists() else "", re.DOTALL)
    return found is not None and found[1].strip() == stamp(play())


def draw() -> Path:
    """Play the episode, draw it, and write the file."""
    trace = play()
    agents = [row["agent"] for row in trace.header["staff"]]
    patients = [entry.subject for entry in trace.entries if entry.kind == "arrival" and entry.data["origin"] == "ed"]
    with mpl.rc_context({"svg.hashsalt": "clinsim", "svg.fonttype": "none", "font.size": 9}):
        page = Figure(figsize=(9.0, 0.42 * (len(agents) + len(patients)) + 1.6), layout="constrained")
        axes = page.add_subplot()
        rows = [*agents, *patients]
        for row, agent in enumerate(agents):
            _actions(axes, row, agent, trace)
        for row, patient in enumerate(patients, start=len(agents)):
            _stay(axes, row, patient, trace)
        _frame(axes, rows, trace)
        page.savefig(PATH, metadata={"Date": None, "Description": stamp(trace), "Title": "An episode on the clock"})
    return PATH


def _actions(axes: Axes, row: int, agent: str, trace: Trace) -> None:
    """Bars of thinking, then of service; a wait is pale."""
    for action in trace.actions:
        if action.agent != agent or not action.was_sent:
            continue
        is_wait = action.call is not None and action.call["name"] == "wait"
        begun = action.minute + action.thinking_minutes
        minutes = trace.footer["minutes"] - begun if action.status == "unfinished" else action.service_minutes
        axes.barh(row, action.thinking_minutes, left=action.minute, height=HEIGHT, color=THINKING)
        axes.barh(row, minutes, left=begun, height=HEIGHT, color=WAITING if is_wait else WORKING, edgecolor="white", linewidth=0.4)


def _stay(axes: Axes, row: int, patient: str, trace: Trace) -> None:
    """Bars of the places where a patient was, and marks of what was done."""
    for begun, ended, place in _places(patient, trace):
        colour = PLACES.get(place, BED if place in ("ward", "step_down", "icu") else AWAY)
        axes.barh(row, ended - begun, left=begun, height=HEIGHT, color=colour)
    for kind, mark in MARKS.items():
        minutes = [entry.minute for entry in trace.entries if entry.kind == kind and entry.subject == patient]
        axes.plot(minutes, [row] * len(minutes), mark, color="black", markersize=4.5, linestyle="none")


def _places(patient: str, trace: Trace) -> Iterator[tuple[float, float, str]]:
    places = {"arrival": "door", "departed": ""}
    about = [entry for entry in trace.entries if entry.subject == patient and entry.kind in ("place", *places)]
    moves = [(entry.minute, places.get(entry.kind, entry.data.get("to", ""))) for entry in about]
    for (begun, place), (ended, _) in zip(moves, [*moves[1:], (float(trace.footer["minutes"]), "")], strict=True):
        if place:
            yield begun, ended, place


def _frame(axes: Axes, rows: list[str], trace: Trace) -> None:
    complaints = {entry.subject: entry.data["complaint"].replace("_", " ") for entry in trace.entries if entry.kind == "arrival"}
    axes.set_yticks(range(len(rows)), [f"{row} ({complaints[row]})" if row in complaints else row for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0.0, float(trace.footer["minutes"]))
    axes.set_xlabel("minutes since the start")
    axes.spines[["top", "right"]].set_visible(False)
    seen = {"door"} | {
        entry.data["to"] for entry in trace.entries if entry.kind == "place" and entry.visibility == CHART and entry.subject in complaints
    }
    colours = {"thinking": THINKING, "working": WORKING, "waiting": WAITING}
    colours |= {place.replace("_", " "): colour for place, colour in PLACES.items() if place in seen}
    colours |= {"at a scanner or in theatre": AWAY, "in a bed": BED}
    handles: list[Artist] = [Patch(color=colour, label=name) for name, colour in colours.items()]
    handles += [axes.plot([], [], mark, color="black", markersize=4.5, linestyle="none", label=kind)[0] for kind, mark in MARKS.items()]
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8, frameon=False)


if __name__ == "__main__":
    draw()
