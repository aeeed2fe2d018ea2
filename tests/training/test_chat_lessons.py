"""A chat model of this process: what it is taught, what it writes, and that it learns from static tasks without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from transformers import AutoModelForCausalLM, AutoTokenizer

from clinsim.agents.chat_server import ChatSettings
from clinsim.agents.dialogue import Ask, Dialogue, system_text
from clinsim.errors import UsageError
from clinsim.record import ROLES
from clinsim.training.batches import batches, conversations, decided_logps
from clinsim.training.chat_lessons import chat_lessons, gold_plans
from clinsim.training.chat_settings import ChatSftSettings, ServedSettings
from clinsim.training.chat_sft import run_chat_sft, scored_in_bf16
from clinsim.training.experts import expert_turns, seats_of
from clinsim.training.here import Here, prompt_of
from clinsim.training.recipes import RECIPES, run_recipe
from clinsim.training.rollouts import Plan
from clinsim.training.run import RunFolder
from clinsim.training.server_rollouts import play_with
from clinsim.training.settings import settings_from
from clinsim.training.sft import FitRule, fitted, likelihood
from clinsim.training.spread import read_model
from clinsim.training.static_tasks import name_of, seats_of_tasks, tasks_in
from clinsim.training.tiny_chat import write_tiny_chat
from clinsim.training.writing import drawn

TASKS = tasks_in("medical_qa", "train")[:4]
SEATS = seats_of_tasks(TASKS)
ASKED = ChatSettings(dialect="json", token_ids=True, most_tokens=16, at_once=3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_chat(folder, "llama", [system_text(seat, "json") for seat in SEATS.values()])
    return folder


@pytest.fixture
def model(tiny):
    return AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)


@pytest.fixture(scope="module")
def words(tiny):
    return AutoTokenizer.from_pretrained(tiny)


@pytest.fixture(autouse=True)
def alone():
    """accelerate remembers the precision of the first run in a process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def samples(words):
    return list(chat_lessons(words, gold_plans(TASKS), SEATS, ASKED))


# ---------------------------------------------------------------- lessons


@pytest.mark.parametrize(("dialect", "begins"), [("json", '{"name": '), ("hermes", '<tool_call>\n{"name": '), ("tools", "")])
def test_what_is_taught_is_the_call_and_its_end(words, dialect, begins):
    taught = list(chat_lessons(words, gold_plans(TASKS), SEATS, ASKED.model_copy(update={"dialect": dialect})))
    assert len(taught) == sum(len(placed.task.gold) for placed in TASKS)
    for sample, call in zip(taught, [call for placed in TASKS for call in placed.task.gold], strict=True):
        said = words.decode(sample.tokens[sample.decided[0] :])
        assert said.startswith(begins)
        assert call.name in said
        assert sample.tokens[-1] == words.eos_token_id
        assert sample.decided == tuple(range(sample.decided[0], len(sample.tokens)))


def test_turns_of_a_dialogue_are_read_once(words, samples):
    assert len(conversations(samples)) == len(TASKS)
    ward = list(chat_lessons(words, expert_turns("first_hour", range(1)), seats_of("first_hour"), ASKED))
    assert len(conversations(ward)) == len({sample.agent for sample in ward})


def test_lessons_are_asked_as_the_model_is_asked_later(words, samples, model):
    here = Here(model, words, ASKED)
    (rollout,) = play_with(dict.fromkeys(ROLES, here), [Plan(name_of(TASKS[0]), 0, 0)], {})
    first = rollout.said[0].written
    assert first.tokens[: first.decided[0]] == samples[0].tokens[: samples[0].decided[0]]


def test_the_name_of_a_task_is_not_told(words, samples):
    assert not any(placed.task.id in words.decode(sample.tokens) for sample in samples for placed in TASKS)


def test_only_training_tasks_teach():
    with pytest.raises(UsageError, match="is not for training"):
        list(gold_plans(tasks_in("medical_qa", "test")[:1]))


def test_a_template_without_an_end_is_refused(words):
    words.chat_template, kept = "{% for message in messages %}{{ message.content }}{% endfor %}", words.chat_template
    with pytest.raises(UsageError, match="does not end an answer"):
        list(chat_lessons(words, gold_plans(TASKS), SEATS, ASKED))
    words.chat_template = kept


# ---------------------------------------------------------------- writing


def test_answers_do_not_hang_on_what_stands_beside(model):
    prompts = [[5, 6, 7], [8] * 11, [9, 4, 3, 2, 1, 5]]
    together = drawn(model, prompts, [1, 2, 3], stop=0, most=12)
    for prompt, seed, answer in zip(prompts, [1, 2, 3], together, strict=True):
        (alone,) = drawn(model, [prompt], [seed], stop=0, most=12)
        assert alone.tokens == answer.tokens
        assert alone.logps == pytest.approx(answer.logps, abs=1e-4)


def test_what_is_drawn_is_as_likely_as_learning_finds_it(words, model):
    here = Here(model, words, ASKED)
    rollouts = play_with(dict.fromkeys(ROLES, here), [Plan(name_of(placed), 0, n) for placed in TASKS for n in range(2)], {})
    made = [sample for number, rollout in enumerate(rollouts) for sample in rollout.samples(number)]
    assert made
    for batch in batches(made, 4096):
        logps, _ = decided_logps(model, batch)
        assert torch.allclose(logps, batch.sampled, atol=1e-3)


