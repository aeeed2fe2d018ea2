"""The legacy scorer: the ancestor's figures, so that people find the numbers they know. What is wrong with them is told in docs/scoring.md.

It needs the names and arguments of the calls, and the final answer; whether a call succeeded makes no difference to it, which is one of its faults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clinsim.benchmark.attempt import Made
from clinsim.benchmark.legacy_text import MOST_LETTERS, WORDS, accuracy, final_format, reasoning_quality
from clinsim.benchmark.task import Reference

SUBMIT = "submit_answer"
ANSWERS = (SUBMIT, "answer_visual_question")
MOST_TURNS = 15
"""Turns that the ancestor's runner gives an episode."""
WINDOW, MOST_ALIKE = 3, 2
"""The runner does not execute a call whose tool was named `MOST_ALIKE` times or more in the last `WINDOW` turns."""


@dataclass(frozen=True, slots=True)
class Played:
    """What the ancestor's runner makes of calls and a final answer: the calls that it executes, and the response that it scores.

    `crashed` names what makes it record the whole task as an error; its figures are then 0.
    """

    calls: tuple[Made, ...]
    response: str
    crashed: str = ""


def action_score(expected: Sequence[Any], calls: Sequence[Made]) -> float:
    """Share of expected actions that some call matches: by name, and by those of `compare_args` that the expected action states."""
    if not expected:
        return 1.0
    return sum(any(_matches(action, call) for call in calls) for action in expected) / len(expected)


def _matches(action: Any, call: Made) -> bool:
    return action.name == call.name and all(
        str(call.arguments.get(key, "")).lower() == str(action.arguments[key]).lower() for key in action.compare_args if key in action.arguments
    )


def tool_usage(expected: Sequence[Any], calls: Sequence[Made]) -> float:
    """Process reward for tool use after its correction: 0.6 coverage, 0.2 diversity, 0.2 thoroughness."""
    if not expected:
        return 1.0 if calls else 0.5
    different = len({(call.name, str(sorted((key, str(value)) for key, value in call.arguments.items()))) for call in calls})
    diversity = different / len(calls) if calls else 0.0
    thoroughness = min(1.0, len({call.name for call in calls}) / 5)
    return 0.6 * action_score(expected, calls) + 0.2 * diversity + 0.2 * thoroughness


def tool_usage_before(expected: Sequence[Any], calls: Sequence[Made]) -> float:
    """Process reward for tool use before its correction: 0.7 coverage, 0.3 different names per call."""
    if not expected:
        return 1.0 if calls else 0.5
    return 0.7 * action_score(expected, calls) + 0.3 * _different_names(calls)


def _different_names(calls: Sequence[Made]) -> float:
    return len({call.name for call in calls}) / len(calls) if calls else 0.0


def qa_accuracy(reference: Reference, calls: Sequence[Made]) -> float | None:
    """Accuracy of the last `submit_answer`; None where the task has no truth.

    Raises:
        AttributeError: Its answer is no text: here the ancestor crashes, and records the task as an error.
    """
    truth = reference.truth.strip()
    if not truth:
        return None
    submitted = [call.arguments.get("answer", "") for call in calls if call.name == SUBMIT]
    if not submitted:
        return 0.0
    if not isinstance(submitted[-1], str):
        raise AttributeError(f"answer {submitted[-1]!r:.40} is no text")
    answer = submitted[-1].strip().upper()
    if len(truth) <= MOST_LETTERS:
        text = reference.options.get(truth, reference.options.get(truth.upper(), "")).strip().upper()
        return float(answer == truth.upper() or bool(text and answer == text))
    return 1.0 if answer == truth.upper() else 0.5 if truth.upper() in answer else 0.0


