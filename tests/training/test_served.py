"""A chat model that a server plays: rehearsals of every configuration, what is handed over, and what happens when the server is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import torch
from accelerate.state import AcceleratorState
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from clinsim.agents.cast import Cast
from clinsim.agents.chat import ChatPolicy
from clinsim.agents.local import model_in
from clinsim.errors import ServerError, UsageError
from clinsim.training.batches import batches
from clinsim.training.chat_settings import ServedSettings
from clinsim.training.grpo import plans
from clinsim.training.handing_over import hand_over_adapter, hand_over_weights
from clinsim.training.loopback import serving
from clinsim.training.recipes import RECIPES, run_recipe, settings_of
from clinsim.training.rehearsal import staged
from clinsim.training.run import RunFolder
from clinsim.training.samples import Group, Sample
from clinsim.training.served import Players, run_served
from clinsim.training.spread import accelerator_of, far_learners, read_model, share_of
from clinsim.training.tiny_chat import write_tiny_chat

RECIPE = RECIPES["served"]
CONFIGS = sorted((Path(__file__).parents[2] / "training" / "configs").glob("*_8b_*.yaml"))
SMALL = ServedSettings(start="", server="", precision="fp32", rank=4, warm_up=0, learning_rate=1e-2, updates=1).model_copy(
    update={**RECIPE.rehearsal, "steps": 2, "evaluate_every": 1, "group_size": 1, "partners": {"radiologist": "idle"}}
)
WAYS = [{"tune": "adapters", "learners": "adapters"}, {"tune": "adapters", "frozen": ("doctor",)}, {"tune": "weights"}]


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """accelerate remembers the precision of the first run in a process: each of these tests is a process of its own to it."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def rows_of(settings: ServedSettings, out: Path, resume: bool = False) -> list[dict]:
    run_recipe(RECIPE, settings, out, resume, lambda row: None)
    return [{key: value for key, value in row.items() if not key.endswith("_seconds")} for row in RunFolder(out).rows()]


@pytest.mark.parametrize("config", CONFIGS, ids=[config.stem for config in CONFIGS])
def test_every_configuration_is_rehearsed(config, tmp_path):
    settings = settings_of(RECIPE, config, [])
    with RECIPE.stage(settings.model_copy(update=RECIPE.rehearsal)) as small:
        before, after = rows_of(small, tmp_path / "run")
    assert before["step"] == -1
    assert after["samples"] > 0
    assert after["gradient"] > 0
    manifest = json.loads((tmp_path / "run" / "best" / "manifest.json").read_text())
    adapters = {row["adapter"] for row in manifest["roles"].values()}
    assert all((tmp_path / "run" / "best" / name / "adapter_model.safetensors").is_file() for name in adapters if name)
    assert (adapters == {None}) == (settings.tune == "weights")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way.values())))
def test_a_run_that_was_cut_off_goes_on_and_the_server_plays_what_was_learnt(way, tmp_path):
    class CutError(Exception):
        pass

    def cut(row: dict) -> None:
        if row["step"] == 1:
            raise CutError

    with staged(SMALL.model_copy(update=way)) as settings:
        straight = rows_of(settings, tmp_path / "straight")
        with pytest.raises(CutError):
            run_served(settings, tmp_path / "cut", False, cut)
        assert rows_of(settings, tmp_path / "cut", resume=True) == straight
    assert straight[-1]["clipped"] == 0.0
    assert straight[-1]["kl"] == pytest.approx(0.0, abs=1e-6)  # of what the server drew after one update, and the learner finds as likely


def test_what_is_handed_over_is_what_the_server_says(tmp_path):
    with staged(SMALL.model_copy(update={"learners": "adapters"})) as settings:
        served = read_model(settings, None, True)
        far_learners(served, accelerator_of(settings), settings)
        with torch.no_grad():
            for path, weights in served.model.named_parameters():
                if ".lora_B." in path:
                    weights.copy_(0.2 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(len(path))))
        players = Players(settings.server, tmp_path / "exchange", True)
        drift = {}
        for step in range(4):
            before = played_apart(served, players, settings)
            players.hand_over(served, step)
            drift[step] = (before, played_apart(served, players, settings))
        assert sorted(path.name for path in (tmp_path / "exchange").iterdir()) == ["2", "3"]
    assert drift[0][0] is None
    assert all(after < 1e-4 for _, after in drift.values())


