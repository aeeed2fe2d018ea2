"""The command line does what it says, and bad use gets one line and exit code 2."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clinsim.cli import code_of
from clinsim.scenario_file import scenario_names
from clinsim.trace_file import Trace

RUN_FIELDS = {
    "scenario", "seed", "digest", "minutes", "arrivals", "rewards", "return", "expected_deaths", "utility_loss",
    "harm_events", "kpis",
}  # fmt: skip


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = code_of(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_run_leaves_a_trace_and_says_what_happened(cli, tmp_path):
    code, out, err = cli("run", "first_hour", "--seed", "3")
    assert (code, err) == (0, "")
    assert "first_hour-3/trace.jsonl" in out
    folder = tmp_path / "runs" / "first_hour-3"
    assert sorted(item.name for item in folder.iterdir()) == ["run.json", "trace.jsonl"]
    assert cli("verify", str(folder))[0] == 0
    assert cli("regrade", str(folder))[0] == 0


def test_run_as_json_has_the_fixed_shape(cli):
    code, out, err = cli("run", "first_hour", "--json", "--out", "here", "--policy", "doctor=idle", "--policy", "pharmacist_1=random")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert set(found) >= RUN_FIELDS
    assert found["return"] == pytest.approx(sum(found["rewards"].values()))
    assert all(set(figure) == {"value", "unit", "n"} for figure in found["kpis"].values())
    assert all((figure["value"] is None) == (figure["n"] == 0) for figure in found["kpis"].values())
    trace = Trace.load("here/trace.jsonl")
    assert trace.digest == found["digest"]
    policies = {row["agent"]: row["policy"] for row in trace.header["staff"]}
    assert policies["doctor_1"] == "idle"
    assert policies["pharmacist_1"] == "random"
    code, out, _ = cli("regrade", "here/trace.jsonl", "--json")
    assert json.loads(out)["return"] == pytest.approx(found["return"])


def test_the_same_run_has_the_same_digest(cli):
    digests = {json.loads(cli("run", "first_hour", "--json", "--out", out)[1])["digest"] for out in "ab"}
    assert len(digests) == 1
    assert Path("a/trace.jsonl").read_bytes() == Path("b/trace.jsonl").read_bytes()


def test_live_shows_the_board_on_standard_error_alone(cli):
    code, out, _ = cli("run", "first_hour", "--live", "--json")
    assert code == 0
    assert json.loads(out)["scenario"] == "first_hour"


def test_scenarios_and_tools_are_listed(cli):
    assert all(name in cli("scenarios")[1] for name in scenario_names())
    assert [row["id"] for row in json.loads(cli("scenarios", "--json")[1])["scenarios"]] == list(scenario_names())
    tools = json.loads(cli("tools", "--role", "pharmacist", "--toolset", "live", "--json")[1])["tools"]
    assert tools
    assert all("pharmacist" in tool["roles"] and tool["toolset"] == "live" for tool in tools)
    assert "wait" in cli("tools")[1]
    triage = json.loads(cli("tools", "--toolset", "triage_emergency", "--json")[1])["tools"]
    assert {"order_stat_labs", "submit_answer"} <= {tool["name"] for tool in triage}


def test_without_a_command_it_says_what_there_is(cli):
    code, out, err = cli()
    assert (code, err) == (0, "")
    assert all(name in out for name in ("run", "verify", "regrade", "scenarios", "tools"))


BAD_USE = {
    "unknown scenario": (["run", "nowhere"], "unknown scenario 'nowhere'; there are"),
    "no such file": (["run", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    "broken YAML": (["run", "broken.yaml"], "broken.yaml: broken YAML at line"),
    "a field that is not allowed": (["run", "extra.yaml"], "extra.yaml: "),
    "a negative duration": (["run", "negative.yaml"], "negative.yaml: horizon_minutes"),
    "unknown policy": (["run", "first_hour", "--policy", "doctor=genius"], "genius"),
    "unknown policy for all": (["run", "first_hour", "--policy", "genius"], "genius"),
    "unknown seat": (["run", "first_hour", "--policy", "surgeon=idle"], "unknown seat 'surgeon'; there are doctor_1"),
    "unknown agent": (["run", "first_hour", "--policy", "doctor_9=idle"], "unknown seat 'doctor_9'; there are doctor_1"),
    "seat named twice": (["run", "first_hour", "--policy", "doctor=idle", "--policy", "doctor=spam"], "doctor has a policy"),
    "folder not empty": (["run", "first_hour", "--out", "full"], "full: not empty"),
    "nothing to resume": (["run", "first_hour", "--out", "full", "--resume"], "full: not empty"),
    "seed no number": (["run", "first_hour", "--seed", "x"], "Invalid value for '--seed'"),
    "no scenario": (["run"], "Missing argument 'scenario'"),
    "unknown option": (["run", "first_hour", "--sede", "1"], "--sede"),
    "unknown command": (["rnu"], "rnu"),
    "no such trace": (["verify", "none.jsonl"], "none.jsonl: cannot be read"),
    "no such trace to regrade": (["regrade", "none.jsonl"], "none.jsonl: cannot be read"),
    "no trace at all": (["regrade", "broken.yaml"], "broken.yaml: line 1"),
    "recorded nothing": (["run", "first_hour", "--policy", "recorded:none.jsonl"], "none.jsonl: cannot be read"),
    "a split that nobody asks for": (["tasks", "generate", "--n", "3", "--from", "first_hour", "--split", "test"], "--split goes with --writer"),
    "a domain that nobody asks for": (
        ["tasks", "generate", "--n", "3", "--from", "first_hour", "--domain", "medical_qa"],
        "--domain goes with --writer",
    ),
    "an option before its command": (["tasks", "--suite", "own", "check"], "--suite goes behind the name of the command: clinsim tasks check"),
    "data asked for before a command": (["tasks", "--json", "check"], "--json goes behind the name of the command: clinsim tasks check"),
    "most without a precision": (["experiment", "first_hour", "--most", "3"], "--most goes with --precision"),
    "a figure without a precision": (["experiment", "first_hour", "--figure", "deaths"], "--figure goes with --precision"),
    "a rehearsal that is kept": (["train", "quick", "--dry-run", "--out", "x"], "--out does not go with --dry-run"),
    "a day for nobody": (["export", "x", "--vidigi", "y.csv", "--day", "2026-02-01"], "--day goes with --fhir"),
    "unknown role": (["tools", "--role", "surgeon"], "--role: unknown 'surgeon'; there are doctor, pharmacist, radiologist"),
    "unknown toolset": (["tools", "--toolset", "magic"], "--toolset: unknown 'magic'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_USE.values(), ids=BAD_USE)
def test_bad_use_gets_one_line(cli, root, tmp_path, arguments, message):
    shipped = (root / "scenarios" / "first_hour.yaml").read_text()
    (tmp_path / "broken.yaml").write_text("id: [unclosed\nseats: }\n")
    (tmp_path / "extra.yaml").write_text(shipped + "\nsurprise: 1\n")
    (tmp_path / "negative.yaml").write_text(shipped.replace("\nhorizon_minutes: ", "\nhorizon_minutes: -"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("clinsim: ")
    assert message in err


def test_an_edited_trace_fails_at_its_line(cli):
    cli("run", "first_hour", "--out", "here")
    lines = Path("here/trace.jsonl").read_bytes().splitlines(keepends=True)
    lines[8] = lines[8].replace(b'"minute":', b'"minutE":', 1)
    Path("here/trace.jsonl").write_bytes(b"".join(lines))
    code, out, err = cli("verify", "here")
    assert (code, out) == (1, "")
    assert "line 9:" in err


KILLED = """
import os, signal, sys
from pathlib import Path
from clinsim.run_folder import Plan, run_in
left = [int(sys.argv[1])]
def watch(ward):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
run_in(Path("cut"), Plan("first_hour", 8, {"pharmacist": "random"}), resume=len(sys.argv) > 2, watch=watch)
"""


def test_a_run_that_was_killed_goes_on_to_the_same_digest(cli, tmp_path):
    policy = ("--policy", "pharmacist=random", "--seed", "8")
    straight = json.loads(cli("run", "first_hour", *policy, "--out", "straight", "--json")[1])
    for arguments in (["9"], ["17", "again"]):
        cut = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=tmp_path)
        assert cut.returncode == -signal.SIGKILL
    with Path("cut/journal.jsonl").open("ab") as journal:
        journal.write(b'["doctor_1", {"text": "torn')
    assert cli("verify", "cut")[0] == 1
    code, out, _ = cli("run", "first_hour", *policy, "--out", "cut", "--resume", "--json")
    assert code == 0
    assert json.loads(out)["digest"] == straight["digest"]
    assert Path("cut/trace.jsonl").read_bytes() == Path("straight/trace.jsonl").read_bytes()
    assert sorted(item.name for item in Path("cut").iterdir()) == ["run.json", "trace.jsonl"]
    assert cli("run", "first_hour", *policy, "--out", "cut", "--resume")[0] == 0


def test_another_plan_does_not_go_on_with_a_run(cli):
    cli("run", "first_hour", "--out", "here")
    code, _, err = cli("run", "first_hour", "--out", "here", "--resume", "--seed", "4")
    assert code == 2
    assert "holds a run with seed 0, not 4" in err
