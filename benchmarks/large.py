"""How fast does a large chat model learn on this machine, and in how much memory? The recipe `served`, with random weights and without a server.

    .venv/bin/python benchmarks/large.py [--device cuda] [--size large] [--part lora] [--part full]
    .venv/bin/torchrun --nproc-per-node 1 benchmarks/large.py --part full   # by FSDP 2, if only over one card

No weights are fetched. A model is made in the shape of Qwen3-8B, with adapters as in `training/configs/qwen3_8b_lora.yaml`; then one in the shape of
Qwen3-1.7B, all of whose weights learn as in `qwen3_8b_full.yaml`. In place of a server, the guideline team and three worse ones play `first_hour`;
their turns, told as a chat model would have read and written them, become samples, advantages, batches, loss and updates by the recipe's own code.
All steps learn from the same episodes, so that the loss must fall. At last the model with adapters plays some turns, held to calls by a grammar.
Prints a line of JSON for each part; exit code 1 if a loss did not fall.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import torch
import transformers
from torch.distributed.tensor import DTensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

import clinsim.training
from clinsim.agents.decoding import Engine, Written
from clinsim.agents.dialogue import Dialect, Dialogue, Message, harmless, system_text
from clinsim.agents.local import model_in
from clinsim.agents.shelf import Shelf
from clinsim.record import Past, Policy, Reply, Seat, Turn
from clinsim.rollout import policy_for
from clinsim.scenario_file import load_scenario
from clinsim.training.advantages import Baselines
from clinsim.training.batches import batches, conversations
from clinsim.training.chat_settings import ServedSettings
from clinsim.training.experts import expert_turns, seats_of
from clinsim.training.grpo import Scored, scored, update
from clinsim.training.learners import Learner, Learners
from clinsim.training.rollouts import Plan, Rollout, Table, in_step, model_at, opened
from clinsim.training.settings import settings_from
from clinsim.training.spread import Served, accelerator_of, far_learners, kept_in, made_ready
from clinsim.training.tiny_chat import chat_words

SCENARIO = "first_hour"
TEAMS = ("guideline", "guideline_noisy", "guideline_slow", "guideline_half")
"""Who plays the episodes of a group: from the same start they earn differently."""
DIALECT: Dialect = "hermes"
WINDOW = 24_000
"""Characters of turns that are sent as they were; both as in the configurations."""
MOST_WORDS = 8192
TURNS = 6
"""Turns for which the model plays each episode itself."""
CPU_ALONE = "ACCELERATE_USE_CPU"
"""Set: accelerate leaves cards alone."""
ALIKE = ("updates=1", "warm_up=0", "most_norm=1e9")
"""Each step is one update on all samples, and no gradient is cut."""
AIM = 0.03
"""By how much each step is to lower the loss, to first order: random weights would burst at a learning rate that is right for taught ones."""


class Part(NamedTuple):
    """What is measured: the shape of a model, the configuration it learns by, and whether it then writes, too."""

    shape: Sequence[int]
    config: str
    writes: bool


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: the starts, the steps, the episodes in which the model writes, how it reckons, and the parts."""

    seeds: int
    steps: int
    writers: int
    precision: str
    parts: Mapping[str, Part]


SHAPE = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
    "tie_word_embeddings",
)  # fmt: skip
TINY = (32, 64, 2, 2, 1, 16, MOST_WORDS, False)
# Source: config.json of Qwen/Qwen3-8B and of Qwen/Qwen3-1.7B (2505.09388, table 1).
QWEN3_8B = (4096, 12_288, 36, 32, 8, 128, 151_936, False)
QWEN3_17B = (2048, 6144, 28, 16, 8, 128, 151_936, True)
SIZES = {
    "tiny": Size(
        seeds=1, steps=3, writers=2, precision="fp32",
        parts={"lora": Part(TINY, "qwen3_8b_lora.yaml", True), "full": Part(TINY, "qwen3_8b_full.yaml", False)},
    ),
    "large": Size(
        seeds=2, steps=4, writers=32, precision="bf16",
        parts={"lora": Part(QWEN3_8B, "qwen3_8b_lora.yaml", True), "full": Part(QWEN3_17B, "qwen3_8b_full.yaml", False)},
    ),
}  # fmt: skip


