"""What experts did, as a small model would have read and written it: prompts from transcripts, calls in the words of a vocabulary.

Experts are scripted policies on training seeds. The vocabulary of names, texts and numbers, and the tokenizer, are made from what they wrote.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from clinsim.agents.call_grammar import IDS, Vocabulary, canonical, plain
from clinsim.agents.decoding import END, PAD, Engine
from clinsim.agents.transcript import Transcript
from clinsim.errors import UsageError
from clinsim.record import Observation, Reply, Role, Seat
from clinsim.referee import TRAINING_SEEDS
from clinsim.rollout import raw_env, run_episode
from clinsim.trace_file import Trace
from clinsim.training.samples import Group, Sample

WAITS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60)
"""Minutes that may be waited: the expert's are rounded to these by ratio."""
MOST_TEXTS = 12
"""Sentences that may be written in one field: the commonest."""
MOST_NAMES = 200
"""Names and numbers that may be written in one field."""
LONGEST_WORD = 40
"""Characters of a token: phrases of transcripts become single tokens."""
_PIECES = Regex(r'[A-Z]\d{4}|\d|[^\n\dA-Z;:.,{}"]*[\n;:.,{}"]?|[A-Z][^\n\d;:.,{}"]*')


@dataclass(frozen=True, slots=True)
class Shown:
    """One turn of an expert: what a model would have read, what the expert sent, and what it earned in that episode."""

    agent: str
    role: Role
    scenario: str
    seed: int
    prompt: str
    call: Mapping[str, Any]
    reward: float


def check_training(seeds: Iterable[int]) -> None:
    """Make sure that nothing is learnt from seeds that are kept for looking.

    Raises:
        UsageError: A seed is not one of the training split.
    """
    for seed in seeds:
        if not 0 <= seed < TRAINING_SEEDS:
            raise UsageError(f"seed {seed} is not for training: those are 0 to {TRAINING_SEEDS - 1}")


def expert_turns(scenario: str, seeds: Sequence[int], expert: str = "guideline") -> Iterator[Shown]:
    """Play an expert on training seeds and show its turns.

    Raises:
        UsageError: A seed is not one of the training split.
    """
    check_training(seeds)
    for seed in seeds:
        ward = raw_env(scenario)
        trace = run_episode(ward, expert, seed=seed)
        yield from shown_in(trace, ward.seats())


def seats_of(scenario: str) -> dict[str, Seat]:
    """The seats of a scenario by agent, with their tools."""
    ward = raw_env(scenario)
    ward.reset(seed=0)
    return {seat.agent: seat for seat in ward.seats()}


def shown_in(trace: Trace, seats: Sequence[Seat]) -> Iterator[Shown]:
    """The turns of a trace that was kept with its observations."""
    transcripts = {seat.agent: Transcript(seat) for seat in seats}
    for line in trace.actions:
        transcript = transcripts.get(line.agent)
        if transcript is None or line.observation is None or not line.was_sent:
            continue
        transcript.see(Observation(line.observation, line.minute, line.why))
        transcript.note(Reply(line.raw, (line.raw,)))
        if line.call is not None:
            role = transcript.seat.role
            yield Shown(line.agent, role, trace.header["scenario"]["id"], trace.seed, transcript.prompt, line.call, trace.rewards[line.agent])


def vocabulary_of(calls: Iterable[Mapping[str, Any]]) -> Vocabulary:
    """Every name, number and sentence in some calls, the commonest of each field, in a stable order."""
    seen: dict[str, Counter[Any]] = defaultdict(Counter)
    for call in calls:
        for name, value in call["arguments"].items():
            for key, atom in _atoms(f"{call['name']}.{name}", value):
                seen[key][plain(atom)] += 1
    values = {key: _commonest(counts) for key, counts in seen.items() if key.rpartition(".")[2] not in IDS}
    return Vocabulary(values | {"wait.minutes": list(WAITS)})


def _atoms(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _atoms(key, item)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _atoms(f"{key}.{name}", inner)
    elif value is not None and not isinstance(value, bool):
        yield key, value


def _commonest(counts: Counter[Any]) -> list[Any]:
    texts = any(isinstance(value, str) and " " in value for value in counts)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return sorted((value for value, _ in ranked[: MOST_TEXTS if texts else MOST_NAMES]), key=lambda value: (str(type(value)), value))


def tokenizer_of(texts: Iterable[str], size: int) -> Tokenizer:
    """A byte-pair tokenizer of at most `size` tokens; ids (P0001) and digits are cut off first, so that numbers are read by their figures."""
    tokenizer = Tokenizer(models.BPE())
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_PIECES, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=[PAD, END], show_progress=False, max_token_length=LONGEST_WORD
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def lessons(engine: Engine, shown: Iterable[Shown], seats: Mapping[str, Seat]) -> Iterator[Sample]:
    """Turns as samples: which tokens of the call were open, and what else was allowed there; turns without a choice are left out."""
    for number, turn in enumerate(shown):
        cards = seats[turn.agent].tools
        text = canonical(turn.call, next(card for card in cards if card.name == turn.call["name"]), engine.vocabulary)
        written = engine.forced(turn.prompt, text, cards)
        if written.decided:
            group = Group(turn.scenario, turn.seed, turn.role)
            yield Sample(
                written.tokens, written.decided, written.logps, turn.reward, turn.role, turn.agent, group, turn.seed, number, written.allowed
            )


def texts_of(shown: Iterable[Shown]) -> Iterator[str]:
    """All that a tokenizer must be able to read and write."""
    for turn in shown:
        yield turn.prompt
        yield json.dumps(turn.call, separators=(",", ":"), ensure_ascii=False)
