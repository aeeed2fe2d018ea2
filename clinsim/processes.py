"""Work shared out over processes: the same results, in the same order, as one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def workers() -> int:
    """How many processes may work at once."""
    return len(os.sched_getaffinity(0))


def shared_out(work: Callable[[T], R], items: Sequence[T], chunk: int = 1, processes: int | None = None, preload: str = "") -> list[R]:
    """`work` on every item, over all processors or as many processes as are named.

    Args:
        work: What is done; it and the items must pickle.
        items: What it is done on.
        chunk: Items that a process takes at a time.
        processes: How many processes (None: one for each processor); with one, nothing is sent anywhere.
        preload: Module to load once, in a server that does nothing else and that the processes are forked from: for work with torch, whose
            threads do not survive that the process they run in is forked.
    """
    most = processes or workers()
    if most == 1 or len(items) < 2:
        return [work(item) for item in items]
    with ProcessPoolExecutor(min(most, len(items)), _server(preload) if preload else None) as pool:
        return list(pool.map(work, items, chunksize=chunk))


def _server(preload: str) -> BaseContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context
