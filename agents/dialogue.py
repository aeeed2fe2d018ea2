"""What a chat model reads: rules, then turns as they were, the oldest of them folded to a line each once they grow too long.

The text of an observation is data from charts and people. It is handed on as it stands, but for marks with which chat templates begin their own
commands: within JSON these can be written otherwise, and mean the same.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from string import Template
from typing import Any, Literal

from clinsim.record import Observation, Reply, Seat, ToolCard
from clinsim.tooling import strict_function

Dialect = Literal["tools", "hermes", "json"]
Message = dict[str, Any]
MOST_FOLDED = 60
"""Lines about folded turns that are shown: the latest; how many came before is said."""
LONGEST_ANSWER = 160
"""Characters of an answer in the line of a folded turn."""
_MARK = re.compile(r"<(?=[|/A-Za-z_])|\[(?=/?[A-Z])")
"""How special tokens and tags begin (`<|im_start|>`, `</tool_call>`, `[INST]`); a comparison such as `<5` is none."""
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_SHOWN = "Made. What it answered is not shown here."


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model: messages, the tools that may be called, and the seed of what is drawn."""

    messages: tuple[Message, ...]
    cards: tuple[ToolCard, ...]
    seed: int


def seed_of(key: str) -> int:
    """A seed as servers take it (31 bits), from what names a draw."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "little") >> 1


def harmless(text: str) -> str:
    """JSON in which no string can pass for a command of a chat template: the same data."""
    return _MARK.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@dataclass(slots=True)
class Exchange:
    """One turn: what was shown (as it is sent), at which minute, and what was answered (None: not yet)."""

    shown: str
    minute: float
    reply: Reply | None = None


class Dialogue:
    """The turns of one seat. `window` is how many characters of turns are sent as they were.

    When they are more, the oldest turns are folded until half of that is left: folding seldom keeps the beginning of what is sent the same from
    turn to turn, which servers reward with their caches. What is folded hangs on the turns alone, so a dialogue that is told the past is where it
    would be had it been held.
    """

    def __init__(self, seat: Seat, dialect: Dialect, window: int, most_calls: int = 1) -> None:
        """Sit down; nothing has been shown."""
        self.seat = seat
        self.dialect = dialect
        self.turns = 0
        self._window = window
        self._system = system_text(seat, dialect, most_calls)
        self._exchanges: list[Exchange] = []
        self._folded: deque[str] = deque(maxlen=MOST_FOLDED)
        self._gone = 0

    def see(self, observation: Observation) -> None:
        """Take in what is shown."""
        self.turns += 1
        self._exchanges.append(Exchange(_cut(harmless(observation.text), self._window), observation.minute))
        if self._length() > self._window:
            while self._length() > self._window // 2 and len(self._exchanges) > 1:
                self._fold(self._exchanges.pop(0), self._exchanges[0])

    def note(self, reply: Reply) -> None:
        """Remember what was answered."""
        self._exchanges[-1].reply = reply

    def said(self, reply: Reply) -> Message:
        """An answer to what is shown now, as it will stand among the messages."""
        return _answered(reply, self.dialect, self.turns, "")[0]

    def messages(self) -> list[Message]:
        """What is sent: rules, what was folded, the turns."""
        first, *later = self._exchanges
        sent: list[Message] = [{"role": "system", "content": self._system}, {"role": "user", "content": self._before() + first.shown}]
        before = first
        for number, exchange in enumerate(later, start=self.turns - len(later)):
            sent += _answered(before.reply, self.dialect, number, exchange.shown)
            before = exchange
        return sent

    def _length(self) -> int:
        return sum(len(one.shown) + (len(one.reply.text) if one.reply else 0) for one in self._exchanges)

    def _fold(self, exchange: Exchange, after: Exchange) -> None:
        self._gone += 1
        did = exchange.reply.calls[0] if exchange.reply and exchange.reply.calls else "no call"
        self._folded.append(f"minute {exchange.minute:.0f}: {harmless(did)} -> {_answer_in(after.shown)}")

    def _before(self) -> str:
        """The lines about folded turns, empty if there are none."""
        if not self._folded:
            return ""
        unlisted = self._gone - len(self._folded)
        head = f"What you did before, and what came of it, cut short{f' ({unlisted} earlier turns are left out)' if unlisted else ''}:\n"
        return head + "".join(f"{line}\n" for line in self._folded) + "\nWhat is shown now:\n"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} further characters are not shown)"


def _answer_in(shown: str) -> str:
    """Status and answer of the call before, in short."""
    try:
        answer = json.loads(shown)["last_result"]
    except ValueError:  # what was shown had been cut
        return "(not shown)"
    if answer is None:
        return "no answer"
    told = next((answer[key] for key in ("result", "error", "message") if answer.get(key) is not None), "")
    return f"{answer['status']} {_cut(harmless(json.dumps(told, ensure_ascii=False)), LONGEST_ANSWER)}"


# ---------------------------------------------------------------- messages


def _answered(reply: Reply | None, dialect: Dialect, number: int, shown: str) -> list[Message]:
    """A reply and what was shown after it: a tool's answer where the model called a tool, else the next message of the user."""
    if reply is None:
        return [{"role": "user", "content": shown}]
    calls = _tool_calls(reply, number) if dialect == "tools" else []
    if not calls:
        return [{"role": "assistant", "content": reply.text or "(nothing)"}, {"role": "user", "content": shown}]
    said = reply.text.removesuffix("\n".join(reply.calls)).strip()
    answers = [*[_NOT_SHOWN] * (len(calls) - 1), shown]
    told = [{"role": "tool", "tool_call_id": call["id"], "content": answer} for call, answer in zip(calls, answers, strict=True)]
    return [{"role": "assistant", "content": said or None, "tool_calls": calls}, *told]


