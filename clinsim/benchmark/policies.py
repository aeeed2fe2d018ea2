"""Scripted policies of static mode. They know the task, so they live here and not among the agents.

`gold` follows the gold plan, `idle` does nothing, `guideline` looks everything up by rote and says what it read. The others are attacks on the
scorers: `spam` calls every tool once, `paste` writes keywords, `stuffed` does both, `wrong_patient` and `failing` make the right calls for
somebody else, or in a way that fails. `clinsim.benchmark.answer_attacks` has those that say the right words so that they mean nothing; `rote`
(`clinsim.benchmark.rote`) knows the ticket only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from clinsim.benchmark.answer_attacks import ANSWER_ATTACKS
from clinsim.benchmark.assertion import phrase
from clinsim.benchmark.play import Play, plan
from clinsim.benchmark.rote import rote
from clinsim.benchmark.task import SUBMISSIONS, Task
from clinsim.tooling import ToolSpec

NO_SUCH_ID = "no-such-id"
ANSWER, _REPORT = SUBMISSIONS
BLANK_ARGUMENTS = ("answer", "reasoning", "findings", "impression")
READS_AT_MOST = 30
WORDS_SAID = 120
"""Words that the policy `guideline` says of what it has read."""


def gold(play: Play) -> None:
    """The gold plan, and the reference answer where the plan does not submit one."""
    play.follow(plan(play.task))
    if not play.over:
        play.say(play.task.answer.reference or play.task.answer.choice)


def idle(play: Play) -> None:
    """Nothing at all."""
    play.say("")


def spam(play: Play) -> None:
    """Every tool once, with arguments that fit its schema and the task's own subjects, then an empty answer."""
    tools = sorted(play.stage.tools.values(), key=lambda spec: spec.name in SUBMISSIONS)
    play.follow((spec.name, filled(spec, play.task)) for spec in tools)
    if not play.over:
        play.say("")


def paste(play: Play) -> None:
    """No call, and an answer stuffed with keywords of the task and of its domain."""
    play.say(", ".join(keywords(play)))


def stuffed(play: Play) -> None:
    """Every tool once, then all keywords, each as a sentence of its own: the two cheats together, and knowing how answers are read."""
    play.follow((spec.name, filled(spec, play.task)) for spec in play.stage.tools.values() if spec.name not in SUBMISSIONS)
    if not play.over:
        play.say(". ".join(keywords(play)))


def wrong_patient(play: Play) -> None:
    """The gold plan with every subject of the task exchanged for one that it is not about, and the right answer all the same."""
    if not play.task.subjects:
        play.say("")
        return
    others = {subject: _neighbour(subject, play) for subject in play.task.subjects}
    exchanged = (
        (name, {key: others.get(value, value) if isinstance(value, str) else value for key, value in arguments.items()})
        for name, arguments in plan(play.task)
    )
    play.follow(exchanged)
    if not play.over:
        play.say(play.task.answer.reference)


def failing(play: Play) -> None:
    """The right calls, each with an argument that no tool takes, so that all of them fail."""
    play.follow(((name, {**arguments, "no_such_argument": 1}) for name, arguments in plan(play.task)))
    if not play.over:
        play.say("")


def guideline(play: Play) -> None:
    """Rote play: every reading tool that the task's own ids and words suffice for, then what was read first, or the option that fits it best."""
    read: list[str] = []
    tools = [spec for spec in play.stage.tools.values() if "write" not in spec.tags and spec.name != "think"]
    for spec in tools[: min(READS_AT_MOST, play.max_turns - 1)]:
        made = play.make(spec.name, filled(spec, play.task))
        read += _texts(made.result) if made.ok else []
    said = best_option(play.task, read) if play.task.options else " ".join(" ".join(read).split()[:WORDS_SAID])
    if ANSWER in play.stage.tools and not play.over:
        play.make(ANSWER, {"answer": said})
    if not play.over:
        play.say(said)


SCRIPTS: dict[str, Callable[[Play], None]] = {
    "gold": gold,
    "guideline": guideline,
    "idle": idle,
    "spam": spam,
    "paste": paste,
    "stuffed": stuffed,
    "wrong_patient": wrong_patient,
    "failing": failing,
    "rote": rote,
    **ANSWER_ATTACKS,
}
"""Scripted policies by name."""
ATTACKS = ("spam", "paste", "stuffed", "wrong_patient", "failing", *ANSWER_ATTACKS)


def keywords(play: Play) -> list[str]:
    """Keywords of the task (facts, what would contradict them, options, ticket) and the names of the domain's tools, each once."""
    task = play.task
    words: list[str] = [*task.options, *task.options.values(), *task.keywords]
    words += [text for fact in task.answer.facts for text in (*fact.any, fact.words, *fact.against)]
    words += [f"{fact.number:g}" for fact in task.answer.facts if fact.number is not None]
    words += [text for entry in task.unsafe for text in entry.says]
    words += [name.replace("_", " ") for name in play.stage.tools] + task.ticket.split()
    return list(dict.fromkeys(word for word in words if word))


def best_option(task: Task, read: Iterable[str]) -> str:
    """The option whose words stand most often in what was read."""
    seen = set(phrase(" ".join(read)))
    return max(task.options, key=lambda letter: len(set(phrase(task.options[letter])) & seen) / (1 + len(phrase(task.options[letter]))))


def filled(spec: ToolSpec, task: Task) -> dict[str, Any]:
    """Arguments that fit a schema: ids of the task where one is asked for, else the simplest value."""
    schema = spec.card.parameters
    return {name: _simplest(name, schema["properties"][name], task) for name in schema["required"]}


def _simplest(name: str, rule: Mapping[str, Any], task: Task) -> Any:
    if name.endswith("_id"):
        stated = next((call.arguments[name] for call in task.gold if isinstance(call.arguments.get(name), str)), None)
        return stated or next(iter(task.subjects), NO_SUCH_ID)
    if "enum" in rule:
        return rule["enum"][0]
    if "anyOf" in rule:
        return _simplest(name, rule["anyOf"][0], task)
    if rule.get("type", "string") == "string":
        return "" if name in BLANK_ARGUMENTS else task.ticket if name in ("query", "question", "queries", "symptoms") else name.replace("_", " ")
    low = rule.get("minimum", rule.get("exclusiveMinimum", 0) + 1)
    values: dict[str, Any] = {"integer": low, "number": float(low), "boolean": False, "array": [], "object": {}}
    return values.get(rule["type"])


def _neighbour(subject: str, play: Play) -> str:
    """An id that stands beside a subject of the task in its database, and is not its own."""
    records = getattr(getattr(play.stage, "world", None), "records", None)
    for name in type(records).model_fields if records is not None else ():
        held = getattr(records, name)
        if isinstance(held, Mapping) and subject in held:
            return next((other for other in held if other not in play.task.subjects), NO_SUCH_ID)
    return NO_SUCH_ID


def _texts(value: Any) -> Iterator[str]:
    """Each text or number in an answer, with the name that it stands under."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (f"{key}: {text}" for text in _texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value not in (None, ""):
        yield str(value)
