"""Mistakes of users: each gets one line that names the thing and what is allowed, and exit code 2."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import clinsim
from clinsim.cli import code_of
from clinsim.errors import ScenarioError, UsageError
from clinsim.record import Action, Reply
from clinsim.rollout import env, run_episode
from clinsim.scenario_file import load_scenario


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = code_of(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def shipped(root):
    return yaml.safe_load((root / "scenarios" / "first_hour.yaml").read_text())


def refused(outcome, message):
    code, out, err = outcome
    assert (code, out) == (2, ""), err
    assert err.count("\n") == 1
    assert err.startswith("clinsim: ")
    assert message in err


FIELDS = {
    "misspelt tool": ({"tools": {"doctor": ["wait", "get_chrat"]}}, "mine.yaml: tools.doctor: unknown tool 'get_chrat'; allowed "),
    "tool of another role": ({"tools": {"doctor": ["verify_order"]}}, "mine.yaml: tools.doctor: unknown tool 'verify_order'; allowed "),
    "unknown reward": ({"rewards": {"safety": 1.0, "kindness": 1.0}}, "mine.yaml: rewards: unknown component kindness"),
    "id that is a path": ({"id": "../../evil"}, "mine.yaml: id: "),
    "id with a line end": ({"id": "evil\n"}, "mine.yaml: id: "),
    "hospital that is a path": ({"hospital": "../formulary"}, "mine.yaml: hospital: "),
    "no hospital": ({"hospital": "nowhere"}, "mine.yaml: hospital: hospitals/nowhere.yaml: no such file"),
    "a mix of nothing": (
        {
            "arrivals": {"per_day": 9.0, "percent_of_day": [1.0] * 24, "ambulance_share": 0.1, "source": "none"},
            "case_mix": {"weights": {}, "source": "none"},
        },
        "mine.yaml: case_mix.weights: ",
    ),
    "a day without hours": (
        {
            "arrivals": {"per_day": 9.0, "percent_of_day": [0.0] * 24, "ambulance_share": 0.1, "source": "none"},
            "case_mix": {"weights": {"stemi": 1.0}, "source": "none"},
        },
        "arrivals.percent_of_day: all are 0",
    ),
    "a patient after the end": (
        {"patients": [{"condition": "stemi"}, {"condition": "stemi", "minute": 400.0}]},
        "mine.yaml: patients.1.minute: 400 is not before the end; allowed below horizon_minutes 60",
    ),
    "a patient at the very end": ({"patients": [{"condition": "stemi", "minute": 60.0}]}, "mine.yaml: patients.0.minute: 60 is not before the end"),
    "a shift after the end": (
        {"seats": [{"agent": "doctor_1", "role": "doctor"}, {"agent": "doctor_2", "role": "doctor", "starts_at": 90.0}]},
        "mine.yaml: seats.doctor_2.starts_at: 90 is not before the end; allowed below horizon_minutes 60",
    ),
    "an event after the end": (
        {"events": [{"minute": 75.0, "kind": "down", "subject": "ct", "minutes": 30.0}]},
        "mine.yaml: events.0.minute: 75 is not before the end; allowed below horizon_minutes 60",
    ),
    "endless arrivals": (
        {"arrivals": {"per_day": 1e9, "percent_of_day": [1.0] * 24, "ambulance_share": 0.1, "source": "none"}},
        "mine.yaml: arrivals.per_day: ",
    ),
}


@pytest.mark.parametrize(("fields", "message"), FIELDS.values(), ids=FIELDS)
def test_a_wrong_field_is_named(cli, shipped, fields, message):
    Path("mine.yaml").write_text(yaml.safe_dump({**shipped, **fields}))
    refused(cli("run", "mine.yaml"), message)
    assert not Path("runs").exists()


def test_who_lies_in_a_bed_and_who_is_no_seat_may_have_any_minute(shipped, tmp_path):
    later = [{"agent": "doctor_8", "role": "doctor", "starts_at": 840.0}]
    own = tmp_path / "mine.yaml"
    own.write_text(yaml.safe_dump({**shipped, "patients": [{"condition": "stemi", "unit": "ward", "minute": 400.0}], "background": later}))
    assert load_scenario(str(own)).background[0].starts_at == 840.0


OVERRIDES = {
    "beds of a unit": ({"units.ward.beds": "hammock"}, "units.ward.beds: unknown 'hammock'; allowed acute, "),
    "nurses of a unit": ({"units.ward.nurses": "nobody"}, "units.ward.nurses: unknown 'nobody'; allowed "),
    "room of a procedure": ({"procedures.pci.room": "kitchen"}, "procedures.pci.room: unknown 'kitchen'; allowed "),
    "scanner": ({"scanners.ct": "camera"}, "scanners.ct: unknown 'camera'; allowed "),
    "nurses of a zone": ({"nursing.by_zone.acute": "nobody"}, "nursing.by_zone.acute: unknown 'nobody'; allowed "),
    "zone of a level": ({"triage.zone_by_esi.3": "garden"}, "triage.zone_by_esi.3: unknown 'garden'; allowed "),
    "zones left out": ({"triage.zone_by_esi": {"1": "resus"}}, "triage.zone_by_esi: missing 2"),
    "breakdown": ({"breakdowns": {"lift": {"mean_up": 10.0, "mean_down": 1.0, "source": "none"}}}, "breakdowns: unknown 'lift'; allowed "),
    "location": ({"pools.ct.location": "cellar"}, "pools.ct.location: unknown 'cellar'; allowed "),
    "no ways": ({"floor.edges": []}, "floor.edges: "),
    "too few ways": ({"floor.edges": [["ed", "waiting_room", 1.0]]}, "floor.edges: unknown 'laboratory'; allowed ed, waiting_room"),
    "pools left out": ({"pools": {}}, "pools: missing acute, "),
    "too many units": ({"pools.ct.units": 10**400}, "pools.ct.units: "),
    "endless work": ({"background.prescriptions_per_hour": 1e308}, "background.prescriptions_per_hour: "),
    "endless alarms": ({"alarms.every": 1e-300}, "alarms.every: "),
    "no number": ({"pools.ct.turnover": float("nan")}, "pools.ct.turnover: "),
    "half a duration": ({"stages.triage": {"kind": "lognormal", "median": 5.0, "source": "none"}}, "stages.triage: "),
    "unknown vital sign": ({"alarms.limits": {"mood": [1.0, 2.0]}}, "alarms.limits.mood"),
    "unknown standing orders": ({"standing_orders": "none"}, "clinsim: mine.yaml: standing_orders: hospitals/none.yaml: no such file"),
    "unknown field": ({"pools.ct.unit": 3}, "pools.ct.unit: "),
    "nothing there": ({"pool.ct.units": 3}, "cannot set 'hospital_overrides.pool.ct.units'"),
}


@pytest.mark.parametrize(("overrides", "message"), OVERRIDES.values(), ids=OVERRIDES)
def test_a_wrong_override_is_named(cli, shipped, overrides, message):
    Path("mine.yaml").write_text(yaml.safe_dump({**shipped, "hospital_overrides": {**shipped["hospital_overrides"], **overrides}}))
    outcome = cli("run", "mine.yaml")
    refused(outcome, "clinsim: mine.yaml: ")
    refused(outcome, message if message.startswith(("cannot", "clinsim")) else f"hospital_overrides.{message}")


def test_a_floor_in_two_parts_names_the_file(cli, shipped, root):
    house = yaml.safe_load((root / "scenarios" / "hospitals" / "mid_size.yaml").read_text())
    edges = [*house["floor"]["edges"], ["moon", "mars", 3.0]]
    Path("mine.yaml").write_text(yaml.safe_dump({**shipped, "hospital_overrides": {"floor.edges": edges}}))
    refused(cli("run", "mine.yaml"), "mine.yaml: floor.edges: no way between ")


def test_an_override_from_code_is_named_too():
    with pytest.raises(ScenarioError, match=r"first_hour\.yaml: hospital\.scanners\.ct: unknown 'camera'"):
        load_scenario("first_hour", {"hospital.scanners.ct": "camera"})


TEXTS = {
    "deep lists": ("[" * 100_000, "deeper than 100 lists and mappings"),
    "deep blocks": ("\n".join(" " * n + "a:" for n in range(150)), "deeper than 100 lists and mappings"),
    "deep mappings": ("{a: " * 100_000, "deeper than 100 lists and mappings"),
    "a file in itself": ("a: &a [*a]", "the alias a stands for nothing"),
    "aliases of aliases": (
        "a0: &a0 [1, 2]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "over 1,000,000 values",
    ),
    "deep by aliases": (
        "a0: &a0 " + "[" * 60 + "]" * 60 + "\na1: &a1 " + "[" * 60 + "*a0" + "]" * 60,
        "deeper than 100 lists and mappings",
    ),
    "an impossible date": ("id: 2024-13-45", "broken YAML"),
    "an impossible number": ("version: " + "9" * 5000, "broken YAML"),
    "nothing": ("", "must be a mapping of fields"),
    "a list": ("[1, 2]", "must be a mapping of fields"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_text_that_is_no_scenario_is_refused(cli, text, message):
    Path("mine.yaml").write_text(text)
    outcome = cli("run", "mine.yaml")
    refused(outcome, "clinsim: mine.yaml: ")
    refused(outcome, message)


def test_aliases_are_read(cli, shipped):
    stage = {"kind": "fixed", "minutes": 3.0, "source": "none"}
    text = yaml.safe_dump({**shipped, "hospital_overrides": {"stages.triage": stage, "stages.deliver": stage}})
    assert "*id001" in text
    Path("mine.yaml").write_text(text)
    assert load_scenario("mine.yaml").hospital.stages["deliver"].minutes == 3.0


POLICIES = {
    "unknown": "guidline",
    "unknown seat": "surgeon=idle",
    "no trace": "recorded:nope",
    "a trace without this agent": "doctor=recorded:other.jsonl",
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_nothing_is_made_for_a_run_that_cannot_begin(cli, shipped, policy):
    alone = {**shipped, "seats": [{"agent": "doctor_7", "role": "doctor"}], "horizon_minutes": 5.0}
    Path("alone.yaml").write_text(yaml.safe_dump(alone))
    run_episode(env("alone.yaml"), "idle", seed=0).save("other.jsonl")
    code, out, err = cli("run", "first_hour", "--policy", policy, "--out", "typo")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not Path("typo").exists()


class Answers:
    """A policy that answers always the same, whatever that is."""

    def __init__(self, answer):
        self.answer = answer

    def start(self, seats, history=()):
        pass

    def act(self, turns):
        return self.answer


ANSWERS = {
    "nothing": None,
    "an empty list": [],
    "text": "wait",
    "a list of texts": ["wait"],
    "no text": [Reply(None, ())],
    "calls that are no texts": [Reply("", (None,))],
    "calls that are one text": [Reply("", "wait")],
    "time given back": [Reply("", (), -1_000_000_000)],
    "no number": [Reply("", (), float("nan"))],
    "for ever": [Reply("", (), float("inf"))],
    "beyond all floats": [Reply("", (), 10**400)],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_no_reply_names_the_agent(answer):
    with pytest.raises(UsageError, match=r"the policy of doctor_1 \(Answers\): "):
        run_episode(env("first_hour"), {"doctor_1": Answers(answer)}, seed=0)


@pytest.mark.parametrize("thinking", [-1, -1e9, float("nan"), float("inf"), 10**400, "long"])
def test_an_action_cannot_take_impossible_thought(thinking):
    with pytest.raises(UsageError, match="thinking: "):
        Action("hello", thinking)


@pytest.mark.parametrize("scenario", [5, None, ["first_hour"], Path("first_hour.yaml")])
def test_what_is_no_scenario_is_refused(scenario):
    with pytest.raises(UsageError, match="a scenario is a name"):
        clinsim.env(scenario)


@pytest.mark.parametrize("policy", [5, [], Answers])
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(UsageError, match="a policy is a name or an object"):
        run_episode(env("first_hour"), policy, seed=0)


@pytest.mark.parametrize("module", ["clinsim", "clinsim.cli"])
def test_the_package_runs_as_a_program(module):
    found = subprocess.run([sys.executable, "-m", module, "run", "nowhere", "--json"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("clinsim: unknown scenario 'nowhere'")


def test_a_folder_that_cannot_be_is_named(cli, tmp_path):
    Path("file").write_text("mine")
    Path("dangling").symlink_to(tmp_path / "nowhere")
    for out in ("file", "file/below", "dangling", "/proc/clinsim", "n" * 300):
        refused(cli("run", "first_hour", "--out", out), out)
        refused(cli("run", "first_hour", "--out", out, "--resume"), out)
    assert Path("file").read_text() == "mine"


def test_brackets_in_names_are_shown_as_they_are(cli, shipped):
    Path("mine.yaml").write_text(yaml.safe_dump({**shipped, "title": "[/nope] :smile: [bold]", "horizon_minutes": 30.0}))
    code, out, _ = cli("run", "mine.yaml", "--policy", "doctor=idle", "--live", "--out", "[/odd]/run")
    assert code == 0
    assert "[/nope] :smile: [bold]" in out
    assert "[/odd]/run/trace.jsonl" in out
    ward = env("mine.yaml", render_mode="ansi")
    ward.reset(seed=0)
    assert "[/nope] :smile: [bold]" in ward.render()


STOPPED = """
import os, signal
from pathlib import Path
from clinsim.run_folder import Plan, run_in
left = [20]
def watch(ward):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
run_in(Path("cut"), Plan("first_hour", 8, {}), watch=watch)
"""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Folder of a run that was killed after 20 actions."""
    folder = tmp_path_factory.mktemp("stopped")
    subprocess.run([sys.executable, "-c", STOPPED], cwd=folder)
    return folder / "cut"


