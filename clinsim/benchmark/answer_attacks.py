"""Attacks on how answers are read: the right words, said so that they mean nothing. Each does what the gold plan does, but for what it says.

`negated` denies each sentence of the gold answer; `called_wrong`, `disagreed` and `judged_false` deny each of its facts in plain words; `enumerated`
says every number; `listed` names all that there is to choose from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from clinsim.benchmark.assertion import SENTENCE
from clinsim.benchmark.compare import how, kinds
from clinsim.benchmark.play import Play, plan
from clinsim.benchmark.task import SUBMISSIONS, Fact, Task
from clinsim.hospital.records.drug_names import known_as

AROUND = 10
"""How many numbers are named where one is asked for."""
LAST_NUMBER = re.compile(r"^(.*?)(?<![\w.])(\d+(?:\.\d+)?)(\D*)$")
DRUGS = ("aspirin", "amoxicillin", "ceftriaxone", "furosemide", "heparin", "insulin", "morphine", "ondansetron", "paracetamol", "vancomycin")
OTHERS = ("home", "ward", "intensive care", "all of them")
"""What is named beside a thing whose kind no list has."""


def negated(play: Play) -> None:
    """The gold plan, with every sentence of the answer denied: the right words, meant the other way."""
    _submit(play, lambda _, value: _denied(value))
    if not play.over:
        play.say(_denied(play.task.answer.reference))


def denied(play: Play, form: str) -> None:
    """The gold plan, with each fact of the answer (or the right letter) denied in one form of words; nothing where nothing is asked for."""
    _answer(play, ". ".join(form.format(statement) for statement in _statements(play.task)))


def enumerated(play: Play) -> None:
    """What the gold plan reads, and for each number of the answer all that it might be, one sentence each; nothing where no number is asked for."""
    _answer(play, ". ".join(statement for fact in play.task.answer.facts for statement in _every_number(fact)), reading=True)


def listed(play: Play) -> None:
    """The gold plan, with all that there is to choose from wherever a name or an answer is asked for."""
    task = play.task
    names = [name for fact in task.answer.facts for name in (*fact.any, fact.words, *_every_number(fact), *fact.against) if name]
    said = ", ".join([*task.options, *names])
    for call in task.gold:
        rules = {key: call.compare.get(key, how(key, value)) for key, value in call.arguments.items()}
        sent = {key: _everything(value) if rules[key] in ("names", "term", "items") else value for key, value in call.arguments.items()}
        if call.name in SUBMISSIONS:
            sent |= {key: said for key, rule in rules.items() if rule == "free"}
        play.follow([(call.name, sent)])
    if not play.over:
        play.say(said)


ANSWER_ATTACKS: Mapping[str, Callable[[Play], None]] = {
    "negated": negated,
    "called_wrong": partial(denied, form="{} is wrong"),
    "disagreed": partial(denied, form="I disagree that it is {}"),
    "judged_false": partial(denied, form="{}: false"),
    "enumerated": enumerated,
    "listed": listed,
}


def _answer(play: Play, text: str, *, reading: bool = False) -> None:
    if text:
        _submit(play, lambda key, value: text if how(key, value) == "free" or play.task.answer.choice else value, reading=reading)
    if not play.over:
        play.say(text)


def _submit(play: Play, change: Callable[[str, Any], Any], *, reading: bool = False) -> None:
    """The gold plan, with what it submits changed; `reading`: without what it writes."""
    for name, arguments in plan(play.task):
        left_out = reading and name not in SUBMISSIONS and name in play.stage.tools and "write" in play.stage.tools[name].tags
        if not left_out:
            sent = {key: change(key, value) for key, value in arguments.items()} if name in SUBMISSIONS else arguments
            play.follow([(name, sent)])


def _denied(value: Any) -> Any:
    """A text with each of its sentences denied; what is no text, as it is."""
    if not isinstance(value, str):
        return value
    return ". ".join(f"It is not the case that {part.strip()}" for part in SENTENCE.split(value) if part.strip())


def _statements(task: Task) -> Iterator[str]:
    """The right letter, and each fact as its author wrote it first."""
    if task.answer.choice:
        yield task.answer.choice
    for fact in task.answer.facts:
        name = (fact.words or fact.any[0]).rstrip(". ")
        number = "" if fact.number is None else f" {fact.number:g}"
        yield f"{'no ' if fact.denied else ''}{name}{number}"


def _everything(value: Any) -> Any:
    """What is sent, and all that is of its kind beside it."""
    if isinstance(value, list):
        return [*value, *(name for item in value if isinstance(item, str) for name in _of_its_kind(item))]
    return ", ".join([value, *_of_its_kind(value)]) if isinstance(value, str) else value


def _of_its_kind(name: str) -> list[str]:
    names = [other for names in kinds(name) for other in names]
    return names or list(DRUGS if known_as(name) else OTHERS)


def _every_number(fact: Fact) -> list[str]:
    """A fact that holds a number, with each number that it might be."""
    name = fact.any[0] if fact.any else ""
    if fact.number is not None:
        number = fact.number
        return [f"{name} is {value:g}" for value in _around(number)]
    found = LAST_NUMBER.search(name)
    return [f"{found[1]}{value:g}{found[3]}" for value in _around(float(found[2]))] if found else []


def _around(number: float) -> list[float]:
    """Numbers around one, itself among them: whole ones from well below it, or parts of it."""
    if number.is_integer() and number <= AROUND:
        return [float(value) for value in range(AROUND + 1)]
    return [number * (1 + (k - AROUND // 2) / 10) for k in range(AROUND)]
