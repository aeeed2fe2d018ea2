"""Blocks of episodes played by Ray, on as many cores and machines as its cluster has: the same samples as in one process.

The cluster is that of `RAY_ADDRESS`, or one on this machine that ends with this process. Every machine of it needs this package and the scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.errors import UsageError
from clinsim.training.rollouts import Plan, Rollout

Files = Mapping[str, bytes]
"""Contents of files by their path in a folder."""
PlayBlock = Callable[[Cast | Engine, Sequence[Plan]], list[Rollout]]
"""What plays a block of episodes with some models."""


def played_by_ray(models: Cast | Engine, cut: Sequence[Sequence[Plan]], play: PlayBlock) -> list[Rollout]:
    """Play each block (`play`) somewhere, with as many threads as here.

    Raises:
        UsageError: Ray is not installed, or a policy or scenario is none.
        ChildProcessError: A process or machine was lost.
    """
    ray = _ray()
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    weights = ray.put(packed(models))
    there = ray.remote(_played_there)
    try:
        found = ray.get([there.remote(weights, block, play, torch.get_num_threads()) for block in cut])
    except ray.exceptions.RayTaskError as problem:
        if isinstance(problem.cause, UsageError):
            raise problem.cause from None
        raise
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError) as problem:
        raise ChildProcessError(f"Ray lost a process: {str(problem).splitlines()[0]}") from problem
    return [rollout for block in found for rollout in block]


def _ray() -> Any:
    try:
        import ray
    except ImportError as problem:
        raise UsageError("processes: ray needs the extra `ray`: pip install clinsim[ray]") from problem
    return ray


def packed(models: Cast | Engine) -> Files:
    """The files of some models."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        models.save(folder)
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def unpacked(files: Files) -> Cast:
    """The models of some files."""
    with TemporaryDirectory() as name:
        for path, content in files.items():
            place = Path(name, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return Cast.load(Path(name))


def _played_there(files: Files, block: Sequence[Plan], play: PlayBlock, threads: int) -> list[Rollout]:
    torch.set_num_threads(threads)
    return play(_held(tuple(files.items())), block)


@lru_cache(maxsize=1)
def _held(files: tuple[tuple[str, bytes], ...]) -> Cast:
    """The models of the step: a process that plays several blocks of it reads them once."""
    return unpacked(dict(files))
