"""The pool: priority, units, giving up, shifting capacity, turnover, and time integrals that agree with queueing theory."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.hospital.clock import Clock
from clinsim.hospital.pool import Pool
from clinsim.hospital.preemption import PreemptivePool, work
from clinsim.hospital.streams import Streams


def use(clock, pool, log, name, at, hold, priority=0, patience=None):
    yield clock.timeout(at)
    with pool.request(priority) as turn:
        if patience is None:
            yield turn
        else:
            yield turn | clock.timeout(patience)
        if not turn.triggered:
            log.append((name, "left", clock.now))
            return
        log.append((name, turn.unit, clock.now))
        yield clock.timeout(hold)


TABLE = [
    ("one at a time", 1, [("a", 0, 5, 0, None), ("b", 1, 5, 0, None)], [("a", "p_1", 0), ("b", "p_1", 5)]),
    ("two units", 2, [("a", 0, 5, 0, None), ("b", 1, 5, 0, None)], [("a", "p_1", 0), ("b", "p_2", 1)]),
    (
        "smaller priority first",
        1,
        [("a", 0, 5, 0, None), ("b", 1, 1, 2, None), ("c", 2, 1, 1, None)],
        [("a", "p_1", 0), ("c", "p_1", 5), ("b", "p_1", 6)],
    ),
    (
        "patience ends",
        1,
        [("a", 0, 5, 0, None), ("b", 1, 1, 0, 2), ("c", 2, 1, 0, None)],
        [("a", "p_1", 0), ("b", "left", 3), ("c", "p_1", 5)],
    ),
]


@pytest.mark.parametrize(("name", "units", "users", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_pool_serves(name, units, users, expected):
    clock, log = Clock(), []
    pool = Pool(clock, "p", units)
    for user, at, hold, priority, patience in users:
        clock.process(use(clock, pool, log, user, at, hold, priority, patience))
    clock.run()
    assert log == expected
    assert (pool.busy, pool.queue) == (0, 0)


def test_turnover_keeps_the_unit_busy():
    clock, log = Clock(), []
    pool = Pool(clock, "p", 1, turnover=3.0)
    clock.process(use(clock, pool, log, "a", 0, 2))
    clock.process(use(clock, pool, log, "b", 0, 2))
    clock.run()
    assert log == [("a", "p_1", 0), ("b", "p_1", 5.0)]
    assert pool.busy_minutes == 10.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 20), st.integers(0, 3), st.one_of(st.none(), st.floats(0.1, 10))), max_size=25),
    st.lists(st.tuples(st.floats(0, 60), st.integers(0, 4)), max_size=5),
    st.integers(1, 3),
)
def test_capacity_and_units_hold_whatever_happens(users, sizes, units):
    clock, log = Clock(), []
    seen = []
    pool = Pool(clock, "p", units, watch=lambda p: seen.append((clock.now, p.busy, p.units, p.queue)))

    def resize(at, size):
        yield clock.timeout(at)
        pool.resize(size)

    for number, (at, hold, priority, patience) in enumerate(users):
        clock.process(use(clock, pool, log, str(number), at, hold, priority, patience))
    for at, size in sizes:
        clock.process(resize(at, size))
    clock.run()
    most = max([units, *(size for _, size in sizes)])
    assert all(0 <= busy <= most and queue >= 0 for _, busy, _, queue in seen)
    granted = [name for name, what, _ in log]
    assert len(granted) == len(set(granted))
    assert pool.busy == 0
    if pool.units:
        assert pool.queue == 0
        assert len(granted) == len(users)


def test_waits_agree_with_an_m_m_3_queue():
    """P(wait), Wq and utilisation of M/M/3 at lambda 2.4, mu 1: .647191, 1.078652, .8 (Erlang C); |z| < 4 by batch means."""
    clock, streams = Clock(), Streams(71)
    pool = Pool(clock, "p", 3)
    waits: list[float] = []

    def customer(index):
        asked = clock.now
        with pool.request() as turn:
            yield turn
            waits.append(clock.now - asked)
            yield clock.timeout(streams.exponential(1.0, "service", "c", index))

    def source():
        for index in range(60_000):
            yield clock.timeout(streams.exponential(1 / 2.4, "arrival", "c", index))
            clock.process(customer(index))

    clock.process(source())
    clock.run()
    kept = waits[5_000:]
    size = len(kept) // 20
    means = [sum(kept[i * size : (i + 1) * size]) / size for i in range(20)]
    mean = sum(means) / 20
    error = sqrt(sum((m - mean) ** 2 for m in means) / 19 / 20)
    assert abs(mean - 1.078652) / error < 4
    assert abs(mean - 1.078652) < 0.12
    assert pool.integrals()[0] / (3 * clock.now) == pytest.approx(0.8, abs=0.02)


# ---------------------------------------------------------------- units that are taken away


def worked(jobs, units=1):
    """When each job (name, minute, priority, minutes of work) is done, and the pool after the last."""
    clock, done = Clock(), {}
    pool = PreemptivePool(clock, "p", units)

    def job(name, at, priority, minutes):
        yield clock.timeout(at)
        yield from work(pool, priority, minutes)
        done[name] = clock.now

    for row in jobs:
        clock.process(job(*row))
    clock.run()
    return done, pool


PREEMPTED = [
    ("the urgent one takes the unit, the other goes on", [("a", 0, 2, 5), ("b", 2, 1, 3)], {"b": 5, "a": 8}),
    ("an equal one waits", [("a", 0, 1, 5), ("b", 2, 1, 3)], {"a": 5, "b": 8}),
    ("whoever was broken off goes before those who came after", [("a", 0, 2, 5), ("b", 1, 1, 2), ("c", 1, 2, 1)], {"b": 3, "a": 7, "c": 8}),
    ("broken off twice", [("a", 0, 3, 4), ("b", 1, 2, 4), ("c", 2, 1, 1)], {"c": 3, "b": 6, "a": 9}),
    ("at the very minute of its end", [("a", 0, 2, 5), ("b", 5, 1, 1)], {"a": 5, "b": 6}),
]


@pytest.mark.parametrize(("jobs", "done"), [row[1:] for row in PREEMPTED], ids=[row[0] for row in PREEMPTED])
def test_work_that_is_broken_off_goes_on_where_it_stopped(jobs, done):
    assert worked(jobs)[0] == done


def test_of_two_units_the_one_with_the_least_urgent_is_taken():
    assert worked([("a", 0, 2, 9), ("b", 0, 3, 9), ("c", 1, 1, 2)], units=2)[0] == {"c": 3, "a": 9, "b": 11}


JOBS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(1, 9)), max_size=15)


@settings(max_examples=80, deadline=None)
@given(JOBS, st.integers(1, 3))
def test_no_work_is_lost_and_the_urgent_never_notice_the_others(jobs, units):
    named = [(str(number), *job) for number, job in enumerate(jobs)]
    done, pool = worked(named, units)
    assert len(done) == len(jobs)
    assert (pool.busy, pool.queue, pool.asked) == (0, 0, [])
    assert pool.busy_minutes == pytest.approx(sum(minutes for _, _, minutes in jobs))
    for most in range(4):
        alone, _ = worked([job for job in named if job[2] <= most], units)
        assert sorted(alone.values()) == sorted(done[job[0]] for job in named if job[2] <= most)
