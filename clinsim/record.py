"""The seam between hospital, environment, policies and trace: frozen records and Protocols.

Times are minutes since the start of the episode unless a name says otherwise. Nothing here imports anything of clinsim but its errors, so every
layer may speak these words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from clinsim.errors import UsageError

Role = Literal["doctor", "pharmacist", "radiologist"]
ROLES: tuple[Role, ...] = ("doctor", "pharmacist", "radiologist")
Priority = Literal["stat", "urgent", "routine"]
PLACE_IN_QUEUE: dict[str, int] = {"stat": 0, "urgent": 1, "routine": 2}

CHART = "chart"
"""Visibility of a log entry that any clinician may see."""
TRUTH = "truth"
"""Visibility of a log entry that only rewards, metrics and the viewer's hidden layer may read."""


def only(agent: str) -> str:
    """Visibility of a log entry that one agent alone may see."""
    return f"agent:{agent}"


class Entry(NamedTuple):
    """One line of the log: what happened, to whom, at which minute, and who may know."""

    minute: float
    kind: str
    subject: str
    visibility: str
    data: dict[str, Any]


# ---------------------------------------------------------------- what a policy sees and says


@dataclass(frozen=True, slots=True)
class ToolCard:
    """A tool as shown to a policy: its name, what it does, and the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at the table: which agent, its role, the tools it is granted, the rules of the house, and a seed for its own choices."""

    agent: str
    role: Role
    tools: tuple[ToolCard, ...]
    house_rules: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What an agent sees when it is asked to act; `text` is canonical JSON `{minute, why, worklist, news, last_result}`."""

    text: str
    minute: float
    why: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a policy answers: the raw text, the calls in it (action strings, in order), and what producing it took.

    `thinking` is the length in characters that is charged as thinking time; None charges `len(text)`. A model that is trained keeps its
    `tokens` (those that it read, then those that it wrote), the positions among them that it `decided`, and the log-probability of each
    of these when it was sampled; what a prompt or a grammar forced stands in `tokens` alone. `used` counts the tokens that were read and
    written where their ids are not kept; `cost` is in the currency of whoever charges for them.
    """

    text: str
    calls: tuple[str, ...]
    thinking: int | None = None
    tokens: tuple[int, ...] = ()
    logps: tuple[float, ...] = ()
    cost: float = 0.0
    decided: tuple[int, ...] = ()
    used: int = 0


MOST_THINKING = 1_000_000_000
"""Thinking units (characters) beyond which a number is a slip, not a reply."""


def units_of(text: str, thinking: int | None) -> int:
    """Thinking units (characters) that are charged for `text`: as stated, else its length.

    Raises:
        UsageError: They are no whole number from 0 to `MOST_THINKING`.
    """
    units = len(text) if thinking is None else thinking
    if not isinstance(units, int) or not 0 <= units <= MOST_THINKING:
        raise UsageError(f"thinking: {units!r:.40} is no whole number of characters from 0 to {MOST_THINKING:,}")
    return int(units)


class Action(str):
    """An action string that carries its thinking units (characters of the reply that are charged to it)."""

    thinking: int

    def __new__(cls, text: str, thinking: int | None = None) -> Action:
        """Make an action; without `thinking` the text's own length is charged."""
        self = super().__new__(cls, text)
        self.thinking = units_of(text, thinking)
        return self

    def __reduce__(self) -> tuple[type[Action], tuple[str, int]]:
        """Pickle with the thinking units."""
        return (Action, (str(self), self.thinking))


Turn = tuple[str, Observation]
Past = tuple[str, Observation, Reply]


class Policy(Protocol):
    """What decides for one or more seats. It never gets the environment."""

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; with `history`, continue as if these turns had been played."""
        ...

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each (agent, observation), in order."""
        ...


# ---------------------------------------------------------------- what a tool sees and asks for


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is using a tool."""

    agent: str
    role: Role


@dataclass(frozen=True, slots=True)
class Order:
    """A request to the world: the only way in which a tool changes anything.

    `kind` names the pathway (lab, imaging, drug, claim, discharge, ...), `subject` the patient, order, study or agent it is about; the other fields
    carry what that kind needs. `amount` is in `unit`.
    """

    kind: str
    subject: str
    code: str = ""
    priority: Priority = "routine"
    amount: float | None = None
    unit: str = ""
    route: str = ""
    to: str = ""
    text: str = ""
    flag: bool = False
    items: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the world answers to an order: its id, where it stands, and what was learnt at once (if anything)."""

    id: str
    status: str
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class World(Protocol):
    """What a tool may touch: charts to read, knowledge to look up, and one door for requests."""

    @property
    def charts(self) -> Mapping[str, Any]:
        """Charts by patient id (`clinsim.hospital.charts.Chart`): only what has been charted, never the truth."""
        ...

    @property
    def knowledge(self) -> Any:
        """Catalogues and formulary (`clinsim.hospital.charts.Knowledge`)."""
        ...

    @property
    def desk(self) -> Any:
        """Work lists and the department at a glance (`clinsim.hospital.charts.Desk`)."""
        ...

    @property
    def actor(self) -> Actor:
        """Who asks."""
        ...

    @property
    def now(self) -> float:
        """Minutes since the start of the episode."""
        ...

    def request(self, order: Order) -> Receipt:
        """Ask for something to be done.

        Raises:
            ToolError: What is asked is refused; the message says what is allowed.
        """
        ...


# ---------------------------------------------------------------- what the hospital asks of agents


class Decision(NamedTuple):
    """The hospital needs a judgement: from whom, why, about whom or what, and at which minute."""

    agent: str
    why: str
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed action, ready for the hospital: a tool call, or the refusal of something that is none.

    `error` is empty for a call that fits its schema; otherwise it is the message that goes back to the agent, and `status` says at which stage the
    action failed (parse, unknown_tool, schema).
    """

    tool: str
    arguments: dict[str, Any]
    thinking_minutes: float = 0.0
    status: str = "ok"
    error: str = ""
