"""Tools of AgentClinic cases: ask, examine, request a test, answer. The patient answers from the chart, and always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinsim.benchmark.agentclinic import leaves
from clinsim.benchmark.assertion import phrase
from clinsim.benchmark.words import word_lists
from clinsim.errors import ToolError
from clinsim.tooling import tool

SET = "agentclinic"
TOPICS: Mapping[str, Sequence[str]] = word_lists("agentclinic.yaml")["topics"]
"""Which field of the history a question is about, by words in it; the first that fits."""
STOP = frozenset(word_lists("answer_words.yaml")["stop"]) | frozenset(word_lists("agentclinic.yaml")["idle"])
UNKNOWN = "I don't know about that."
NORMAL = "Nothing abnormal is noted."


@dataclass(slots=True)
class CaseWorld:
    """What can be learnt about the patient of a case, by part of the chart; `written` is what has been submitted."""

    chart: Mapping[str, Mapping[str, Any]]
    written: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """What the patient says."""

    patient: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Findings by name; `message` says when there are none."""

    findings: Mapping[str, str]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """That an answer was taken."""

    answer: str


@tool(SET, roles=("doctor",), service="ask", tags=("read",))
def ask_patient(world: CaseWorld, question: str) -> Said:
    """Ask the patient about the complaint, the past, habits, medicines, or other symptoms.

    Args:
        question: One question in plain words.
    """
    asked = _meaning(question)
    if not asked and not question.strip():
        raise ToolError("question: is blank; ask one question in plain words")
    topic = _topic(asked, world.chart["history"])
    told = ". ".join(text.rstrip(".") for _, text in leaves(world.chart["history"][topic])) if topic else ""
    return Said(f"{told}." if told else UNKNOWN)


@tool(SET, roles=("doctor",), service="examine", tags=("read",))
def examine_patient(world: CaseWorld, part: str) -> Shown:
    """Examine the patient: what is found there.

    Args:
        part: What to examine, for example vital signs, abdomen, neurological examination.
    """
    return _shown(world.chart["examination"], "part", part)


@tool(SET, roles=("doctor",), service="order", tags=("read",))
def request_test(world: CaseWorld, test: str) -> Shown:
    """Request a test; its result is there at once.

    Args:
        test: One test or study, for example complete blood count, chest x-ray.
    """
    return _shown(world.chart["tests"], "test", test)


@tool(SET, roles=("doctor",), service="note", tags=("write", "submit"))
def submit_answer(world: CaseWorld, answer: str, reasoning: str = "") -> Submitted:
    """Submit the diagnosis; this ends the case.

    Args:
        answer: The diagnosis.
        reasoning: Why.
    """
    if not answer.strip():
        raise ToolError("answer: is blank; name a diagnosis")
    world.written.append({"kind": "answer", "subject": "", "answer": answer, "reasoning": reasoning})
    return Submitted(answer)


def _topic(asked: frozenset[str], history: Mapping[str, Any]) -> str:
    """The field of the history that a question is about: by its topic, else by what the field says; a question without meaning is an open one."""
    if not asked:
        return "History" if "History" in history else ""
    for name, words in TOPICS.items():
        if name in history and asked & {word for text in words for word in phrase(text)}:
            return name
    return next((name for name in history if asked & _meaning(" ".join(text for _, text in leaves(history[name])))), "")


def _meaning(text: str) -> frozenset[str]:
    return frozenset(word for word in phrase(text) if word not in STOP)


def _shown(part: Mapping[str, Any], name: str, sought: str) -> Shown:
    """What a part of the chart holds under names that fit what is sought: all its words, or none but its words."""
    wanted = _meaning(sought)
    if not wanted:
        raise ToolError(f"{name}: says nothing that could be looked for")
    found = {" / ".join(path): text for path, text in leaves(part) if any(_fits(wanted, path[: k + 1]) for k in range(len(path)))}
    return Shown(found, "" if found else NORMAL)


def _fits(wanted: frozenset[str], path: tuple[str, ...]) -> bool:
    last, whole = _meaning(path[-1]), _meaning(" ".join(path))
    return bool(last) and (last <= wanted or (wanted <= whole and bool(wanted & last)))
