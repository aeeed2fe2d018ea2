"""The trace: one JSONL file per episode, in which each line vouches for every byte before it.

Lines are `header`, `action`, `entry` and `footer`, numbered from 0 by `i`. An action line stands where its answer
fell (at the actor's next decision, or at the end) and carries `turn`, the order in which actions were submitted. The
last field of each line, `chain`, is the start of the SHA-256 of all bytes of the file before it, so that a changed,
lost or moved byte is found at its own line; the footer holds the full hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic_core import PydanticSerializationError, to_json

from clinsim.errors import TraceError
from clinsim.record import Entry

FORMAT = 1
Kind = Literal["header", "action", "entry", "footer"]
_CHAIN = b',"chain":"'
_CHAIN_DIGITS = 16
_TAIL = len(_CHAIN) + _CHAIN_DIGITS + len(b'"}')


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One action: what the agent saw, what it sent, what came of it, and what it took.

    `turn` is the order of submission; `reply` numbers the reply that the call came in, and `text` is that reply's
    full text where it is more than the call (on its first call only). `status` is `ok`, the stage at which it failed,
    or `interrupted`; a call that was dropped unsent is `interrupted` with no `call`. Times in simulated minutes,
    `thinking` in characters, `cost` in the currency of the policy's provider.
    """

    turn: int
    reply: int
    minute: float
    agent: str
    why: str
    observation: str | None
    text: str | None
    raw: str
    call: dict[str, Any] | None
    status: str
    result: Any
    thinking: int
    thinking_minutes: float
    service_minutes: float
    tokens: int = 0
    cost: float = 0.0
    token_ids: tuple[int, ...] = ()
    logps: tuple[float, ...] = ()
    decided: tuple[int, ...] = ()

    @property
    def was_sent(self) -> bool:
        """Whether it was submitted: a call that was dropped has taken no time and has no answer."""
        return self.status != "interrupted" or self.call is not None


Line = ActionLine | Entry
_OPTIONAL: dict[str, Any] = {"token_ids": (), "logps": (), "decided": ()}
"""Fields that are left out of a line while they hold this value."""
_NEVER = object()


class TraceWriter:
    """Makes the lines of a trace, chained, and writes each to `sink` (if any) as soon as it is made."""

    def __init__(self, sink: BinaryIO | None = None) -> None:
        self._sink = sink
        self._hash = sha256()
        self._lines = 0

    def write(self, kind: Kind, fields: Mapping[str, Any]) -> bytes:
        """Add one line; return its bytes."""
        body = encode({"line": kind, "i": self._lines, **fields})[:-1] + _CHAIN
        self._hash.update(body)
        line = body + self._hash.hexdigest()[:_CHAIN_DIGITS].encode() + b'"}\n'
        self._hash.update(line[len(body) :])
        self._lines += 1
        if self._sink is not None:
            self._sink.write(line)
            self._sink.flush()
        return line

    def write_line(self, line: Line) -> bytes:
        """Add an action or entry line."""
        if isinstance(line, Entry):
            return self.write("entry", line._asdict())
        return self.write("action", _fields_of(line))

    def write_footer(self, fields: Mapping[str, Any]) -> bytes:
        """Add the footer, with the hash of all that stands before it."""
        return self.write("footer", {**fields, "sha256": self._hash.hexdigest()})


@dataclass(slots=True)
class Trace:
    """The record of one episode: header, action and entry lines in file order, footer."""

    header: dict[str, Any]
    lines: list[Line] = field(default_factory=list)
    footer: dict[str, Any] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """The log of the hospital, in order."""
        return [line for line in self.lines if isinstance(line, Entry)]

    @property
    def actions(self) -> list[ActionLine]:
        """All actions, background and dropped calls included, in order of submission."""
        return sorted((line for line in self.lines if isinstance(line, ActionLine)), key=lambda action: action.turn)

    @property
    def n_actions(self) -> int:
        """How many actions the seats submitted."""
        return int(self.footer["n_actions"])

    @property
    def rewards(self) -> dict[str, float]:
        """Return of each agent."""
        return dict(self.footer["returns"])

    @property
    def components(self) -> dict[str, dict[str, float]]:
        """Reward by agent and component."""
        return dict(self.footer["rewards"])

    @property
    def kpis(self) -> dict[str, dict[str, Any]]:
        """Key figures by name: value (None where n is 0), unit and n."""
        return dict(self.footer["kpis"])

    @property
    def digest(self) -> str:
        """Hash of the replayable fields: equal digests mean the same episode."""
        return str(self.footer["digest"])

    @property
    def seed(self) -> int:
        """Seed of the episode."""
        return int(self.header["seed"])

    def save(self, path: str | Path) -> None:
        """Write the trace to `path`."""
        with Path(path).open("wb") as sink:
            self.write_to(TraceWriter(sink))

    def write_to(self, writer: TraceWriter) -> None:
        """Write all lines with `writer`."""
        writer.write("header", self.header)
        for line in self.lines:
            writer.write_line(line)
        writer.write_footer(self.footer)

    @classmethod
    def load(cls, path: str | Path, *, partial: bool = False) -> Trace:
        """Read a trace and check its chain; `partial` accepts one that stops without its footer.

        Raises:
            TraceError: It cannot be read, or a byte of it has changed; `line` is the 1-based line.
        """
        trace = cls({})
        for number, kind, fields in read_lines(path):
            try:
                _PLACES[kind](trace, fields)
            except (TypeError, KeyError) as problem:
                raise TraceError(f"{path}: line {number}: no {kind} line of format {FORMAT} ({problem})", number) from problem
        if not trace.footer and not partial:
            number = 2 + len(trace.lines)
            raise TraceError(f"{path}: line {number}: the trace stops here, without its footer", number)
        return trace


