"""Policies without judgement: idle, random, spam; and valid calls made from schemas, which the noisy guideline uses too.

What a schema cannot say (names of drugs, tests and studies) is taken from the protocols; ids come from work list and news.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random
from typing import Any
from zlib import crc32

from clinsim.agents.image_reading import readings_of
from clinsim.agents.machine import Machine, Player, call
from clinsim.agents.memory import Memory
from clinsim.agents.notes import Call
from clinsim.agents.protocol_file import Step, protocols
from clinsim.agents.radiologist import look_for
from clinsim.agents.treatment import steps_of
from clinsim.record import Seat, ToolCard

USUAL_WEIGHT_KG = 75.0
TEXT = "Please see to it."
DOSE_FACTORS = (0.25, 0.5, 1.0, 1.0, 2.0, 4.0)
UNITS = ("ward", "step_down", "icu")


class Idle(Player):
    """Waits, for ever."""

    def choose(self) -> Call:
        """Let an hour pass."""
        return call("wait", minutes=60)


class RandomCalls(Machine):
    """Draws a granted tool and valid arguments for it, uniformly."""

    def choose(self) -> Call:
        """A random valid call; if none of a few draws can be filled in, a short wait."""
        return random_call(self.memory, generator_of(self.seat, self.memory.turns))


class Spam(Machine):
    """Uses every granted tool in turn, with valid arguments, on its own patients."""

    def choose(self) -> Call:
        """The next tool in the order of the cards that can be filled in."""
        memory = self.memory
        rng = generator_of(self.seat, memory.turns)
        cards = self.seat.tools
        for offset in range(len(cards)):
            card = cards[(memory.turns + offset) % len(cards)]
            made = filled(card, memory, rng, own=card.name != "claim_patient")
            if made is not None and card.name != "wait":
                return made
        return self.wait(5)


def generator_of(seat: Seat, turn: int) -> Random:
    """The generator for one decision: the same for the same seat and turn, whatever was drawn before."""
    return Random(crc32(f"{seat.seed}/{seat.agent}/{turn}".encode()))


def random_call(memory: Memory, rng: Random) -> Call:
    """A valid call with a granted tool, drawn at random."""
    for _ in range(8):
        card = memory.seat.tools[rng.randrange(len(memory.seat.tools))]
        made = filled(card, memory, rng, own=False)
        if made is not None:
            return made
    return call("wait", minutes=5)


def filled(card: ToolCard, memory: Memory, rng: Random, own: bool) -> Call | None:
    """A call of a tool with drawn arguments, or None if nothing is there that it could be about."""
    special = _SPECIAL.get(card.name)
    if special is not None:
        arguments = special(memory, rng, own)
        return None if arguments is None else (card.name, arguments)
    arguments = {}
    for name, rule in card.parameters["properties"].items():
        value = _drawn(name, rule, memory, rng, own)
        if value is None:
            return None
        arguments[name] = value
    return card.name, arguments


# ---------------------------------------------------------------- values by name, then by schema


def _drawn(name: str, rule: dict[str, Any], memory: Memory, rng: Random, own: bool) -> Any:
    if name in _IDS:
        ids = list(_IDS[name](memory, own))
        return ids[rng.randrange(len(ids))] if ids else None
    names = known_names().get(name)
    if names:
        return names[rng.randrange(len(names))]
    return _by_schema(rule, rng)


def _by_schema(rule: dict[str, Any], rng: Random) -> Any:
    if "enum" in rule:
        return rule["enum"][rng.randrange(len(rule["enum"]))]
    if rule.get("type") == "integer":
        return rng.randint(int(rule.get("minimum", 1)), int(rule.get("maximum", 60)))
    if rule.get("type") == "number":
        return round(rng.uniform(float(rule.get("minimum", 0.0)), min(float(rule.get("maximum", 1.0)), 10.0)) + 0.01, 2)
    if rule.get("type") == "boolean":
        return rng.randrange(2) == 1
    return rule.get("default", TEXT) or TEXT


def _patients(memory: Memory, own: bool) -> Iterator[str]:
    for row in memory.worklist:
        if "patient" in row and not (own and row.get("owner", memory.seat.agent) != memory.seat.agent):
            yield row["patient"]


def _orders(memory: Memory, own: bool) -> Iterator[str]:
    for row in memory.worklist:
        if "order" in row:
            yield row["order"]
        yield from (line["order"] for line in row.get("orders", ()))


def _studies(memory: Memory, own: bool) -> Iterator[str]:
    return (row["study"] for row in memory.worklist if "study" in row)


def _letters(memory: Memory, own: bool) -> Iterator[str]:
    return iter(memory.letters)


_IDS = {"patient_id": _patients, "order_id": _orders, "study_id": _studies, "letter_id": _letters}


@lru_cache(maxsize=1)
def known_names() -> dict[str, tuple[str, ...]]:
    """Names that the protocols know, by the argument that takes them."""
    steps = all_steps()
    by_kind = {"test": "test", "study": "imaging", "procedure": "procedure", "service": "consult"}
    known = {name: tuple(sorted({step.code for step in steps if step.do == kind})) for name, kind in by_kind.items()}
    drugs = tuple(sorted({step.code for step in steps if step.do == "drug"}))
    diagnoses = tuple(protocols().diseases)
    return known | {"drug": drugs, "drug_a": drugs, "drug_b": drugs, "diagnosis": diagnoses}


@lru_cache(maxsize=1)
def all_steps() -> tuple[Step, ...]:
    """All steps of all protocols, with what may stand in for them."""
    return tuple(inner for protocol in protocols().protocols for step in protocol.steps for inner in steps_of(step))


# ---------------------------------------------------------------- arguments that belong together


def _one_patient(memory: Memory, rng: Random, own: bool) -> str | None:
    ids = list(_patients(memory, own))
    return ids[rng.randrange(len(ids))] if ids else None


def drug_arguments(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    """A drug of the protocols for some patient, in a dose around the usual one."""
    patient = _one_patient(memory, rng, own)
    steps = [step for step in all_steps() if step.do == "drug"]
    step = steps[rng.randrange(len(steps))]
    dose = (step.dose or 1.0) * (USUAL_WEIGHT_KG if step.per_kg else 1.0) * DOSE_FACTORS[rng.randrange(len(DOSE_FACTORS))]
    found = {"drug": step.code, "dose": round(dose, 3), "unit": step.unit, "route": step.route, "priority": step.priority}
    return None if patient is None else {"patient_id": patient, **found}


def _unit_arguments(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    patient = _one_patient(memory, rng, own)
    return None if patient is None else {"patient_id": patient, "unit": UNITS[rng.randrange(len(UNITS))], "reason": TEXT}


def _claim_arguments(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    free = [row["patient"] for row in memory.worklist if not row.get("owner", "x")]
    return {"patient_id": free[rng.randrange(len(free))]} if free else None


def _study_claim(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    free = [row["study"] for row in memory.worklist if "study" in row and not row["reader"]]
    return {"study_id": free[rng.randrange(len(free))]} if free else None


def _differential(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    patient = _one_patient(memory, rng, own)
    names = tuple(protocols().diseases)
    return None if patient is None else {"patient_id": patient, "diagnoses": {names[rng.randrange(len(names))]: 0.5}}


def _protocol(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    waiting = [row["order"] for row in memory.worklist if row.get("state") == "to_protocol"]
    return {"order_id": waiting[rng.randrange(len(waiting))], "protocol": "standard"} if waiting else None


def _study_row(memory: Memory, rng: Random) -> dict[str, Any] | None:
    mine = [row for row in memory.worklist if row.get("reader") == memory.seat.agent]
    return mine[rng.randrange(len(mine))] if mine else None


def _view(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    row = _study_row(memory, rng)
    if row is None:
        return None
    views = look_for(row["code"], row["indication"]).views
    region, window = views[rng.randrange(len(views))]
    return {"study_id": row["study"], "region": region, "window": window}


def _report(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    look = _view(memory, rng, own)
    if look is None:
        return None
    names = [reading.finding for reading in readings_of(memory.studies[look["study_id"]]["code"], look["window"])]
    findings = [{"name": names[rng.randrange(len(names))], "region": look["region"]}] if names and rng.randrange(2) else []
    return {"study_id": look["study_id"], "findings": findings, "impression": TEXT, "certainty": round(rng.uniform(0.0, 1.0), 2)}


def colleague(memory: Memory, role: str = "") -> str:
    """Somebody to write to: one who wrote or is known by the list, else the usual name of the role."""
    staff = (memory.answers.get(("list_colleagues", "", "")) or {}).get("colleagues", ())
    names = [row["agent"] for row in staff if row["on_shift"] and row["agent"] != memory.seat.agent and role in ("", row["role"])]
    usual = f"{role or 'doctor'}_1"
    return names[0] if names else usual if usual != memory.seat.agent else f"{role or 'doctor'}_2"


def _message(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    return {"to": colleague(memory), "text": TEXT}


def _handover(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    patient = _one_patient(memory, rng, own)
    return None if patient is None else {"patient_id": patient, "to": colleague(memory, "doctor"), "text": TEXT}


def _critical(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    row = _study_row(memory, rng)
    return None if row is None else {"study_id": row["study"], "to": colleague(memory, "doctor"), "text": TEXT}


def _stop(memory: Memory, rng: Random, own: bool) -> dict[str, Any] | None:
    patient = _one_patient(memory, rng, own)
    given = sorted(memory.cases[patient].given) if patient in memory.cases else []
    return {"patient_id": patient, "drug": given[rng.randrange(len(given))]} if given else None


_SPECIAL: dict[str, Callable[[Memory, Random, bool], dict[str, Any] | None]] = {
    "order_drug": drug_arguments,
    "admit_patient": _unit_arguments,
    "transfer_patient": _unit_arguments,
    "claim_patient": _claim_arguments,
    "claim_study": _study_claim,
    "record_differential": _differential,
    "protocol_study": _protocol,
    "view_study": _view,
    "submit_report": _report,
    "addend_report": _report,
    "call_critical": _critical,
    "send_message": _message,
    "call_colleague": _message,
    "hand_over": _handover,
    "stop_drug": _stop,
    "wait": lambda memory, rng, own: {"minutes": rng.randint(1, 20)},
}
