"""`clinsim train quick`: a start that was taught too little, on purpose, is taught more and then learns by itself.

1. An expert shows some hundred episodes on training seeds, and the model is taught them.
2. GRPO: the model plays training seeds itself, and each role learns from its own rewards; the best on validation seeds is kept.
3. The best is made surer, as it has nothing to try out any more, and plays the test seeds, once, beside its start, the expert, and nobody.

Left out on purpose: adapters, counterfactual credit, partners; `grpo` has them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from clinsim.agents.cast import Cast
from clinsim.agents.local import model_in
from clinsim.errors import UsageError
from clinsim.intervals import Estimate, of_pairs, of_ratio
from clinsim.training.evaluate import Values, in_short, model_values, policy_values
from clinsim.training.model import halve, sharpen
from clinsim.training.run import RunFolder
from clinsim.training.settings import GrpoSettings, QuickSettings, SftSettings

Row = Mapping[str, Any]
START, TAUGHT, LEARNT, RESULT = "start", "taught", "learnt", "result.json"
Tell = Callable[[Row], None]
Run = Callable[[Any, Path, bool, Tell], None]


def run_quick(settings: QuickSettings, out: Path, resume: bool, tell: Tell, teach: Run, learn: Run) -> None:
    """Teach (`teach`, the recipe `sft`), let learn (`learn`, the recipe `grpo`), and test. Each part is kept when it is done.

    Raises:
        UsageError: The folder holds another run, or the start is no model.
    """
    if resume:
        _refuse_untold_steps(settings, out)
    folder = RunFolder.opened(out, settings.model_dump(mode="json"), resume=resume, may_change=settings.may_change)
    done = [row["part"] for row in folder.rows()]
    folder.begun_anew(len(done))
    if START not in done:
        _timed(folder, tell, START, lambda: looked_at(settings, Cast.load(model_in(Path(settings.start)))))
    if TAUGHT not in done:
        shutil.rmtree(out / TAUGHT, ignore_errors=True)
        _timed(folder, tell, TAUGHT, lambda: teach(taught_by(settings), out / TAUGHT, False, tell))
    learn(learnt_by(settings, out / TAUGHT), out / LEARNT, resume and (out / LEARNT).exists(), tell)
    if not (out / RESULT).exists():
        began = perf_counter()
        learnt = settled(Cast.load(model_in(out / LEARNT)), settings.settled_temperature)
        for engine in learnt.engines.values():
            halve(engine)
        folder.keep_best(learnt)
        casts = {
            START: Cast.load(model_in(Path(settings.start))),
            TAUGHT: settled(Cast.load(model_in(out / TAUGHT)), settings.settled_temperature),
            LEARNT: Cast.load(model_in(out)),
        }
        found = tested(settings, casts)
        seconds = sum(_seconds(row) for row in curve_rows(out)) + perf_counter() - began
        text = json.dumps({"settings": settings.model_dump(mode="json"), **found, "minutes": seconds / 60.0}, indent=1)
        draft = out / f"{RESULT}.part"
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(out / RESULT)


def _refuse_untold_steps(settings: QuickSettings, out: Path) -> None:
    """Before a run is gone on with: steps that are done stay done, and test seeds are played once.

    Raises:
        UsageError: It has done more steps, or was tested after fewer.
    """
    RunFolder(out / LEARNT).refuse_fewer("steps", settings.steps)
    if (out / RESULT).exists():
        tested = json.loads((out / RESULT).read_text(encoding="utf-8"))["settings"]["steps"]
        if settings.steps > tested:
            raise UsageError(f"steps: the run in {out} was tested after {tested}, once for all; for {settings.steps} give another folder with --out")


def _timed(folder: RunFolder, tell: Tell, part: str, work: Callable[[], Mapping[str, Any] | None]) -> None:
    began = perf_counter()
    row = {"part": part, "step": -1, **(work() or {})}
    folder.add(row | {f"{part}_seconds": perf_counter() - began})
    tell(row)


def looked_at(settings: QuickSettings, cast: Cast) -> dict[str, Any]:
    """A look at the validation seeds."""
    values = model_values(cast, settings.scenario, range(*settings.evaluation_seeds), processes=settings.playing)
    return {"evaluation": in_short(values)}


def taught_by(settings: QuickSettings) -> SftSettings:
    """How the model is taught: by episodes that the run's seed draws, in one thread: two take longer over updates as small as these."""
    return SftSettings(
        scenario=settings.scenario, seed=settings.seed, threads=1, start=settings.start, expert=settings.expert,
        drawn=True, episodes=settings.lessons, more=settings.more_lessons, passes=settings.lesson_passes,
        learning_rate=settings.lesson_rate, batch_tokens=settings.lesson_tokens, temperature=settings.temperature, processes=settings.playing,
        grammar=settings.grammar,
    )  # fmt: skip


