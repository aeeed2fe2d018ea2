"""Self-play: play, judge, keep the best, train on it, look on held-out seeds, and again.

In each iteration the models play episodes from training seeds, `group_size` from each start. A judge says what each agent's part was worth; of each
role's parts from one start the best are kept, and taught (`train=sft`). Or the episodes train by GRPO as they are (`train=grpo`). At some starts a
past policy plays one of the roles, drawn from a pool by the seed, so that nobody learns to get on with itself alone. After each iteration the models
join the pool and are evaluated on the validation seeds, and a checkpoint is written whole: a run that is killed goes on to the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from clinsim.agents.cast import Cast
from clinsim.agents.local import model_in
from clinsim.benchmark.report import markdown
from clinsim.errors import UsageError
from clinsim.training import grpo
from clinsim.training.course import Tell, remembered, use_threads
from clinsim.training.curriculum import Syllabus
from clinsim.training.evaluate import figures, model_values
from clinsim.training.judges import Heuristic, Judge, kept
from clinsim.training.learners import Learner, Learners, learners_of, learning_roles, prepared
from clinsim.training.rollouts import Plan, Rollout
from clinsim.training.run import RunFolder, write_model
from clinsim.training.samples import Sample
from clinsim.training.settings import GrpoSettings
from clinsim.training.sft import FitRule, fitted

POOL, REPORT = "pool", "report.md"
CHAT = "chat:"


class SelfPlaySettings(GrpoSettings):
    """Self-play; what it shares with GRPO means the same."""

    may_be_blind: ClassVar[bool] = False

    iterations: int = Field(8, ge=1)
    train: Literal["sft", "grpo"] = Field("sft", description="On the parts that were kept, or by GRPO on all.")
    steps: int = Field(4, ge=1, description="Steps of GRPO in an iteration.")
    judge: str = Field("heuristic", description="`heuristic`, or a chat model: chat:MODEL@URL.")
    judge_share: float = Field(0.5, ge=0, le=1, description="The heuristic adds this share of the mean of the others' rewards to an agent's own.")
    most_refused: float = Field(0.3, ge=0, le=1, description="Share of refused calls above which the heuristic lets an episode teach nothing.")
    keep: float = Field(0.25, gt=0, le=1, description="Share of each role's parts from one start that is taught.")
    pool: int = Field(4, ge=0, description="Past policies that may be partners: the latest so many; 0: none.")
    partner_share: float = Field(0.5, ge=0, le=1, description="Share of starts at which a past policy plays one of the roles.")

    @model_validator(mode="after")
    def _keeps_episodes(self) -> SelfPlaySettings:
        if self.grouping == "turn":
            raise ValueError("self-play keeps parts of whole episodes: grouping is episode")
        return self


# ---------------------------------------------------------------- who plays


def partners_at(settings: SelfPlaySettings, step: int, seed: int, members: Sequence[Path]) -> dict[str, str]:
    """Who does not learn at a start: the partners of the settings, and perhaps a past policy in one of the roles, the same for the whole group."""
    roles = learning_roles(settings)
    draws = np.random.default_rng((settings.seed, step, seed))
    if not members or len(roles) < 2 or draws.random() >= settings.partner_share:
        return dict(settings.partners)
    role, member = roles[int(draws.integers(len(roles)))], members[int(draws.integers(len(members)))]
    return {**settings.partners, role: f"local:{member}"}


def plans(settings: SelfPlaySettings, step: int, members: Sequence[Path], starts: Sequence[tuple[str, int]]) -> list[Plan]:
    """The episodes of a step from some starts (scenario or task, and seed)."""
    return [
        Plan(scenario, seed, number, partners, f"{settings.seed}|{step}")
        for scenario, seed in starts
        for partners in [partners_at(settings, step, seed, members)]
        for number in range(settings.group_size)
    ]


def judge_of(settings: SelfPlaySettings) -> Judge:
    """The judge that the settings name.

    Raises:
        UsageError: There is none of that name.
    """
    spec = settings.judge
    if spec == "heuristic":
        return Heuristic(settings.judge_share, settings.most_refused)
    if not spec.startswith(CHAT):
        raise UsageError(f"judge: {spec!r} is unknown; allowed are heuristic, chat:MODEL@URL")
    try:
        from clinsim.agents.chat_server import server_of
        from clinsim.training.model_judge import ModelJudge
    except ImportError as problem:
        raise UsageError(f"judge: {spec} needs the extra `llm`: pip install clinsim[llm]") from problem
    return ModelJudge(server_of(spec.removeprefix(CHAT)))


# ---------------------------------------------------------------- one iteration


@dataclass(frozen=True, slots=True)
class SelfPlay:
    """A run on its way: where it is kept, who learns, what it remembers, and who judges."""

    folder: RunFolder
    cast: Cast
    learners: Learners
    settings: SelfPlaySettings
    memory: grpo.Memory
    judge: Judge
    tell: Tell
    syllabus: Syllabus | None = None

    def run(self) -> None:
        """From the start, or from the last checkpoint, to the end.

        Raises:
            JudgeError: The judge could not judge; the last checkpoint is whole.
            FloatingPointError: A gradient or loss is no number any more; likewise.
        """
        if not self.folder.has_checkpoint:
            self._close({"step": -1})
        while self.memory.step < self.settings.iterations:
            found = TRAIN[self.settings.train](self)
            self.memory.step += 1
            self._close({"step": self.memory.step - 1, **found, **(self.syllabus.told() if self.syllabus else {})})

    def members(self) -> list[Path]:
        """Past policies that may be partners: those of iterations before this one."""
        latest = range(max(0, self.memory.step + 1 - self.settings.pool), self.memory.step + 1)
        return [self.folder.path / POOL / f"{number:04d}" for number in latest] if self.settings.pool else []

    def play(self, cast: Cast, settings: GrpoSettings, step: int) -> list[Rollout]:
        """The episodes of a step, with partners from the pool; where the curriculum wants them, if there is one."""
        if self.syllabus is None:
            return grpo.play_all(
                cast, settings, plans(self.settings, step, self.members(), [(settings.scenario, k) for k in grpo.starts(settings, step)])
            )
        rollouts = grpo.play_all(cast, settings, plans(self.settings, step, self.members(), self.syllabus.starts(step)))
        self.syllabus.book(rollouts)
        return rollouts

    def _close(self, row: dict[str, Any]) -> None:
        """End an iteration: into the pool, evaluate, report, checkpoint."""
        self._join_pool()
        row |= {"evaluation": self._looked(), "members": len(self.members())}
        self.folder.add(row)
        self.memory.rows += 1
        (self.folder.path / REPORT).write_text(report(self.folder.rows()), encoding="utf-8")
        self.folder.save(self.cast, self.learners, self.memory.as_data())
        self.tell(row)

    def _looked(self) -> dict[str, Any]:
        """Figures on the validation seeds, everybody playing with the models as they are; the best models are kept."""
        cast, settings = self.cast, self.settings
        found = figures(model_values(cast, settings.scenario, range(*settings.evaluation_seeds), settings.partners))
        if found["return"]["mean"] > self.memory.best:
            self.memory.best = found["return"]["mean"]
            self.folder.keep_best(cast)
        return {name: {key: figure[key] for key in ("mean", "low", "high", "n")} for name, figure in found.items()}

    def _join_pool(self) -> None:
        place = self.folder.path / POOL / f"{self.memory.step:04d}"
        draft = place.with_suffix(".part")
        for old in (draft, place):
            shutil.rmtree(old, ignore_errors=True)
        write_model(self.cast, draft)
        draft.rename(place)


def by_grpo(run: SelfPlay) -> dict[str, Any]:
    """An iteration of some steps of GRPO: means of their figures."""
    steps, first = run.settings.steps, run.memory.step * run.settings.steps
    inner = grpo.Memory(step=first, baselines=run.memory.baselines)
    rows = list(grpo.trained(run.learners, run.settings.model_copy(update={"steps": first + steps}), inner, run.play))
    return {name: fmean(row[name] for row in rows if name in row) for name in rows[-1] if name != "step"}


def by_sft(run: SelfPlay) -> dict[str, Any]:
    """An iteration of playing, judging, keeping and teaching."""
    rollouts = run.play(run.cast, run.settings, run.memory.step)
    chosen = kept(rollouts, run.judge.verdicts(rollouts), run.settings.keep)
    samples = [sample for episode, rollout in enumerate(rollouts) for sample in rollout.samples(episode)]
    teaching = [sample for sample in samples if (sample.episode, sample.agent) in chosen.parts]
    losses = {learner.name: list(_taught(run, learner, teaching)) for learner in run.learners.each}
    found = {
        "return": fmean(rollout.total for rollout in rollouts),
        "utility_loss": fmean(rollout.utility_loss for rollout in rollouts),
        "episodes": len(rollouts),
        "parts": len({(sample.episode, sample.agent) for sample in samples}),
        "kept": len(chosen.parts),
        "kept_reward": _mean([rollouts[episode].rewards[agent] for episode, agent in sorted(chosen.parts)]),
        "refused": dict(chosen.refused),
        "samples": len(teaching),
        "loss": _mean([loss for row in losses.values() for loss in row]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _taught(run: SelfPlay, learner: Learner, samples: Sequence[Sample]) -> Iterator[float]:
    """Teach a learner the samples of its roles; the losses (nats per decided token)."""
    own = [sample for sample in samples if sample.role in learner.roles]
    rule = FitRule(
        run.settings.passes, run.settings.learning_rate, warm_up=max(1, run.settings.warm_up), batch_tokens=run.settings.batch_tokens,
        seed=run.settings.seed + run.memory.step,
    )  # fmt: skip
    if own:
        yield from (step.loss for step in fitted(run.cast.speaking(learner.voice).model, own, rule))


TRAIN = {"sft": by_sft, "grpo": by_grpo}
"""How an iteration trains."""


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The iterations as a table."""
    head = ["iteration", "played", "kept", "refused", "return, played", "reward, kept", "loss", "return, validation", "utility loss, validation"]
    lines = []
    for row in rows:
        refused = "; ".join(f"{name} {count}" for name, count in row.get("refused", {}).items())
        looked = [row["evaluation"][name] for name in ("return", "utility_loss")]
        told = [f"{one['mean']:.3f}" + ("" if one["low"] is None else f" ({one['low']:.3f} to {one['high']:.3f})") for one in looked]
        figures = [row.get(name) for name in ("episodes", "kept", "return", "kept_reward", "loss")]
        lines.append([row["step"] + 1, figures[0], figures[1], refused, *figures[2:], *told])
    return f"# Self-play\n\n{markdown(head, lines)}"


def run_selfplay(settings: SelfPlaySettings, out: Path, resume: bool, tell: Tell) -> None:
    """Train by self-play.

    Raises:
        UsageError: The folder holds another run, the start is no model, or there is no such judge.
    """
    judge = judge_of(settings)
    may_change = settings.may_change | {"iterations"}
    folder = RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume, may_change=may_change, ends="iterations")
    cast = Cast.load(out / "latest") if folder.has_checkpoint else prepared(Cast.load(model_in(Path(settings.start))), settings)
    learners = learners_of(cast, settings)
    memory = remembered(folder, learners)
    use_threads(settings, memory)
    SelfPlay(folder, cast, learners, settings, memory, judge, tell, Syllabus(settings, memory) if settings.courses else None).run()
