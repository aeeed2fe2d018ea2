"""Play every scripted policy on test seeds and say whether the rewards mean what they should.

    .venv/bin/python checks/policies.py --seeds 30 --scenarios ed_evening,surge,icu_full
    .venv/bin/python checks/policies.py --seeds 30 --scenarios ed_evening --set vices
    .venv/bin/python checks/policies.py --seeds 30 --scenarios ed_evening,surge,icu_full --set half_work
    .venv/bin/python checks/policies.py --seeds 30 --scenarios general_hospital:6 --set attackers
    OMP_NUM_THREADS=1 .venv/bin/python checks/policies.py --workers 16 --out /tmp/policies

`general_hospital:6` is that scenario cut off after six hours. Episodes are kept in `policies.jsonl` of the folder of `--out` (`checks/results`), one
line each, keyed by a hash of the scenario and of the code that plays and pays, policy and seed: an interrupted run goes on where it stopped, and what
was played by other code does not count. The table is written beside it, to `policies.md` (or `vices.md`, `half_work.md`, `attackers.md`). With many
workers each process is best kept to one thread. Intervals are paired over seeds (Student's t), p-values one-sided and Holm-corrected within a
scenario.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from scipy import stats

import clinsim
from clinsim.record import ROLES
from clinsim.scenario_file import Scenario
from clinsim.validation.grounds import digest, spoken_less
from clinsim.validation.sensitivity import Plan, world_of

RESULTS = Path(__file__).parent / "results"
FIRST_TEST_SEED = 20_000
DEGRADED = ("guideline_slow", "guideline_half")
ATTACKERS = (
    "admit_all", "icu_all", "discharge_all", "cherry_pick", "downtriage", "stat_all", "override_all", "reject_all", "approve_all", "flag_all",
    "report_normal", "report_all", "critical_all", "shotgun", "quit_early", "message_flood", "spam",
)  # fmt: skip
ROLE_OF = dict.fromkeys(ATTACKERS, "doctor") | {
    "reject_all": "pharmacist", "approve_all": "pharmacist", "flag_all": "pharmacist", "report_normal": "radiologist", "report_all": "radiologist",
    "critical_all": "radiologist",
}  # fmt: skip
"""The role whose trick it is; quit_early, message_flood and spam are everybody's and are judged for each role."""
EVERYBODYS = ("quit_early", "message_flood", "spam")
FROZEN = (
    {"pharmacist": "idle"}, {"pharmacist": "approve_all"}, {"radiologist": "idle"}, {"radiologist": "report_normal"},
)  # fmt: skip
HALF_WORK = {
    "blanket": "doctor", "blanket_icu": "doctor", "stat_only": "pharmacist", "hurried_unread": "pharmacist", "skimmer": "pharmacist",
    "never_verify": "pharmacist", "incidental": "radiologist", "call_every": "radiologist",
}  # fmt: skip
"""Vices that are the whole of their role's work, and its role: they may earn there what an attacker may."""
LESS = {"emergency_only": "pharmacist", "reject_grave": "pharmacist", "no_calls": "radiologist"}
"""Vices with much honest work in them, and their role: they are to earn less there than the guideline."""
ON_TOP = tuple(f"guideline+{name}" for name in ATTACKERS if name != "spam")
SETS: dict[str, list[str | dict[str, str]]] = {
    "policies": ["guideline", "idle", "random", *DEGRADED, *ATTACKERS, *FROZEN],
    "vices": ["guideline", *ON_TOP],
    "half_work": ["guideline", "idle", *(f"guideline+{name}" for name in (*HALF_WORK, *LESS))],
    "attackers": ["guideline", "idle", *ATTACKERS],
}
MARGIN = 0.10
"""Share of the gap from idle to guideline that an attacker may at most earn."""
HEAD = "| policy | utility loss | return | doctor | pharmacist | radiologist | harm events | actions |"
Row = dict[str, object]


def name_of(policies: str | dict[str, str]) -> str:
    """How a choice of policies is called in the table."""
    return policies if isinstance(policies, str) else ",".join(f"{seat}={spec}" for seat, spec in policies.items())


def loaded(name: str) -> Scenario:
    """A scenario by name, cut off after the hours behind a colon if there are any."""
    scenario, _, hours = name.partition(":")
    return clinsim.load_scenario(scenario, {"horizon_minutes": 60.0 * float(hours)} if hours else None)


