"""Metrics of a run for those who look at them elsewhere: TensorBoard, or Weights & Biases. `metrics.jsonl` holds them in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

from clinsim.errors import UsageError

Log = Literal["none", "tensorboard", "wandb"]
Tell = Callable[[Mapping[str, Any]], None]
Figures = Mapping[str, float]


class Board(Protocol):
    """Where figures are shown."""

    def show(self, step: int, figures: Figures) -> None:
        """Show the figures of a step."""

    def close(self) -> None:
        """Write what is still to be written."""


class TensorBoard:
    """Event files in the folder of the run: `tensorboard --logdir runs`."""

    def __init__(self, out: Path, step: int) -> None:
        """Go on from a step: what an earlier start of the run wrote of it, or after it, is left out of the curves."""
        from torch.utils.tensorboard import SummaryWriter

        make: Any = SummaryWriter  # not annotated there
        self._writer = make(str(out / "tensorboard"), purge_step=step)

    def show(self, step: int, figures: Figures) -> None:
        """Show the figures of a step."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()


class Wandb:
    """A run at Weights & Biases, or in the folder of the run with WANDB_MODE=offline; one that is gone on with stays the same run."""

    def __init__(self, out: Path, _: int) -> None:
        """Begin, or go on with it."""
        import wandb

        known = out / "wandb.id"
        if not known.exists():
            known.write_text(uuid4().hex, encoding="utf-8")
        self._run = wandb.init(project="clinsim", name=out.name, dir=str(out), id=known.read_text(encoding="utf-8"), resume="allow")

    def show(self, step: int, figures: Figures) -> None:
        """Show the figures of a step."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """Write what is still to be written."""
        self._run.finish()


BOARDS: Mapping[Log, Callable[[Path, int], Board]] = {"tensorboard": TensorBoard, "wandb": Wandb}
"""What shows figures, by the name of the setting, of the extra, and of the module that it needs."""


def require(log: Log) -> None:
    """Make sure that a board can be opened.

    Raises:
        UsageError: What it needs is not installed.
    """
    if log in BOARDS and find_spec(log) is None:
        raise UsageError(f"log: {log} needs the extra `{log}`: pip install clinsim[{log}]")


@contextmanager
def shown_on(log: Log, out: Path, tell: Tell) -> Iterator[Tell]:
    """Who is told of each row of metrics: `tell`, and the board, which opens at the first one.

    Raises:
        UsageError: What the board needs is not installed.
    """
    require(log)
    opened: list[Board] = []

    def both(row: Mapping[str, Any]) -> None:
        tell(row)
        step = int(row["step"]) + 1  # the look before the first step has number -1, and boards count from 0
        if not opened:
            opened.append(BOARDS[log](out, step))
        opened[0].show(step, figures_of(row))

    try:
        yield both if log in BOARDS else tell
    finally:
        for board in opened:
            board.close()


def figures_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row, those of its parts as `part/name`."""
    found: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= {f"{name}/{inner}": number for inner, number in figures_of(value).items()}
        elif isinstance(value, int | float) and name != "step":
            found[name] = float(value)
    return found
