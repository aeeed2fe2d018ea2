"""AgentClinic cases as tasks: a patient who answers from the chart, findings and tests that show when they are asked for, a diagnosis to name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clinsim.benchmark.assertion import phrase
from clinsim.benchmark.task import Task
from clinsim.data_file import checked
from clinsim.errors import ScenarioError

DOMAIN = "agentclinic"
CASE = "case"
PARTS = {"Patient_Actor": "history", "Physical_Examination_Findings": "examination", "Test_Results": "tests"}
REQUIRED = ("Objective_for_Doctor", *PARTS, "Correct_Diagnosis")


def read_case(raw: Any, number: int, origin: str) -> Task:
    """One case as a task.

    Args:
        raw: A mapping with the one field `OSCE_Examination`.
        number: Its place in the file, from 1: the id of the task.
        origin: Name of the file, for messages and ids.

    Raises:
        ScenarioError: It is malformed; the message names the file, the case and the field.
    """
    where = f"{origin}: task case_{number:03d}"
    case = raw.get("OSCE_Examination") if isinstance(raw, dict) else None
    if not isinstance(case, dict):
        raise ScenarioError(f"{where}: OSCE_Examination: missing, or no mapping")
    for name in REQUIRED:
        if not case.get(name) and name != "Test_Results":
            raise ScenarioError(f"{where}: OSCE_Examination.{name}: missing; it is required")
        if name in PARTS and not isinstance(case.get(name, {}), dict):
            raise ScenarioError(f"{where}: OSCE_Examination.{name}: must be a mapping, not {type(case[name]).__name__}")
    diagnosis = str(case["Correct_Diagnosis"])
    gold: list[dict[str, Any]] = [{"name": "ask_patient", "arguments": {"question": "What brings you here?"}, "compare": {"question": "free"}}]
    gold += [_shown("examine_patient", "part", name, found) for name, found in case["Physical_Examination_Findings"].items()]
    gold += [_shown("request_test", "test", name, found) for name, found in (case.get("Test_Results") or {}).items()]
    gold.append({"name": "submit_answer", "arguments": {"answer": diagnosis}})
    task = {
        "id": f"case_{number:03d}",
        "domain": DOMAIN,
        "ticket": str(case["Objective_for_Doctor"]),
        "category": "diagnosis",
        "gold": gold,
        "answer": {"reference": diagnosis, "facts": [{"any": [diagnosis]}]},
        "legacy": {"actions": [], "truth": diagnosis},
        "origin": {CASE: {PARTS[name]: case.get(name) or {} for name in PARTS}},
    }
    return checked(Task, task, where)


def _shown(tool: str, argument: str, name: str, found: Any) -> dict[str, Any]:
    """The call that shows a finding, or any part of it; vital signs are asked for and not insisted on."""
    parts = dict.fromkeys(words_of(path[0]) for path, _ in leaves(found) if path)
    others = [{"name": tool, "arguments": {argument: part}} for part in parts]
    return {"name": tool, "arguments": {argument: words_of(name)}, "or": others, "needed": name != "Vital_Signs"}


def one_diagnosis(task: Task, diagnoses: Sequence[str]) -> Task:
    """The task with the diagnoses of other cases as what the answer must not claim besides; those that share words with its own are left out."""
    own = set(phrase(task.answer.reference))
    against = tuple(name for name in diagnoses if not own & set(phrase(name)))
    fact = task.answer.facts[0].model_copy(update={"against": against})
    return task.model_copy(update={"answer": task.answer.model_copy(update={"facts": (fact,)})})


def words_of(name: str) -> str:
    """The name of a field as a person would say it: `Chest_X-ray` is chest x-ray."""
    return re.sub(r"[_\s]+", " ", name).strip().lower()


def leaves(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text in nested fields, with the names on the way to it."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            yield from leaves(inner, (*path, words_of(str(name))))
    elif isinstance(part, list):
        for inner in part:
            yield from leaves(inner, path)
    elif part is not None:
        yield path, str(part)
