"""Tasks in the layout of tau2-bench, read and written: what our schema has no place for is kept, so that a file comes back as it was.

Layout: `id`, `description`, `user_scenario {persona, instructions}`, `ticket`, `initial_state`, and `evaluation_criteria {actions [{action_id,
requestor, name, arguments, compare_args, info}], env_assertions, communicate_info, nl_assertions, reward_basis}`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from clinsim.benchmark.layouts import LEAD, SHARE
from clinsim.benchmark.task import Task
from clinsim.data_file import checked
from clinsim.errors import ScenarioError

RAW = "tau2"
REQUESTORS = ("assistant", "user")


def read_tau2(raw: Any, domain: str, origin: str) -> Task:
    """A tau2-style task as one of ours; actions of the simulated user are kept and not asked of the agent.

    Raises:
        ScenarioError: It is malformed; the message names the file, the task and the field.
    """
    if not isinstance(raw, dict):
        raise ScenarioError(f"{origin}: a task must be a mapping of fields, not {type(raw).__name__}")
    where = f"{origin}: task {raw.get('id', '(without id)')}"
    criteria = raw.get("evaluation_criteria") or {}
    if not isinstance(criteria, dict):
        raise ScenarioError(f"{where}: evaluation_criteria: must be a mapping, not {type(criteria).__name__}")
    actions = [_action(action, f"{where}: evaluation_criteria.actions.{k}") for k, action in enumerate(criteria.get("actions") or [])]
    ours = [action for action in actions if action.get("requestor", "assistant") == "assistant"]
    said = [str(text) for text in criteria.get("communicate_info") or []]
    asserted = [str(text) for text in criteria.get("nl_assertions") or []]
    facts = [{"any": [text]} for text in said] + [{"words": LEAD.sub("", text), "share": SHARE} for text in asserted if text.strip()]
    task = {
        "id": raw.get("id"),
        "domain": domain,
        "ticket": _ticket(raw),
        "gold": [_expected(action) for action in ours],
        "answer": {"reference": ". ".join([*said, *asserted]), "facts": facts},
        "legacy": {
            "actions": [
                {"name": action["name"], "arguments": action.get("arguments") or {}, "compare_args": action.get("compare_args") or []}
                for action in ours
            ],
            "assertions": asserted,
            "reward_basis": list(criteria.get("reward_basis") or ["ACTION"]),
        },
        "origin": {RAW: deepcopy(raw)},
    }
    return checked(Task, {key: value for key, value in task.items() if value is not None}, where)


def write_tau2(task: Task) -> dict[str, Any]:
    """A task in the layout of tau2-bench; one that was read from it comes back as it was."""
    if RAW in task.origin:
        return deepcopy(dict(task.origin[RAW]))
    actions = [
        {
            "action_id": call.id or f"{call.name}_{k}",
            "requestor": "assistant",
            "name": call.name,
            "arguments": dict(call.arguments),
            "compare_args": [name for name in call.arguments if call.compare.get(name) != "free"],
            "info": None,
        }
        for k, call in enumerate(task.gold)
    ]
    return {
        "id": task.id,
        "description": {"purpose": task.category or None, "relevant_policies": None, "notes": task.difficulty or None},
        "user_scenario": {"persona": None, "instructions": task.ticket},
        "ticket": task.ticket,
        "initial_state": None,
        "evaluation_criteria": {
            "actions": actions,
            "communicate_info": [fact.any[0] for fact in task.answer.facts if fact.any and not fact.denied],
            "nl_assertions": None,
            "reward_basis": ["DB", "COMMUNICATE"],
        },
    }


def _action(action: Any, where: str) -> dict[str, Any]:
    if not isinstance(action, dict) or not isinstance(action.get("name"), str):
        raise ScenarioError(f"{where}: must be a mapping with the name of a tool")
    if action.get("requestor", "assistant") not in REQUESTORS:
        raise ScenarioError(f"{where}.requestor: {action['requestor']!r:.40}; allowed {', '.join(REQUESTORS)}")
    if not isinstance(action.get("arguments") or {}, dict):
        raise ScenarioError(f"{where}.arguments: must be a mapping, not {type(action['arguments']).__name__}")
    return action


def _expected(action: dict[str, Any]) -> dict[str, Any]:
    """An action as an expected call; with `compare_args`, the others are free."""
    arguments = action.get("arguments") or {}
    compared = action.get("compare_args")
    free = {} if compared is None else {name: "free" for name in arguments if name not in compared}
    return {"id": str(action.get("action_id") or ""), "name": action["name"], "arguments": arguments, "compare": free}


def _ticket(raw: dict[str, Any]) -> str:
    """What is asked: the ticket, else what the simulated user was told to want."""
    if isinstance(raw.get("ticket"), str) and raw["ticket"]:
        return str(raw["ticket"])
    instructions = (raw.get("user_scenario") or {}).get("instructions", "")
    if isinstance(instructions, dict):
        return "\n".join(f"{name}: {value}" for name, value in instructions.items() if value)
    return str(instructions)
