"""The roster: who is on shift, what each is doing, and the calendar of decisions.

Nothing here calls an agent. An agent who is free, or whose action ends, or who is interrupted, stands on the calendar (a heap by minute, role,
sequence);
`Hospital.advance` plays the clock until the head is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from typing import Any

from clinsim.record import ROLES, Role, Submission
from clinsim.tooling import ToolSpec

RANK: dict[str, int] = {role: rank for rank, role in enumerate(ROLES)}
HANDOVER_MINUTES = 30.0
"""How long after the end of a shift its owner may still hand patients over (assumption)."""

SUBJECTS = ("patient_id", "order_id", "study_id", "letter_id")
"""Arguments that name what an action is about, the first that is there."""


@dataclass(slots=True)
class Doing:
    """An action under way: it is committed at `ends_at` unless interrupted.

    `read` is the status that it ended with when it was played before and only read (empty: it is carried out).
    """

    submission: Submission
    spec: ToolSpec | None
    started_at: float
    ends_at: float
    thinking_minutes: float
    read: str = ""

    @property
    def subject(self) -> str:
        """The id of what the action is about (empty: nothing that has one)."""
        arguments = self.submission.arguments
        return next((str(arguments[key]) for key in SUBJECTS if key in arguments), "")

    def told(self, status: str, minute: float) -> dict[str, Any]:
        """What the log says of it, ended at `minute` with `status`."""
        return {
            "tool": self.submission.tool,
            "status": status,
            "thinking_minutes": self.thinking_minutes,
            "service_minutes": max(0.0, round(minute - self.started_at - self.thinking_minutes, 6)),
            "subject": self.subject,
        }


@dataclass(slots=True)
class Staff:
    """A member of staff who decides: what they are doing, what has reached them since their last decision, and whether they are here.

    `only_read` says that the last action to be carried out asked nothing of the hospital.
    """

    agent: str
    role: Role
    starts_at: float
    ends_at: float
    hands_over_to: str
    tools: dict[str, ToolSpec]
    doing: Doing | None = None
    token: int = 0
    inbox: list[dict[str, Any]] = field(default_factory=list)
    last_result: dict[str, Any] | None = None
    only_read: bool = False
    why: str = ""
    closed: bool = False
    started: bool = False
    ended: bool = False
    alarms_silent_until: float = 0.0

    def is_on_shift(self, minute: float) -> bool:
        """Whether the shift has begun and not ended."""
        return self.starts_at <= minute < self.ends_at

    @property
    def is_free_to_talk(self) -> bool:
        """Whether a call would be taken now: nothing in hand, or something that can be interrupted."""
        return self.doing is None or self.doing.spec is None or self.doing.spec.interruptible

    def reason(self, minute: float) -> str:
        """Why this agent is asked now."""
        if not self.started:
            return "start"
        if minute >= self.ends_at:
            return "shift_end"
        for item in self.inbox:
            if item["urgent"]:
                return f"urgent: {item['kind']} {item['subject']}"
        return "news" if self.inbox else "done"


class Calendar:
    """When each agent is next to be asked: one live entry an agent, by (minute, role rank, sequence)."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        """An empty calendar."""
        self._heap: list[tuple[float, int, int, Staff, int]] = []
        self._sequence = 0

    def put(self, staff: Staff, minute: float) -> None:
        """Ask `staff` at `minute`, instead of whenever else was planned."""
        staff.token += 1
        self._sequence += 1
        heappush(self._heap, (minute, RANK[staff.role], self._sequence, staff, staff.token))

    def due(self) -> float:
        """The minute at which somebody is next to be asked; infinite if nobody is."""
        while self._heap:
            minute, _, _, staff, token = self._heap[0]
            if token == staff.token and not staff.closed and not staff.ended:
                return minute
            heappop(self._heap)
        return inf

    def take(self) -> Staff:
        """Take the head off the calendar."""
        staff = heappop(self._heap)[3]
        staff.token += 1
        return staff


def failed(tool: str, status: str, error: str) -> dict[str, Any]:
    """What an agent is told of an action that could not be done."""
    return {"tool": tool, "status": status, "error": error}
