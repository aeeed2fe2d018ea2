"""The ancestor's layouts read as tasks: `evaluation_criteria`, `expected_actions` with a `rubric`, scaled files, and multiple choice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clinsim.benchmark.task import SUBMISSIONS, Task
from clinsim.data_file import checked
from clinsim.errors import ScenarioError

SUBJECT_FIELDS = ("patient_id", "hadm_id", "image_id", "study_id")
DIFFICULTIES = {"easy": "easy", "medium": "medium", "moderate": "medium", "hard": "hard"}
LEVEL = "esi_level"
SHARE = 0.5
"""Share of the words of an assertion that an answer must hold: theirs are headings, two or three words long."""
LONG_ANSWER = 50
"""From how many characters on the first sentence of an expected answer is an assertion of its own."""
LEAD = re.compile(
    r"^(?:the\s+)?(?:agent|report|answer|response)\s+(?:should\s+|must\s+|correctly\s+)*(?:\w+(?:ed|es|s)\b|identify|consider|order|account|assess|provide|characterize)\s*(?:for\s+|the\s+)?",
    re.IGNORECASE,
)


def read_task(raw: Any, domain: str, origin: str) -> Task:
    """One task of the ancestor's files, whichever of its layouts it is in.

    Raises:
        ScenarioError: It is malformed; the message names the file, the task and the field.
    """
    if not isinstance(raw, dict):
        raise ScenarioError(f"{origin}: a task must be a mapping of fields, not {type(raw).__name__}")
    where = f"{origin}: task {raw.get('id', '(without id)')}"
    criteria = _criteria(raw, where)
    actions = [_action(action, f"{where}: {criteria['source']}.{k}") for k, action in enumerate(criteria["actions"])]
    truth = str(raw.get("answer") or raw.get("correct_answer") or "")
    options = _options(raw.get("options"), f"{where}: options")
    reference = {
        "actions": actions,
        "truth": truth,
        "options": options,
        "reward_basis": criteria["reward_basis"],
        "assertions": criteria["assertions"],
    }
    subjects = _subjects(raw, actions)
    answer = _answer(raw, truth, options, criteria["mentioned"])
    task = {
        "id": raw.get("id"),
        "domain": domain,
        "ticket": raw.get("ticket"),
        "subjects": subjects,
        "patients": subjects,
        "category": str(raw.get("category") or _described(raw, "category")),
        "difficulty": DIFFICULTIES.get(str(raw.get("difficulty") or _described(raw, "difficulty")).lower(), ""),
        "options": options,
        "gold": [_gold(action, answer["reference"]) for action in actions],
        "answer": answer,
        "legacy": reference,
        "origin": {key: value for key, value in raw.items() if key not in ("id", "ticket", "evaluation_criteria", "expected_actions")},
    }
    return checked(Task, {key: value for key, value in task.items() if value is not None}, where)


def _criteria(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Actions, assertions and basis of reward of either layout, as the ancestor normalises them."""
    criteria = raw.get("evaluation_criteria")
    if criteria is not None:
        if not isinstance(criteria, dict):
            raise ScenarioError(f"{where}: evaluation_criteria: must be a mapping, not {type(criteria).__name__}")
        assertions = criteria.get("nl_assertions", criteria.get("assertions", []))
        basis = criteria.get("reward_basis", ["ACTION"])
        listed = _list(assertions, f"{where}: evaluation_criteria.nl_assertions")
        return {
            "source": "evaluation_criteria.actions",
            "actions": _list(criteria.get("actions", []), f"{where}: evaluation_criteria.actions"),
            "assertions": listed,
            "mentioned": listed,
            "reward_basis": _list(basis, f"{where}: evaluation_criteria.reward_basis"),
        }
    if "expected_actions" not in raw and not raw.get("options"):
        raise ScenarioError(f"{where}: has neither evaluation_criteria nor expected_actions")
    expected = _list(raw.get("expected_actions"), f"{where}: expected_actions")
    actions = [_renamed(action, f"{where}: expected_actions.{k}") for k, action in enumerate(expected)]
    rubric = raw.get("rubric", {})
    if not isinstance(rubric, dict):
        raise ScenarioError(f"{where}: rubric: must be a mapping, not {type(rubric).__name__}")
    mentioned = _list(rubric.get("must_mention", []), f"{where}: rubric.must_mention")
    answer = str(raw.get("expected_answer") or "")
    assertions = [*mentioned, *([answer.split(".")[0]] if len(answer) > LONG_ANSWER else [])]
    basis = ["ACTION", "NL_ASSERTION"] if assertions else ["ACTION"]
    return {"source": "expected_actions", "actions": actions, "assertions": assertions, "mentioned": mentioned, "reward_basis": basis}