def _tool_calls(reply: Reply, number: int) -> list[Message]:
    """The calls of a reply as the server has them; none if it wrote them in its text, or not as a server would take them back."""
    if not reply.calls or not reply.text.endswith("\n".join(reply.calls)):
        return []
    read = [_read(call) for call in reply.calls]
    if any(one is None for one in read):
        return []
    return [
        {"id": f"call_{number}_{k}", "type": "function", "function": {"name": one[0], "arguments": one[1]}}
        for k, one in enumerate(read)
        if one is not None
    ]


def _read(call: str) -> tuple[str, str] | None:
    """Name and arguments (as text) of an action string; None if it has no name that a server takes. Arguments that are none are sent as none."""
    try:
        made = json.loads(call)
    except ValueError:
        return None
    if not isinstance(made, Mapping) or not _TOOL_NAME.fullmatch(str(made.get("name", ""))):
        return None
    arguments = made.get("arguments")
    return made["name"], json.dumps(arguments if isinstance(arguments, Mapping) else {}, ensure_ascii=False)


# ---------------------------------------------------------------- rules and tools


def system_text(seat: Seat, dialect: Dialect, most_calls: int = 1) -> str:
    """The rules that a model sits down with: whose seat it is, the rules of the house, what observations are, and how to call tools."""
    tools = {"tools": "", "hermes": _schemas(seat.tools), "json": "\n".join(map(in_one_line, seat.tools))}[dialect]
    calling = _prompt(f"chat_{dialect}.txt").substitute(tools=tools) if tools else _prompt(f"chat_{dialect}.txt").template
    rules = seat.house_rules.strip() or "Act only through your tools."
    limit = "Only the first call of an answer is made." if most_calls == 1 else f"The first {most_calls} calls of an answer are made, in order."
    return _prompt("chat.txt").substitute(agent=seat.agent, role=seat.role, rules=rules, calling=calling.strip(), limit=limit).strip()


@lru_cache(maxsize=8)
def _prompt(name: str) -> Template:
    return Template(files("clinsim.agents").joinpath("prompts", name).read_text(encoding="utf-8"))


def functions(cards: Sequence[ToolCard], *, strict: bool) -> list[dict[str, Any]]:
    """Tools as a request holds them; with `strict`, the server may hold the model to their schemas."""
    return [strict_function(card) if strict else _function(card) for card in cards]


def _function(card: ToolCard) -> dict[str, Any]:
    return {"type": "function", "function": {"name": card.name, "description": card.description, "parameters": card.parameters}}


def _schemas(cards: Sequence[ToolCard]) -> str:
    """Schemas as models of the Hermes and Qwen families were taught to read them, one a line."""
    return "\n".join(json.dumps(_function(card), ensure_ascii=False) for card in cards)


def in_one_line(card: ToolCard) -> str:
    """A tool in one line: arguments with their kinds, then what it does."""
    required = set(card.parameters.get("required", ()))
    arguments = [f"{name}{'' if name in required else '?'}: {_kind(rule)}" for name, rule in card.parameters["properties"].items()]
    return f"{card.name}({', '.join(arguments)}): {card.description}"


def _kind(rule: Mapping[str, Any]) -> str:
    """The kind of a value in a few words."""
    if "enum" in rule:
        return "|".join(str(value) for value in rule["enum"])
    if "anyOf" in rule:
        return " or ".join(_kind(part) for part in rule["anyOf"])
    if rule.get("type") == "array":
        return f"list of {_kind(rule['items'])}"
    if rule.get("type") == "object" and "properties" in rule:
        return "{" + ", ".join(f"{name}: {_kind(part)}" for name, part in rule["properties"].items()) + "}"
    return str(rule.get("type", "value"))
