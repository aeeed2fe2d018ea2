"""The referee: whose turn it is, which tools they hold, what they see, and when the episode ends.

`WardEnv` is a PettingZoo AEC environment over a `Hospital`. The head of the hospital's decision calendar is
`agent_selection`; staff who are no seats are answered by a background policy on the way. What can be sent is any
string; what cannot be used is answered, and costs a minute and one error of the seat's budget.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from hashlib import blake2b
from operator import index
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict
from numpy.typing import NDArray
from pettingzoo import AECEnv
from rich.console import Console

from clinsim.board import board_text, ward_board
from clinsim.callers import Call, Callers
from clinsim.critic import WardState
from clinsim.episode import Episode
from clinsim.errors import UsageError
from clinsim.hospital.hospital import Hospital
from clinsim.record import Action, Decision, Observation, Policy, Role, Seat
from clinsim.rewards import Ledger
from clinsim.scenario_file import Scenario
from clinsim.space import ToolCallText, UnicodeText
from clinsim.tooling import ToolSpec, granted

TRAINING_SEEDS = 10_000
"""`reset()` without a seed takes the next one below this, so that a split of seeds is never left by accident."""


class WardEnv(AECEnv[str, dict[str, Any], str | None]):
    """A ward whose staff are agents; one step is one tool call.

    Observations are `{"text", "minute"}`: `text` is JSON `{minute, why, worklist, news, last_result}`. Rewards are
    those of the scenario, paid while time passes. `infos[agent]` holds `minute`, `why`, `dt` (minutes since the
    agent's last decision) and `status` (of its last action). With `recording` set before `reset`, `episode.played`
    collects actions as they are answered.
    """

    metadata = {  # noqa: RUF012  # PettingZoo's own form: typed as an instance variable there
        "name": "ward_v1",
        "is_parallelizable": False,
        "render_modes": ["human", "ansi"],
        "render_fps": 1,
    }

    def __init__(
        self,
        scenario: Scenario,
        background: Policy,
        render_mode: str | None = None,
        max_cycles: int | None = None,
        background_name: str = "",
    ) -> None:
        """Seat the scenario's agents; `background` decides for the rest of the staff.

        Args:
            scenario: What is played.
            background: Policy of the staff who are no seats.
            render_mode: None, `ansi` (`render` returns the board as text) or `human` (prints it after each step).
            max_cycles: Actions that each seat may submit before it is closed (None: the scenario's own budget).
            background_name: How the background policy is named in traces.

        Raises:
            UsageError: There is no such way of rendering, or `max_cycles` is no whole number from 1.
        """
        _check_options(render_mode, max_cycles)
        self.background_name = background_name or type(background).__name__
        self.scenario = scenario
        self.render_mode = render_mode
        self.max_cycles = max_cycles
        self.recording = False
        self.possible_agents = [rule.agent for rule in scenario.seats]
        self.tools = _toolboxes(scenario)
        self._background = Callers({rule.agent: background for rule in scenario.background})
        self._sees = {agent: _observation_space() for agent in self.possible_agents}
        self._says = {agent: ToolCallText(s.card for s in self.tools[agent].values()) for agent in self.possible_agents}
        self._state = WardState(scenario)
        self.state_space = self._state.space
        self.state_fields = self._state.fields
        self._seed = -1

    # ---------------------------------------------------------------- PettingZoo

    def observation_space(self, agent: str) -> Dict:
        """What `agent` sees: `text` (JSON) and `minute`."""
        return self._sees[agent]

    def action_space(self, agent: str) -> ToolCallText:
        """What `agent` may send: any string; samples are mostly calls that fit a schema."""
        return self._says[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode with `seed` (None: the next training seed, the first time 0); there are no options.

        Raises:
            UsageError: The seed is no whole number.
        """
        self._seed = (self._seed + 1) % TRAINING_SEEDS if seed is None else _whole("seed", seed)
        self.episode = Episode(self.scenario, self._seed, self._background, self.max_cycles)
        self.episode.recording = self.recording
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {"minute": 0.0, "why": "", "dt": 0.0, "status": ""} for agent in self.agents}
        self.agent_selection = self.agents[0]
        self.__dict__.pop("_skip_agent_selection", None)
        self._background.start([self._seat(rule.agent, rule.role) for rule in self.scenario.background])
        self._advance()
        if self.hospital.is_settled:
            # Nobody was asked. Otherwise what is earned before the first decision is paid with the first step.
            self._earn()
            self._accumulate_rewards()

    def step(self, action: str | None) -> None:
        """Submit the action of `agent_selection` and play the clock until a seat is next asked.

        Raises:
            TypeError: `action` is no string while the agent is alive.
        """
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, not {type(action).__name__}")
        self._clear_rewards()
        self._cumulative_rewards[agent] = 0.0
        self.episode.play(self._decision, action if isinstance(action, Action) else Action(action))
        self._advance()
        self._earn()
        self._accumulate_rewards()
        if self.terminations[agent] or self.truncations[agent]:
            self._deads_step_first()
        if self.render_mode == "human":
            self.render()

    def observe(self, agent: str) -> dict[str, Any]:
        """What `agent` would see now; looking changes nothing, and any agent may look at any time."""
        return {"text": self._text(agent), "minute": np.array(self.hospital.now)}

    def state(self) -> NDArray[np.float32]:
        """The whole ward for a central critic: a member of `state_space`, its numbers named by `state_fields` (`clinsim.critic` says what each is).

        It holds hidden truth, severity among it: for training values and baselines, never for what an agent acts by. Reading changes nothing.
        """
        return self._state.read(self.hospital)

    def render(self) -> str | None:
        """The ward board: returned as text (`ansi`), printed (`human`), or nothing without a render mode."""
        if self.render_mode == "human":
            Console().print(ward_board(self.hospital))
        return board_text(self.hospital) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Nothing is held open."""

    # ---------------------------------------------------------------- for whoever plays it

    @property
    def hospital(self) -> Hospital:
        """The hospital of this episode: for tests, notebooks and the viewer, never for a policy."""
        return self.episode.hospital

    @property
    def ledger(self) -> Ledger:
        """Every reward of this episode, row by row."""
        return self.episode.ledger

    def seats(self) -> tuple[Seat, ...]:
        """The seats of the episode, with their tools and the seed for their own choices."""
        return tuple(self._seat(rule.agent, rule.role) for rule in self.scenario.seats)

    def observation(self, agent: str) -> Observation:
        """The observation of `agent` as a policy gets it."""
        return Observation(self._text(agent), self.hospital.now, str(self.infos[agent]["why"]))

    def drop(self, agent: str, calls: Iterable[Call]) -> None:
        """Note calls of `agent` that were cut off before they were submitted."""
        info = self.infos.get(agent, {"minute": self.hospital.now, "why": "end"})
        self.episode.drop(Decision(agent, str(info["why"]), "", float(info["minute"])), calls)

    def digest(self) -> str:
        """Digest of what can be replayed: scenario, seed, actions as submitted, and the log."""
        return self.episode.digest()

    def state_digest(self) -> str:
        """Digest of the hospital's records: equal where two environments stand at the same point."""
        return self.hospital.state_digest()

    def fork(self, n: int = 1) -> list[WardEnv]:
        """`n` independent environments at this very point, made by replay of the submitted actions."""
        return [copy.deepcopy(self) for _ in range(n)]

    def reseed(self, luck: int) -> None:
        """From here on, meet other luck than the seed's; forks that are given the same `luck` meet the same.

        Arrivals, durations, slips and alarms to come are drawn anew; who is here already stays who they are, and what was drawn stands.
        """
        self.episode.reseed(luck)

    def __deepcopy__(self, memo: dict[int, Any]) -> WardEnv:
        """A twin at the same point; what never changes is shared."""
        for shared in (self.scenario, self.tools, self._state):
            memo[id(shared)] = shared
        twin = memo[id(self)] = WardEnv.__new__(WardEnv)
        twin.__dict__.update({name: copy.deepcopy(value, memo) for name, value in self.__dict__.items()})
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """All but the tools, which are functions: they are granted anew."""
        return {name: value for name, value in self.__dict__.items() if name != "tools"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back at the same point: the episode by replay."""
        self.__dict__.update(state)
        self.tools = _toolboxes(self.scenario)

    # ---------------------------------------------------------------- the turn

    def _advance(self) -> None:
        """Play on until a seat must decide or the episode is over."""
        decision = self.episode.next_decision()
        if decision is None:
            self._end()
        else:
            self._decision = decision
            self.agent_selection = decision.agent
            self._inform(decision.agent, decision.at, decision.why)

    def _earn(self) -> None:
        for row in self.episode.pay():
            if row.agent in self.rewards:
                self.rewards[row.agent] += row.value

    def _end(self) -> None:
        self.episode.end()
        over = self.terminations if self.hospital.finished else self.truncations
        for agent in self.agents:
            over[agent] = True
            self._inform(agent, self.hospital.now, "end")

    def _inform(self, agent: str, minute: float, why: str) -> None:
        since = minute - self.infos[agent]["minute"]
        status = self.episode.last_status(agent)
        self.infos[agent] = {"minute": minute, "why": why, "dt": since, "status": status}

    def _text(self, agent: str) -> str:
        text = self.episode.text(agent)
        self._says[agent].offer(text)
        return text

    def _seat(self, agent: str, role: Role) -> Seat:
        key = f"{self.episode.seed}|seat|{agent}".encode()
        seed = int.from_bytes(blake2b(key, digest_size=4).digest(), "little")
        cards = tuple(spec.card for spec in self.tools[agent].values())
        return Seat(agent, role, cards, self.scenario.house_rules, seed)


def _toolboxes(scenario: Scenario) -> dict[str, dict[str, ToolSpec]]:
    staff = (*scenario.seats, *scenario.background)
    return {rule.agent: granted("live", rule.role, scenario.tools(rule.role)) for rule in staff}


def _observation_space() -> Dict:
    return Dict({"text": UnicodeText(), "minute": Box(0.0, math.inf, (), np.float64)})


def _check_options(render_mode: str | None, max_cycles: int | None) -> None:
    """Refuse what would else be ignored."""
    modes = WardEnv.metadata["render_modes"]
    if render_mode is not None and render_mode not in modes:
        raise UsageError(f"unknown render_mode {render_mode!r}; allowed: None, {', '.join(modes)}")
    if max_cycles is not None and _whole("max_cycles", max_cycles) < 1:
        raise UsageError(f"max_cycles: {max_cycles} is no number of actions; give a whole number from 1, or None")


def _whole(name: str, value: Any) -> int:
    """A whole number, NumPy's included; a fraction is refused, since half of it would be lost."""
    try:
        return index(value)
    except TypeError:
        raise UsageError(f"{name}: {value!r} is no whole number") from None
