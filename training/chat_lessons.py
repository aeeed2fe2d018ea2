"""Lessons for a chat model: what experts did in a ward, and the gold plans of training tasks, as it would have read and written them.

    samples = list(chat_lessons(words, [*gold_plans(tasks), *expert_turns("first_hour", range(50))], seats, ChatSettings(dialect="json")))

Each turn is a sample: the whole question as the chat template writes it, and the answer, which alone is learnt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from clinsim.agents.chat_server import ChatSettings
from clinsim.agents.dialogue import Dialogue, functions
from clinsim.benchmark.play import Play
from clinsim.benchmark.suite import Placed
from clinsim.errors import UsageError
from clinsim.record import Observation, Reply, Seat
from clinsim.training.experts import Shown
from clinsim.training.here import templated
from clinsim.training.samples import Group, Sample
from clinsim.training.static_tasks import name_of, of_training, seat_at, unnamed


def gold_plans(tasks: Sequence[Placed]) -> Iterator[Shown]:
    """The gold plans of some training tasks, turn by turn, as they stand in the suite.

    Raises:
        UsageError: A task is not of the training split.
    """
    for number, placed in enumerate(of_training(tasks)):
        play, seat = Play(placed), seat_at(placed)
        text, turn = play.opening(), 0
        for call in placed.task.gold:
            if play.over:
                break
            shown = Observation(unnamed(play, text), float(turn), "answered" if turn else "task")
            yield Shown(seat.agent, seat.role, name_of(placed), number, shown, {"name": call.name, "arguments": call.arguments}, 1.0)
            text, turn = play.shown(play.make(call.name, call.arguments)), play.turns


def chat_lessons(words: Any, shown: Iterable[Shown], seats: Mapping[str, Seat], asked: ChatSettings) -> Iterator[Sample]:
    """Turns as samples; those of one agent in one episode are one conversation.

    Raises:
        UsageError: The chat template writes an answer otherwise than it asks for one.
    """
    talks: dict[tuple[str, int, str], Dialogue] = {}
    episodes: dict[tuple[str, int], int] = {}
    for turn in shown:
        key = (turn.scenario, turn.seed, turn.agent)
        talk = talks.setdefault(key, Dialogue(seats[turn.agent], asked.dialect, asked.window, asked.calls))
        talk.see(turn.observation)
        number = episodes.setdefault(key[:2], len(episodes))
        question, answer = _written(words, talk, _reply(turn, asked.dialect), asked.dialect)
        tokens = (*question, *answer)
        decided = tuple(range(len(question), len(tokens)))
        group = Group(turn.scenario, turn.seed, turn.role)
        yield Sample(tokens, decided, (0.0,) * len(decided), turn.reward, turn.role, turn.agent, group, number, talk.turns)


def _reply(turn: Shown, dialect: str) -> Reply:
    """A call as a model writes it in a dialect."""
    call = json.dumps(turn.call, ensure_ascii=False)
    return Reply(f"<tool_call>\n{call}\n</tool_call>" if dialect == "hermes" else call, (call,))


def _written(words: Any, talk: Dialogue, reply: Reply, dialect: str) -> tuple[list[int], list[int]]:
    """The tokens of a question and of its answer, with the one that ends it; the dialogue then remembers the answer."""
    asked = talk.messages()
    talk.note(reply)
    told = [*asked, talk.said(reply)]
    tools = functions(talk.seat.tools, strict=False) if dialect == "tools" else None
    before, whole = templated(words, asked, tools, True), templated(words, told, tools)
    said, end, _ = whole.removeprefix(before).partition(words.eos_token)
    if not whole.startswith(before) or not end:
        raise UsageError(f"start: its chat template does not end an answer with {words.eos_token}, or writes it otherwise than it asks for one")
    return words.encode(before, add_special_tokens=False), words.encode(said + end, add_special_tokens=False)
