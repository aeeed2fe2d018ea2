"""`clinsim replay` and `clinsim tasks`: shapes, trials, journals that go on after a kill, trajectories, and what is told of bad use."""

import csv
import json
import re
import shutil
from dataclasses import asdict, replace
from math import comb
from pathlib import Path

import pytest

from clinsim.benchmark.play import Play
from clinsim.benchmark.replay import JOURNAL, Job, Row, jobs_of, play_job, read_journal, replayed
from clinsim.benchmark.report import by_domain, figures
from clinsim.benchmark.seated import Played, play_seated
from clinsim.benchmark.suite import load_suite
from clinsim.cli import code_of
from clinsim.intervals import of_share
from clinsim.record import Reply

SUITE = str(Path(__file__).parent / "clinical_diagnosis")


def output(capsys, *arguments, code=0):
    assert code_of(arguments) == code
    told = capsys.readouterr()
    return told.out if code < 2 else told.err


def data(capsys, *arguments, code=0):
    return json.loads(output(capsys, *arguments, "--json", code=code))


@pytest.mark.parametrize(("scorer", "score"), [("strict", 1.0), ("legacy", 0.7)])
def test_the_shape_of_one_policy(capsys, scorer, score):
    found = data(capsys, "replay", "--suite", SUITE, "--policy", "gold", "--scorer", scorer)
    assert {name: found[name] for name in ("scorer", "policy")} == {"scorer": scorer, "policy": "gold"}
    row = found["domains"]["clinical_diagnosis"]
    assert {"tasks", "score", "action_score", "accuracy", "turns", "errors"} <= set(row)
    assert (row["tasks"], row["turns"], row["errors"], row["action_score"], row["accuracy"]) == (2, 3.0, 0, 1.0, 1.0)
    assert row["score"] >= score


def test_a_matrix_of_policies_as_csv_markdown_and_figure(capsys, tmp_path):
    out = tmp_path / "out"
    found = data(capsys, "replay", "--suite", SUITE, "--policy", "gold", "--policy", "spam", "--split", "train", "--out", str(out))
    assert {spec: domains["clinical_diagnosis"]["score"] for spec, domains in found["matrix"].items()} == {"gold": 1.0, "spam": 0.0}
    rows = list(csv.DictReader((out / "matrix.csv").open()))
    assert [(row["policy"], row["domain"], float(row["score"]), row["tasks"]) for row in rows] == [
        ("gold", "clinical_diagnosis", 1.0, "1"),
        ("spam", "clinical_diagnosis", 0.0, "1"),
    ]
    assert "| gold | clinical_diagnosis | 1 | 1.000 |" in (out / "matrix.md").read_text()
    assert "<svg" in (out / "matrix.svg").read_text()
    again = data(capsys, "replay", "--suite", SUITE, "--trajectories", str(out / JOURNAL))["trajectories"]
    assert [(row["kind"], row["score"]) for row in again] == [("gold", 1.0), ("spam", 0.0)]
    assert "--resume to go on" in output(capsys, "replay", "--suite", SUITE, "--out", str(out), code=2)