class Told:
    """A scripted team at the learning seats of an episode, told as a chat model would have read and written it."""

    def __init__(self, team: str) -> None:
        """Let `team` play."""
        self._team: Policy = policy_for(team)
        self._talks: dict[str, Dialogue] = {}

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode."""
        self._team.start(seats, history)
        self._talks = {seat.agent: Dialogue(seat, DIALECT, WINDOW) for seat in seats}

    def asks(self, turns: Sequence[Turn]) -> list[tuple[list[Message], Reply]]:
        """What a model would read at each turn, and what the team answers."""
        for agent, observation in turns:
            self._talks[agent].see(observation)
        return [(self._talks[agent].messages(), reply) for (agent, _), reply in zip(turns, self._team.act(turns), strict=True)]

    def replies(self, turns: Sequence[Turn], replies: Sequence[Reply]) -> list[Reply]:
        """The answers, remembered as a model would have written them."""
        for (agent, _), reply in zip(turns, replies, strict=True):
            self._talks[agent].note(replace(reply, text=in_tags(reply.calls)))
        return list(replies)


def in_tags(calls: Sequence[str]) -> str:
    """Calls as models of the Hermes and Qwen families write them."""
    return "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)


@lru_cache(maxsize=1)
def words_of_chats() -> PreTrainedTokenizerFast:
    """A tokenizer that reads such chats at about as many characters a token as that of a large model does."""
    turns = list(expert_turns(SCENARIO, range(2)))
    rules = [system_text(seat, DIALECT) for seat in seats_of(SCENARIO).values()]
    return chat_words([*rules, *(harmless(turn.observation.text) + json.dumps(turn.call) for turn in turns)], MOST_WORDS)


def told(asked: Sequence[tuple[list[Message], Reply]]) -> list[tuple[Reply, Written]]:
    """What was said, and the same token by token, all decided; how likely it was is not known yet."""
    words, found = words_of_chats(), []
    for messages, reply in asked:
        prompt = words.encode(str(words.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)), add_special_tokens=False)
        wrote = [*words.encode(in_tags(reply.calls), add_special_tokens=False), int(words.eos_token_id)]
        decided = tuple(range(len(prompt), len(prompt) + len(wrote)))
        found.append((reply, Written(reply.text, (*prompt, *wrote), decided, (0.0,) * len(wrote), None)))
    return found


def episodes(size: Size) -> list[Rollout]:
    """One episode of each team from each start."""
    scenarios = {SCENARIO: load_scenario(SCENARIO)}
    plans = [Plan(SCENARIO, seed, number) for seed in range(size.seeds) for number in range(len(TEAMS))]
    return in_step([Table(plan, Told(TEAMS[plan.number]), opened(plan, scenarios)) for plan in plans], told)


@contextmanager
def phase(found: dict[str, Any], name: str, tokens: int = 0) -> Iterator[None]:
    """Measure: seconds, tokens a second, and the most memory taken (of the card, or else of the process)."""
    on_card = torch.cuda.is_available() and CPU_ALONE not in os.environ
    if on_card:
        torch.cuda.reset_peak_memory_stats()
    began = perf_counter()
    yield
    if on_card:
        torch.cuda.synchronize()
    seconds = perf_counter() - began
    peak = torch.cuda.max_memory_allocated() if on_card else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    speed = {"tokens_per_second": round(tokens / seconds)} if tokens else {}
    found[name] = {"seconds": round(seconds, 3), "peak_gib": round(peak / 2**30, 2)} | speed


@torch.no_grad()
def as_likely(learners: Learners, found: Scored, settings: ServedSettings) -> Scored:
    """The samples as if the model itself had drawn them: with the log-probabilities that it gives them now."""
    logps: dict[int, list[float]] = {}
    for learner in learners.each:
        own = [place for place, sample in enumerate(found.samples) if sample.role in learner.roles]
        model = learners.cast.model_of(learner.voice)
        for batch in batches([found.samples[place] for place in own], settings.batch_tokens):
            values = learner.score(model, batch)[0]
            for row, logp in zip(batch.rows[batch.mask > 0].tolist(), values[batch.mask > 0].tolist(), strict=True):
                logps.setdefault(own[row], []).append(min(logp, 0.0))
    return Scored([replace(sample, logps=tuple(logps[place])) for place, sample in enumerate(found.samples)], found.values, found.groups)


def write(served: Served, many: int, phases: dict[str, Any]) -> None:
    """Let the model play doctor in many episodes at once; in the first turn it reads the most, later what is new."""
    small = Engine.load(model_in(Path("start")))
    writer, shelf = Engine(served.model_of(served.voices["doctor"]), small.tokenizer, small.vocabulary), Shelf()
    scenarios, others = {SCENARIO: load_scenario(SCENARIO)}, {"pharmacist": "guideline", "radiologist": "guideline"}
    plans = [Plan(SCENARIO, seed, 0, others) for seed in range(many)]
    tables = [Table(plan, model_at(plan, writer), opened(plan, scenarios)) for plan in plans]
    tokens = decided = replies = 0
    for turn in range(TURNS):
        waiting = [(table, ask) for table in tables if (ask := table.next_ask()) is not None]
        with phase(phases, f"turn_{turn}"):
            said = writer.complete([ask for _, ask in waiting], shelf)
        for (table, ask), one in zip(waiting, said, strict=True):
            table.take(one, one)
            tokens, decided, replies = tokens + len(one.tokens) - len(ask.tokens), decided + len(one.decided), replies + 1
    rows = [phases.pop(f"turn_{turn}") for turn in range(TURNS)]
    seconds = math.fsum(row["seconds"] for row in rows)
    counts = {"replies": replies, "tokens": tokens, "decided": decided, "tokens_per_second": round(tokens / seconds)}
    phases["generation"] = {"seconds": seconds, "peak_gib": max(row["peak_gib"] for row in rows)} | counts


def fresh(part: Part, settings: ServedSettings, device: torch.device) -> PreTrainedModel:
    """A model of a shape, with random weights, made where it is to be."""
    shape = AutoConfig.for_model("qwen3", **dict(zip(SHAPE, part.shape, strict=True)))
    make: Any = AutoModelForCausalLM.from_config  # not annotated there
    with torch.device(device):
        model: PreTrainedModel = make(shape, dtype=kept_in(settings), attn_implementation="sdpa")
    return model


def measured(name: str, part: Part, size: Size, played: Sequence[Rollout]) -> dict[str, Any]:
    """Measure one part, with the card to itself."""
    gc.collect()
    torch.cuda.empty_cache()
    began = perf_counter()
    sharding = "fsdp" if "LOCAL_RANK" in os.environ else "none"
    given = [f"scenario={SCENARIO}", f"sharding={sharding}", f"precision={size.precision}", f"steps={size.steps}", *ALIKE]
    settings = settings_from(ServedSettings, Path(clinsim.training.__path__[0]) / "configs" / part.config, given)
    accelerator = accelerator_of(settings)
    served = made_ready(fresh(part, settings, accelerator.device), words_of_chats(), settings)
    learners = far_learners(served, accelerator, settings)
    found = scored(played, settings, Baselines())
    talks, phases = conversations(found.samples), dict[str, Any]()
    tokens = sum(len(found.samples[talk[-1]].tokens) for talk in talks)
    with phase(phases, "log_probabilities", tokens):
        found = as_likely(learners, found, settings)
    loss = list(trained(learners, found, settings, phases, tokens))
    with TemporaryDirectory() as folder, phase(phases, "handing_over"):
        served.save(Path(folder))
    if part.writes:
        write(served, size.writers, phases)
    return {
        "part": name, "device": torch.cuda.get_device_name() if accelerator.device.type == "cuda" else "cpu",
        "torch": torch.__version__, "transformers": transformers.__version__,
        "parameters": served.model.num_parameters(), "learning": sum(one.numel() for learner in learners.each for one in learner.weights),
        "episodes": len(played), "samples": len(found.samples), "conversations": len(talks), "tokens": tokens,
        "decided": sum(len(sample.decided) for sample in found.samples), "phases": phases, "loss": loss, "falls": loss[-1] < loss[0],
        "seconds": round(perf_counter() - began, 1),
    }  # fmt: skip


def trained(learners: Learners, found: Scored, settings: ServedSettings, phases: dict[str, Any], tokens: int) -> Iterator[float]:
    """Take the steps, the first one on the spot: the loss of each. The phase `training` is that of the step of median speed."""
    rounds, rate = [], 0.0
    for step in range(settings.steps):
        with phase(phases, "training", tokens):
            row = update(learners, found, settings.model_copy(update={"learning_rate": rate}), step)
        rounds.append(phases["training"])
        rate = rate or AIM / max(steepness(learner) for learner in learners.each)
        yield row["policy"]
    first, *others = rounds
    middle = sorted(others, key=lambda row: float(row["seconds"]))[len(others) // 2]
    phases["training"] = middle | {"first_seconds": first["seconds"], "learning_rate": rate}


def steepness(learner: Learner) -> float:
    """How fast the loss falls with the learning rate after a first gradient, which AdamW follows by its signs: the sum of its sizes."""
    optimiser: Any = learner.optimiser
    sizes = [state["exp_avg"].abs().sum() for weights in learner.weights if (state := optimiser.state.get(weights))]
    return math.fsum(float(size.full_tensor() if isinstance(size, DTensor) else size) for size in sizes) / (
        1.0 - float(optimiser.param_groups[0]["betas"][0])
    )


def main() -> int:
    """Measure and print; 1 if a loss did not fall."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", choices=tuple(SIZES))
    parser.add_argument("--part", choices=("lora", "full"), action="append")
    asked = parser.parse_args()
    if asked.device == "cpu":
        os.environ[CPU_ALONE] = "true"
    size = SIZES[asked.size or ("large" if asked.device == "cuda" else "tiny")]
    played, falls = episodes(size), []
    for name in asked.part or size.parts:
        row = measured(name, size.parts[name], size, played)
        print(json.dumps(row), flush=True)
        falls.append(row["falls"])
    return 0 if all(falls) else 1


if __name__ == "__main__":
    raise SystemExit(main())
