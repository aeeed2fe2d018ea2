"""Self-play: who is kept, who plays with whom, what an iteration leaves, and that a killed run goes on to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from clinsim.agents.chat_server import server_of
from clinsim.agents.decoding import Engine, Written
from clinsim.errors import ServerError, UsageError
from clinsim.record import ROLES
from clinsim.training.judges import Heuristic, JudgeError, Verdict, kept
from clinsim.training.model_judge import ModelJudge
from clinsim.training.recipes import RECIPES, recipe_of, rehearsed, summary
from clinsim.training.rollouts import Plan, Rollout, Said
from clinsim.training.run import METRICS, RunFolder, write_model
from clinsim.training.selfplay import SelfPlaySettings, judge_of, partners_at, plans, run_selfplay

SMALL = SelfPlaySettings(
    start="", iterations=3, groups=2, group_size=2, pool=2, partner_share=1.0, partners={"radiologist": "idle"}, evaluation_seeds=(10_000, 10_001),
    threads=1, steps=1, keep=0.5, most_refused=1.0,
)  # fmt: skip
AGENTS = {"doctor_1": "doctor", "pharmacist_1": "pharmacist"}


def rollout(number, doctor=0.0, pharmacist=0.0, loss=0.1, refused=0, seed=1):
    said = tuple(Said(agent, role, turn, Written('{"name":"wait"}', (1, 2), (1,), (-0.1,), ())) for turn, (agent, role) in enumerate(AGENTS.items()))
    return Rollout(
        Plan("first_hour", seed, number), {"doctor_1": doctor, "pharmacist_1": pharmacist}, AGENTS, frozenset(AGENTS), said, loss, 10, refused
    )


# ---------------------------------------------------------------- judges


def test_the_heuristic_goes_by_reward_and_refuses_bad_outcomes_and_refusals():
    rollouts = [rollout(0, 4.0, 2.0), rollout(1, 1.0, loss=0.3), rollout(2, refused=5), rollout(3, 9.0, seed=2)]
    found = Heuristic(team_share=0.5, most_refused=0.3).verdicts(rollouts)
    assert found[0] == {"doctor_1": Verdict(5.0), "pharmacist_1": Verdict(4.0)}
    assert {verdict.refused for verdict in found[1].values()} == {"outcome"}
    assert {verdict.refused for verdict in found[2].values()} == {"refusals"}
    assert found[3]["doctor_1"] == Verdict(9.0)


@pytest.mark.parametrize(
    ("scores", "refused", "share", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], (), 0.25, {3}),
        ([1.0, 2.0, 3.0, 4.0], (), 1.0, {2, 3}),
        ([1.0, 2.0, 3.0, 4.0], (3,), 0.25, {2}),
        ([2.0, 2.0, 2.0, 2.0], (), 0.5, set()),
        ([5.0], (), 1.0, set()),
        ([1.0, 2.0], (0, 1), 1.0, set()),
    ],
)
def test_the_best_of_each_role_from_one_start_are_kept(scores, refused, share, expected):
    verdicts = [{"doctor_1": Verdict(score, "outcome" if k in refused else "")} for k, score in enumerate(scores)]
    found = kept([rollout(k) for k in range(len(scores))], verdicts, share)
    assert found.parts == {(k, "doctor_1") for k in expected}
    assert sum(found.refused.values()) == len(refused)


def answering(*texts):
    replies = iter(texts)
    return lambda body: {"choices": [{"message": {"content": next(replies)}}]}


def test_a_model_judges_every_part_or_says_loudly_that_it_cannot(serve):
    url = serve(answering('{"score": 8, "why": "swift"}', 'My mark: {"score": 2, "why": "unsafe"}')).url
    found = ModelJudge(server_of(f"m@{url}#at_once=1")).verdicts([rollout(0)])
    assert found == [{"doctor_1": Verdict(8.0), "pharmacist_1": Verdict(2.0, "judge")}]
    for text in ("I would say eight.", '{"score": 11}', '{"mark": 3}', ""):
        url = serve(answering(text, text)).url
        with pytest.raises(JudgeError, match="no mark from 0 to 10 on doctor_1 in first_hour, seed 1, episode 0"):
            ModelJudge(server_of(f"m@{url}#at_once=1")).verdicts([rollout(0)])
    with pytest.raises(ServerError, match="cannot be reached"):
        ModelJudge(server_of("m@http://127.0.0.1:9/v1#retries=0")).verdicts([rollout(0)])


def test_a_judge_that_is_none_is_named():
    with pytest.raises(UsageError, match="allowed are heuristic, chat:MODEL@URL"):
        judge_of(SMALL.model_copy(update={"judge": "my_friend"}))
    assert isinstance(judge_of(SMALL.model_copy(update={"judge": "chat:m@http://127.0.0.1:9/v1"})), ModelJudge)


# ---------------------------------------------------------------- partners


def test_partners_are_the_same_for_a_group_and_leave_somebody_to_learn():
    members = [Path("pool/0000"), Path("pool/0001")]
    settings = SMALL.model_copy(update={"groups": 8, "partner_share": 0.5, "partners": {}})
    starts = [("first_hour", seed) for seed in range(8)]
    found = plans(settings, 3, members, starts)
    by_seed = {seed: {json.dumps(plan.partners) for plan in found if plan.seed == seed} for seed in {plan.seed for plan in found}}
    assert all(len(partners) == 1 for partners in by_seed.values())
    assert len({partners for (partners,) in by_seed.values()}) > 2
    assert any(not plan.partners for plan in found)
    assert found == plans(settings, 3, members, starts) != plans(settings, 4, members, starts)
    alone = SMALL.model_copy(update={"partners": dict.fromkeys(ROLES[1:], "idle")})
    assert all(partners_at(alone, 0, seed, members) == alone.partners for seed in range(50))
    assert all(partners_at(settings, 0, seed, []) == {} for seed in range(50))


# ---------------------------------------------------------------- runs


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Path:
    write_model(engine, tmp_path / "start")
    return tmp_path / "start"


@pytest.mark.parametrize("train", ["sft", "grpo"])
def test_a_run_leaves_a_pool_a_report_and_the_best_model(start, tmp_path, train):
    settings = SMALL.model_copy(update={"start": str(start), "iterations": 1, "train": train, "group_size": 4})
    run_selfplay(settings, tmp_path / "run", False, lambda row: None)
    rows = RunFolder(tmp_path / "run").rows()
    assert [row["step"] for row in rows] == [-1, 0]
    assert all("evaluation" in row for row in rows)
    assert sorted(folder.name for folder in (tmp_path / "run" / "pool").iterdir()) == ["0000", "0001"]
    assert (tmp_path / "run" / "report.md").read_text().count("\n| ") == 3
    assert summary(tmp_path / "run")["steps"] == 1
    before, after = (Engine.load(tmp_path / "run" / "pool" / name).model for name in ("0000", "0001"))
    assert any(not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))


def without_times(folder: Path) -> list[dict]:
    return [{name: value for name, value in row.items() if not name.endswith("_seconds")} for row in RunFolder(folder).rows()]


def test_a_killed_run_goes_on_to_the_same_numbers(start, tmp_path):
    settings = SMALL.model_copy(update={"start": str(start), "iterations": 2, "groups": 1, "group_size": 4})
    run_selfplay(settings, tmp_path / "straight", False, lambda row: None)
    given = {**settings.model_dump(mode="json", exclude_defaults=True), "start": str(start)}
    (tmp_path / "settings.yaml").write_text(json.dumps(given))
    command = [sys.executable, "-m", "clinsim", "train", "selfplay", "--config", str(tmp_path / "settings.yaml"), "--out", str(tmp_path / "killed")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    metrics = tmp_path / "killed" / METRICS
    for _ in range(4800):
        if metrics.exists() and metrics.read_bytes().count(b"\n") >= 2:
            break
        subprocess.run(["sleep", "0.02"], check=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    assert without_times(tmp_path / "killed") == without_times(tmp_path / "straight")
    ours, theirs = (Engine.load(tmp_path / name / "latest").model for name in ("killed", "straight"))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_a_rehearsal_keeps_nothing(start, tmp_path):
    assert recipe_of("selfplay") is RECIPES["selfplay"]
    report = rehearsed(RECIPES["selfplay"], SMALL.model_copy(update={"start": str(start)}))
    assert report["rows"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["start"]
