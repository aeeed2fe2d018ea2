"""A chat model as the judge of self-play: it reads what an agent called and what came of it, and gives a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinsim.agents.chat_server import Server
from clinsim.agents.dialogue import Ask, seed_of
from clinsim.training.judges import JudgeError, Verdict, Verdicts, speakers
from clinsim.training.rollouts import Rollout

LONGEST_QUOTE = 200
"""Characters of a reply that could not be read which are told."""
MOST_CALLS = 80
"""Calls of an agent that are read: the last ones."""
CRITERIA = """You judge one clinician in a simulated emergency department. Below are the calls that this clinician made, in order, and the outcome:
rewards by agent, the patients' expected utility loss at 30 days (lower is better), and how many calls were refused. Judge whether the care was safe,
timely and to the point. Answer with one JSON object and nothing else: {"score": N, "why": "..."}, N from 0 (harmful) to 10 (exemplary)."""


class _Said(BaseModel):
    """What a model judge must answer."""

    model_config = ConfigDict(extra="ignore")

    score: float = Field(ge=0.0, le=10.0)
    why: str = ""


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Asks a chat model for a mark from 0 to 10 on each agent's part; `least` is the mark below which it must not teach."""

    server: Server
    least: float = 5.0

    def verdicts(self, rollouts: Sequence[Rollout]) -> list[Verdicts]:
        """A verdict on each agent that had a turn.

        Raises:
            JudgeError: A reply is no mark; the message names the episode and quotes it.
            ServerError: The server gives no answer.
        """
        parts = [(rollout, agent) for rollout in rollouts for agent in speakers(rollout)]
        replies = self.server.complete([_question(rollout, agent) for rollout, agent in parts])
        marks = iter([self._mark(rollout, agent, reply.text) for (rollout, agent), reply in zip(parts, replies, strict=True)])
        return [{agent: next(marks) for agent in speakers(rollout)} for rollout in rollouts]

    def _mark(self, rollout: Rollout, agent: str, text: str) -> Verdict:
        try:
            said = _Said.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
        except ValidationError as problem:
            where = f"{agent} in {rollout.plan.scenario}, seed {rollout.plan.seed}, episode {rollout.plan.number}"
            raise JudgeError(f"judge {self.server.model}: no mark from 0 to 10 on {where}: {text[:LONGEST_QUOTE]!r}") from problem
        return Verdict(said.score, "" if said.score >= self.least else "judge")


def _question(rollout: Rollout, agent: str) -> Ask:
    calls = [said.written.text for said in rollout.said if said.agent == agent]
    rewards = ", ".join(f"{name} {value:.2f}" for name, value in rollout.rewards.items())
    told = [
        f"{agent} ({rollout.roles[agent]}), {rollout.plan.scenario}. Calls: {len(calls)}, shown are the last {min(len(calls), MOST_CALLS)}.",
        *calls[-MOST_CALLS:],
        f"Rewards: {rewards}. Utility loss: {rollout.utility_loss:.3f}. Refused calls of all: {rollout.refused} of {rollout.actions}.",
    ]
    messages = ({"role": "system", "content": CRITERIA}, {"role": "user", "content": "\n".join(told)})
    return Ask(messages, (), seed_of(f"judge|{rollout.plan.scenario}|{rollout.plan.seed}|{rollout.plan.key}|{rollout.plan.number}|{agent}"))
