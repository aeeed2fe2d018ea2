"""The seven static domains: load a database, open a world, call its tools.

```
database = load_database("clinical_diagnosis", Path("db.json"))
world = database.open()
called = call(world, "clinical_diagnosis", "get_patient_info", {"patient_id": "P001"})
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pydantic_core import from_json, to_json

from clinsim.errors import ToolError, UsageError
from clinsim.hospital.records.base import UnknownRecordError
from clinsim.hospital.records.database import RECORDS_OF, Database, load_database
from clinsim.hospital.records.world import Change, RecordWorld, difference
from clinsim.hospital.tools import (  # noqa: F401  # each declares its tools when it is imported
    clinical_diagnosis,
    clinical_diagnosis_acts,
    clinical_diagnosis_scores,
    drug_interaction,
    drug_interaction_doses,
    ehr_management,
    ehr_management_acts,
    medical_qa,
    medical_qa_calculators,
    radiology_report,
    radiology_report_acts,
    triage_emergency,
    triage_emergency_orders,
    triage_emergency_scores,
    visual_diagnosis,
    visual_diagnosis_measures,
)
from clinsim.record import Role
from clinsim.tooling import ToolSpec, check_call, granted

__all__ = ["DOMAINS", "Called", "Change", "Database", "RecordWorld", "call", "difference", "load_database", "tools_of"]

DOMAINS: tuple[str, ...] = tuple(RECORDS_OF)
"""Names of the domains; each is a toolset."""

LONGEST_KEPT = 200
"""Characters of arguments up to which an answer is kept."""
Outcome = Literal["ok", "unknown_tool", "schema", "missing", "refused"]


@dataclass(frozen=True, slots=True)
class Called:
    """What came of a call: `result` is plain JSON data and `text` the same as JSON, `written` says whether the state has changed.

    `outcome` tells refusals apart: no such tool, arguments that do not fit, an id that is not on record, or a refusal on its merits.
    """

    ok: bool
    result: Any
    error: str
    written: bool
    outcome: Outcome = "ok"
    text: bytes = b""


def tools_of(domain: str, role: Role | None = None) -> Mapping[str, ToolSpec]:
    """Tools of a domain by name, in order of declaration.

    Args:
        domain: One of `DOMAINS`.
        role: Only those that this role may use.

    Raises:
        UsageError: There is no such domain.
    """
    if domain not in DOMAINS:
        raise UsageError(f"unknown domain {domain!r}; there are {', '.join(DOMAINS)}")
    return _tools(domain, role)


@lru_cache(maxsize=64)
def _tools(domain: str, role: Role | None) -> Mapping[str, ToolSpec]:
    if role is not None:
        return granted(domain, role)
    return {name: spec for each in ("doctor", "pharmacist", "radiologist") for name, spec in granted(domain, each).items()}


def call(world: RecordWorld, toolset: str, name: str, arguments: Mapping[str, Any]) -> Called:
    """Call a tool in a world: check name and arguments, run it, and say what came of it.

    What the agent did wrong comes back as an answer with `ok` false; anything else is a fault of this project and is raised.

    Args:
        world: From `Database.open`.
        toolset: One of `DOMAINS`.
        name: The tool.
        arguments: Its arguments by name, as they came.

    Raises:
        UsageError: There is no such domain.
    """
    tools = tools_of(toolset, world.actor.role)
    submission = check_call(name, arguments, tools)
    if submission.error:
        return Called(False, None, submission.error, False, "schema" if submission.status == "schema" else "unknown_tool")
    key = _key(world, tools[name], submission.arguments)
    kept = world.database.answers.get(key) if key else None
    if kept is not None:
        return Called(True, from_json(kept), "", False, text=kept)
    before = len(world.written)
    try:
        answer = tools[name].function(world, **submission.arguments)
    except ToolError as refusal:
        return Called(False, None, str(refusal), len(world.written) > before, "missing" if isinstance(refusal, UnknownRecordError) else "refused")
    text = to_json(answer)
    if key:
        world.database.keep(key, text)
    return Called(True, from_json(text), "", len(world.written) > before, text=text)


def _key(world: RecordWorld, spec: ToolSpec, arguments: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Under which an answer is kept: reading what nobody has written on is a function of records and arguments. None if it is not kept."""
    if world.written or "read" not in spec.tags or sum(len(value) for value in arguments.values() if isinstance(value, str)) > LONGEST_KEPT:
        return None
    return (spec.toolset, spec.name, world.actor.role, *arguments.values())