def test_a_killed_replay_goes_on(capsys, tmp_path):
    out, arguments = tmp_path / "out", ["replay", "--suite", SUITE, "--policy", "gold", "--policy", "idle", "--trials", "2"]
    whole = data(capsys, *arguments, "--out", str(out))
    lines = (out / JOURNAL).read_text().splitlines(keepends=True)
    assert len(lines) == 8
    marked = json.loads(lines[0])
    marked["strict"] = 0.25  # proves that it is read, not played again
    (out / JOURNAL).write_text(json.dumps(marked) + "\n" + "".join(lines[1:3]) + lines[3][:40])
    again = data(capsys, *arguments, "--out", str(out), "--resume")
    (line, *_) = csv.DictReader((out / "matrix.csv").open())
    assert {"pass^1", "pass^1 low", "pass^2 high", "flip_rate"} < set(line)
    assert len((out / JOURNAL).read_text().splitlines()) == 8
    assert again["matrix"]["idle"] == whole["matrix"]["idle"]
    assert again["matrix"]["gold"]["clinical_diagnosis"]["score"] == pytest.approx((0.25 + 3) / 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "genius"], "--policy genius: plays no static tasks; allowed gold, guideline, idle, spam, paste"),
        (["--policy", "guideline_half"], "--policy guideline_half: plays no static tasks"),
        (["--policy", "recorded:trace.jsonl"], "plays no static tasks"),
        (["--scorer", "kind"], "--scorer kind: unknown; allowed strict, legacy"),
        (["--split", "evening"], "--split evening: .* allowed test, train, all"),
        (["--domain", "surgery"], "domain 'surgery'"),
        (["--resume"], "--resume needs --out"),
        (["--trials", "0"], "--trials"),
        (["--trajectories", "nowhere.jsonl"], "no such file"),
        (["--trajectories", SUITE], "is a folder; name a file in it"),
        (["--trajectories", "runs.jsonl", "--policy", "idle"], "--policy does not go with --trajectories"),
        (["--trajectories", "runs.jsonl", "--trials", "2"], "--trials does not go with --trajectories"),
        (["--data", SUITE], "--data .*: suite .* is not read from elsewhere; --data goes with bioagents, agentclinic, tau2"),
    ],
)
def test_bad_use_gets_one_line(capsys, arguments, message):
    told = output(capsys, "replay", "--suite", SUITE, *arguments, code=2)
    assert told.count("\n") == 1
    assert re.search(message, told)


def test_resume_with_another_plan_is_refused(capsys, tmp_path):
    output(capsys, "replay", "--suite", SUITE, "--policy", "idle", "--out", str(tmp_path / "out"))
    told = output(capsys, "replay", "--suite", SUITE, "--policy", "gold", "--out", str(tmp_path / "out"), "--resume", code=2)
    assert "was begun with other policies: ['idle']" in told


def test_resume_after_the_tasks_have_changed_is_refused(capsys, tmp_path):
    folder = tmp_path / "clinical_diagnosis"
    shutil.copytree(SUITE, folder)
    arguments = ["replay", "--suite", str(folder), "--policy", "idle", "--out", str(tmp_path / "out")]
    output(capsys, *arguments)
    output(capsys, *arguments, "--resume")
    raw = json.loads((folder / "tasks.json").read_text())
    raw[0]["ticket"] += " Be brief."
    (folder / "tasks.json").write_text(json.dumps(raw))
    load_suite.cache_clear()
    assert "was begun with other tasks" in output(capsys, *arguments, "--resume", code=2)


@pytest.mark.parametrize("plan", ["", '{"suite": "o', "[1]", "\xff"])
def test_a_damaged_plan_is_named(capsys, tmp_path, plan):
    (tmp_path / "plan.json").write_bytes(plan.encode("latin-1"))
    assert "is damaged: no plan of a replay" in output(capsys, "replay", "--suite", SUITE, "--out", str(tmp_path), "--resume", code=2)


def test_a_torn_line_that_is_no_text_does_not_count(tmp_path):
    journal = tmp_path / JOURNAL
    whole = json.dumps(asdict(Row("d", "f", "t", "p", 0))) + "\n"
    journal.write_bytes(whole.encode() + b"\xff\xfe")
    assert [row.task_id for row in read_journal(journal)] == ["t"]
    assert journal.read_text() == whole


