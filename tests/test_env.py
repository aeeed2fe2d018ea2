"""The environment keeps PettingZoo's contract, as its shipped tests see it and beyond."""

import json
import math
import subprocess
import sys
import warnings

import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, render_test, seed_test
from pettingzoo.test.state_test import state_test
from pettingzoo.utils.conversions import turn_based_aec_to_parallel

import clinsim  # noqa: F401  # registers the environments
from clinsim.rollout import env, parallel_env, raw_env
from clinsim.scenario_file import load_scenario, scenario_names
from clinsim.space import ToolCallText

WAIT = '{"name": "wait", "arguments": {"minutes": 60}}'
SHORT_WAIT = '{"name": "wait", "arguments": {"minutes": 3}}'


def short(name):
    """A scenario of a day and more is played for two hours here."""
    loaded = load_scenario(name)
    return load_scenario(name, {"horizon_minutes": 120.0}) if loaded.horizon_minutes >= 1440.0 else loaded


every_scenario = pytest.mark.parametrize("scenario", [short(name) for name in scenario_names()], ids=scenario_names())


@pytest.fixture(autouse=True)
def quiet():
    # The shipped tests warn that observations are no NumPy arrays; text has no other form.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@every_scenario
def test_api(scenario):
    api_test(env(scenario))


@every_scenario
def test_seed(scenario):
    seed_test(lambda: env(scenario))


@every_scenario
def test_render(scenario):
    render_test(lambda render_mode: env(scenario, render_mode=render_mode))


@every_scenario
def test_parallel(scenario):
    parallel_api_test(turn_based_aec_to_parallel(env(scenario)))


@every_scenario
def test_state(scenario):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        state_test(env(scenario), parallel_env(scenario))


@every_scenario
def test_reading_the_state_changes_nothing_and_a_fork_has_the_same(scenario):
    looking, blind = raw_env(scenario), raw_env(scenario)
    for ward in (looking, blind):
        ward.reset(seed=5)
    states = [looking.state()]
    for _ in range(12):
        assert looking.state_space.contains(states[-1])
        assert (looking.state() == states[-1]).all()
        looking.step(SHORT_WAIT)
        blind.step(SHORT_WAIT)
        states.append(looking.state())
    assert not (states[0] == states[-1]).all()
    assert (looking.fork()[0].state() == states[-1]).all()
    assert (looking.digest(), looking.state_digest()) == (blind.digest(), blind.state_digest())


def test_the_state_says_what_its_fields_name():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    while not ward.hospital.listed:
        ward.step(WAIT)
    state = dict(zip(ward.state_fields, ward.state().tolist(), strict=True))
    (patient,) = ward.hospital.listed.values()
    assert len(state) == len(ward.state_fields)
    assert state["hours"] == pytest.approx(ward.hospital.now / 60.0)
    assert state["here"] == len(ward.hospital.present)
    assert state["pool.ct.units"] == ward.hospital.pools["ct"].units
    assert state["patient.0.severity"] == pytest.approx(patient.course.x)
    assert state["patient.0.true_acuity"] == patient.true_esi
    assert state["patient.0.stakes"] == pytest.approx(patient.stakes)
    assert state["patient.0.missing"] == sum(item.essential for item in patient.condition.treatments if item.id not in patient.course.helping)
    assert state["patient.23.here"] == (len(ward.hospital.present) >= 24)


def test_the_sickest_on_the_lists_stand_first_in_the_state():
    ward = raw_env("surge")
    ward.reset(seed=3)
    for _ in range(12):
        ward.step(WAIT)
    state = dict(zip(ward.state_fields, ward.state().tolist(), strict=True))
    listed = sorted((patient.course.x for patient in ward.hospital.listed.values()), reverse=True)[:24]
    assert len(listed) > 2
    assert [state[f"patient.{place}.severity"] for place in range(len(listed))] == pytest.approx(listed)


@pytest.mark.parametrize("p_valid", [0.0, 1.0])
def test_api_with_noise_only_and_with_calls_only(p_valid):
    made = env("first_hour")
    for agent in made.possible_agents:
        made.action_space(agent).p_valid = p_valid
    api_test(made)


def played(made, seed, turns=None):
    """Play random actions; what `last()` gave each time, as rewards by agent."""
    made.reset(seed=seed)
    for k, agent in enumerate(made.possible_agents):
        made.action_space(agent).seed(seed + k)
    paid = {agent: [] for agent in made.possible_agents}
    for turn, agent in enumerate(made.agent_iter()):
        _, reward, terminated, truncated, _ = made.last()
        paid[agent].append(reward)
        if turn == turns:
            break
        made.step(None if terminated or truncated else made.action_space(agent).sample())
    return paid


