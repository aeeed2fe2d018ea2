"""Learning seats that are answered over HTTP: what comes back is what was sampled, token by token; a server that is gone costs no checkpoint."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from clinsim.agents.chat import ChatPolicy
from clinsim.agents.decoding import Engine
from clinsim.agents.local import LocalPolicy, model_in
from clinsim.errors import ServerError, UsageError
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.training.batches import batches, decided_logps
from clinsim.training.rollouts import Plan
from clinsim.training.run import RunFolder
from clinsim.training.samples import samples_of
from clinsim.training.server_rollouts import play_block_over

SCENARIO = "first_hour"
SCENARIOS = {SCENARIO: load_scenario(SCENARIO)}
OTHERS = {"pharmacist": "idle", "radiologist": "idle"}
PLANS = [Plan(SCENARIO, 1, number, OTHERS, "run") for number in range(2)]
WROTE = 8
TOKENS = "#token_ids=true&dialect=json&at_once=2"


def sampling(engine):
    """A server that draws some tokens from a model, freely, by the seed of the request, and says which and how likely they were."""
    lock = threading.Lock()

    @torch.inference_mode()
    def answer(body):
        prompt = engine.encode(body["messages"][-1]["content"][-300:])
        draws, tokens, logps = np.random.default_rng(body["seed"]), list(prompt), []
        with lock:
            for _ in range(WROTE):
                chances = engine.model(torch.tensor([tokens])).logits[0, -1].double().log_softmax(-1).numpy()
                tokens.append(int(draws.choice(len(chances), p=np.exp(chances) / np.exp(chances).sum())))
                logps.append({"token": "", "logprob": float(chances[tokens[-1]])})
        wrote = tokens[len(prompt) :]
        choice = {"message": {"content": engine.tokenizer.decode(wrote)}, "token_ids": wrote, "logprobs": {"content": logps}}
        return {"choices": [choice], "prompt_token_ids": prompt}

    return answer


def test_samples_are_what_the_server_drew_and_the_learner_agrees(engine, serve):
    policy = ChatPolicy.of(f"m@{serve(sampling(engine)).url}{TOKENS}")
    rollouts = play_block_over(policy, PLANS, SCENARIOS)
    samples = [sample for k, rollout in enumerate(rollouts) for sample in rollout.samples(k)]
    assert {sample.role for sample in samples} == {"doctor"}
    assert all(len(sample.decided) == WROTE == sum(sample.action_mask) for sample in samples)
    assert len({sample.tokens for sample in samples}) == len(samples)
    for batch in batches(samples):
        with torch.inference_mode():
            logps, _ = decided_logps(engine.model, batch)
        assert torch.allclose(logps, batch.sampled, atol=1e-4)  # the ratio of a first update is one


def test_the_same_plans_are_played_alike(engine, serve):
    policy = ChatPolicy.of(f"m@{serve(sampling(engine)).url}{TOKENS}")
    one, other = (play_block_over(policy, PLANS, SCENARIOS) for _ in range(2))
    assert [[said.written.tokens for said in rollout.said] for rollout in one] == [
        [said.written.tokens for said in rollout.said] for rollout in other
    ]


def test_samples_can_be_made_from_the_trace_of_a_shift(engine, serve):
    policy = ChatPolicy.of(f"m@{serve(sampling(engine)).url}{TOKENS}")
    (rollout,) = play_block_over(policy, PLANS[:1], SCENARIOS)
    trace = run_episode(raw_env(SCENARIO), {"doctor": policy.again("run|0"), **OTHERS}, seed=1)
    made, played = samples_of(trace), rollout.samples(0)
    assert [(sample.tokens, sample.decided, sample.logps) for sample in made] == [(sample.tokens, sample.decided, sample.logps) for sample in played]


def test_a_server_that_keeps_its_tokens_is_refused(serve):
    server = serve(lambda _: {"choices": [{"message": {"content": "hm"}}]})
    with pytest.raises(ServerError, match="gives no token ids with log-probabilities"):
        play_block_over(ChatPolicy.of(f"m@{server.url}{TOKENS}"), PLANS[:1], SCENARIOS)


@pytest.mark.parametrize("settings", ["", "#temperature=1", "#token_ids=true&temperature=0.7"])
def test_what_could_not_be_learnt_from_is_refused_before_anything_is_played(settings):
    with pytest.raises(UsageError, match="end the SPEC with #token_ids=true"):
        play_block_over(ChatPolicy.of(f"m@http://127.0.0.1:9/v1{settings}"), PLANS, SCENARIOS)


def test_a_server_that_is_gone_leaves_the_last_checkpoint_usable(engine, serve, tmp_path):
    folder = RunFolder.opened(tmp_path / "run", {}, resume=False)
    optimiser = torch.optim.AdamW(engine.model.parameters())
    folder.save(engine, optimiser, {"rows": 0})
    folder.keep_best(engine)
    left = [5]
    draw = sampling(engine)

    def tiring(body):
        left[0] -= 1
        return draw(body) if left[0] > 0 else (503, b"gone")

    policy = ChatPolicy.of(f"m@{serve(tiring).url}{TOKENS}&retries=1")
    with pytest.raises(ServerError, match="answers 503: gone"):
        play_block_over(policy, PLANS, SCENARIOS)
    assert RunFolder.opened(tmp_path / "run", {}, resume=True).restored(optimiser) == {"rows": 0}
    assert isinstance(LocalPolicy(Engine.load(model_in(tmp_path / "run"))), LocalPolicy)