def test_a_folder_that_cannot_be_made_is_named(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert f"--out {out}: " in output(capsys, "replay", "--suite", SUITE, "--out", str(out), code=2)


def test_the_scores_of_recorded_runs_can_be_kept(capsys, tmp_path):
    runs, out = tmp_path / "runs.jsonl", tmp_path / "out"
    runs.write_text(json.dumps({"domain": "clinical_diagnosis", "task_id": "heart-rate", "trajectory": []}) + "\n")
    found = data(capsys, "replay", "--suite", SUITE, "--trajectories", str(runs), "--out", str(out))
    assert [json.loads(line) for line in (out / "scores.jsonl").read_text().splitlines()] == found["trajectories"]


def rows(passes):
    """Rows of tasks that passed (1) or not (0) in each trial."""
    return [
        Row("d", "tasks.json", f"t{k}", "p", trial, turns=4, strict=float(passed), strict_accuracy=float(passed))
        for k, trials in enumerate(passes)
        for trial, passed in enumerate(trials)
    ]


def test_trials_give_pass_at_all_with_intervals_and_flips():
    found = figures(rows([[1, 1, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0]]), "strict")["trials"]
    assert (found["n"], found["reseeded"], found["flip_rate"]) == (3, "policy", 0.5)
    by_hand = {k: sum(comb(c, k) for c in (3, 2, 0, 1)) / comb(3, k) / 4 for k in (1, 2, 3)}
    assert by_hand == {1: 0.5, 2: pytest.approx(1 / 3), 3: 0.25}
    for k, mean in by_hand.items():
        estimate = found[f"pass^{k}"]
        assert estimate["mean"] == pytest.approx(mean)
        assert 0.0 <= estimate["low"] <= mean <= estimate["high"] <= 1.0


@pytest.mark.parametrize(
    ("mean", "n", "low", "high"), [(1.0, 2, 0.3424, 1.0), (0.0, 10, 0.0, 0.2775), (0.5, 4, 0.1500, 0.8500), (81 / 263, 263, 0.2553, 0.3662)]
)
def test_intervals_of_shares(mean, n, low, high):
    # 81 of 263: Newcombe, Stat Med 1998;17:857, table I
    estimate = of_share(mean, n)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-4)


def test_trials_are_told_to_people(capsys):
    told = output(capsys, "replay", "--suite", SUITE, "--policy", "gold", "--trials", "2")
    assert "gold, clinical_diagnosis: pass^2 1.00 (0.34 to 1.00, 2 tasks)" in told
    assert "0.00 of tasks flip; trials reseed the policy" in told


def test_infrastructure_errors_stand_apart():
    played = rows([[1], [0]])
    broken = replace(played[0], task_id="t9", strict=None, error="TimeoutError: no answer")
    row = by_domain([*played, broken], "strict")["d"]
    assert (row["tasks"], row["errors"], row["score"], row["turns"]) == (3, 1, 0.5, 4.0)


class Deaf:
    """A policy whose model does not answer."""

    def start(self, seats, history=()):
        self.seats = seats

    def act(self, turns):
        raise ConnectionError("nobody there")


class Reader:
    """A policy that makes two calls in one reply, remembers what it was shown, and then speaks."""

    def start(self, seats, history=()):
        self.seat, self.shown = seats[0], []

    def act(self, turns):
        self.shown.append(json.loads(turns[0][1].text))
        calls = ('{"name": "get_lab_results", "arguments": {"patient_id": "B1"}}', '{"name": "get_medications", "arguments": {"patient_id": "B1"}}')
        return [Reply("two calls", calls) if len(self.shown) == 1 else Reply("Stop lisinopril.", ())]


def test_policies_of_the_live_hospital_sit_down_at_a_task():
    placed = load_suite(SUITE).tasks[0]
    play, policy = Play(placed), Reader()
    assert play_seated(play, policy, 3) == Played("", 0, 0.0)
    assert (policy.seat.agent, policy.seat.role, policy.seat.seed) == ("doctor_1", "doctor", 3)
    assert [call.name for call in play.calls] == ["get_lab_results", "get_medications"]
    first, second = policy.shown
    assert set(first) == set(second) == {"minute", "why", "worklist", "news", "last_result"}
    assert (second["news"][0]["tool"], second["last_result"]["tool"]) == ("get_lab_results", "get_medications")
    assert (play.final_answer, play.over) == ("Stop lisinopril.", True)


def test_a_model_that_does_not_answer_is_an_error_of_the_infrastructure():
    play = Play(load_suite(SUITE).tasks[0])
    assert play_seated(play, Deaf(), 0).failure == "ConnectionError: nobody there"


def test_broken_rows_are_played_again(tmp_path):
    placed = load_suite(SUITE).tasks[0]
    journal = tmp_path / JOURNAL
    broken = Row(*Job(placed, "gold").key, error="TimeoutError: no answer")
    journal.write_text(json.dumps(asdict(broken)) + "\n")
    (row,) = replayed([Job(placed, "gold")], journal, processes=1)
    assert (row.error, row.strict) == ("", 1.0)
    assert [kept.error for kept in read_journal(journal)] == [""]