def lines_of(content):
    return content.splitlines(keepends=True)


JOURNALS = {
    "garbage": (lambda content: content + b"garbage\n", 21),
    "a list": (lambda content: content + b"[1,2]\n", 21),
    "a number": (lambda content: content + b"7\n", 21),
    "an odd agent": (lambda content: content + b'[20, ["doctor_1"], {}, ""]\n', 21),
    "an empty line": (lambda content: content + b"\n", 21),
    "a line cut out": (lambda content: b"".join(lines_of(content)[:4] + lines_of(content)[5:]), 5),
    "the first line cut out": (lambda content: b"".join(lines_of(content)[1:]), 1),
    "two lines swapped": (lambda content: b"".join([lines_of(content)[1], lines_of(content)[0], *lines_of(content)[2:]]), 1),
    "another answer": (lambda content: content.replace(b"wait", b"rest", 1), None),
}


@pytest.mark.parametrize(("change", "line"), JOURNALS.values(), ids=JOURNALS)
def test_a_journal_that_was_changed_does_not_go_on(cli, stopped, tmp_path, change, line):
    shutil.copytree(stopped, tmp_path / "cut")
    content = change(Path("cut/journal.jsonl").read_bytes())
    assert content != (stopped / "journal.jsonl").read_bytes()
    Path("cut/journal.jsonl").write_bytes(content)
    refused(cli("run", "first_hour", "--seed", "8", "--out", "cut", "--resume"), f"cut/journal.jsonl: line {line or ''}")
    assert Path("cut/journal.jsonl").read_bytes() == content


