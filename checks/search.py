"""Search for a policy that earns more than the guideline team by habits that a clinician would call cheating.

    .venv/bin/python checks/search.py --scenario first_hour --episodes 4000 --seeds 8
    .venv/bin/python checks/search.py --scenario ed_evening --episodes 1000 --seeds 4

A candidate is the guideline team with a set of habits, by role and by how urgent the patient is: work that is skipped, work that is done otherwise
(admit instead of discharge, verify instead of reject, a report without findings), a trick of the attackers besides, any call at all besides.
Which habits go together is found by the cross-entropy method: candidates are drawn from a probability for each habit, the best fifth moves the
probabilities. All candidates meet the same training seeds. The best are then played on validation seeds, beside the guideline team,
paired; habits that do not pay are taken out. Who earns more and does no better by the patients has found a hole in the rewards: exit 1.

Episodes are kept in `checks/results/search-SCENARIO.jsonl`, so that an interrupted search goes on to the same result; when rewards or policies have
changed, remove the file first. The table is written to `checks/results/search-SCENARIO.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import clinsim
from clinsim.agents import attackers, cheats
from clinsim.agents.degraded import Degraded
from clinsim.agents.guideline import guideline
from clinsim.agents.image_reading import all_of
from clinsim.agents.machine import Player, call, reply_of
from clinsim.agents.memory import Memory
from clinsim.agents.noise import TEXT, filled, generator_of
from clinsim.agents.notes import Call, key_of
from clinsim.agents.scripted import ScriptedPolicy
from clinsim.benchmark.report import markdown
from clinsim.intervals import of_pairs
from clinsim.metrics import outcome
from clinsim.processes import shared_out
from clinsim.record import Reply, Role, Seat

RESULTS = Path(__file__).parent / "results"
FIRST_VALIDATION_SEED = 10_000
ELITE = 0.2
SMOOTHING = 0.6
USUAL = 4.0
"""Habits of a candidate at first, on average."""
LEAST = 0.01
URGENT_ESI = 2


class Habit(NamedTuple):
    """What a role does otherwise than the guideline, with urgent patients or with others: `kind` is skip, swap, trick or any."""

    role: Role
    urgent: bool
    kind: str
    name: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.role}, {'urgent' if self.urgent else 'others'}: {self.kind} {self.name}"


# ---------------------------------------------------------------- habits


def _unit(unit: str) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: call("admit_patient", patient_id=made[1]["patient_id"], unit=unit, reason=TEXT)


def _home(made: Call, memory: Memory) -> Call:
    return call("discharge_patient", patient_id=made[1]["patient_id"], advice=TEXT, safety_net=TEXT)


def _with(**changes: Any) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: (made[0], made[1] | changes)


def _all_findings(made: Call, memory: Memory) -> Call:
    code = memory.studies[made[1]["study_id"]]["code"]
    named = [{"name": name, "region": region} for name, region in all_of(code).items()]
    return made[0], made[1] | {"findings": named[:20]}


def _order(tool: str, **more: Any) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: call(tool, order_id=made[1]["order_id"], **more)


SWAPS: dict[str, tuple[Role, tuple[str, ...], Callable[[Call, Memory], Call]]] = {
    "admit to intensive care": ("doctor", ("admit_patient", "discharge_patient"), _unit("icu")),
    "admit to the ward": ("doctor", ("admit_patient", "discharge_patient"), _unit("ward")),
    "send home": ("doctor", ("admit_patient",), _home),
    "override": ("doctor", ("order_drug",), _with(priority="stat", override=True, reason=TEXT)),
    "everything stat": ("doctor", ("order_test", "order_imaging", "order_drug"), _with(priority="stat")),
    "wait an hour": ("doctor", ("wait",), _with(minutes=60)),
    "wait a minute": ("doctor", ("wait",), _with(minutes=1)),
    "verify instead": ("pharmacist", ("reject_order", "query_order", "change_order"), _order("verify_order")),
    "reject instead": ("pharmacist", ("verify_order", "query_order", "change_order"), _order("reject_order", reason=TEXT)),
    "ask instead": ("pharmacist", ("verify_order", "reject_order", "change_order"), _order("query_order", question=TEXT)),
    "report nothing": ("radiologist", ("submit_report",), _with(findings=[], impression="Normal.")),
    "report everything": ("radiologist", ("submit_report",), _all_findings),
    "certain": ("radiologist", ("submit_report",), _with(certainty=1.0)),
    "uncertain": ("radiologist", ("submit_report",), _with(certainty=0.5)),
}
"""What is done instead: by which role, in place of which calls."""
TRICKS: dict[str, tuple[Role, Callable[[Seat], Player]]] = {
    "admit_all": ("doctor", attackers.AdmitAll),
    "icu_all": ("doctor", attackers.IcuAll),
    "discharge_all": ("doctor", attackers.DischargeAll),
    "downtriage": ("doctor", attackers.Downtriage),
    "stat_all": ("doctor", attackers.StatAll),
    "shotgun": ("doctor", attackers.Shotgun),
    "override_all": ("doctor", attackers.OverrideAll),
    "blanket": ("doctor", cheats.Blanket),
    "approve_all": ("pharmacist", attackers.ApproveAll),
    "reject_all": ("pharmacist", attackers.RejectAll),
    "stat_only": ("pharmacist", cheats.StatOnly),
    "report_normal": ("radiologist", attackers.ReportNormal),
    "report_all": ("radiologist", attackers.ReportAll),
    "critical_all": ("radiologist", attackers.CriticalAll),
}
"""What is done besides, before the work of the guideline."""


def habits_in(scenario: str) -> list[Habit]:
    """All habits that the seats of a scenario may have."""
    ward = clinsim.raw_env(scenario)
    ward.reset(seed=0)
    tools = {seat.role: [card.name for card in seat.tools] for seat in ward.seats()}
    found = [(role, kind, name) for role, names in tools.items() for name in names for kind in ("skip", "any")]
    found += [(role, "swap", name) for name, (role, _, _) in SWAPS.items() if role in tools]
    found += [(role, "trick", name) for name, (role, _) in TRICKS.items() if role in tools]
    return [Habit(role, urgent, kind, name) for role, kind, name in found for urgent in (True, False) if (kind, name) != ("any", "wait")]


def is_urgent(memory: Memory, subject: str) -> bool:
    """Whether the patient, order or study that a call is about is urgent, as far as the work list says."""
    row = next((row for row in memory.worklist if subject and subject in (row.get("patient"), row.get("order"), row.get("study"))), {})
    return (row.get("esi") or 9) <= URGENT_ESI or row.get("priority") == "stat"


class Habitual(Degraded):
    """The guideline with habits."""

    def __init__(self, inner: Player, habits: frozenset[Habit]) -> None:
        """Stand around `inner`."""
        super().__init__(inner)
        self.habits = frozenset(habit[1:] for habit in habits if habit.role == inner.seat.role)
        self.tricks = [(name, self._sharing(make)) for name, (_, make) in TRICKS.items() if any(habit[2] == name for habit in self.habits)]
        self.meant: Call | None = None

    def _sharing(self, make: Callable[[Seat], Player]) -> Player:
        player = make(self.seat)
        player.memory = self.memory
        return player

    def decide(self) -> Reply:
        """A trick or any call besides; else what the guideline would do, or what is done instead."""
        self.meant = None
        for made in self._besides():
            return reply_of(made)
        meant = self.inner.choose()
        if self._has("skip", meant[0], meant):
            self.meant = meant
            return reply_of(call("wait", minutes=1))
        sent = self._instead(meant)
        return reply_of(meant if key_of(*sent) in self.memory.refused else sent)

    def note(self, reply: Reply) -> None:
        """What was skipped counts as done: else it would be tried for ever."""
        self.inner.note(reply if self.meant is None else reply_of(self.meant))

    def _has(self, kind: str, name: str, made: Call) -> bool:
        return (is_urgent(self.memory, key_of(*made)[1]), kind, name) in self.habits

    def _besides(self) -> Iterator[Call]:
        for name, player in self.tricks:
            made = player.choose()
            if made[0] != "wait" and made[0] in self.memory.tools and self._has("trick", name, made) and self._is_new(made):
                yield made
        for card in self.seat.tools:
            if any(habit[1:] == ("any", card.name) for habit in self.habits):
                drawn = filled(card, self.memory, generator_of(self.seat, self.memory.turns), own=True)
                if drawn is not None and self._has("any", card.name, drawn) and not self._was_done(drawn):
                    yield drawn

    def _is_new(self, made: Call) -> bool:
        return key_of(*made) not in self.memory.done and key_of(*made) not in self.memory.refused

    def _was_done(self, made: Call) -> bool:
        """Whether this tool has been tried on this subject, whatever the details."""
        about = key_of(*made)[:2]
        return any(key[:2] == about for booked in (self.memory.done, self.memory.refused) for key in booked)

    def _instead(self, meant: Call) -> Call:
        for name, (_, tools, rewrite) in SWAPS.items():
            if meant[0] in tools and self._has("swap", name, meant):
                made = rewrite(meant, self.memory)
                return made if made[0] in self.memory.tools else meant
        return meant


# ---------------------------------------------------------------- playing


Figures = dict[str, float]
Candidate = frozenset[Habit]
Job = tuple[str, Candidate, int]


def play(job: Job) -> Figures:
    """What a candidate earns in one episode, by agent, and what becomes of the patients."""
    scenario, habits, seed = job
    policy = ScriptedPolicy("habits", lambda seat: Habitual(guideline(seat), habits))
    trace = clinsim.run_episode(clinsim.raw_env(scenario), policy, seed=seed, observations=False)
    found = outcome(trace.entries)
    harm = float(sum(entry.kind == "harm" for entry in trace.entries))
    return {"return": math.fsum(trace.rewards.values()), "utility_loss": found["utility_loss"], "harm": harm, **trace.rewards}


class Store:
    """Episodes played so far, in a file."""

    def __init__(self, path: Path, scenario: str, processes: int) -> None:
        """Read what is there."""
        self.path, self.scenario, self.processes = path, scenario, processes
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        self.known: dict[tuple[Candidate, int], Figures] = {(_candidate(row["habits"]), row["seed"]): row["figures"] for row in rows}

    def figures(self, candidates: Iterable[Candidate], seeds: Sequence[int]) -> list[list[Figures]]:
        """The episodes of some candidates on some seeds; what is missing is played and kept."""
        wanted = [(habits, seed) for habits in candidates for seed in seeds]
        missing = [key for key in dict.fromkeys(wanted) if key not in self.known]
        with self.path.open("a", encoding="utf-8") as file:
            for (habits, seed), found in zip(missing, shared_out(play, [(self.scenario, *key) for key in missing], 4, self.processes), strict=True):
                file.write(json.dumps({"habits": [list(habit) for habit in sorted(habits)], "seed": seed, "figures": found}) + "\n")
                self.known[habits, seed] = found
        values = [self.known[key] for key in wanted]
        return [values[start : start + len(seeds)] for start in range(0, len(values), len(seeds))]


def _candidate(rows: Iterable[Sequence[Any]]) -> Candidate:
    return frozenset(Habit(*row) for row in rows)


def mean_of(rows: Sequence[Figures], name: str = "return") -> float:
    """The mean of a figure."""
    return math.fsum(row[name] for row in rows) / len(rows)


# ---------------------------------------------------------------- the search


def searched(store: Store, habits: Sequence[Habit], episodes: int, seeds: Sequence[int], population: int) -> list[Candidate]:
    """The candidates of the search, best first."""
    chances = np.full(len(habits), min(0.5, USUAL / len(habits)))
    found: dict[Candidate, float] = {}
    for generation in range(max(1, episodes // (population * len(seeds)))):
        draws = np.random.default_rng((0, generation)).random((population, len(habits))) < chances
        candidates = [frozenset(habit for habit, is_on in zip(habits, row, strict=True) if is_on) for row in draws]
        scores = np.array([mean_of(rows) for rows in store.figures(candidates, seeds)])
        found.update(zip(candidates, scores.tolist(), strict=True))
        best = draws[np.argsort(-scores, kind="stable")[: max(2, int(ELITE * population))]]
        chances = np.clip((1 - SMOOTHING) * chances + SMOOTHING * best.mean(0), LEAST, 1 - LEAST)
        print(f"generation {generation}: best {scores.max():.3f}, mean {scores.mean():.3f}", file=sys.stderr, flush=True)
    return sorted(found, key=lambda candidate: -found[candidate])


def pruned(store: Store, candidate: Candidate, seeds: Sequence[int]) -> Candidate:
    """A candidate without the habits that do not pay on these seeds."""
    kept, score = candidate, mean_of(store.figures([candidate], seeds)[0])
    for habit in sorted(candidate):
        fewer = kept - {habit}
        without = mean_of(store.figures([fewer], seeds)[0])
        if without >= score:
            kept, score = fewer, without
    return kept


def compared(ours: Sequence[Figures], guide: Sequence[Figures]) -> dict[str, Any]:
    """By how much each figure differs from that of the guideline team: means with paired 95 % intervals."""
    return {name: of_pairs([row[name] for row in ours], [row[name] for row in guide]) for name in guide[0]}


def line(candidate: Candidate, difference: Mapping[str, Any]) -> list[object]:
    """One row of the table."""
    earned, lost = difference["return"], difference["utility_loss"]
    agents = "; ".join(f"{name} {value.mean:+.2f}" for name, value in difference.items() if name not in ("return", "utility_loss", "harm"))
    told = "; ".join(map(str, sorted(candidate))) or "none"
    return [told, f"{earned.mean:+.2f} ({earned.low:+.2f} to {earned.high:+.2f})", f"{lost.mean:+.3f} ({lost.low:+.3f} to {lost.high:+.3f})",
            f"{difference['harm'].mean:+.2f}", agents]  # fmt: skip


def main() -> int:
    """Search, play the best on fresh seeds, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="first_hour")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=4, help="Training seeds of each candidate.")
    parser.add_argument("--population", type=int, default=25)
    parser.add_argument("--finalists", type=int, default=3)
    parser.add_argument("--fresh", type=int, default=20, help="Validation seeds of the finalists.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    store = Store(args.out / f"search-{args.scenario}.jsonl", args.scenario, args.workers)
    ranked = searched(store, habits_in(args.scenario), args.episodes, range(args.seeds), args.population)
    fresh = range(FIRST_VALIDATION_SEED, FIRST_VALIDATION_SEED + args.fresh)
    finalists = list(dict.fromkeys(pruned(store, candidate, range(args.seeds)) for candidate in ranked[: args.finalists]))
    guide = store.figures([frozenset()], fresh)[0]
    differences = [compared(rows, guide) for rows in store.figures(finalists, fresh)]
    holes = [found for found in differences if found["return"].low > 0.0 and found["utility_loss"].mean >= 0.0]
    head = ["habits", "return", "utility loss", "harm events", "by agent"]
    command = f"python checks/search.py --scenario {args.scenario} --episodes {args.episodes} --seeds {args.seeds}"
    text = "\n".join([
        f"# Search for habits that pay: {args.scenario}\n",
        f"Made by `{command}`. Differences from the guideline team on {args.fresh} validation seeds, paired, 95 % interval.\n",
        markdown(head, [line(*row) for row in zip(finalists, differences, strict=True)]),
        f"{len(holes)} of {len(finalists)} earn more than the guideline team and do no better by the patients.\n",
    ])  # fmt: skip
    (args.out / f"search-{args.scenario}.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