def played_apart(served, players, settings) -> float | None:
    """How far server and learner differ in the log-probability of what was said (None: the server does not know the adapters yet)."""
    try:
        (rollout,) = players.play(served, plans(settings, 0), 1)
    except ServerError as problem:
        assert "does not exist" in str(problem)  # noqa: PT017
        return None
    found = []
    with torch.no_grad():
        for sample in rollout.samples(0):
            (batch,) = batches([sample])
            model = served.model_of(served.voices[sample.role])
            logits = model(batch.tokens).logits.log_softmax(-1)[0, batch.before[0]]
            found.append(float((logits.gather(1, batch.targets[0].unsqueeze(1)).squeeze(1) - batch.sampled[0]).abs().max()))
    return max(found)


def test_two_processes_learn_what_one_learns(tmp_path):
    """Were they not one run to accelerate, the second would find a folder that is not empty."""
    small = SMALL.model_copy(update={"learners": "adapters", "steps": 1, "group_size": 2, "batch_tokens": 4096})
    with staged(small) as settings:
        (tmp_path / "settings.yaml").write_text(json.dumps(settings.model_dump(mode="json")))
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "clinsim"]
        command = [*launch, "train", "served", "--config", str(tmp_path / "settings.yaml"), "--out", str(tmp_path / "two")]
        done = subprocess.run(command, env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        one = rows_of(settings, tmp_path / "one")
    two = [{key: value for key, value in row.items() if not key.endswith("_seconds")} for row in RunFolder(tmp_path / "two").rows()]
    figures = {key for key in one[1] if isinstance(one[1][key], float | int)}
    assert {key: two[1][key] for key in figures} == pytest.approx({key: one[1][key] for key in figures}, rel=1e-4, abs=1e-6)
    assert two[0] == one[0]
    assert len(two) == len(one) == 2
    assert one[1]["gradient"] > 0
    ours, theirs = (load_file(tmp_path / name / "latest" / "doctor" / "adapter_model.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(ours[path], theirs[path], atol=1e-5) for path in ours)


@pytest.mark.parametrize("last", [-1, 0])
def test_a_server_that_goes_leaves_a_checkpoint_to_go_on_from(tmp_path, last):
    out = tmp_path / "run"
    with staged(SMALL) as settings, ExitStack() as closing:
        server = closing.enter_context(serving(Path(settings.start), "mortal", [json.dumps({"name": "wait", "arguments": {"minutes": 60}})]))
        spec = f"mortal@{server.url}#dialect=json,window=1000,retries=0"

        def tell(row: dict) -> None:
            if row["step"] == last:
                closing.close()

        with pytest.raises(UsageError, match=r"training stopped: .*cannot be reached.*checkpoint is whole: --resume goes on"):
            run_recipe(RECIPE, settings.model_copy(update={"server": spec}), out, False, tell)
        assert rows_of(settings, out, resume=True)[-1]["step"] == 1
    with pytest.raises(UsageError, match="a model for a server"):
        Cast.load(model_in(out))


def test_a_server_that_never_was_is_told_before_anything_is_played(tmp_path):
    with staged(SMALL) as settings, pytest.raises(UsageError, match=r"cannot be reached.*no checkpoint yet"):
        run_recipe(RECIPE, settings.model_copy(update={"server": "tiny@http://127.0.0.1:9/v1#retries=0"}), tmp_path / "run", False, lambda row: None)


@pytest.mark.parametrize("updates", [1, 2])
def test_a_rate_that_bursts_the_model_is_told_whoever_notices(tmp_path, updates):
    with staged(SMALL.model_copy(update={"learning_rate": 1e30, "updates": updates, "kl": 0.01})) as settings:
        with pytest.raises(UsageError, match=r"training stopped: .*no number.*lower learning_rate.*checkpoint is whole: --resume goes on"):
            run_recipe(RECIPE, settings, tmp_path / "run", False, lambda row: None)
        calmer = settings.model_copy(update={"learning_rate": 1e-4})
        assert rows_of(calmer, tmp_path / "run", resume=True)[-1]["step"] == settings.steps - 1


def test_memory_that_runs_out_is_told_and_gone_on_from_with_smaller_batches(tmp_path):
    def greedy(row: dict) -> None:
        if row["step"] == 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    with staged(SMALL) as settings:
        with pytest.raises(UsageError, match=r"memory ran out .*batch_tokens.*checkpoint is whole: --resume goes on"):
            run_recipe(RECIPE, settings, tmp_path / "run", False, greedy)
        smaller = settings.model_copy(update={"batch_tokens": 2048})
        assert rows_of(smaller, tmp_path / "run", resume=True)[-1]["step"] == settings.steps - 1


@given(st.integers(1, 9), st.integers(1, 4))
def test_every_batch_is_read_once_and_all_processes_read_equally_many(n, ranks):
    sample = Sample((1, 2), (1,), (-1.0,), 0.0, "doctor", "doctor_1", Group("toy", 0, "doctor"), 0, 0)
    made = [next(batches([sample])) for _ in range(n)]
    parts = [share_of(made, rank, ranks) for rank in range(ranks)]
    assert len({len(part) for part in parts}) == 1
    counted = [id(batch) for part in parts for batch, times in part if times]
    assert sorted(counted) == sorted(map(id, made))
    assert {times for part in parts for _, times in part} <= {0.0, float(ranks)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learners": "models"}, "a server plays one model"),
        ({"tune": "weights", "learners": "adapters"}, "nobody is frozen"),
        ({"tune": "weights", "frozen": ["doctor"]}, "nobody is frozen"),
        ({"credit": "counterfactual"}, "not over a server"),
        ({"server": "here#dialect=json", "sharding": "fsdp"}, "one process holds whole"),
    ],
)
def test_settings_that_cannot_be_served_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        settings_of(RECIPE, None, ["start=x", "server=y", *(f"{key}={json.dumps(value)}" for key, value in given.items())])


def test_mistakes_are_named(tmp_path):
    with pytest.raises(UsageError, match="'nothing' is no decoder"):
        write_tiny_chat(tmp_path, "nothing", ["words"])
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere, and no model of the hub"):
        read_model(SMALL.model_copy(update={"start": str(tmp_path / "nowhere")}), None, True)
    with pytest.raises(UsageError, match="transformers finds no model"):
        read_model(SMALL.model_copy(update={"start": str(tmp_path)}), None, True)


@contextmanager
def tiny(folder: Path, *lines: str):
    write_tiny_chat(folder, "llama", ["a few words to read"])
    with serving(folder, "tiny", lines) as server:
        yield server


def asked(server, path: str, body: dict) -> tuple[int, str]:
    try:
        with urlopen(Request(server.url.removesuffix("/v1") + path, json.dumps(body).encode())) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as problem:
        return problem.code, problem.read().decode()


@pytest.mark.parametrize("lines", [(), ("a few words",)])
def test_tokens_of_the_loopback_server_are_exact(tmp_path, lines):
    with tiny(tmp_path, *lines) as server:
        body = {"model": "tiny", "messages": [{"role": "user", "content": "read"}], "seed": 3, "max_tokens": 5}
        status, told = asked(server, "/v1/chat/completions", body)
        assert (status, told) == asked(server, "/v1/chat/completions", body)
        found, words = json.loads(told), AutoTokenizer.from_pretrained(tmp_path)
    prompt, choice = found["prompt_token_ids"], found["choices"][0]
    assert words.decode(prompt) == "<|im_start|>user\nread<|im_end|>\n<|im_start|>assistant\n"
    assert words.decode(choice["token_ids"], skip_special_tokens=True) == choice["message"]["content"]
    logits = AutoModelForCausalLM.from_pretrained(tmp_path)(torch.tensor([prompt + choice["token_ids"]])).logits[0].log_softmax(-1)
    expected = [logits[len(prompt) - 1 + place, token].item() for place, token in enumerate(choice["token_ids"])]
    assert [one["logprob"] for one in choice["logprobs"]["content"]] == pytest.approx(expected, abs=1e-4)


def test_the_loopback_server_refuses_as_vllm_does(tmp_path):
    with tiny(tmp_path / "model") as server:
        refused = [
            ("/v1/chat/completions", {"model": "other", "messages": [], "seed": 0, "max_tokens": 1}, 404, "does not exist"),
            ("/v1/load_lora_adapter", {"lora_name": "a", "lora_path": str(tmp_path / "none")}, 404, "no adapter"),
            ("/collective_rpc", {"method": "shut_down"}, 400, "no such method"),
            ("/elsewhere", {}, 404, "no such door"),
        ]
        for path, body, status, words in refused:
            found = asked(server, path, body)
            assert found[0] == status
            assert words in found[1]
        far = ChatPolicy.of(f"tiny@{server.url}#token_ids=true").server
        with pytest.raises(ServerError, match=r"load_lora_adapter answers 404: .*no adapter in"):
            hand_over_adapter(far, "a", tmp_path / "none")
        write_tiny_chat(tmp_path / "large", "llama", ["quite other words " + " ".join(map(str, range(2000)))])
        with pytest.raises(ServerError, match=r"answers 500: .*weights of another model"):
            hand_over_weights(far, tmp_path / "large")