def encode(data: Any) -> bytes:
    """`data` as compact JSON; strings that UTF-8 cannot carry (lone surrogates) as escapes."""
    try:
        return to_json(data)
    except PydanticSerializationError:
        return json.dumps(data, separators=(",", ":"), default=list).encode("ascii")


def read_lines(path: str | Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each line of a trace as (1-based number, kind, fields), its chain checked.

    Raises:
        TraceError: The file cannot be read, or a line is not the one that was written.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise TraceError(f"{path}: cannot be read ({problem.strerror}); a trace is a file such as trace.jsonl") from problem
    chain = sha256()
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        fields = _opened(line, chain, f"{path}: line {number}", number)
        yield number, _kind(fields, f"{path}: line {number}", number), fields
    if rest or not lines:
        number = len(lines) + 1
        raise TraceError(f"{path}: line {number}: {'the line is cut short' if rest else 'the file is empty'}", number)


def _opened(line: bytes, chain: Any, where: str, number: int) -> dict[str, Any]:
    """The fields of a line whose bytes fit the chain; the chain moves on."""
    before = chain.hexdigest()
    body = line[:-_TAIL] + _CHAIN
    chain.update(body)
    ending = chain.hexdigest()[:_CHAIN_DIGITS].encode() + b'"}'
    if line != body + ending:
        raise TraceError(f"{where}: not as it was written (its bytes do not fit the chain)", number)
    chain.update(ending + b"\n")
    try:
        fields: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise TraceError(f"{where}: not JSON ({problem})", number) from problem
    if fields.get("line") == "footer" and fields.get("sha256") != before:
        raise TraceError(f"{where}: the footer's sha256 is not that of the lines before it", number)
    return fields


def _kind(fields: dict[str, Any], where: str, number: int) -> str:
    kind = str(fields.pop("line", ""))
    i = fields.pop("i", None)
    fields.pop("chain")
    if kind not in _PLACES or i != number - 1 or (kind == "header") != (number == 1):
        raise TraceError(f"{where}: a line {kind!r} numbered {i} cannot stand here", number)
    return kind


def _fields_of(action: ActionLine) -> dict[str, Any]:
    fields = {name: getattr(action, name) for name in ActionLine.__slots__}
    return {name: value for name, value in fields.items() if value != _OPTIONAL.get(name, _NEVER)}


_NUMBER = (int, float)
_TEXT_OR_NONE = (str, type(None))
_HEADER = {"format": int, "scenario": dict, "seed": int, "package": str, "staff": list, "max_cycles": (int, type(None)), "observations": bool}
_SCENARIO = {"id": str, "version": int, "hash": str, "file": str}
_STAFF = {"agent": str, "role": str, "policy": str, "seat": bool}
_ENTRY = {"minute": _NUMBER, "kind": str, "subject": str, "visibility": str, "data": dict}
_ACTION = {
    **dict.fromkeys(("turn", "reply", "thinking", "tokens"), int),
    **dict.fromkeys(("minute", "thinking_minutes", "service_minutes", "cost"), _NUMBER),
    **dict.fromkeys(("agent", "why", "raw", "status"), str),
    **dict.fromkeys(("observation", "text"), _TEXT_OR_NONE),
    "call": (dict, type(None)),
}  # fmt: skip
_FOOTER = {
    **dict.fromkeys(("rewards", "returns", "outcome", "kpis"), dict),
    **dict.fromkeys(("arrivals", "n_actions"), int),
    **{"minutes": _NUMBER, "end": str, "digest": str},
}  # fmt: skip


def _fit(fields: Any, shape: Mapping[str, Any]) -> None:
    """Make sure that each field of `shape` is there, and of its type."""
    if not isinstance(fields, dict):
        raise TypeError(f"{type(fields).__name__} in place of fields")
    for name, kind in shape.items():
        if not isinstance(fields[name], kind):
            raise TypeError(f"{name} cannot be {fields[name]!r:.40}")


def _place_header(trace: Trace, fields: dict[str, Any]) -> None:
    if fields["format"] != FORMAT:
        raise KeyError(f"format {fields['format']}")
    _fit(fields, _HEADER)
    _fit(fields["scenario"], _SCENARIO)
    for row in fields["staff"]:
        _fit(row, _STAFF)
    trace.header = fields


def _place_action(trace: Trace, fields: dict[str, Any]) -> None:
    _fit(fields, _ACTION)
    if all(row["agent"] != fields["agent"] for row in trace.header["staff"]):
        raise KeyError(f"agent {fields['agent']}, who is not in the header")
    lists = {name: tuple(fields[name]) for name in _OPTIONAL if name in fields}
    trace.lines.append(ActionLine(**{**fields, **lists}))


def _place_entry(trace: Trace, fields: dict[str, Any]) -> None:
    _fit(fields, _ENTRY)
    trace.lines.append(Entry(**fields))


def _place_footer(trace: Trace, fields: dict[str, Any]) -> None:
    fields.pop("sha256")
    _fit(fields, _FOOTER)
    trace.footer = fields


_PLACES = {"header": _place_header, "action": _place_action, "entry": _place_entry, "footer": _place_footer}
