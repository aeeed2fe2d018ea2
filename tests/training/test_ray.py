"""Ray as the engine of rollouts: the same samples as in one process; without it, one line that names the extra."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from clinsim.agents.cast import Cast
from clinsim.errors import UsageError
from clinsim.training.grpo import played
from clinsim.training.learners import prepared
from clinsim.training.ray_rollouts import packed, unpacked
from clinsim.training.settings import GrpoSettings

SMALL = GrpoSettings(start="", groups=1, group_size=2, block=1, learners="adapters", rank=4)
HAS_RAY = find_spec("ray") is not None


def test_models_survive_the_parcel(engine):
    parcel = packed(prepared(Cast.shared(engine), SMALL))
    again = packed(unpacked(parcel))
    assert again.keys() == parcel.keys()
    assert {name for name in parcel if again[name] != parcel[name]} <= {"config.json"}
    assert {"doctor/adapter_model.safetensors", "manifest.json", "model.safetensors"} <= parcel.keys()


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_extra_is_named(engine):
    with pytest.raises(UsageError, match=r"needs the extra `ray`: pip install clinsim\[ray\]"):
        played(engine, SMALL.model_copy(update={"processes": "ray"}), 0)


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed (extra `ray`)")
def test_ray_plays_what_one_process_plays(engine):
    cast = prepared(Cast.shared(engine), SMALL)
    one, many = (played(cast, SMALL.model_copy(update={"processes": way}), 0) for way in (1, "ray"))
    assert [rollout.rewards for rollout in one] == [rollout.rewards for rollout in many]
    assert [[said.written.logps for said in rollout.said] for rollout in one] == [[said.written.logps for said in rollout.said] for rollout in many]


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed (extra `ray`)")
def test_a_mistake_is_told_as_it_would_be_here(engine):
    with pytest.raises(UsageError, match=r"^nowhere: neither a model"):
        played(engine, SMALL.model_copy(update={"processes": "ray", "partners": {"doctor": "local:nowhere"}}), 0)


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed (extra `ray`)")
def test_ray_works_out_the_credit_of_turns_too(engine):
    cast, counted = prepared(Cast.shared(engine), SMALL), SMALL.model_copy(update={"credit": "counterfactual"})
    one, many = (played(cast, counted.model_copy(update={"processes": way}), 0) for way in (1, "ray"))
    assert [rollout.credits for rollout in one] == [rollout.credits for rollout in many]
    assert any(rollout.credits for rollout in one)
