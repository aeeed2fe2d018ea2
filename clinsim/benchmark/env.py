"""`clinsim/Task-v1`: one static task an episode, as a Gymnasium environment.

```
import gymnasium, clinsim
env = gymnasium.make("clinsim/Task-v1", domain="drug_interaction", split="train")
observation, info = env.reset(seed=0)
observation, reward, terminated, truncated, info = env.step('{"name": "get_drug_info", "arguments": {"drug_name": "warfarin"}}')
```

The reward is paid once, at the end: the strict score. Any text is an action; what is no call, or is refused, is answered with what is
allowed. Make vectorised environments with `make_vec`: through shared memory, its default, Gymnasium 1.4 does not pass texts on.
"""

from __future__ import annotations

from operator import index
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.spaces import Dict, Discrete

from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.replay import components
from clinsim.benchmark.seated import house_rules
from clinsim.benchmark.stage import open_stage
from clinsim.benchmark.strict import grade
from clinsim.benchmark.suite import OWN, Placed, load_suite
from clinsim.errors import UsageError
from clinsim.record import ToolCard
from clinsim.space import ToolCallText, UnicodeText

MAX_TURNS = 20
Step = tuple[dict[str, Any], float, bool, bool, dict[str, Any]]


class TaskEnv(gymnasium.Env[dict[str, Any], str]):
    """One static task an episode.

    An observation is `{"text", "turn"}`: `text` is JSON `{minute, why, worklist, news, last_result}` as in the live environment, `turn`
    counts calls. The first one shows the ticket and the rules of the house, without which some tickets cannot be answered. The episode
    terminates on a submission and is truncated after `max_turns` calls; the reward is the strict score, at the end.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012  # as Gymnasium declares it

    def __init__(
        self,
        domain: str | None = None,
        task_id: str | None = None,
        split: str = "all",
        max_turns: int = MAX_TURNS,
        suite: str = OWN,
        data: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Choose the tasks.

        Args:
            domain: Tasks of this domain only.
            task_id: This task only.
            split: `train`, `test`, `heldout` or `all`.
            max_turns: Calls after which an episode is truncated.
            suite: A suite by name, as for `clinsim replay`.
            data: Folder or file of a suite that is not the project's own.
            render_mode: None or `ansi`.

        Raises:
            UsageError: Suite, domain, split, task or way of rendering is unknown, nothing is left to choose from, or `max_turns` is no
                whole number from 1.
        """
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise UsageError(f"unknown render_mode {render_mode!r}; allowed: None, {', '.join(self.metadata['render_modes'])}")
        self.tasks = _chosen(suite, data, split, domain or "", task_id)
        self.max_turns = _turns(max_turns)
        self.render_mode = render_mode
        self.observation_space = Dict({"text": UnicodeText(), "turn": Discrete(self.max_turns + 1)})
        cards = {card.name: card for placed in _one_a_domain(self.tasks) for card in tools_for(placed)}
        self._calls = ToolCallText(tuple(cards.values()))
        self.action_space = self._calls
        self._play: Play | None = None
        self._text = ""

    @property
    def tools(self) -> tuple[ToolCard, ...]:
        """The tools of the current task (before the first reset: of the first)."""
        return tools_for(self._play.placed if self._play else self.tasks[0])

    @property
    def house_rules(self) -> str:
        """The rules of the house for the current task."""
        return house_rules((self._play.placed if self._play else self.tasks[0]).folder)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode: a task drawn by `seed`, or the one that `options={"task_id": ...}` names.

        Raises:
            UsageError: There is no such task.
        """
        super().reset(seed=seed)
        named = (options or {}).get("task_id")
        candidates = self.tasks if named is None else [placed for placed in self.tasks if placed.task.id == named]
        if not candidates:
            raise UsageError(f"task_id {named!r}: not among the {len(self.tasks)} tasks of this environment")
        placed = candidates[0 if len(candidates) == 1 else int(self.np_random.integers(len(candidates)))]
        self._play = Play(placed, self.max_turns)
        return self._seen(self._play.opening(house_rules(placed.folder))), {"task_id": placed.task.id, "domain": placed.task.domain}

    def step(self, action: str) -> Step:
        """Make the call written in `action`.

        Raises:
            ResetNeeded: The episode is over, or none has begun.
            TypeError: `action` is no string.
        """
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, not {type(action).__name__}")
        if self._play is None or self._play.over:
            raise gymnasium.error.ResetNeeded("the episode is over: call reset()")
        play = self._play
        made = play.act(action)
        observation = self._seen(play.shown(made))
        info: dict[str, Any] = {"status": "ok" if made.ok else "refused"}
        if not play.over:
            return observation, 0.0, False, False, info
        graded = grade(standard_of(play.placed), play.attempt())
        return observation, graded.score, play.submitted, not play.submitted, {**info, "components": components(graded)}

    def render(self) -> str | None:
        """The last observation as text, in mode `ansi`."""
        return self._text if self.render_mode == "ansi" else None

    def _seen(self, text: str) -> dict[str, Any]:
        self._text = text
        turn = self._play.turns if self._play else 0
        self._calls.offer(text)
        return {"text": text, "turn": turn}


def make_vec(num_envs: int, *, processes: bool = True, **choice: Any) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    """Several environments side by side, in processes of their own or one after the other, without shared memory.

    Args:
        num_envs: How many.
        processes: Whether each has a process of its own.
        **choice: As for `TaskEnv`.
    """
    if not processes:
        return gymnasium.make_vec("clinsim/Task-v1", num_envs, vectorization_mode="sync", **choice)
    return gymnasium.make_vec("clinsim/Task-v1", num_envs, vectorization_mode="async", vector_kwargs={"shared_memory": False}, **choice)


def tools_for(placed: Placed) -> tuple[ToolCard, ...]:
    """The tools that a task is played with."""
    return tuple(spec.card for spec in open_stage(placed).tools.values())


def _chosen(suite: str, data: str | None, split: str, domain: str, task_id: str | None) -> tuple[Placed, ...]:
    chosen = load_suite(suite, Path(data) if data else None).chosen(split, domain)
    found = tuple(placed for placed in chosen if task_id in (None, placed.task.id))
    if not found:
        raise UsageError(f"suite {suite}, split {split}: no task {task_id or ''} to play")
    return found


def _turns(wanted: int) -> int:
    try:
        turns = index(wanted)
    except TypeError:
        turns = 0
    if turns < 1:
        raise UsageError(f"max_turns: {wanted!r} is no number of calls; give a whole number from 1")
    return turns


def _one_a_domain(tasks: tuple[Placed, ...]) -> list[Placed]:
    return list({placed.task.domain: placed for placed in tasks}.values())