def judge(expected: Sequence[Any], calls: Sequence[Made], final_answer: str) -> dict[str, float]:
    """The heuristic judge of trajectories: four parts and their weighted sum."""
    messages = [json.dumps({"name": call.name, "arguments": dict(call.arguments)}) for call in calls]
    text = " ".join([*messages, *([final_answer] if final_answer else [])]).lower()
    turns = len(calls) + bool(final_answer)
    turn = 0.3 if turns <= 1 else max(0.3, 1 - 0.05 * (turns - 12)) if turns > 12 else 1.0
    names = {call.name for call in calls}
    parts = {
        "clinical_correctness": action_score(expected, calls),
        "tool_efficiency": min(1.0, 0.6 * _different_names(calls) + 0.4 * turn),
        "reasoning_quality": min(1.0, 0.2 + 0.3 * ("think" in names) + 0.05 * sum(term in text for term in WORDS["judge_terms"])),
        "completeness": 0.5 + 0.3 * any(name in names for name in ANSWERS) + 0.2 * any(word in text for word in WORDS["conclusions"]),
    }
    weights = dict(zip(parts, (0.35, 0.20, 0.25, 0.20), strict=True))
    return {**parts, "composite_quality": sum(weights[name] * value for name, value in parts.items())}


def env_reward(reference: Reference, calls: Sequence[Made]) -> float:
    """Reward of the ancestor's environment: the action score where actions are asked for and rewarded, else 0."""
    return action_score(reference.actions, calls) if reference.actions and "ACTION" in reference.reward_basis else 0.0


def composite(reference: Reference, calls: Sequence[Made], response: str) -> dict[str, float]:
    """The composite: 0.4 accuracy, 0.2 format, 0.4 process; process is the mean of tool use and reasoning."""
    usage, reasoning = tool_usage(reference.actions, calls), reasoning_quality(response, reference.truth)
    right, form, process = accuracy(response, reference.truth), final_format(response), (usage + reasoning) / 2
    total = 0.4 * right + 0.2 * form + 0.4 * process
    return {"total": total, "accuracy": right, "format": form, "process": process, "tool_usage": usage, "reasoning_quality": reasoning}


def score(reference: Reference, calls: Sequence[Made], final_answer: str) -> dict[str, Any]:
    """All figures that the ancestor gives when the calls go through its environment."""
    return {
        "action_score": action_score(reference.actions, calls),
        "env_reward": env_reward(reference, calls),
        "qa_accuracy": _qa_or_zero(reference, calls),
        **composite(reference, calls, final_answer),
        "tool_usage_pre_p13": tool_usage_before(reference.actions, calls),
        "judge": judge(reference.actions, calls, final_answer),
    }


def _qa_or_zero(reference: Reference, calls: Sequence[Made]) -> float | None:
    try:
        return qa_accuracy(reference, calls)
    except AttributeError:
        return 0.0


def as_runner(calls: Sequence[Made], final_answer: str) -> Played:
    """What the ancestor's episode runner makes of calls and a final answer.

    It ends at `submit_answer`, whose `answer` is then the response (empty where the tool has none); it ends after `MOST_TURNS`; and a call
    whose tool was named twice in the last three turns is answered with a scolding instead of being executed.
    """
    done: list[Made] = []
    named: list[str] = []
    for call in calls[:MOST_TURNS]:
        blocked = named[-WINDOW:].count(call.name) >= MOST_ALIKE
        named.append(call.name)
        if blocked:
            continue
        done.append(call)
        if call.name == SUBMIT:
            answer = call.arguments.get("answer", "")
            return Played(tuple(done), answer) if isinstance(answer, str) else Played(tuple(done), "", f"answer {answer!r:.40} is no text")
    return Played(tuple(done), final_answer if len(named) < MOST_TURNS else "")


def score_as_runner(reference: Reference, calls: Sequence[Made], final_answer: str) -> dict[str, float]:
    """The figures that the ancestor's runner reports for the same calls."""
    played = as_runner(calls, final_answer)
    if played.crashed:
        return dict.fromkeys(("action_score", "accuracy", "format", "process"), 0.0)
    figures: Mapping[str, float] = composite(reference, played.calls, played.response)
    return {"action_score": action_score(reference.actions, played.calls), **{name: figures[name] for name in ("accuracy", "format", "process")}}