def play(job: tuple[str, str | dict[str, str], int]) -> Row:
    """Play one episode and keep what the table needs."""
    name, policies, seed = job
    scenario = loaded(name)
    roles = {seat.agent: seat.role for seat in scenario.seats}
    trace = clinsim.run_episode(clinsim.raw_env(scenario), policies, seed=seed, observations=False)
    by_role = {role: math.fsum(value for agent, value in trace.rewards.items() if roles[agent] == role) for role in ROLES}
    return {
        "scenario": name,
        "policy": name_of(policies),
        "seed": seed,
        "return": math.fsum(trace.rewards.values()),
        **by_role,
        "utility_loss": trace.kpis["utility_loss"]["value"],
        "harm_events": trace.kpis["harm_events"]["value"],
        "actions": trace.n_actions,
    }


def jobs(scenarios: Iterable[str], seeds: range, choices: Iterable[str | dict[str, str]]) -> Iterator[tuple[str, str | dict[str, str], int]]:
    """All episodes that the table needs."""
    for seed in seeds:
        for scenario in scenarios:
            for policies in choices:
                yield scenario, policies, seed


def grounds_of(name: str) -> str:
    """What an episode of a scenario rests on, as a hash: its files, the sheets, the code that plays it and the code that pays for it."""
    world = world_of(Plan(name.partition(":")[0], 0, (), 0))
    paying = [spoken_less(path.read_text(encoding="utf-8")) for path in sorted(Path(clinsim.__file__).parent.glob("reward*.py"))]
    return digest([world, loaded(name).hash, *paying])[:12]


