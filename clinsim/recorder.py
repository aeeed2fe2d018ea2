"""Makes the trace of an episode while it is played: what the hospital logged, and each action where its answer fell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import clinsim
from clinsim.episode import Played
from clinsim.metrics import kpis, outcome
from clinsim.record import Reply
from clinsim.referee import WardEnv
from clinsim.trace_file import FORMAT, ActionLine, Line, Trace, TraceWriter

FROM_OUTSIDE = "ed"
"""Origin of patients who came through the door; the others lay in the hospital at the start."""
_NOTHING_MORE = Reply("", ())


class Recorder:
    """Collects the lines of one episode of `ward` from its reset on; writes them to `sink` (if any) as they come."""

    def __init__(self, ward: WardEnv, policies: Mapping[str, str], sink: BinaryIO | None = None, observations: bool = True) -> None:
        """Begin with the header; `policies` names the policy of each seat."""
        self._ward = ward
        self._keeps_observations = observations
        self._writer = TraceWriter(sink) if sink is not None else None
        self._entries = 0
        self._played = 0
        self._trace = Trace(self._header(policies))
        if self._writer is not None:
            self._writer.write("header", self._trace.header)
        self.catch_up()

    def catch_up(self) -> None:
        """Take in what has happened since the last time."""
        episode = self._ward.episode
        for played in episode.played[self._played :]:
            self._log_until(played.position)
            self._add(self._action_line(played))
        self._played = len(episode.played)
        self._log_until(len(episode.hospital.log))

    def finish(self) -> Trace:
        """The complete trace, with its footer."""
        self.catch_up()
        self._trace.footer = self._footer()
        if self._writer is not None:
            self._writer.write_footer(self._trace.footer)
        return self._trace

    def _log_until(self, position: int) -> None:
        for entry in self._ward.hospital.log[self._entries : position]:
            self._add(entry)
        self._entries = max(self._entries, position)

    def _add(self, line: Line) -> None:
        self._trace.lines.append(line)
        if self._writer is not None:
            self._writer.write_line(line)

    def _header(self, policies: Mapping[str, str]) -> dict[str, Any]:
        scenario = self._ward.scenario
        background = self._ward.background_name
        origin = Path(scenario.origin)
        seats = [{"agent": r.agent, "role": r.role, "policy": policies[r.agent], "seat": True} for r in scenario.seats]
        others = [{"agent": r.agent, "role": r.role, "policy": background, "seat": False} for r in scenario.background]
        return {
            "format": FORMAT,
            "scenario": {
                "id": scenario.id,
                "version": scenario.version,
                "hash": scenario.hash,
                "file": origin.name if origin.is_absolute() else scenario.origin,  # no folders of this machine
            },
            "seed": self._ward.episode.seed,
            "package": clinsim.__version__,
            "staff": seats + others,
            "max_cycles": self._ward.max_cycles,
            "observations": self._keeps_observations,
        }

    def _action_line(self, played: Played) -> ActionLine:
        call, decision, submission = played.call, played.decision, played.submission
        reply = call.reply if call.place == 0 else _NOTHING_MORE
        return ActionLine(
            turn=played.turn,
            reply=call.number,
            minute=decision.at,
            agent=decision.agent,
            why=decision.why,
            observation=played.observation if self._keeps_observations else None,
            text=reply.text if call.place == 0 and reply.text != call else None,
            raw=str(call),
            call=None if submission.status != "ok" else {"name": submission.tool, "arguments": submission.arguments},
            status=played.status,
            result=played.result,
            thinking=call.thinking,
            thinking_minutes=played.thinking_minutes,
            service_minutes=played.service_minutes,
            tokens=reply.used or len(reply.tokens),
            cost=reply.cost,
            token_ids=reply.tokens,
            logps=reply.logps,
            decided=reply.decided,
        )

    def _footer(self) -> dict[str, Any]:
        ward = self._ward
        entries, ledger = ward.hospital.log, ward.ledger
        seats = set(ward.possible_agents)
        sent = [line for line in self._trace.actions if line.agent in seats and line.was_sent]
        return {
            "minutes": ward.hospital.now,
            "end": "terminated" if ward.hospital.finished else "truncated",
            "arrivals": sum(entry.kind == "arrival" and entry.data["origin"] == FROM_OUTSIDE for entry in entries),
            "n_actions": len(sent),
            "rewards": ledger.by_component(),
            "returns": ledger.totals(),
            "outcome": outcome(entries),
            "kpis": kpis(entries, ward.scenario),
            "digest": ward.digest(),
        }
