"""What experts did, as a small model would have read and written it: prompts from transcripts, calls in the words of a vocabulary.

Experts are scripted policies on training seeds. The vocabulary of names, texts and numbers, and the tokenizer, are made from what they wrote.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from clinsim.agents.call_grammar import IDS, Vocabulary, calls_form, canonical, pieces, plain
from clinsim.agents.conversation import Conversation
from clinsim.agents.decoding import END, PAD, Engine
from clinsim.agents.transcript import Transcript
from clinsim.errors import UsageError
from clinsim.processes import shared_out
from clinsim.record import Observation, Reply, Role, Seat, ToolCard
from clinsim.referee import TRAINING_SEEDS
from clinsim.rollout import raw_env, run_episode
from clinsim.trace_file import Trace
from clinsim.training.samples import Group, Sample

WAITS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60)
"""Minutes that may be waited: the expert's are rounded to these by ratio."""
MOST_TEXTS = 12
"""Sentences that may be written in one field: the commonest."""
MOST_NAMES = 200
"""Names that may be written in one field."""
APART = 1.1
"""Ratio between numbers that may be written in one field: of those closer together, a dose by weight for instance, the commonest stands for all."""
LONGEST_WORD = 40
"""Characters of a token: phrases of transcripts become single tokens."""
_PIECES = Regex(r'[A-Z]\d{4}|[A-Z][A-Z_]+|[^\n\dA-Z;:.,{}"]*(?:\d[\d.]*(?=\d)|\d(?![\d.]))|\d|[^\n\dA-Z;:.,{}"]*[\n;:.,{}"]?|[A-Z][^\n\d;:.,{}"]*')
"""Where texts are cut before words are learnt: ids are whole, and a number is cut before its last figure, so that a name and the leading figures
behind it (`hr 11` of `hr 118`) become one word: what is large for one measure is small for another."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One turn of an expert: what it was shown, what it sent, and what it earned in that episode."""

    agent: str
    role: Role
    scenario: str
    seed: int
    observation: Observation
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


def played_by_expert(scenario: str, seeds: Sequence[int], expert: str, processes: int = 1) -> list[Shown]:
    """The same in several processes, in the same order."""
    jobs = [(scenario, seeds[first : first + 50], expert) for first in range(0, len(seeds), 50)]
    return [turn for part in shared_out(_played, jobs, processes=processes, preload=__name__) for turn in part]


def _played(job: tuple[str, Sequence[int], str]) -> list[Shown]:
    return list(expert_turns(*job))


def seats_of(scenario: str) -> dict[str, Seat]:
    """The seats of a scenario by agent, with their tools."""
    ward = raw_env(scenario)
    ward.reset(seed=0)
    return {seat.agent: seat for seat in ward.seats()}


def shown_in(trace: Trace, seats: Sequence[Seat]) -> Iterator[Shown]:
    """The turns of a trace that was kept with its observations."""
    roles = {seat.agent: seat.role for seat in seats}
    for line in trace.actions:
        if line.agent in roles and line.observation is not None and line.was_sent and line.call is not None:
            observation = Observation(line.observation, line.minute, line.why)
            yield Shown(line.agent, roles[line.agent], trace.header["scenario"]["id"], trace.seed, observation, line.call, trace.rewards[line.agent])


def vocabulary_of(calls: Iterable[Mapping[str, Any]], texts: int = MOST_TEXTS) -> Vocabulary:
    """Every name, number and sentence (at most `texts`) in some calls, the commonest of each field, in a stable order."""
    seen: dict[str, Counter[Any]] = defaultdict(Counter)
    for call in calls:
        for name, value in call["arguments"].items():
            for key, atom in _atoms(f"{call['name']}.{name}", value):
                seen[key][plain(atom)] += 1
    values = {key: _commonest(counts, texts) for key, counts in seen.items() if key.rpartition(".")[2] not in IDS}
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


def _commonest(counts: Counter[Any], texts: int) -> list[Any]:
    ranked = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]
    if all(isinstance(value, int | float) for value in ranked):
        return sorted(_apart(ranked))
    return sorted(ranked[: texts if any(" " in str(value) for value in ranked) else MOST_NAMES], key=str)


def _apart(numbers: Sequence[float]) -> list[float]:
    """Numbers without those that lie close to one before them."""
    kept: list[float] = []
    for number in numbers:
        if all(max(number, other) >= APART * min(number, other) for other in kept):
            kept.append(number)
    return kept


def tokenizer_of(texts: Iterable[str], size: int, whole: Iterable[str] = ()) -> Tokenizer:
    """A byte-pair tokenizer of at most `size` tokens, besides texts that are one token as a whole.

    Ids (P0001) and digits are cut off first, so that numbers are read by their figures.
    """
    tokenizer = Tokenizer(models.BPE())
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_PIECES, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=[PAD, END], show_progress=False, max_token_length=LONGEST_WORD
    )
    words = [AddedToken(text, normalized=False, single_word=text[0].isalnum()) for text in dict.fromkeys(whole)]
    tokenizer.add_tokens(words)  # so that no others are learnt from what they cover
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(words)  # training drops those whose numbers it needs
    return tokenizer


def lessons(engine: Engine, shown: Iterable[Shown], seats: Mapping[str, Seat]) -> Iterator[Sample]:
    """Turns as samples: which tokens of the call were open, and what else was allowed there; turns without a choice are left out."""
    talks: dict[tuple[int, str], Conversation] = {}
    for number, turn in enumerate(shown):
        seat = seats[turn.agent]
        talk = talks.setdefault((turn.seed, turn.agent), Conversation(seat, engine.encode))
        talk.see(turn.observation)
        text = canonical(turn.call, card_of(seat, turn.call), engine.vocabulary, talk.transcript.ids)
        said = engine.forced(talk.tokens, text, seat.tools, talk.transcript.ids)
        talk.note(Reply(text, (text,), None, said.tokens))
        if said.decided:
            group = Group(turn.scenario, turn.seed, turn.role)
            yield Sample(said.tokens, said.decided, said.logps, turn.reward, turn.role, turn.agent, group, turn.seed, number, said.allowed)


def card_of(seat: Seat, call: Mapping[str, Any]) -> ToolCard:
    """The card of the tool that is called."""
    return next(card for card in seat.tools if card.name == call["name"])


def texts_of(shown: Iterable[Shown], seats: Mapping[str, Seat], vocabulary: Vocabulary) -> Iterator[str]:
    """All that a tokenizer must be able to read and write: what is new at each turn, and the pieces of each call."""
    transcripts: dict[tuple[int, str], Transcript] = {}
    for turn in shown:
        seat = seats[turn.agent]
        transcript = transcripts.setdefault((turn.seed, turn.agent), Transcript(seat))
        transcript.see(turn.observation)
        text = canonical(turn.call, card_of(seat, turn.call), vocabulary, transcript.ids)
        transcript.note(Reply(text, (text,)))
        yield transcript.fresh
        yield from pieces(calls_form(seat.tools, vocabulary, transcript.ids), text)
