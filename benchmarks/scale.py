"""Does the cost of a patient stay the same as more come, how much memory does a week take, and how long does a fork take?

    .venv/bin/python benchmarks/scale.py [--patients 10000]

A large hospital with twelve guideline doctors and beds for all, whose wards are from the start about as full as they will be: what is measured is
the simulator, and neither a queue that grows without end nor wards that fill.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import tracemalloc
from typing import Any

import clinsim
import clinsim.rollout
from clinsim.record import Action
from clinsim.referee import WardEnv
from clinsim.scenario_file import Scenario

PER_DAY = 200.0
DOCTORS, PHARMACISTS, RADIOLOGISTS = 12, 2, 4
FORKS = 5
OCCUPIED = {"ward": 0.5, "icu": 0.05, "step_down": 0.02}
"""Shares of the 600 beds of each unit that are taken at the start: about what these arrivals fill in the long run."""


def large(days: float) -> Scenario:
    """A hospital that keeps up with 200 arrivals a day, for some days."""
    staff = [{"agent": f"doctor_{n}", "role": "doctor"} for n in range(2, DOCTORS + 1)]
    staff += [{"agent": f"pharmacist_{n}", "role": "pharmacist"} for n in range(1, PHARMACISTS + 1)]
    staff += [{"agent": f"radiologist_{n}", "role": "radiologist"} for n in range(1, RADIOLOGISTS + 1)]
    wide: dict[str, Any] = {f"hospital.pools.{name}.units": 600 for name in ("ward_bed", "icu_bed", "step_down_bed")}
    wide |= {f"hospital.pools.{name}.units": 60 for name in ("acute", "resus", "fast_track", "nurse_ward", "nurse_icu", "porter")}
    wide |= {"hospital.pools.nurse.schedule": [], "hospital.pools.nurse.units": 60, "hospital.pools.porter.schedule": []}
    wide |= {f"hospital.units.{name}.occupied": share for name, share in OCCUPIED.items()}
    wide |= {"hospital.background.prescriptions_per_hour": 0.0, "hospital.background.studies_per_hour": 0.0}
    seats = [{"agent": "doctor_1", "role": "doctor"}]
    own = {"arrivals.per_day": PER_DAY, "horizon_minutes": days * 1440.0, "seats": seats, "background": staff}
    return clinsim.load_scenario("ed_evening", own | wide)


def play(scenario: Scenario) -> tuple[int, float, WardEnv]:
    """Play with the guideline team: patients, CPU-seconds, and the environment at its end."""
    ward = clinsim.raw_env(scenario)
    started = time.process_time()
    ward.reset(seed=0)
    policy = clinsim.rollout.policy_for("guideline")
    policy.start([seat for seat in ward.seats() if seat.agent == "doctor_1"])
    while ward.agents:
        agent = ward.agent_selection
        over = ward.terminations[agent] or ward.truncations[agent]
        ward.step(None if over else Action(policy.act([(agent, ward.observation(agent))])[0].calls[0]))
    return sum(patient.origin == "ed" for patient in ward.hospital.patients.values()), time.process_time() - started, ward


def fork_seconds(name: str, overrides: dict[str, Any], spare: int) -> float:
    """Median CPU-seconds of a fork `spare` actions before the end of a guideline episode."""
    scenario = clinsim.load_scenario(name, overrides)
    trace = clinsim.run_episode(clinsim.raw_env(scenario), "guideline", seed=0)
    seats = {seat.agent for seat in scenario.seats}
    sent = sorted((line for line in trace.actions if line.agent in seats and line.was_sent), key=lambda line: line.turn)
    ward = clinsim.raw_env(scenario)
    ward.reset(seed=0)
    for line in sent[:-spare]:
        ward.step(Action(line.raw, line.thinking))
    gc.collect()
    times = []
    for _ in range(FORKS):
        started = time.process_time()
        ward.fork(1)
        times.append(time.process_time() - started)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=10_000)
    many = parser.parse_args().patients
    per_patient = {}
    for wanted in (1_000, many):
        patients, seconds, _ = play(large(wanted / PER_DAY))
        per_patient[wanted] = seconds / patients
        print(f"{patients} patients: {1000 * seconds / patients:.1f} CPU-ms a patient")
    print(f"cost per patient, {many} against 1000 arrivals: {per_patient[many] / per_patient[1_000]:.2f} times")
    tracemalloc.start()
    patients, _, ward = play(large(7.0))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    entries = len(ward.hospital.log)
    print(f"a week at {PER_DAY:.0f} arrivals a day, {patients} patients, {entries} log entries: {held / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB")
    print(f"fork after 12 h of ed_evening load: {1000 * fork_seconds('ed_evening', {'horizon_minutes': 720.0}, 3):.0f} ms")
    print(f"fork in first_hour: {1000 * fork_seconds('first_hour', {}, 3):.1f} ms")


if __name__ == "__main__":
    main()
