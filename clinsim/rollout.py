"""Environment and policies together: `env`, `raw_env`, `parallel_env`, and `run_episode`, which plays to a trace.

`run_episode(env("first_hour"), "guideline", seed=0).save("trace.jsonl")` is the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import turn_based_aec_to_parallel
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from clinsim.agents.scripted import make_policy
from clinsim.callers import Callers
from clinsim.errors import ScenarioError, UsageError
from clinsim.hospital.floor import walking_minutes
from clinsim.record import Policy
from clinsim.recorded import Recorded
from clinsim.recorder import Recorder
from clinsim.referee import WardEnv
from clinsim.rewards import Ledger, Staffed
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.trace_file import Trace

DEFAULT_POLICY = "guideline"
Spec = str | Policy
Policies = Spec | Mapping[str, Spec]
Ward = AECEnv[str, dict[str, Any], str | None]
Watch = Callable[[WardEnv], None]
"""Told of the bare environment after each action."""


def raw_env(
    scenario: str | Scenario = "ed_evening",
    render_mode: str | None = None,
    max_cycles: int | None = None,
    background: Spec = DEFAULT_POLICY,
) -> WardEnv:
    """The environment without wrappers.

    Args:
        scenario: Name of a shipped scenario, path of a scenario file, or a loaded one.
        render_mode: None, `ansi` or `human`.
        max_cycles: Actions that each seat may submit (None: the scenario's own budget).
        background: Policy of the staff who are no seats.

    Raises:
        ScenarioError: The scenario is unknown or wrong.
        UsageError: The background policy is unknown, or `scenario` is none.
    """
    loaded = load_scenario(scenario) if isinstance(scenario, str) else scenario
    if not isinstance(loaded, Scenario):
        raise UsageError(f"a scenario is a name, the path of a file (as text) or a loaded Scenario, not {type(loaded).__name__}")
    policy = _policy(background)
    try:
        walking_minutes(loaded.hospital.floor)
        Ledger(loaded)
        return WardEnv(loaded, policy, render_mode, max_cycles, spec_name(background))
    except ScenarioError as problem:
        raise ScenarioError(f"{loaded.origin}: {problem}") from problem


def env(
    scenario: str | Scenario = "ed_evening",
    render_mode: str | None = None,
    max_cycles: int | None = None,
    background: Spec = DEFAULT_POLICY,
) -> Ward:
    """The environment with PettingZoo's checks of calling order (actions it checks itself); arguments as for `raw_env`."""
    return Orderly(raw_env(scenario, render_mode, max_cycles, background))


class Orderly(OrderEnforcingWrapper[str, dict[str, Any], str | None]):
    """PettingZoo's checks of calling order; what is asked once a turn goes straight to the ward."""

    def last(self, observe: bool = True) -> tuple[dict[str, Any] | None, float, bool, bool, dict[str, Any]]:
        """Observation, reward since the last turn, flags and infos of the agent whose turn it is."""
        return self.env.last(observe) if self._has_reset else super().last(observe)

    def step(self, action: str | None) -> None:
        """Submit the action of the agent whose turn it is."""
        if self._has_reset and self.env.agents:
            self._has_updated = True
            self.env.step(action)
        else:
            super().step(action)

    @property
    def agents(self) -> list[str]:  # type: ignore[override]  # PettingZoo declares an attribute and reads it through __getattr__
        """Who is still in the episode; before `reset` an error, as for all that does not exist yet."""
        return self.env.agents

    @property
    def agent_selection(self) -> str:  # type: ignore[override]  # likewise
        """Whose turn it is."""
        return self.env.agent_selection


def parallel_env(
    scenario: str | Scenario = "ed_evening",
    render_mode: str | None = None,
    max_cycles: int | None = None,
    background: Spec = DEFAULT_POLICY,
) -> ParallelEnv[str, dict[str, Any], str | None]:
    """The environment behind PettingZoo's parallel interface: one agent acts at a step, other actions are ignored."""
    return turn_based_aec_to_parallel(env(scenario, render_mode, max_cycles, background))


def policy_for(spec: str) -> Policy:
    """The policy that a SPEC names: `recorded:TRACE`, `local:FOLDER`, `chat:MODEL@URL`, or a scripted one.

    Raises:
        UsageError: There is no such policy; the message names those there are.
        TraceError: The recorded trace cannot be read.
    """
    kind, _, rest = spec.partition(":")
    if kind == "local" and rest:
        return _local(Path(rest))
    if kind == "chat":
        return _chat(rest)
    return Recorded(Trace.load(rest)) if kind == "recorded" and rest else make_policy(spec)


def _local(folder: Path) -> Policy:
    """A model in this process; the extra that it needs is loaded when one is asked for."""
    try:
        from clinsim.agents.local import LocalPolicy, cast_of, model_in
    except ImportError as problem:
        raise UsageError(f"local:{folder} needs the extra `train`: pip install torch==2.13.0, then clinsim[train]") from problem
    return LocalPolicy(cast_of(model_in(folder)))


def _chat(spec: str) -> Policy:
    """A model behind a server; likewise. Nothing is sent before it is asked."""
    try:
        from clinsim.agents.chat import ChatPolicy
    except ImportError as problem:
        raise UsageError(f"chat:{spec.rpartition('@')[0]} needs the extra `llm`: pip install clinsim[llm]") from problem
    return ChatPolicy.of(spec)


def check_policies(policies: Policies | None, seats: Sequence[Staffed]) -> None:
    """Find out, before anything is played, whether all `policies` exist and fit the seats.

    Raises:
        UsageError: A policy or a seat is unknown, or a recorded trace lacks the agent that it is to play.
        TraceError: A recorded trace cannot be read.
    """
    for agent, policy in _instances(seat_policies(policies, seats), None).items():
        if isinstance(policy, Recorded):
            policy.require(agent)


def seat_policies(policies: Policies | None, seats: Sequence[Staffed]) -> dict[str, Spec]:
    """Which policy each agent gets: its own, else its role's, else the default.

    Raises:
        UsageError: A key is neither an agent nor a role of the episode.
    """
    if policies is None or isinstance(policies, str) or not isinstance(policies, Mapping):
        return {seat.agent: DEFAULT_POLICY if policies is None else policies for seat in seats}
    allowed = [seat.agent for seat in seats] + list(dict.fromkeys(seat.role for seat in seats))
    for key in policies:
        if key not in allowed:
            raise UsageError(f"unknown seat {key!r}; there are {', '.join(allowed)}")
    return {seat.agent: policies.get(seat.agent, policies.get(seat.role, DEFAULT_POLICY)) for seat in seats}


def run_episode(
    env: Ward,
    policies: Policies | None = None,
    seed: int | None = None,
    *,
    sink: BinaryIO | None = None,
    observations: bool = True,
    around: Callable[[Policy], Policy] | None = None,
    watch: Watch | None = None,
) -> Trace:
    """Play one episode to its end and return its trace.

    Args:
        env: A ward, wrapped or not.
        policies: One SPEC or policy for all seats, or a mapping of agent or role to one; an agent beats its role beats
            `guideline`.
        seed: Seed of the episode (None: as `env.reset()` chooses).
        sink: Where the trace is written, line by line, while it is played.
        observations: Whether the trace keeps what each agent saw.
        around: What each policy is wrapped in (None: nothing).
        watch: Called with the bare environment after each action.

    Raises:
        UsageError: A policy or a seat is unknown.
    """
    ward = env.unwrapped
    if not isinstance(ward, WardEnv):
        raise TypeError(f"run_episode plays a ward, not {type(ward).__name__}")
    ward.recording = True
    env.reset(seed=seed)
    chosen = seat_policies(policies, ward.seats())
    callers = Callers(_instances(chosen, around))
    callers.start(ward.seats())
    recorder = Recorder(ward, {agent: spec_name(spec) for agent, spec in chosen.items()}, sink, observations)
    _play(env, ward, callers, recorder, watch)
    return recorder.finish()


def run_on(ward: WardEnv, policies: Policies | None = None, *, observations: bool = True, watch: Watch | None = None) -> Trace:
    """Play a ward on from where it stands, a fork for instance, and return the trace of the whole episode.

    The policies are told what was played so far and go on as if they had played it. The ward must have been recorded
    from its reset on: those of `run_episode` are, and so are their forks.

    Raises:
        UsageError: A policy or a seat is unknown.
        ValueError: The ward was not recorded.
    """
    chosen = seat_policies(policies, ward.seats())
    callers = Callers(_instances(chosen, None))
    callers.start(ward.seats(), *ward.episode.past(chosen))
    recorder = Recorder(ward, {agent: spec_name(spec) for agent, spec in chosen.items()}, None, observations)
    _play(ward, ward, callers, recorder, watch)
    return recorder.finish()


def _play(env: Ward, ward: WardEnv, callers: Callers, recorder: Recorder, watch: Watch | None) -> None:
    while ward.agents:
        agent = ward.agent_selection
        if ward.terminations[agent] or ward.truncations[agent]:
            env.step(None)
            continue
        call, dropped = callers.next_call(agent, ward.observation(agent))
        ward.drop(agent, dropped)
        env.step(call)
        recorder.catch_up()
        if watch is not None:
            watch(ward)
    for agent, calls in callers.left().items():
        ward.drop(agent, calls)


def _instances(chosen: Mapping[str, Spec], around: Callable[[Policy], Policy] | None) -> dict[str, Policy]:
    """One policy object for each distinct choice: seats that share it can be asked together."""
    made: dict[int | str, Policy] = {}
    for spec in chosen.values():
        key = spec if isinstance(spec, str) else id(spec)
        if key not in made:
            policy = _policy(spec)
            made[key] = around(policy) if around else policy
    return {agent: made[spec if isinstance(spec, str) else id(spec)] for agent, spec in chosen.items()}


def _policy(spec: Spec) -> Policy:
    if isinstance(spec, str):
        return policy_for(spec)
    if isinstance(spec, type) or not all(callable(getattr(spec, name, None)) for name in ("start", "act")):
        raise UsageError(f"a policy is a name or an object with start() and act(), not {spec!r:.80}")
    return spec


def spec_name(spec: Spec) -> str:
    """How a policy is named in headers and reports: no folders of this machine, nor of the one that serves a model."""
    if not isinstance(spec, str):
        return type(spec).__name__
    kind, colon, path = spec.partition(":")
    if kind == "chat":
        model, at, address = path.rpartition("@")
        return f"{kind}:{Path(model).name if Path(model).is_absolute() else model}{at}{address}"
    return f"{kind}{colon}{Path(path).name}" if colon and Path(path).is_absolute() else spec