@pytest.mark.parametrize("name", ["journal.jsonl", "run.json", "trace.jsonl"])
def test_a_folder_in_place_of_a_file_is_named(cli, stopped, tmp_path, name):
    shutil.copytree(stopped, tmp_path / "cut")
    Path("cut", name).unlink()
    Path("cut", name).mkdir()
    refused(cli("run", "first_hour", "--seed", "8", "--out", "cut", "--resume"), f"cut/{name}: cannot be used for a run")


@pytest.mark.parametrize("content", ["[]", "{", "7", "[" * 100_000])
def test_a_summary_that_is_none_is_named(cli, content):
    Path("cut").mkdir()
    Path("cut/run.json").write_text(content)
    refused(cli("run", "first_hour", "--out", "cut", "--resume"), "cut/run.json: not the summary of a run")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"render_mode": "rgb_array"}, "unknown render_mode 'rgb_array'; allowed: None, human, ansi"),
        ({"max_cycles": 0}, "max_cycles: 0 is no number of actions"),
        ({"max_cycles": -1}, "max_cycles: -1 is no number of actions"),
        ({"max_cycles": 1.5}, "max_cycles: 1.5 is no whole number"),
    ],
)
def test_options_that_would_be_ignored_are_refused(options, told):
    with pytest.raises(UsageError, match=told):
        env("first_hour", **options)


@pytest.mark.parametrize("seed", [1.5, "1", float("nan"), [1]])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(UsageError, match=r"seed: .* is no whole number"):
        env("first_hour").reset(seed=seed)


def test_a_seed_of_numpy_is_a_seed():
    ward = clinsim.raw_env("first_hour")
    ward.reset(seed=np.int64(3))
    assert ward.episode.seed == 3
    assert type(ward.episode.seed) is int