@pytest.mark.parametrize("scenario", ["first_hour", "ed_evening"])
def test_rewards_paid_are_the_rows_of_the_ledger(scenario):
    made = env(scenario)
    paid = played(made, seed=4)
    rows = made.unwrapped.ledger.rows
    for agent, rewards in paid.items():
        assert math.fsum(rewards) == pytest.approx(math.fsum(row.value for row in rows if row.agent == agent), abs=1e-9)
    assert math.fsum(map(math.fsum, paid.values())) == pytest.approx(math.fsum(row.value for row in rows), abs=1e-9)


def test_looking_changes_nothing():
    looking, blind = raw_env("first_hour"), raw_env("first_hour")
    for ward in (looking, blind):
        ward.reset(seed=7)
    for _ in range(12):
        for agent in looking.possible_agents:
            first, again = looking.observe(agent), looking.observe(agent)
            assert first["text"] == again["text"]
            assert looking.observation_space(agent).contains(first)
        looking.step(WAIT)
        blind.step(WAIT)
        if looking.truncations[looking.agent_selection]:
            break
    assert looking.state_digest() == blind.state_digest()
    assert looking.digest() == blind.digest()


def test_an_observation_is_canonical_json():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    text = ward.observe(ward.agent_selection)["text"]
    data = json.loads(text)
    assert list(data) == ["minute", "why", "worklist", "news", "last_result"]
    assert json.dumps(data, separators=(",", ":"), ensure_ascii=False) == text
    assert data["why"] == "start"


@every_scenario
def test_all_agents_end_together(scenario):
    ward = raw_env(scenario, max_cycles=2)
    ward.reset(seed=0)
    while not (ward.truncations[ward.agent_selection] or ward.terminations[ward.agent_selection]):
        assert ward.agents == ward.possible_agents
        ward.step(WAIT)
    assert set(ward.truncations.values()) ^ set(ward.terminations.values()) == {True, False}
    assert len(set(ward.truncations.values())) == 1
    assert all(info["why"] == "end" for info in ward.infos.values())
    assert ward.hospital.is_settled


def test_a_spent_seat_is_asked_no_more_and_stays():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    spender = ward.agent_selection
    asked = 0
    while not ward.truncations[ward.agent_selection] and not ward.terminations[ward.agent_selection]:
        asked += ward.agent_selection == spender
        assert spender in ward.agents
        ward.step("nonsense" if ward.agent_selection == spender else WAIT)
    assert asked == ward.scenario.budget.errors


def test_when_all_budgets_are_spent_the_hospital_rolls_on_to_the_horizon():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    while not ward.truncations[ward.agent_selection] and not ward.terminations[ward.agent_selection]:
        ward.step("nonsense")
    assert ward.hospital.now == ward.scenario.horizon_minutes or ward.hospital.finished
    assert ward.hospital.is_settled


def test_infos_tell_the_time_and_hold_no_nan():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    for _ in range(40):
        agent = ward.agent_selection
        if ward.truncations[agent] or ward.terminations[agent]:
            break
        info = ward.infos[agent]
        assert set(info) == {"minute", "why", "dt", "status"}
        assert info["minute"] == ward.hospital.now
        assert info["dt"] >= 0.0
        ward.step(WAIT)


def test_reset_without_a_seed_takes_the_next_training_seed():
    ward = raw_env("first_hour")
    seeds = []
    for given in (None, None, 9_999, None):
        ward.reset(seed=given)
        seeds.append(ward.episode.seed)
    assert seeds == [0, 1, 9_999, 0]


def test_the_environment_is_registered():
    made = pettingzoo.make("aec", "clinsim/ward-v1", scenario="first_hour", max_cycles=5)
    made.reset(seed=0)
    assert made.metadata["name"] == "ward_v1"
    assert parallel_env("first_hour").possible_agents == made.possible_agents


def test_samples_are_calls_that_fit_and_name_what_exists():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    agent = "doctor_1"
    while not json.loads(ward.observe(agent)["text"])["worklist"]:
        ward.step('{"name": "wait", "arguments": {"minutes": 5}}')
    space = ToolCallText(ward.action_space(agent).tools, p_valid=1.0, seed=1)
    space.offer(ward.observe(agent)["text"])
    calls = [json.loads(space.sample()) for _ in range(300)]
    assert {call["name"] for call in calls} == set(ward.tools[agent])
    patients = {row["patient"] for row in json.loads(ward.observe(agent)["text"])["worklist"]}
    named = [call["arguments"]["patient_id"] for call in calls if "patient_id" in call["arguments"]]
    assert patients & set(named)
    for call in calls:
        ward.tools[agent][call["name"]].arguments.model_validate(call["arguments"])


DIGEST = """
from clinsim.rollout import env, run_episode
print(run_episode(env("first_hour"), {"doctor": "guideline", "pharmacist": "random"}, seed=11).digest)
"""


def test_the_digest_is_the_same_in_every_process():
    runs = [
        subprocess.Popen([sys.executable, "-c", DIGEST], stdout=subprocess.PIPE, text=True, env={"PYTHONHASHSEED": salt})
        for salt in ("0", "1", "77", "4242")
    ]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert not any(run.returncode for run in runs)
