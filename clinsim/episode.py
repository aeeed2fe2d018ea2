"""One run of a scenario: a hospital, who is asked, what they submitted, and what it earned.

What can be replayed is (scenario, seed, submissions in order). An episode is copied and pickled by exactly that:
nothing of SimPy is ever stored, and replay needs no observation, no parsing and no policy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from math import inf
from typing import Any

from pydantic_core import to_json

from clinsim.callers import Call, Callers
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.tape import Tape
from clinsim.record import Action, Decision, Observation, Past, Submission
from clinsim.rewards import Ledger, Row
from clinsim.scenario_file import Scenario
from clinsim.tooling import parse

FREE_OF_CHARGE = frozenset({"ok", "interrupted", "unfinished"})
"""Statuses of an answer that are no error of the agent."""
INTERRUPTED = "interrupted"
"""Status of a call that was dropped, or of an action that news cut short."""
UNFINISHED = "unfinished"
"""Status of an action that was still under way when the episode ended."""


@dataclass(slots=True)
class Sent:
    """A submission, why it was refused at once (empty: it was not), and the status with which it ended if it only read."""

    agent: str
    submission: Submission
    refusal: str
    read: str = ""


@dataclass(slots=True)
class Played:
    """An action as it was played.

    `status`, `result`, `thinking_minutes`, `service_minutes` and `position` (length of the log) are those of its answer. `observation` is
    kept if it was made. A call that was dropped unsent has the `turn` of the action that took its place.
    """

    turn: int
    decision: Decision
    observation: str | None
    call: Call
    submission: Submission
    status: str = UNFINISHED
    result: Any = None
    thinking_minutes: float = 0.0
    service_minutes: float = 0.0
    position: int = 0

    @property
    def was_sent(self) -> bool:
        """Whether it was submitted, or dropped before it was."""
        return self.submission.status != INTERRUPTED

    def as_past(self) -> Past:
        """The turn as a policy remembers it."""
        agent, why, _, minute = self.decision
        return agent, Observation(self.observation or "", minute, why), self.call.reply


Told = tuple[bool, list[Played], dict[str, Played | None], dict[str, dict[str, Any] | None]]
"""What had been recorded, the actions under way, and the last answer to each agent."""


class Episode:
    """A scenario being played from a seed; `callers` decide for the staff who are no seats.

    With `recording`, `played` collects the actions in the order in which they are answered.
    """

    def __init__(self, scenario: Scenario, seed: int, callers: Callers, action_limit: int | None = None, tape: Tape | None = None) -> None:
        """Open the hospital at minute 0; a seat that has submitted `action_limit` actions is asked no more. `tape` as for `Hospital`."""
        self.scenario = scenario
        self.seed = seed
        self.callers = callers
        self.hospital = Hospital(scenario, seed, tape)
        self.ledger = Ledger(scenario)
        self.recording = False
        self.played: list[Played] = []
        self._limit = action_limit
        self._seats = frozenset(rule.agent for rule in scenario.seats)
        self._most = min((limit for limit in (scenario.budget.actions, action_limit) if limit), default=inf)
        self._script: list[Sent] = []
        self._lucks: list[tuple[int, int]] = []
        self._open: dict[str, tuple[Sent, Played | None]] = {}
        self._errors = dict.fromkeys(self.hospital.agents, 0)
        self._actions = dict.fromkeys(self.hospital.agents, 0)
        self._texts: dict[str, str] = {}
        self._paid = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by replay."""
        under_way = {agent: played and replace(played) for agent, (_, played) in self._open.items()}
        results = {agent: staff.last_result for agent, staff in self.hospital.staff.items()}
        told = (self.recording, list(self.played), under_way, results)
        script = [replace(sent) for sent in self._script]
        return _replayed, (self.scenario, self.seed, self.callers, self._limit, script, list(self._lucks), told)

    def __deepcopy__(self, memo: dict[int, Any]) -> Episode:
        """A twin at the same point: the staff's policies are copied, what never changes is shared."""
        make, (scenario, seed, callers, *rest) = self.__reduce__()
        twin: Episode = make(scenario, seed, copy.deepcopy(callers, memo), *rest, self.hospital.tape)
        return twin

    # ---------------------------------------------------------------- seen from outside

    def text(self, agent: str) -> str:
        """What `agent` sees now, as canonical JSON; made once a decision, and looking changes nothing."""
        text = self._texts.get(agent)
        if text is None:
            text = self._texts[agent] = self.hospital.observe(agent)
        return text

    def last_status(self, agent: str) -> str:
        """Status of the last answer to `agent` (empty before the first)."""
        answer = self.hospital.staff[agent].last_result
        return str(answer["status"]) if answer else ""

    def digest(self) -> str:
        """Digest of what can be replayed, and of the log that came of it."""
        sent = ((line.agent, line.submission) for line in self._script)
        actions = [(agent, s.tool, s.arguments, s.thinking_minutes, s.status) for agent, s in sent]
        told = [self.scenario.hash, self.seed, actions, self.hospital.digest()]
        return sha256(to_json([*told, self._lucks] if self._lucks else told)).hexdigest()

    # ---------------------------------------------------------------- playing

    def reseed(self, luck: int) -> None:
        """From here on, meet other luck: other arrivals, durations, slips and alarms; who is here already stays who they are."""
        self._lucks.append((len(self._script), luck))
        self.hospital.streams.reseed(luck)

    def next_decision(self) -> Decision | None:
        """Play on until a seat must decide, answering for the background; None when nobody will be asked again."""
        while (decision := self._due()) is not None and decision.agent not in self._seats:
            agent = decision.agent
            call, dropped = self.callers.next_call(agent, Observation(self.text(agent), decision.at, decision.why))
            self.drop(decision, dropped)
            self.play(decision, call)
        return decision

    def play(self, decision: Decision, action: Action) -> None:
        """Submit `action` as the answer to `decision`."""
        rule = self.scenario.thinking
        minutes = min(rule.cap_minutes, action.thinking * rule.minutes_per_character)
        submission = parse(action, self.hospital.staff[decision.agent].tools, minutes)
        played = None
        if self.recording:
            agent = decision.agent
            call = action if isinstance(action, Call) else Call.alone(action, self._actions[agent])
            played = Played(len(self._script), decision, self.text(agent), call, submission)
        self._submit(decision.agent, submission, played)

    def drop(self, decision: Decision, calls: Iterable[Call]) -> None:
        """Note calls that were cut off before they were submitted."""
        for call in calls:
            unsent = Submission("", {}, 0.0, INTERRUPTED)
            self._file(Played(len(self._script), decision, None, call, unsent, INTERRUPTED))

    def _replay(self, script: list[Sent], lucks: list[tuple[int, int]], told: Told) -> None:
        """Submit what was submitted before, up to where the next seat is asked; `told` is what had been recorded and answered."""
        for sent in script:
            decision = self._due()
            self._meet(lucks)
            if decision is None or decision.agent != sent.agent:
                raise ValueError(f"the script answers {sent.agent}, but {decision.agent if decision else 'nobody'} is asked")
            self._send(sent)
        if self._due() is None:
            self.end()
        self._meet(lucks)
        self.pay()
        self.recording, self.played, under_way, results = told
        self._open = {agent: (self._open[agent][0], played) for agent, played in under_way.items()}
        for agent, result in results.items():
            self.hospital.staff[agent].last_result = result

    def _meet(self, lucks: list[tuple[int, int]]) -> None:
        """Meet the luck that was met at this place before."""
        for luck in [luck for place, luck in lucks if place == len(self._script)]:
            self.reseed(luck)

    def end(self) -> None:
        """Roll on to the end of the scenario and settle every patient."""
        self.hospital.settle()
        for _, played in self._open.values():
            if played is not None:
                self._file(played)
        self._open = {}
        for agent, calls in self.callers.left().items():
            self.drop(Decision(agent, "end", "", self.hospital.now), calls)

    def pay(self) -> list[Row]:
        """What has been earned since the last payment."""
        log = self.hospital.log
        rows = self.ledger.add(log[self._paid :])
        self._paid = len(log)
        return rows

    def past(self, agents: Iterable[str]) -> tuple[list[Past], dict[str, list[Call]]]:
        """What `agents` have played so far, and the calls of each one's last reply that were not yet submitted.

        Raises:
            ValueError: The episode was not recorded.
        """
        if self._script and not self.recording:
            raise ValueError("the episode was not recorded: set `recording` before `reset`")
        under_way = [played for _, played in self._open.values() if played is not None]
        sent = sorted((p for p in [*self.played, *under_way] if p.was_sent), key=lambda played: played.turn)
        own = [played for played in sent if played.decision.agent in frozenset(agents)]
        history = [played.as_past() for played in own if played.call.place == 0]
        return history, {played.decision.agent: played.call.rest() for played in own}

    def _due(self) -> Decision | None:
        """The next decision of an agent who still has budget."""
        self._texts.clear()
        while (decision := self.hospital.advance()) is not None:
            self._take_answer(decision.agent)
            if not self._is_spent(decision.agent):
                return decision
            self.hospital.close_seat(decision.agent)
        return None

    def _take_answer(self, agent: str) -> None:
        if agent not in self._open:
            return
        sent, played = self._open.pop(agent)
        staff = self.hospital.staff[agent]
        answer = staff.last_result or {"status": UNFINISHED}
        if staff.only_read:
            sent.read = answer["status"]
        self._errors[agent] += answer["status"] not in FREE_OF_CHARGE
        if played is not None:
            played.status = answer["status"]
            played.result = answer.get("result", answer.get("error"))
            elapsed = round(self.hospital.now - played.decision.at, 6)
            played.thinking_minutes = min(elapsed, played.submission.thinking_minutes)
            played.service_minutes = round(elapsed - played.thinking_minutes, 6)
            self._file(played)

    def _file(self, played: Played) -> None:
        if self.recording:
            played.position = len(self.hospital.log)
            self.played.append(played)

    def _is_spent(self, agent: str) -> bool:
        if agent not in self._seats:
            return False
        return self._errors[agent] >= self.scenario.budget.errors or self._actions[agent] >= self._most

    def _submit(self, agent: str, submission: Submission, played: Played | None) -> None:
        self._note_sent(Sent(agent, submission, self.hospital.act(agent, submission)), played)

    def _send(self, sent: Sent) -> None:
        self.hospital.act(sent.agent, sent.submission, sent.refusal, sent.read)
        self._note_sent(sent, None)

    def _note_sent(self, sent: Sent, played: Played | None) -> None:
        self._actions[sent.agent] += 1
        self._open[sent.agent] = (sent, played)
        self._script.append(sent)


def _replayed(
    scenario: Scenario,
    seed: int,
    callers: Callers,
    limit: int | None,
    script: list[Sent],
    lucks: list[tuple[int, int]],
    told: Told,
    tape: Tape | None = None,
) -> Episode:
    episode = Episode(scenario, seed, callers, limit, tape)
    episode._replay(script, lucks, told)
    return episode