def _renamed(action: Any, where: str) -> dict[str, Any]:
    if not isinstance(action, dict) or not isinstance(action.get("tool"), str):
        raise ScenarioError(f"{where}: must be a mapping with the name of a tool")
    arguments = action.get("args", {})
    return {"name": action["tool"], "arguments": arguments, "compare_args": list(arguments) if isinstance(arguments, dict) else []}


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ScenarioError(f"{where}: must be a list, not {type(value).__name__}")
    return value


def _action(action: Any, where: str) -> dict[str, Any]:
    if not isinstance(action, dict) or not isinstance(action.get("name"), str):
        raise ScenarioError(f"{where}: must be a mapping with the name of a tool")
    arguments = action.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise ScenarioError(f"{where}.arguments: must be a mapping, not {type(arguments).__name__}")
    return {"name": action["name"], "arguments": arguments, "compare_args": _list(action.get("compare_args"), f"{where}.compare_args")}


def _options(options: Any, where: str) -> dict[str, str]:
    """Options by letter; a list is lettered from A on."""
    if options is None:
        return {}
    if isinstance(options, list):
        return {chr(ord("A") + k): str(text) for k, text in enumerate(options)}
    if not isinstance(options, dict):
        raise ScenarioError(f"{where}: must be a mapping from letter to text, or a list")
    return {str(letter): str(text) for letter, text in options.items()}


def _subjects(raw: Mapping[str, Any], actions: list[dict[str, Any]]) -> list[str]:
    stated = [raw.get(field) for field in SUBJECT_FIELDS]
    used = [action["arguments"].get(field) for action in actions for field in SUBJECT_FIELDS]
    return list(dict.fromkeys(value for value in [*stated, *used] if isinstance(value, str) and value))


def _described(raw: Mapping[str, Any], field: str) -> str:
    description = raw.get("description")
    return str(description.get(field, "")) if isinstance(description, dict) else ""


def _gold(action: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """An expected action as a call of the gold plan; a submission says the whole reference answer, a triage level with it."""
    arguments, free = dict(action["arguments"]), ["answer"]
    if action["name"] == SUBMISSIONS[0] and reference and LEVEL not in arguments:
        arguments["answer"] = reference
    elif action["name"] == SUBMISSIONS[0] and LEVEL in arguments:
        free = [name for name in ("disposition", "reasoning") if name not in arguments]
        arguments |= dict.fromkeys(free, reference)
    return {"name": action["name"], "arguments": arguments, "compare": {name: "free" for name in free if name in arguments}}


def _answer(raw: Mapping[str, Any], truth: str, options: dict[str, str], assertions: list[Any]) -> dict[str, Any]:
    letter = next((letter for letter, text in options.items() if truth in (letter, text)), "")
    if letter:
        return {"choice": letter, "reference": letter}
    texts = [str(text) for text in assertions]
    facts = [{"words": LEAD.sub("", text), "share": SHARE} for text in texts if text.strip()]
    reference = str(raw.get("expected_answer") or truth)
    return {"reference": ". ".join([*([reference] if reference else []), *texts]), "facts": facts}
