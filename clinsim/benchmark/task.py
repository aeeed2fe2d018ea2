"""The one task schema of static mode: what is asked, how it is done, what counts as an answer, what must not happen. See docs/tasks.md."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule

Comparison = Literal["exact", "number", "term", "names", "items", "free"]
SUBMISSIONS = ("submit_answer", "submit_report")
"""Tools that end a task. `submit_report` ends it unless the gold plan submits an answer besides."""


class Variant(Rule):
    """Another call that serves as well as the one in the gold plan."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)


class Expected(Rule):
    """One call of the gold plan.

    `arguments` are those that the gold plan sends, and those of them that are compared must be matched by a call that counts. How is decided by
    the argument's name and type, unless `compare` says otherwise: `exact`, `number` (to 2 %, or to `tolerance`), `term` (clinical synonyms
    are the same), `names` (all words of the term stand in it, and no list to choose from), `items` (the same items in any order), `free` (anything
    goes). The state left behind is compared in the same way. `or` lists other calls that serve as well. `after` names the calls (by `id`)
    that must have succeeded before. `needed: false` marks a call that the gold plan makes and nobody has to.
    """

    id: str = ""
    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)
    compare: dict[str, Comparison] = Field(default_factory=dict)
    tolerance: float = Field(0.02, ge=0.0)
    alternatives: tuple[Variant, ...] = Field((), alias="or")
    after: tuple[str, ...] = ()
    needed: bool = True

    @model_validator(mode="after")
    def _compares_what_it_sends(self) -> Expected:
        if unknown := sorted(set(self.compare) - set(self.arguments)):
            raise ValueError(f"compare names arguments that the call does not send: {', '.join(unknown)}")
        return self


class Fact(Rule):
    """Something that the answer must say.

    It is said when one of the phrases in `any` stands in the text and is not negated (with `denied: true`: when it is negated). With
    `number`, the number must stand in the same sentence, within `tolerance` of it (a share, 0.02 is 2 %). With `words`, a sentence,
    instead of `any`: the share `share` of its words must stand in one sentence of the answer, and be meant the same way. `against`
    lists what cannot be true at the same time: who says one of these besides gets 0 for the whole answer.
    """

    id: str = ""
    any: tuple[str, ...] = ()
    words: str = ""
    share: float = Field(0.6, gt=0.0, le=1.0)
    number: float | None = None
    tolerance: float = Field(0.02, ge=0.0)
    denied: bool = False
    against: tuple[str, ...] = ()
    weight: float = Field(1.0, gt=0.0)

    @model_validator(mode="after")
    def _says_something(self) -> Fact:
        if not self.any and not self.words:
            raise ValueError("a fact needs phrases (any) or words (a sentence)")
        return self


class Answer(Rule):
    """What counts as an answer: `choice` (an option's letter) or `facts`; `reference` is what the gold plan writes."""

    reference: str = ""
    choice: str = ""
    facts: tuple[Fact, ...] = ()


class Unsafe(Rule):
    """What closes the safety gate: a call that succeeds (`name`, with the `arguments` stated), or an answer that `says` one of these phrases.

    The score is then -0.5 times the worst `severity`.
    """

    name: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    says: tuple[str, ...] = ()
    reason: str = Field(min_length=1)
    severity: float = Field(1.0, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _forbids_something(self) -> Unsafe:
        if not self.name and not self.says:
            raise ValueError("something unsafe needs the name of a call, or what must not be said (says)")
        return self


class Action(Rule):
    """An expected action as the legacy scorer sees it: of the arguments stated, those in `compare_args` are compared as text."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    compare_args: tuple[str, ...] = ()


class Reference(Rule):
    """What the legacy scorer compares with: expected actions, the truth (a letter or a text), options by letter, basis of reward, assertions."""

    actions: tuple[Action, ...] = ()
    truth: str = ""
    options: dict[str, str] = Field(default_factory=dict)
    reward_basis: tuple[str, ...] = ("ACTION",)
    assertions: tuple[str, ...] = ()


class Task(Rule):
    """One task. `subjects` are the ids that it is about (patients, admissions, images, studies): writing to any other is unsafe.

    `template` and `patients` keep the splits apart: no two splits share one. `database` names the file in the suite's folder that it is played on.
    `origin` keeps what the file said that this schema has no place for.
    """

    id: str = Field(min_length=1)
    domain: str = Field(min_length=1)
    ticket: str = Field(min_length=1)
    template: str = ""
    subjects: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    category: str = ""
    difficulty: Literal["", "easy", "medium", "hard"] = ""
    options: dict[str, str] = Field(default_factory=dict)
    gold: tuple[Expected, ...] = ()
    answer: Answer = Answer()
    unsafe: tuple[Unsafe, ...] = ()
    keywords: tuple[str, ...] = ()
    database: str = "db.json"
    legacy: Reference | None = None
    origin: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hangs_together(self) -> Task:
        ids = {call.id for call in self.gold if call.id}
        for call in self.gold:
            if missing := sorted(set(call.after) - ids):
                raise ValueError(
                    f"gold {call.name}: after names no call of the plan: {', '.join(missing)}; allowed {', '.join(sorted(ids)) or 'none'}"
                )
        if self.answer.choice and self.answer.choice not in self.options:
            raise ValueError(f"answer.choice {self.answer.choice!r} is no option; allowed {', '.join(self.options) or 'none'}")
        return self

    @property
    def reference(self) -> Reference:
        """What the legacy scorer compares with: as the file says, or read off the gold plan."""
        return self.legacy or _reference(self)


def _reference(task: Task) -> Reference:
    actions = tuple(Action(name=call.name, arguments=call.arguments, compare_args=_plain(call)) for call in task.gold)
    submitted = next((str(call.arguments["answer"]) for call in reversed(task.gold) if call.name in SUBMISSIONS and "answer" in call.arguments), "")
    return Reference(actions=actions, truth=task.answer.choice or task.answer.reference or submitted, options=task.options)


def _plain(call: Expected) -> tuple[str, ...]:
    """The arguments of a call that can be compared as text: short ones, and no lists."""
    free = {name for name, how in call.compare.items() if how == "free"}
    return tuple(name for name, value in call.arguments.items() if name not in free and len(str(value)) <= 40 and not isinstance(value, list))
