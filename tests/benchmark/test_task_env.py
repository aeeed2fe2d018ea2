"""`clinsim/Task-v1`: Gymnasium's own check, ends of episodes, rewards, any action, vectors."""

import json
import warnings
from pathlib import Path

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st

import clinsim  # noqa: F401  # registers the environment
from clinsim.benchmark.env import TaskEnv, make_vec
from clinsim.benchmark.suite import own_folders
from clinsim.errors import UsageError

SUITE = str(Path(__file__).parent / "clinical_diagnosis")
GOLD = [
    ("get_lab_results", {"patient_id": "B1"}),
    ("get_medications", {"patient_id": "B1"}),
    ("record_diagnosis", {"patient_id": "B1", "diagnosis": "hyperkalaemia", "confidence": "high"}),
    ("submit_answer", {"answer": "Stop lisinopril: the potassium is 6.4 mmol/L."}),
]


def task_env(**more):
    return TaskEnv(suite=SUITE, **more)


def send(env, name, **arguments):
    return env.step(json.dumps({"name": name, "arguments": arguments}))


def test_check_env():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(gymnasium.make("clinsim/Task-v1", suite=SUITE).unwrapped)


def test_it_terminates_on_submission_and_pays_the_strict_score_then():
    env = task_env(task_id="potassium-and-lisinopril")
    observation, info = env.reset(seed=0)
    assert info == {"task_id": "potassium-and-lisinopril", "domain": "clinical_diagnosis"}
    assert json.loads(observation["text"])["worklist"][0]["ticket"].startswith("Patient B1")
    for name, arguments in GOLD[:-1]:
        observation, reward, terminated, truncated, info = send(env, name, **arguments)
        assert (reward, terminated, truncated, info["status"]) == (0.0, False, False, "ok")
        assert env.observation_space.contains(observation)
    *_, reward, terminated, truncated, info = send(env, GOLD[-1][0], **GOLD[-1][1])
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["components"]["evidence"] == 1.0
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step("{}")


def test_it_truncates_at_the_limit():
    env = task_env(max_turns=3)
    env.reset(seed=1)
    ends = [env.step("nonsense")[1:4] for _ in range(3)]
    assert ends == [(0.0, False, False), (0.0, False, False), (0.0, False, True)]


def test_a_refused_submission_ends_nothing():
    env = task_env()
    env.reset(seed=0)
    observation, _, terminated, truncated, info = send(env, "submit_answer", answer="  ")
    assert (terminated, truncated, info["status"]) == (False, False, "refused")
    assert "answer" in json.loads(observation["text"])["last_result"]["message"]


ODD = [
    "",
    "null",
    "[1, 2",
    '{"name": []}',
    '{"name": null}',
    '{"name": "think", "arguments": []}',
    '{"name": "think", "arguments": {"thought": NaN}}',
]


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from([*ODD, "[" * 100_000, "é患" * 20_000])), max_size=4), st.integers(0, 2**16))
def test_any_action_is_an_ordinary_step(actions, seed):
    env = task_env(max_turns=8)
    env.reset(seed=seed)
    env.action_space.seed(seed)
    for action in [*actions, env.action_space.sample(), env.action_space.sample()]:
        observation, reward, terminated, truncated, _ = env.step(action)
        assert env.action_space.contains(action)
        assert env.observation_space.contains(observation)
        assert -0.5 <= reward <= 1.0
        if terminated or truncated:
            break


def test_seed_and_options_choose_the_task():
    env = task_env()
    drawn = [env.reset(seed=seed)[1]["task_id"] for seed in range(12)]
    assert drawn == [env.reset(seed=seed)[1]["task_id"] for seed in range(12)]
    assert set(drawn) == {"potassium-and-lisinopril", "heart-rate"}
    assert env.reset(options={"task_id": "heart-rate"})[1]["task_id"] == "heart-rate"
    with pytest.raises(UsageError, match="'none': not among the 2 tasks"):
        env.reset(options={"task_id": "none"})


def test_worlds_are_fresh():
    env = task_env(task_id="potassium-and-lisinopril")
    answers = []
    for _ in range(2):
        env.reset()
        send(env, "add_clinical_note", patient_id="B1", note_type="progress", content="Seen by me.")
        answers.append(send(env, "get_clinical_notes", patient_id="B1")[0]["text"])
    assert answers[0] == answers[1]
    assert answers[0].count("Seen by me.") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "evening"}, "--split evening: .* allowed test, train, all"),
        ({"domain": "surgery"}, "domain 'surgery'"),
        ({"task_id": "none"}, "no task none"),
        ({"task_id": ""}, "no task"),
        ({"max_turns": 0}, "max_turns: 0 is no number of calls; give a whole number from 1"),
        ({"max_turns": 2.5}, "max_turns: 2.5"),
        ({"render_mode": "human"}, "unknown render_mode 'human'; allowed: None, ansi"),
    ],
)
def test_what_does_not_exist_is_named(arguments, message):
    with pytest.raises(UsageError, match=message):
        task_env(**arguments)


@pytest.mark.parametrize("processes", [True, False])
def test_vectors_pass_texts_on(processes):
    envs = make_vec(2, processes=processes, suite=SUITE)
    observation, _ = envs.reset(seed=0)
    again, *_ = envs.step(['{"name": "think", "arguments": {"thought": "hm"}}'] * 2)
    envs.close()
    assert all(json.loads(text)["why"] == "task" for text in observation["text"])
    assert all(json.loads(text)["last_result"]["tool"] == "think" for text in again["text"])


def test_without_arguments_it_plays_the_projects_own_tasks():
    env = gymnasium.make("clinsim/Task-v1")
    _, info = env.reset(seed=0)
    assert info["domain"] in own_folders()
    assert env.unwrapped.house_rules


def test_the_first_observation_shows_the_rules_of_the_house_and_no_later_one_does():
    env = gymnasium.make("clinsim/Task-v1", domain="triage_emergency").unwrapped
    first, _ = env.reset(seed=0)
    assert json.loads(first["text"])["worklist"][0]["house_rules"] == env.house_rules != ""
    later, *_ = env.step('{"name": "think", "arguments": {"thought": "hm"}}')
    assert "house_rules" not in later["text"]


def test_an_action_is_a_string():
    env = task_env()
    env.reset(seed=0)
    with pytest.raises(TypeError, match="an action is a string, not int"):
        env.step(5)


def test_tools_and_house_rules_are_at_hand():
    env = task_env()
    assert "submit_answer" in {card.name for card in env.tools}
    assert env.house_rules == ""
    assert env.render() is None
