"""Work shared out over processes: nobody is left over when the process that gave it out is killed, and a lost worker is told in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from clinsim.errors import WorkerError
from clinsim.processes import shared_out

SLEEPERS = """
import os, sys, time
from pathlib import Path
from threading import Event
from clinsim.processes import shared_out

def sleep(name):
    Path(sys.argv[1], name).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    shared_out(sleep, ["a", "b"], processes=2, preload=sys.argv[2])
"""
PATIENCE = 120.0
"""Seconds in which something must have happened, on a busy machine."""


def _until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "nothing has happened"
        Event().wait(0.05)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


@pytest.mark.parametrize("preload", ["", "json"], ids=["forked", "by a server"])
def test_workers_end_when_whoever_gave_them_work_is_killed(tmp_path, preload):
    script, names = tmp_path / "sleepers.py", (tmp_path / "a", tmp_path / "b")
    script.write_text(SLEEPERS)
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path), preload])
    _until(lambda: all(name.exists() and name.read_text() for name in names))
    workers = [int(name.read_text()) for name in names]
    assert all(map(_lives, workers))
    parent.kill()
    parent.wait()
    _until(lambda: not any(map(_lives, workers)))


def test_a_worker_that_is_lost_is_told():
    with pytest.raises(WorkerError, match="a worker process was ended from outside"):
        shared_out(os._exit, [9, 9], processes=2)


@pytest.mark.parametrize(
    ("command", "way_on"),
    [
        (("replay", "--suite", "own", "--policy", "guideline", "--trials", "9"), "kept in {out}: go on with --resume"),
        (("experiment", "ed_evening", "--replications", "99"), "fewer need less"),
    ],
    ids=["replay", "experiment"],
)
def test_a_command_that_loses_a_worker_says_so_in_one_line(tmp_path, command, way_on):
    out = tmp_path / "out"
    arguments = [sys.executable, "-m", "clinsim", *command, "--workers", "2", "--out", str(out), "--json"]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _until(lambda: len(_children(parent.pid)) >= 2)
    os.kill(_children(parent.pid)[0], signal.SIGKILL)
    _, told = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 2
    assert told.count("\n") == 1
    assert "a worker process was ended from outside" in told
    assert way_on.format(out=out) in told
