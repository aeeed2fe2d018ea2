"""Tasks that a model writes about single records: each is taken only if it proves itself as every own task does, and stands on the record.

A model is asked record by record, several at once, until there are as many tasks as are wanted or it has been asked often enough. What it may set
is the question, the plan and the answer; whom a task is about, its id, template and database are set here. Every refusal is kept with its reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import count, islice
from typing import Any, Literal

from clinsim.agents.dialogue import Ask, harmless, in_one_line, seed_of
from clinsim.agents.parsing import first_object
from clinsim.benchmark.answers import states
from clinsim.benchmark.assertion import phrase
from clinsim.benchmark.generation.collect import MOST_OF_A_TEMPLATE, NAMED
from clinsim.benchmark.generation.grounding import NUMBER, ungrounded, words_of
from clinsim.benchmark.generation.sources import DATABASE, Case, Source
from clinsim.benchmark.proof import ALIKE, problems_of
from clinsim.benchmark.suite import SPLITS, Placed, read_own
from clinsim.benchmark.task import SUBMISSIONS, Task
from clinsim.benchmark.words import word_lists
from clinsim.errors import ScenarioError, ServerError
from clinsim.record import Reply

Reason = Literal["unreadable", "malformed", "markup", "instructions", "subject", "leak", "duplicate", "template", "unproven", "ungrounded"]
OWN_FIELDS = frozenset({"ticket", "options", "gold", "answer", "difficulty", "rationale"})
"""What a model may set of a task."""
RECORD = re.compile(r"[a-z]+\d+")
"""An id of a suite's record, as a word in one form."""
LONGEST_TICKET = 600
ASKS_FOR_A_TASK = 4
"""Times that a model is asked for each task that is wanted."""
LONGEST_REFUSED = 2_000
"""Characters that are kept of a reply that was refused."""
REFUSED = "refused.jsonl"
"""What is left, beside the tasks, of replies that became none."""
Complete = Callable[[Sequence[Ask]], Sequence[Reply]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A reply that became no task: about which record it was, the reason, what exactly was wrong, and how it began."""

    record: str
    reason: Reason
    detail: str
    reply: str


class _RefusedError(Exception):
    """Why a reply becomes no task."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(slots=True)
class Commission:
    """What has been written so far: tasks as they go into the file, and what was refused. `failure` says what ended it early."""

    source: Source
    wanted: int
    tasks: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    asked: int = 0
    tokens: int = 0
    cost: float = 0.0
    failure: str = ""

    @property
    def quota(self) -> int:
        """Tasks that one set of tools may make."""
        return max(1, int(self.wanted * MOST_OF_A_TEMPLATE))

    @property
    def templates(self) -> Counter[str]:
        """How many tasks each template makes."""
        return Counter(task["template"] for task in self.tasks)

    @property
    def reasons(self) -> Counter[str]:
        """How many replies were refused for each reason."""
        return Counter(one.reason for one in self.refused)

    def take(self, case: Case, reply: Reply) -> None:
        """Make a task of a reply, or keep why it is none."""
        self.tokens += reply.used or len(reply.tokens)
        self.cost += reply.cost
        try:
            self.tasks.append(self._task(case, reply.text))
        except _RefusedError as refusal:
            self.refused.append(Refused(case.id, refusal.reason, str(refusal), reply.text[:LONGEST_REFUSED]))

    def _task(self, case: Case, text: str) -> dict[str, Any]:
        written = first_object(text)
        if written is None:
            raise _RefusedError("unreadable", "no JSON object in the reply")
        raw = _raw(case, written, self.source, len(self.tasks))
        _check_words(written)
        task = _read(raw, self.source)
        _check_subject(task, case)
        _check_leak(task)
        self._check_new(task)
        placed = Placed(task, self.source.folder, f"tasks_{DATABASE}.jsonl", self.source.split)
        if problems := problems_of(placed):
            raise _RefusedError("unproven", "; ".join(problems))
        if problems := ungrounded(placed):
            raise _RefusedError("ungrounded", "; ".join(problems))
        return raw

    def _check_new(self, task: Task) -> None:
        words = _asked(task.ticket, task.subjects[0])
        held = [*((other["ticket"], other["subjects"][0]) for other in self.tasks), *((ticket, "") for ticket in self.source.asked)]
        for ticket, subject in held:
            other = _asked(ticket, subject)
            if len(words & other) >= ALIKE * len(words | other):
                raise _RefusedError("duplicate", f"asks nearly the same as: {ticket[:120]}")
        if self.templates[task.template] >= self.quota:
            raise _RefusedError("template", f"{task.template} has made its {self.quota} of {self.wanted} tasks")


def commission(source: Source, complete: Complete, n: int, at_once: int = 8, seed: int = 0) -> Commission:
    """Have `n` tasks written about the records of a source, and take what proves itself.

    Args:
        source: The records, and where their database lies.
        complete: Asks a model; questions are put `at_once` together.
        n: How many tasks are wanted.
        at_once: Questions that are put together: those of one batch do not know of each other.
        seed: Of what the model draws.

    Returns:
        What was written; fewer tasks than wanted if the model was asked `ASKS_FOR_A_TASK` times for each, or its server failed.
    """
    found = Commission(source, n)
    most = ASKS_FOR_A_TASK * n
    while len(found.tasks) < n and found.asked < most:
        size = min(at_once, n - len(found.tasks), most - found.asked)
        cases = [source.cases[k % len(source.cases)] for k in islice(count(found.asked), size)]
        asks = [_ask(found, case, f"{seed}|{found.asked + k}") for k, case in enumerate(cases)]
        try:
            replies = complete(asks)
        except ServerError as problem:
            found.failure = str(problem)
            break
        found.asked += size
        for case, reply in zip(cases, replies, strict=True):
            found.take(case, reply)
    return found


def write(found: Commission) -> None:
    """Write tasks, their split and what was refused into the folder of the source; its database keeps what they need."""
    folder = found.source.folder
    found.source.keep(task["subjects"][0] for task in found.tasks)
    split = {name: [task["id"] for task in found.tasks if name == found.source.split] for name in SPLITS}
    (folder / f"tasks_{DATABASE}.jsonl").write_text("".join(f"{_line(task)}\n" for task in found.tasks), encoding="utf-8")
    (folder / f"split_{DATABASE}.json").write_text(json.dumps(split, indent=0) + "\n", encoding="utf-8")
    (folder / REFUSED).write_text("".join(f"{_line(asdict(one))}\n" for one in found.refused), encoding="utf-8")


def _line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


# ---------------------------------------------------------------- asking


def _ask(found: Commission, case: Case, key: str) -> Ask:
    source = found.source
    used = [template for template, times in found.templates.items() if times >= found.quota]
    told = [
        f"Domain: {source.domain}",
        f"Rules of the house:\n{source.rules.strip()}",
        "Tools:\n" + "\n".join(in_one_line(spec.card) for spec in source.stage().tools.values()),
        f"Sets of tools that are used up: {'; '.join(map(_tools_of, used)) or 'none'}",
        "Asked before:\n" + ("\n".join(task["ticket"] for task in found.tasks[-10:]) or "nothing"),
        f"Record {case.id}, as its tools show it:\n{harmless(json.dumps(source.shown(case), ensure_ascii=False))}",
    ]
    system = str(word_lists("task_writer.yaml")["system"]).strip()
    return Ask(({"role": "system", "content": system}, {"role": "user", "content": "\n\n".join(told)}), (), seed_of(key))


def _tools_of(template: str) -> str:
    return template.removeprefix("written-").replace("+", ", ")


# ---------------------------------------------------------------- reading and checking


def _raw(case: Case, written: Mapping[str, Any], source: Source, number: int) -> dict[str, Any]:
    """A task as it goes into the file: the model's question, plan and answer, all else from here."""
    if foreign := sorted(set(written) - OWN_FIELDS):
        raise _RefusedError("malformed", f"sets what is not the writer's: {', '.join(foreign)[:120]}; allowed {', '.join(sorted(OWN_FIELDS))}")
    if missing := sorted({"ticket", "gold", "answer"} - set(written)):
        raise _RefusedError("malformed", f"lacks {', '.join(missing)}")
    told = {name: value for name, value in written.items() if name not in ("rationale", "options")}
    return {
        "id": f"written-{case.id}-{number}",
        "category": "written",
        **told,
        "options": written.get("options") or {},
        "template": _template(written["gold"]),
        "patients": list(case.people),
        "subjects": [case.id],
        "database": f"{DATABASE}.json",
        "origin": {**case.origin, "writer": "model", "rationale": str(written.get("rationale", ""))[:LONGEST_TICKET]},
    }


def _template(gold: Any) -> str:
    """What tasks have in common that look in the same places: the tools of their plans."""
    calls = gold if isinstance(gold, list) else []
    names = {str(call["name"]) for call in calls if isinstance(call, Mapping) and isinstance(call.get("name"), str)}
    return "written-" + "+".join(sorted(names - set(SUBMISSIONS)))


def _read(raw: dict[str, Any], source: Source) -> Task:
    try:
        return read_own(raw, source.domain, DATABASE)
    except ScenarioError as problem:
        raise _RefusedError("malformed", str(problem)) from problem


def _check_words(written: Mapping[str, Any]) -> None:
    """Refuse texts that are none, or that speak to whoever reads them."""
    texts = list(_texts(written))
    if any(len(text) > LONGEST_TICKET for text in texts):
        raise _RefusedError("malformed", f"a text of more than {LONGEST_TICKET} characters")
    for reason in ("markup", "instructions"):
        for pattern in _patterns(reason):
            if hit := next((found for text in texts if (found := pattern.search(text))), None):
                raise _RefusedError(reason, f"says {hit[0][:60]!r}")


@lru_cache(maxsize=2)
def _patterns(reason: Literal["markup", "instructions"]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text, re.IGNORECASE) for text in word_lists("task_writer.yaml")[reason])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _check_subject(task: Task, case: Case) -> None:
    """The ticket names the record, and the plan reads it: an agent has nothing else to go by."""
    if case.id not in task.ticket:
        raise _RefusedError("subject", f"the ticket does not name {case.id}")
    reads = [call for call in task.gold if call.name not in SUBMISSIONS]
    if not any(case.id in call.arguments.values() for call in reads):
        raise _RefusedError("subject", f"no call of the plan is about {case.id}")


def _check_leak(task: Task) -> None:
    """The ticket does not hold what is asked for."""
    ticket = words_of(task.ticket)
    numbers = {float(text) for text in NUMBER.findall(task.ticket.replace(task.subjects[0], ""))}
    for fact in task.answer.facts:
        if fact.number is not None and any(abs(number - fact.number) <= fact.tolerance * abs(fact.number) for number in numbers):
            raise _RefusedError("leak", f"the ticket holds {fact.number:g}, which is asked for")
        told = [text for text in (*fact.any, fact.words) if text]
        if fact.number is None and (states(fact, task.ticket) or any(words_of(text) <= ticket for text in told)):
            raise _RefusedError("leak", f"the ticket holds {told[0]!r}, which is asked for")


def _asked(ticket: str, subject: str) -> frozenset[str]:
    """The words of a ticket without the ids that it names: the same question about somebody else is the same question."""
    told = NAMED.sub("", ticket.replace(subject, "") if subject else ticket)
    return frozenset(word for word in phrase(told) if not RECORD.fullmatch(word))
