"""Who gets the credit: an agent's own ledger, a share of the team's, or what the team would have lost without its decision.

Counterfactual credit, by forks. At some turns of an agent the ward is forked, and both arms are played to the end: `with` makes the turn as the
agent made it and lets everybody go on; `without` lets the agent draw its reply anew (`itself`), or puts a baseline policy in its place from that
turn on. All others go on with the policies that they had, having seen what they saw. Each arm is played in the same few futures (other luck of
the hospital, other draws of the models, the same in both arms); the credit of the turn is the mean difference of the return. It costs, for each
turn, twice as many rests of an episode as there are futures: at most agents x decisions x futures x 2 for an episode.

Against `itself` a credit is the advantage of that reply at that moment, as it stands (the baseline of COMA, 1705.08926, drawn instead of summed).
Against another policy it says what the agent is worth from there on, good reply or bad: most of it belongs to the moment.

The same forks make groups of single turns: `play_turns` plays several replies to the very same moment.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Literal, NamedTuple

from clinsim.agents.local import Writer
from clinsim.hospital.streams import Streams
from clinsim.record import ROLES
from clinsim.referee import WardEnv
from clinsim.scenario_file import Scenario
from clinsim.training.rollouts import Plan, Rollout, Said, Table, model_at, opened, play_out
from clinsim.training.samples import Moment

Credit = Literal["ledger", "team", "counterfactual"]
ITSELF = "itself"
"""The baseline that is the agent: its reply is drawn anew."""
ARMS_AT_ONCE = 64
"""Arms that are played in step: fixed, so that the numbers are the same to the last bit however episodes are shared out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How counterfactual credit is worked out.

    `baseline` is the policy (SPEC) that takes an agent's place, or `itself`; `decisions` how many turns of each agent in an episode are tried,
    `futures` in how many futures; `roles` are those whose turns are.
    """

    baseline: str = ITSELF
    decisions: int = 1
    futures: int = 4
    roles: Collection[str] = ROLES


def with_share(rewards: Mapping[str, float], share: float) -> dict[str, float]:
    """Each agent's own reward, and `share` of the mean of the others' (alone: nothing more)."""
    total, others = math.fsum(rewards.values()), max(1, len(rewards) - 1)
    return {agent: own + share * (total - own) / others for agent, own in rewards.items()}


def as_team(rewards: Mapping[str, float]) -> dict[str, float]:
    """The return for everybody, whoever earned it."""
    return dict.fromkeys(rewards, math.fsum(rewards.values()))


class Spot(NamedTuple):
    """A turn as it is about to be made: the ward before it, and what the agent says."""

    ward: WardEnv
    said: Said


@dataclass(slots=True)
class Spots:
    """Keeps `most` turns of each agent of an episode, each as likely as any other, drawn by the plan (reservoir sampling).

    Only turns count at which something was decided.
    """

    plan: Plan
    most: int
    roles: Collection[str] = ROLES
    kept: dict[str, list[Spot]] = field(default_factory=lambda: defaultdict(list))
    _seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def see(self, ward: WardEnv, said: Said) -> None:
        """Keep this turn, in place of another if there are enough, or pass it over."""
        if not said.written.decided or said.role not in self.roles:
            return
        kept = self.kept[said.agent]
        place = self._place(said.agent)
        if place < self.most:
            kept[place : place + 1] = [Spot(ward.fork()[0], said)]

    def _place(self, agent: str) -> int:
        """Where the next turn of an agent is kept; from `most` on, nowhere."""
        seen = self._seen[agent]
        self._seen[agent] += 1
        draw = Streams(self.plan.seed).uniform("credit.spot", f"{self.plan.key}|{self.plan.number}|{agent}", seen)
        return seen if seen < self.most else int(draw * (seen + 1))

    def __iter__(self) -> Iterator[Spot]:
        """The turns that are kept, in the order in which they were made."""
        return iter(sorted((spot for kept in self.kept.values() for spot in kept), key=lambda spot: spot.said.turn))


def play_credited(writer: Writer, plans: Sequence[Plan], scenarios: Mapping[str, Scenario], rule: Rule) -> list[Rollout]:
    """Play some episodes in step, then work out the credit of some turns of each."""
    rollouts, spots = _with_spots(writer, plans, scenarios, rule.decisions, rule.roles)
    found = credits_of(writer, [(plan, spot) for plan, own in zip(plans, spots, strict=True) for spot in own], rule)
    values = iter(found)
    return [replace(rollout, credits={spot.said.turn: next(values) for spot in own}) for rollout, own in zip(rollouts, spots, strict=True)]


def _with_spots(
    writer: Writer, plans: Sequence[Plan], scenarios: Mapping[str, Scenario], decisions: int, roles: Collection[str]
) -> tuple[list[Rollout], list[Spots]]:
    """Play some episodes in step, and keep some turns of each."""
    spots = [Spots(plan, decisions, roles) for plan in plans]
    tables = [Table(plan, model_at(plan, writer), opened(plan, scenarios), own.see) for plan, own in zip(plans, spots, strict=True)]
    return play_out(writer, tables), spots


def credits_of(writer: Writer, spots: Sequence[tuple[Plan, Spot]], rule: Rule) -> list[float]:
    """The credit of each turn: the mean over futures of what the team earned with it less what it earned without."""
    tables = [table for plan, spot in spots for future in range(rule.futures) for table in _arms(writer, plan, spot, future, rule)]
    totals = [rollout.total for rollout in _played_on(writer, tables)]
    differences = [made - unmade for made, unmade in zip(totals[::2], totals[1::2], strict=True)]
    return [fmean(differences[start : start + rule.futures]) for start in range(0, len(differences), rule.futures)]


def _played_on(writer: Writer, tables: Sequence[Table]) -> list[Rollout]:
    """Play forked tables to their ends."""
    return [rollout for start in range(0, len(tables), ARMS_AT_ONCE) for rollout in play_out(writer, tables[start : start + ARMS_AT_ONCE])]


def _arms(writer: Writer, plan: Plan, spot: Spot, future: int, rule: Rule) -> tuple[Table, Table]:
    """One future of a turn, with it and without it."""
    ahead = replace(plan, key=f"{plan.key}|{plan.number}|future", number=future, arm=f"{spot.said.turn} with")
    instead = {} if rule.baseline == ITSELF else {spot.said.agent: rule.baseline}
    without = replace(ahead, partners={**plan.partners, **instead}, arm=f"{spot.said.turn} without")
    made, unmade = (_forked(writer, arm, spot, future) for arm in (ahead, without))
    made.next_ask()
    made.take(spot.said.written, spot.said.written)
    return made, unmade


def _forked(writer: Writer, plan: Plan, spot: Spot, future: int) -> Table:
    """A table at a turn, in one of its futures."""
    ward = spot.ward.fork()[0]
    ward.reseed(future)
    return Table(plan, model_at(plan, writer), ward)


# ---------------------------------------------------------------- groups of single turns


@dataclass(frozen=True, slots=True)
class TurnRule:
    """How single turns are compared: `decisions` turns of each agent in an episode, each answered `size` times; `roles` are those whose turns are."""

    size: int
    decisions: int = 1
    roles: Collection[str] = ROLES


def play_turns(writer: Writer, plans: Sequence[Plan], scenarios: Mapping[str, Scenario], rule: TurnRule) -> list[Rollout]:
    """Play some episodes in step, then go on from some turns of each, several times: only what was played then, and only that turn, is compared.

    The episodes themselves are left out: which of their turns are kept depends on how long they went on.
    """
    bases, spots = _with_spots(writer, plans, scenarios, rule.decisions, rule.roles)
    moments = [(base, spot) for base, own in zip(bases, spots, strict=True) for spot in own]
    tables = [table for base, spot in moments for table in _answered_anew(writer, base.plan, spot, rule.size)]
    digests = [table.ward.digest() for table in tables]
    befores = [(base.said[: spot.said.turn], spot.said.turn) for base, spot in moments for _ in range(rule.size)]
    return [_gone_on(*row) for row in zip(_played_on(writer, tables), digests, befores, strict=True)]


def _answered_anew(writer: Writer, plan: Plan, spot: Spot, size: int) -> list[Table]:
    """Tables at a turn, in the same luck of the hospital: the model draws its reply, and all that follows, anew at each."""
    plans = [replace(plan, key=f"{plan.key}|{plan.number}|{spot.said.turn}", number=number) for number in range(size)]
    return [Table(one, model_at(one, writer), ward) for one, ward in zip(plans, spot.ward.fork(size), strict=True)]


def _gone_on(rollout: Rollout, digest: str, before: tuple[tuple[Said, ...], int]) -> Rollout:
    """What was played from a turn on, with what was said before."""
    said, turn = before
    after = (replace(one, turn=turn + place) for place, one in enumerate(rollout.said))
    return replace(rollout, said=(*said, *after), moment=Moment(turn, digest))