def test_a_question_that_is_too_long_is_named(words, model):
    model.config.max_position_embeddings = 64
    with pytest.raises(UsageError, match="the model reads 64: lower window"):
        play_with(dict.fromkeys(ROLES, Here(model, words, ASKED)), [Plan(name_of(TASKS[0]), 0, 0)], {})


# ---------------------------------------------------------------- learning


def test_half_the_precision_learns_what_it_says(model, samples):
    steps = list(fitted(model, samples, FitRule(passes=12, learning_rate=1e-2, batch_tokens=1 << 20, optimiser="adamw"), scored_in_bf16))
    found = likelihood(model, samples)
    assert found < steps[0].loss - 0.5
    assert found == pytest.approx(steps[-1].loss, abs=0.1)


def test_weights_that_burst_at_the_last_update_are_not_kept(model, samples):
    def bursting(model, batch):
        logps, entropies = decided_logps(model, batch)
        return logps + (0.0 * logps).sqrt(), entropies  # the same, with a gradient that is no number

    with pytest.raises(FloatingPointError, match="weights are no numbers"):
        list(fitted(model, samples, FitRule(passes=1, batch_tokens=1 << 20, optimiser="adamw"), bursting))


def test_weights_of_another_shape_are_named(tiny, tmp_path):
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told = json.loads((tiny / "config.json").read_text()) | {"vocab_size": 50, "pad_token_id": 0, "eos_token_id": 0}
    (tmp_path / "config.json").write_text(json.dumps(told))
    settings = ServedSettings.model_validate({"start": str(tmp_path), "server": "here", "tune": "weights", "precision": "fp32"})
    with pytest.raises(UsageError, match="have other shapes"):
        read_model(settings, None, True)


def test_lessons_then_grpo_at_tasks_without_a_server(tiny, tmp_path):
    taught = settings_from(ChatSftSettings, None, [f"start={tiny}", "tasks=[medical_qa]", "share=0.1", "passes=1", "precision=fp32", "threads=1"])
    run_chat_sft(taught, tmp_path / "taught", False, lambda row: None)
    given = {
        "start": str(tmp_path / "taught"), "server": "here#dialect=json,most_tokens=8", "tune": "weights", "precision": "fp32", "steps": 2,
        "groups": 1, "group_size": 2, "evaluation_seeds": [10_000, 10_000], "courses": {"qa": ["tasks:medical_qa"]}, "threads": 1, "kl": 0.01,
        "entropy": 0.01,
    }  # fmt: skip
    settings = ServedSettings.model_validate(given)
    rows = []
    for name in ("one", "two"):
        run_recipe(RECIPES["served"], settings, tmp_path / name, False, lambda row: None)
        rows.append([{key: value for key, value in row.items() if not key.endswith("_seconds")} for row in RunFolder(tmp_path / name).rows()])
    assert rows[0] == rows[1]
    assert [row.get("place") for row in rows[0]] == [None, "tasks:medical_qa", "tasks:medical_qa"]
    assert (tmp_path / "one" / "best" / "model.safetensors").is_file()


def test_lessons_that_were_cut_off_are_given_again(tiny, tmp_path):
    given = [f"start={tiny}", "tasks=[medical_qa]", "share=0.05", "passes=2", "precision=fp32", "threads=1", "batch_tokens=4096"]
    settings = settings_from(ChatSftSettings, None, given)

    def cut(row: dict) -> None:
        raise KeyboardInterrupt

    run_recipe(RECIPES["chat_sft"], settings, tmp_path / "straight", False, lambda row: None)
    with pytest.raises(KeyboardInterrupt):
        run_recipe(RECIPES["chat_sft"], settings, tmp_path / "cut", False, cut)
    run_recipe(RECIPES["chat_sft"], settings, tmp_path / "cut", True, lambda row: None)
    weights = [(tmp_path / name / "best" / "model.safetensors").read_bytes() for name in ("straight", "cut")]
    assert weights[0] == weights[1]
    assert RunFolder(tmp_path / "straight").rows() == RunFolder(tmp_path / "cut").rows()


def test_adapters_of_roles_answer_in_the_ward(tiny, tmp_path):
    settings = ServedSettings.model_validate({
        "start": str(tiny), "server": "here#dialect=json,most_tokens=4,window=1000", "learners": "adapters", "rank": 2, "precision": "fp32",
        "steps": 1, "groups": 1, "group_size": 2, "evaluation_seeds": [10_000, 10_000], "threads": 1, "kl": 0.01, "entropy": 0.01,
    })  # fmt: skip
    run_recipe(RECIPES["served"], settings, tmp_path / "run", False, lambda row: None)
    manifest = json.loads((tmp_path / "run" / "best" / "manifest.json").read_text())
    assert {row["adapter"] for row in manifest["roles"].values()} == set(ROLES)


def test_lessons_without_teachers_are_refused():
    with pytest.raises(UsageError, match="nothing teaches"):
        settings_from(ChatSftSettings, None, ["start=x"])


def test_prompts_are_those_of_the_template(words):
    seat = next(iter(SEATS.values()))
    talk = Dialogue(seat, "json", 9000)
    shown = next(iter(gold_plans(TASKS[:1]))).observation
    talk.see(shown)
    text = words.decode(prompt_of(words, Ask(tuple(talk.messages()), seat.tools, 0), "json"))
    assert text.endswith("assistant\n")
    assert TASKS[0].task.ticket[:40] in text
