"""A trace holds every byte of its episode, plays again to the same digest, and is graded again to the same rewards."""

import json
from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.errors import ScenarioError, TraceError, UsageError
from clinsim.recheck import regrade_trace, verify_trace
from clinsim.record import Action, Reply
from clinsim.recorded import Recorded, replies_of
from clinsim.rollout import env, raw_env, run_episode
from clinsim.trace_file import ActionLine, Trace

SCENARIO = "first_hour"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    run_episode(env(SCENARIO), {"pharmacist": "random"}, seed=5).save(path)
    return path


@pytest.fixture(scope="module")
def content(path):
    return path.read_bytes()


@pytest.fixture
def scratch(tmp_path):
    return tmp_path / "changed.jsonl"


def test_a_good_trace_verifies(path):
    verdict = verify_trace(path)
    assert verdict.passed, verdict.message


def test_saving_what_was_loaded_gives_the_same_bytes(path, content, scratch):
    Trace.load(path).save(scratch)
    assert scratch.read_bytes() == content


def test_writing_while_playing_gives_the_same_bytes(content, scratch):
    with scratch.open("wb") as sink:
        run_episode(env(SCENARIO), {"pharmacist": "random"}, seed=5, sink=sink)
    assert scratch.read_bytes() == content


def test_lines_say_what_they_are(content):
    lines = [json.loads(line) for line in content.splitlines()]
    assert [line["i"] for line in lines] == list(range(len(lines)))
    kinds = Counter(line["line"] for line in lines)
    assert (lines[0]["line"], lines[-1]["line"]) == ("header", "footer")
    assert kinds["header"] == kinds["footer"] == 1
    assert lines[-1]["n_actions"] == sum(line["line"] == "action" and (line["status"] != "interrupted" or line["call"] is not None) for line in lines)


def test_actions_tell_the_story_of_each_agent(path):
    trace = Trace.load(path)
    for agent in {action.agent for action in trace.actions}:
        own = [action for action in trace.actions if action.agent == agent and action.was_sent]
        for earlier, later in pairwise(own):
            taken = earlier.thinking_minutes + earlier.service_minutes
            assert later.minute == pytest.approx(earlier.minute + taken, abs=1e-5)
            last = json.loads(later.observation)["last_result"]
            assert last["status"] == earlier.status
            assert last.get("result", last.get("error")) == earlier.result


@settings(max_examples=150)
@given(data=st.data())
def test_one_changed_byte_is_found_at_its_line(content, tmp_path_factory, data):
    where = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[where]))
    changed = tmp_path_factory.getbasetemp() / "one_byte.jsonl"
    changed.write_bytes(content[:where] + bytes([byte]) + content[where + 1 :])
    verdict = verify_trace(changed)
    assert not verdict.passed
    assert verdict.line == content[:where].count(b"\n") + 1


@settings(max_examples=40)
@given(data=st.data())
def test_a_truncated_trace_is_found(content, tmp_path_factory, data):
    length = data.draw(st.integers(0, len(content) - 1))
    changed = tmp_path_factory.getbasetemp() / "short.jsonl"
    changed.write_bytes(content[:length])
    verdict = verify_trace(changed)
    assert not verdict.passed
    assert verdict.line == content[:length].count(b"\n") + 1


def without(lines, k):
    return lines[:k] + lines[k + 1 :], k


def swapped(lines, k):
    return [*lines[:k], lines[k + 1], lines[k], *lines[k + 2 :]], k


def doubled(lines, k):
    return [*lines[: k + 1], *lines[k:]], k + 1


@pytest.mark.parametrize("change", [without, swapped, doubled])
@pytest.mark.parametrize("k", [0, 1, 20])
def test_moved_lines_are_found(content, scratch, change, k):
    lines, first = change(content.splitlines(keepends=True), k)
    scratch.write_bytes(b"".join(lines))
    assert verify_trace(scratch).line == first + 1