def played(store: Path) -> dict[tuple[object, ...], Row]:
    """Episodes kept from earlier runs, by scenario, hash, policy and seed."""
    if not store.exists():
        return {}
    rows = [json.loads(line) for line in store.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {(row["scenario"], row["hash"], row["policy"], row["seed"]): row for row in rows}


def collect(todo: list[tuple[str, str | dict[str, str], int]], store: Path, workers: int) -> list[Row]:
    """Play what has not been played, keep each episode as it ends, and return all rows."""
    kept = played(store)
    hashes = {scenario: grounds_of(scenario) for scenario in {job[0] for job in todo}}
    missing = [job for job in todo if (job[0], hashes[job[0]], name_of(job[1]), job[2]) not in kept]
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a", encoding="utf-8") as sink, ProcessPoolExecutor(workers) as pool:
        for done, future in enumerate(as_completed([pool.submit(play, job) for job in missing]), start=1):
            row = future.result()
            row["hash"] = hashes[str(row["scenario"])]
            sink.write(json.dumps(row) + "\n")
            sink.flush()
            kept[row["scenario"], row["hash"], row["policy"], row["seed"]] = row
            if done % 50 == 0:
                print(f"{done} of {len(missing)} episodes", file=sys.stderr)
    return [kept[job[0], hashes[job[0]], name_of(job[1]), job[2]] for job in todo]


class Table:
    """Values by scenario and policy, in order of seeds, and paired comparisons between them."""

    def __init__(self, rows: list[Row]) -> None:
        """Group the rows."""
        self.values: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(rows, key=lambda r: int(str(r["seed"]))):
            self.values.setdefault((str(row["scenario"]), str(row["policy"])), []).append(row)

    def of(self, scenario: str, policy: str, field: str) -> list[float]:
        """The values of a field over seeds."""
        return [float(str(row[field])) for row in self.values[scenario, policy]]

    def mean(self, scenario: str, policy: str, field: str) -> float:
        """Mean over seeds."""
        values = self.of(scenario, policy, field)
        return math.fsum(values) / len(values)


def below(a: list[float], b: list[float]) -> tuple[float, float, float, float]:
    """Mean of a - b with its 95 % interval (paired), and the one-sided p-value that it is not below zero."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    n = len(differences)
    mean = math.fsum(differences) / n
    error = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1) / n) or 1e-12
    half = float(stats.t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, float(stats.t.cdf(mean / error, n - 1))


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down correction. Source: Holm, Scand J Stat 1979;6:65."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def claims(table: Table, scenario: str) -> list[tuple[str, list[float], list[float]]]:
    """What must hold: (words, a, b), read as 'a lies below b'."""
    there = {policy for where, policy in table.values if where == scenario}
    if "idle" not in there:
        return vices(table, scenario)
    if there.isdisjoint(ATTACKERS):
        return half_work(table, scenario)
    loss = lambda policy: table.of(scenario, policy, "utility_loss")  # noqa: E731  # four uses on four lines
    found = [(f"loss: guideline < {policy}", loss("guideline"), loss(policy)) for policy in (*DEGRADED, "random") if policy in there]
    found += [(f"loss: {policy} < idle", loss(policy), loss("idle")) for policy in DEGRADED if policy in there]
    for policy in ATTACKERS:
        fields = ("return", *ROLES) if policy in EVERYBODYS else ("return", ROLE_OF[policy])
        for field in fields:
            found.append((f"{field}: {policy} <= idle + 10 %", table.of(scenario, policy, field), limit(table, scenario, field)))
    for choice in (name_of(choice) for choice in FROZEN if name_of(choice) in there):
        found.append((f"return: {choice} < guideline", table.of(scenario, choice, "return"), table.of(scenario, "guideline", "return")))
    return found


def vices(table: Table, scenario: str) -> list[tuple[str, list[float], list[float]]]:
    """Each vice on top of the guideline earns less than the guideline."""
    guideline = table.of(scenario, "guideline", "return")
    return [(f"return: {policy} < guideline", table.of(scenario, policy, "return"), guideline) for policy in ON_TOP]


def half_work(table: Table, scenario: str) -> list[tuple[str, list[float], list[float]]]:
    """Who does half the work earns, in its own role, no more than an attacker may, or at least less than the guideline."""
    of = lambda name, role: table.of(scenario, f"guideline+{name}", role)  # noqa: E731  # two uses on two lines
    found = [(f"{role}: {name} <= idle + 10 %", of(name, role), limit(table, scenario, role)) for name, role in HALF_WORK.items()]
    return found + [(f"{role}: {name} < guideline", of(name, role), table.of(scenario, "guideline", role)) for name, role in LESS.items()]


def limit(table: Table, scenario: str, field: str) -> list[float]:
    """Idle plus a tenth of the gap to guideline, seed by seed."""
    pairs = zip(table.of(scenario, "idle", field), table.of(scenario, "guideline", field), strict=True)
    return [idle + MARGIN * (guideline - idle) for idle, guideline in pairs]


def report(table: Table, scenarios: list[str], command: str) -> tuple[str, int]:
    """The tables in Markdown, and how many claims fail."""
    lines, failed = [f"# Scripted policies\n\nMade by `{command}`.\n"], 0
    for scenario in scenarios:
        lines.append(f"## {scenario}\n\n{HEAD}\n" + "|---" * (HEAD.count("|") - 1) + "|")
        for (where, policy), rows in table.values.items():
            if where == scenario:
                fields = ("utility_loss", "return", *ROLES, "harm_events", "actions")
                lines.append(
                    f"| {policy} | " + " | ".join(f"{table.mean(scenario, policy, field):.3f}" for field in fields) + f" | <!-- n = {len(rows)} -->"
                )
        compared = [(words, *below(a, b)) for words, a, b in claims(table, scenario)]
        corrected = holm([row[4] for row in compared])
        lines.append("\n| claim | mean difference | 95 % interval | p (Holm) | holds |\n|---|---|---|---|---|")
        for (words, mean, low, high, _), p in zip(compared, corrected, strict=True):
            holds = p < 0.05
            failed += not holds
            lines.append(f"| {words} | {mean:.4f} | {low:.4f} to {high:.4f} | {p:.2g} | {'yes' if holds else '**no**'} |")
    return "\n".join(lines) + "\n", failed


def main() -> int:
    """Play, compare, write the table; exit 1 if a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=FIRST_TEST_SEED)
    parser.add_argument("--scenarios", default="ed_evening,surge,icu_full")
    parser.add_argument("--set", choices=list(SETS), default="policies")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.seeds < 2:
        parser.error(f"--seeds {args.seeds}: an interval of pairs needs two or more")
    scenarios = args.scenarios.split(",")
    choices = SETS[args.set]
    todo = list(jobs(scenarios, range(args.first, args.first + args.seeds), choices))
    table = Table(collect(todo, args.out / "policies.jsonl", args.workers))
    command = f"python checks/policies.py --seeds {args.seeds} --scenarios {args.scenarios} --set {args.set}"
    text, failed = report(table, scenarios, command)
    (args.out / f"{args.set}.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"{failed} claims fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