def test_processes_give_what_one_process_gives():
    jobs = jobs_of(load_suite(SUITE).tasks, ["gold", "spam", "stuffed", "guideline", "random"], 2)
    assert list(replayed(jobs, processes=2)) == [play_job(job) for job in jobs]


def test_trajectories_with_the_strict_scorer(capsys, tmp_path):
    path = tmp_path / "runs.jsonl"
    gold = [{"name": call.name, "arguments": call.arguments} for call in load_suite(SUITE).tasks[0].task.gold]
    lines = [
        {"domain": "clinical_diagnosis", "task_id": "potassium-and-lisinopril", "kind": "gold", "trajectory": gold, "final_answer": ""},
        {"domain": "clinical_diagnosis", "task_id": "potassium-and-lisinopril", "kind": "late", "trajectory": [gold[3], *gold[:3]]},
        {"domain": "clinical_diagnosis", "task_id": "heart-rate", "kind": "bad", "trajectory": [{"name": "get_vital_signs", "arguments": {}}]},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = data(capsys, "replay", "--suite", SUITE, "--trajectories", str(path))["trajectories"]
    assert [(row["kind"], row["score"], row["call_errors"]) for row in found] == [
        ("gold", 1.0, [False] * 4),
        ("late", 0.0, [False] * 4),
        ("bad", 0.0, [True]),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"task_id": "heart-rate", "trajectory": []}, "line 1: domain: missing"),
        ({"domain": "clinical_diagnosis", "task_id": "none", "trajectory": []}, "line 1: task 'none': none of that id"),
        ({"domain": "clinical_diagnosis", "task_id": "heart-rate", "trajectory": [3]}, "line 1: trajectory.0: must be a mapping"),
        ({"domain": "clinical_diagnosis", "task_id": "heart-rate", "trajectory": [], "final_answer": 3}, "line 1: final_answer: must be a text"),
        ({"domain": "astrology", "task_id": "heart-rate", "trajectory": []}, "line 1: domain 'astrology': .* allowed clinical_diagnosis"),
        ({"domain": 3, "task_id": "heart-rate", "trajectory": []}, "line 1: domain: must be a text, not int"),
        ({"domain": "clinical_diagnosis", "task_id": "heart-rate", "kind": 5, "trajectory": []}, "line 1: kind: must be a text, not int"),
        (3, "line 1: must be a mapping"),
    ],
)
def test_broken_trajectories_are_named(capsys, tmp_path, line, message):
    path = tmp_path / "runs.jsonl"
    path.write_text(json.dumps(line) + "\n")
    assert re.search(message, output(capsys, "replay", "--suite", SUITE, "--trajectories", str(path), code=2))


def test_an_empty_file_of_trajectories_is_named(capsys, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text("\n")
    assert "is empty; it must hold one recorded run a line" in output(capsys, "replay", "--suite", SUITE, "--trajectories", str(path), code=2)


def test_tasks_are_listed_and_checked(capsys):
    listed = data(capsys, "tasks", "--suite", SUITE)
    assert [(task["id"], task["split"], task["calls"]) for task in listed["tasks"]] == [
        ("potassium-and-lisinopril", "train", 4),
        ("heart-rate", "test", 2),
    ]
    assert data(capsys, "tasks", "check", "--suite", SUITE) == {"suite": SUITE, "tasks": 2, "passed": True, "problems": []}
    assert "2 tasks checked, 0 with problems" in output(capsys, "tasks", "check", "--suite", SUITE)


def test_a_task_that_pays_a_cheat_fails_the_check(capsys, tmp_path):
    folder = tmp_path / "clinical_diagnosis"
    folder.mkdir()
    (folder / "db.json").write_text((Path(SUITE) / "db.json").read_text())
    facts = {"facts": [{"any": ["potassium"]}], "reference": "Potassium."}
    (folder / "tasks.json").write_text(json.dumps([{"id": "guess", "ticket": "Which ion?", "answer": facts, "keywords": ["calcium"]}]))
    found = data(capsys, "tasks", "check", "--suite", str(folder), code=1)
    assert [problem["problem"] for problem in found["problems"]] == [
        "has no needed read in its plan: what needs no evidence can be guessed",
        "stuffed scores 0.500; at most 0.05",
        "listed scores 1.000; at most 0.05",
    ]