FORGERIES = {
    "a better reward": lambda trace: trace.footer["returns"].update(doctor_1=99.0),
    "another digest": lambda trace: trace.footer.update(digest="0" * 64),
    "a better figure": lambda trace: trace.footer["outcome"].update(harm_events=-1),
    "an entry of another minute": lambda trace: trace.lines.__setitem__(4, trace.lines[4]._replace(minute=0.5)),
    "an entry left out": lambda trace: trace.lines.pop(6),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_with_a_fitting_chain_is_found_by_playing_it_again(path, scratch, forgery):
    trace = Trace.load(path)
    forgery(trace)
    trace.save(scratch)
    Trace.load(scratch)
    verdict = verify_trace(scratch)
    assert not verdict.passed
    assert "playing it again" in verdict.message


def without_field(*fields):
    def change(trace):
        for field in fields:
            del trace.header[field]

    return change


def header(**fields):
    return lambda trace: trace.header.update(fields)


def first_action(**fields):
    def change(trace):
        place = next(i for i, line in enumerate(trace.lines) if isinstance(line, ActionLine))
        trace.lines[place] = replace(trace.lines[place], **fields)

    return change


MISSHAPEN = {
    **{f"no {name}": without_field(name) for name in ("scenario", "seed", "staff", "max_cycles", "package", "observations", "format")},
    "seed that is no number": header(seed=float("nan")),
    "seed that is text": header(seed="3"),
    "scenario that is a name": header(scenario="first_hour"),
    "scenario without a hash": header(scenario={"id": "first_hour", "version": 1, "file": "first_hour.yaml"}),
    "staff without a role": header(staff=[{"agent": "doctor_1"}]),
    "staff that is a name": header(staff=["doctor_1"]),
    "nobody": header(staff=[]),
    **{f"{name} is a list": first_action(**{name: []}) for name in ("turn", "reply", "agent", "thinking", "raw", "minute", "call", "status")},
    "an agent that nobody knows": first_action(agent="surgeon_1"),
    "an entry of no minute": lambda trace: trace.lines.__setitem__(0, trace.lines[0]._replace(minute=None)),
    "an entry whose data are text": lambda trace: trace.lines.__setitem__(0, trace.lines[0]._replace(data="none")),
    "no rewards": lambda trace: trace.footer.pop("returns"),
    "a digest that is a list": lambda trace: trace.footer.update(digest=[]),
}


@pytest.mark.parametrize("change", MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_line_of_another_shape_is_named(path, scratch, change):
    trace = Trace.load(path)
    change(trace)
    trace.save(scratch)
    with pytest.raises(TraceError, match=r"line \d+: no (header|action|entry|footer) line of format 1") as caught:
        Trace.load(scratch)
    verdict = verify_trace(scratch)
    assert (verdict.passed, verdict.line) == (False, caught.value.line)


@pytest.mark.parametrize("fields", [{"max_cycles": -1}, {"seed": 10**400}, {"seed": -4}, {"format": 1, "observations": False}])
def test_a_header_that_could_be_is_played(path, scratch, fields):
    trace = Trace.load(path)
    trace.header.update(fields)
    trace.save(scratch)
    assert not verify_trace(scratch).passed


@pytest.mark.parametrize("thinking", [-5, 10**400])
def test_impossible_thought_in_a_trace_fails(path, scratch, thinking):
    trace = Trace.load(path)
    first_action(thinking=thinking)(trace)
    trace.save(scratch)
    verdict = verify_trace(scratch)
    assert not verdict.passed
    assert "thinking" in verdict.message


@pytest.fixture
def own(root, tmp_path, monkeypatch):
    """A folder with a copy of `first_hour` under its own name and id, but of 30 minutes."""
    data = yaml.safe_load((root / "scenarios" / "first_hour.yaml").read_text())
    (tmp_path / "sub").mkdir()
    for name in ("first_hour.yaml", "sub/mine.yaml"):
        (tmp_path / name).write_text(yaml.safe_dump({**data, "horizon_minutes": 30.0}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_edited_copy_under_its_old_name_verifies(own):
    run_episode(env("first_hour.yaml"), seed=1).save("trace.jsonl")
    assert verify_trace("trace.jsonl").passed
    (own / "first_hour.yaml").unlink()
    verdict = verify_trace("trace.jsonl")
    assert not verdict.passed
    assert "first_hour.yaml has hash" in verdict.message


def test_a_scenario_is_found_from_elsewhere(own, tmp_path_factory, monkeypatch):
    run_episode(env("sub/mine.yaml"), seed=1).save("sub/trace.jsonl")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert verify_trace(own / "sub" / "trace.jsonl").passed
    (own / "sub" / "mine.yaml").rename(own / "moved.yaml")
    with pytest.raises(ScenarioError, match=r"sub/mine\.yaml: not found here"):
        verify_trace(own / "sub" / "trace.jsonl")
    assert verify_trace(own / "sub" / "trace.jsonl", own / "moved.yaml").passed
    assert regrade_trace(own / "sub" / "trace.jsonl", own / "moved.yaml")["same"]


def test_a_trace_tells_no_folders_of_the_machine(own):
    run_episode(env("first_hour"), seed=1).save(own / "before.jsonl")
    trace = run_episode(env(str(own / "sub" / "mine.yaml")), {"doctor": f"recorded:{own / 'before.jsonl'}", "pharmacist": "idle"}, seed=1)
    trace.save(own / "sub" / "trace.jsonl")
    assert str(own).encode() not in (own / "sub" / "trace.jsonl").read_bytes()
    assert trace.header["scenario"]["file"] == "mine.yaml"
    assert trace.header["staff"][0]["policy"] == "recorded:before.jsonl"
    assert verify_trace(own / "sub" / "trace.jsonl").passed


def test_a_scenario_that_has_changed_is_named(path, scratch):
    trace = Trace.load(path)
    trace.header["scenario"]["hash"] = "0" * 64
    trace.save(scratch)
    assert "scenario first_hour has changed" in verify_trace(scratch).message


def test_a_file_that_is_not_there_is_bad_use(tmp_path):
    with pytest.raises(TraceError, match=r"nothing\.jsonl: cannot be read"):
        verify_trace(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("policies", ["guideline", "random", "idle", {"doctor_1": "idle", "pharmacist": "random"}])
@pytest.mark.parametrize("seed", [0, 1])
def test_regrading_equals_what_was_paid_live(tmp_path, policies, seed):
    trace = run_episode(env(SCENARIO), policies, seed=seed)
    trace.save(tmp_path / "trace.jsonl")
    graded = regrade_trace(tmp_path / "trace.jsonl")
    assert graded["same"]
    assert graded["rewards"] == trace.rewards
    assert graded["return"] == pytest.approx(sum(trace.rewards.values()))


def test_a_recorded_trace_is_a_policy(path):
    trace = Trace.load(path)
    again = run_episode(env(SCENARIO), f"recorded:{path}", seed=5)
    assert again.digest == trace.digest
    assert replies_of(again) == replies_of(trace)


def play_seeds_with(path, seeds):
    for seed in seeds:
        run_episode(env(SCENARIO), Recorded(Trace.load(path)), seed=seed)


def test_recorded_replies_of_another_episode_run_out(path):
    with pytest.raises(UsageError, match="it is of another episode"):
        play_seeds_with(path, range(100, 120))


class Talker:
    """Answers with several calls at once, in prose around them."""

    CALLS = ('{"name": "wait", "arguments": {"minutes": 2}}', '{"name": "wait", "arguments": {"minutes": 3}}', "oh \ud800")

    def start(self, seats, history=()):
        pass

    def act(self, turns):
        return [Reply("Let me see what there is.", self.CALLS, None, (7, 8), (-0.1, -0.2), 0.01) for _ in turns]


def test_a_reply_of_several_calls_is_charged_once_and_recorded_whole(tmp_path):
    trace = run_episode(env(SCENARIO), Talker(), seed=2)
    trace.save(tmp_path / "trace.jsonl")
    assert verify_trace(tmp_path / "trace.jsonl").passed
    own = [action for action in Trace.load(tmp_path / "trace.jsonl").actions if action.agent == "doctor_1"]
    replies = [list(lines) for _, lines in groupby(own, key=lambda action: action.reply)]
    assert len(replies) == own[-1].reply + 1 == len(replies_of(trace)["doctor_1"])
    for lines in replies:
        assert [action.raw for action in lines] == list(Talker.CALLS)
        assert [action.thinking for action in lines] == [len("Let me see what there is."), 0, 0]
        assert [action.tokens for action in lines] == [2, 0, 0]
        assert [action.logps for action in lines] == [(-0.1, -0.2), (), ()]
        assert [action.text for action in lines] == ["Let me see what there is.", None, None]
    assert {lines[-1].status for lines in replies} >= {"parse"}


def test_urgent_news_drops_the_calls_that_wait():
    found = []
    for seed in range(12):
        trace = run_episode(env(SCENARIO), Talker(), seed=seed)
        found += [action for action in trace.actions if not action.was_sent and action.why.startswith("urgent")]
    assert found
    assert all(action.status == "interrupted" and action.result is None for action in found)


def test_a_trace_without_observations_is_smaller_and_verifies(tmp_path, content):
    trace = run_episode(env(SCENARIO), {"pharmacist": "random"}, seed=5, observations=False)
    trace.save(tmp_path / "trace.jsonl")
    assert all(action.observation is None for action in trace.actions)
    assert (tmp_path / "trace.jsonl").stat().st_size < len(content)
    assert verify_trace(tmp_path / "trace.jsonl").passed


def test_a_user_loop_can_be_recorded_too():
    ward = raw_env(SCENARIO)
    ward.recording = True
    ward.reset(seed=0)
    ward.step(Action("hello", thinking=3))
    while not ward.truncations[ward.agent_selection]:
        ward.step('{"name": "wait", "arguments": {"minutes": 30}}')
    hello = next(played for played in ward.episode.played if played.call == "hello")
    assert (hello.status, hello.turn, hello.call.thinking) == ("parse", 0, 3)


@pytest.fixture
def with_background(root, tmp_path):
    """`first_hour` with the pharmacist and the radiologist as staff who are no seats."""
    data = yaml.safe_load((root / "scenarios" / "first_hour.yaml").read_text())
    data["background"] = [seat for seat in data["seats"] if seat["role"] != "doctor"]
    data["seats"] = [seat for seat in data["seats"] if seat["role"] == "doctor"]
    path = tmp_path / "with_background.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def test_background_staff_act_unpaid_and_are_played_again_from_the_trace(with_background, tmp_path):
    ward = env(with_background, background="random")
    trace = run_episode(ward, seed=6)
    trace.save(tmp_path / "trace.jsonl")
    assert ward.possible_agents == ["doctor_1"] == list(trace.rewards)
    assert {action.agent for action in trace.actions} == {"doctor_1", "pharmacist_1", "radiologist_1"}
    assert trace.n_actions == sum(action.agent == "doctor_1" for action in trace.actions)
    assert [row["policy"] for row in trace.header["staff"]] == ["guideline", "random", "random"]
    verdict = verify_trace(tmp_path / "trace.jsonl")
    assert verdict.passed, verdict.message


def test_a_background_of_the_same_policy_plays_as_seats_would(with_background):
    background, seats = run_episode(env(with_background), seed=6), run_episode(env(SCENARIO), seed=6)
    assert [(a.agent, a.minute, a.status) for a in background.actions] == [(a.agent, a.minute, a.status) for a in seats.actions]
