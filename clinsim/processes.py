"""Work shared out over processes: the same results, in the same order, as one after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.context import BaseContext
from threading import Thread
from typing import TypeVar

from clinsim.errors import WorkerError

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """How many processes may work at once: as many as there are processors, on Linux those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def keep_to(most: int) -> None:
    """Work on at most so many processors from here on, in this process and in those that it starts; only Linux can be told so."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:most])


def shared_out(work: Callable[[T], R], items: Sequence[T], chunk: int = 1, processes: int | None = None, preload: str = "") -> list[R]:
    """`work` on every item, over all processors or as many processes as are named.

    Args:
        work: What is done; it and the items must pickle.
        items: What it is done on.
        chunk: Items that a process takes at a time.
        processes: How many processes (None: one for each processor); with one, nothing is sent anywhere.
        preload: Module to load once, in a server that does nothing else and that the processes are forked from: for work with torch, whose
            threads do not survive that the process they run in is forked.

    Raises:
        WorkerError: One of the processes was ended from outside.
    """
    return list(handed_out(work, items, chunk, processes, preload))


def handed_out(work: Callable[[T], R], items: Sequence[T], chunk: int = 1, processes: int | None = None, preload: str = "") -> Iterator[R]:
    """The same, each result as soon as it and those before it are there: for work whose results are kept on the way."""
    most = processes or workers()
    if most == 1 or len(items) < 2:
        yield from map(work, items)
        return
    try:
        with ProcessPoolExecutor(min(most, len(items)), _server(preload) if preload else None, _end_with_parent) as pool:
            yield from pool.map(work, items, chunksize=chunk)
    except BrokenProcessPool as problem:
        raise WorkerError("a worker process was ended from outside, as happens where memory is short: fewer need less") from problem


def _end_with_parent() -> None:
    """In a worker: see to it that it ends when the process that it works for does, even one that was killed and could tell nobody."""
    Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _server(preload: str) -> BaseContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context