def learnt_by(settings: QuickSettings, taught: Path) -> GrpoSettings:
    """How the model then learns by itself."""
    shared = {name: getattr(settings, name) for name in GrpoSettings.model_fields}
    return GrpoSettings(**shared | {"start": str(taught)})


def settled(cast: Cast, temperature: float) -> Cast:
    """A cast made as sure as it was at a temperature: it tries nothing out any more."""
    for engine in cast.engines.values():
        sharpen(engine, temperature)
    return cast


def tested(settings: QuickSettings, casts: Mapping[str, Cast]) -> dict[str, Any]:
    """The test seeds, played once by the start, by what was taught, by what then learnt, by nobody and by the expert; and what is claimed of them."""
    seeds = range(*settings.test_seeds)
    values = {name: model_values(cast, settings.scenario, seeds, processes=settings.playing) for name, cast in casts.items()}
    values |= {spec: policy_values(spec, settings.scenario, seeds) for spec in ("idle", settings.expert)}
    return judged(values, settings.expert)


def judged(values: Mapping[str, Values], expert: str) -> dict[str, Any]:
    """By agent and for the return: means, how much better than start, than what was only taught, and than idle (pairs), and the share of the way."""
    names = [name for name in values[LEARNT] if name != "utility_loss"]
    figures = {name: _judged({who: row[name] for who, row in values.items()}, expert) for name in names}
    return {"n": len(values[LEARNT]["return"]), "figures": figures}


def _judged(by: Mapping[str, Sequence[float]], expert: str) -> dict[str, Any]:
    way = [best - nothing for best, nothing in zip(by[expert], by["idle"], strict=True)]
    done = [ours - nothing for ours, nothing in zip(by["learnt"], by["idle"], strict=True)]
    return {
        **{who: sum(row) / len(row) for who, row in by.items()},
        **{f"over_{who}": _pair(of_pairs(by["learnt"], by[who])) for who in (START, TAUGHT, "idle")},
        "share": _pair(of_ratio(done, way)),
    }


def _pair(estimate: Estimate) -> dict[str, float]:
    return {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}


def is_shown(result: Mapping[str, Any], share: float = 0.8, bound: Literal["low", "mean"] = "low") -> list[str]:
    """What of the claim does not hold: the return goes at least `share` of the way, and each role is better than its start.

    `bound`: whether the whole 95 % interval of pairs must lie above zero, or its mean.
    """
    figures = result["figures"]
    return [
        *([f"share of the way {figures['return']['share']['mean']:.2f}, not {share}"] if figures["return"]["share"]["mean"] < share else []),
        *(f"{name}: not better than its start" for name, row in figures.items() if row["over_start"][bound] <= 0.0),
    ]


def curve_rows(folder: Path) -> list[dict[str, Any]]:
    """All rows of a run, in order."""
    return [*RunFolder(folder).rows(), *RunFolder(folder / LEARNT).rows()]


def curve(folder: Path) -> list[dict[str, Any]]:
    """The looks of a run at the validation seeds: minutes of work up to there, and the figures."""
    found, seconds = [], 0.0
    for row in curve_rows(folder):
        seconds += _seconds(row)
        if "evaluation" in row:
            found.append({"minutes": seconds / 60.0, "step": row["step"], **row["evaluation"]})
    return found


def _seconds(row: Row) -> float:
    return sum(float(value) for name, value in row.items() if name.endswith("_seconds"))
