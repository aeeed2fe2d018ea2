"""Who learns what: voices of a cast, what moves and what does not, and that all of it survives the disk and a second process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel

import clinsim
from clinsim.agents.adapters import add_adapter, merged
from clinsim.agents.cast import MANIFEST, Cast, Lora, Voice
from clinsim.agents.decoding import Ask, Engine
from clinsim.agents.local import LocalPolicy
from clinsim.errors import UsageError
from clinsim.record import ROLES
from clinsim.training.grpo import Memory, described, played, scored, trained, update
from clinsim.training.learners import Learners, learners_of, merged_cast, prepared
from clinsim.training.recipes import run_grpo, run_merge
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings, MergeSettings, SftSettings
from clinsim.training.sft import run_sft

SMALL = GrpoSettings(start="", steps=2, groups=1, group_size=2, evaluate_every=1, evaluation_seeds=(10_000, 10_001), threads=1, rank=4, warm_up=0)
WAYS = ("shared", "adapters", "models")


def set_to(**given: object) -> GrpoSettings:
    return SMALL.model_copy(update=given)


def made(engine: Engine, settings: GrpoSettings) -> Learners:
    return learners_of(prepared(Cast.shared(engine), settings), settings)


def disturbed(cast: Cast) -> Cast:
    """Adapters begin without effect: give each one of its own."""
    draw = torch.Generator().manual_seed(1)
    for engine in cast.engines.values():
        for path, weights in engine.model.named_parameters():
            if ".lora_B." in path:
                weights.data = 0.3 * torch.randn(weights.shape, generator=draw)
    return cast


def spoken(cast: Cast, asks: list[Ask]) -> list[tuple[float, ...]]:
    return [written.logps for written in cast.complete(asks)]


@pytest.fixture
def asks(engine, shown, seats) -> list[Ask]:
    policy = LocalPolicy(engine)
    policy.start(list(seats.values()))
    first = {role: next(turn for turn in shown if turn.role == role) for role in ROLES}
    made = {turn.role: replace(ask, key="same draws") for turn in first.values() for ask in policy.asks([(turn.agent, turn.observation)])}
    return [made[role] for role in (*ROLES, *ROLES)]


@pytest.mark.parametrize(("way", "frozen"), [("shared", ()), ("shared", ("doctor",)), ("adapters", ("radiologist",)), ("models", ("doctor",))])
def test_what_learns_moves_and_nothing_else_does(engine, asks, way, frozen):
    settings = set_to(learners=way, frozen=frozen, group_size=4)
    learners = made(engine, settings)
    learning = [role for role in ROLES if role not in frozen]
    assert learners.roles == set(learning)
    assert [len(learner.roles) for learner in learners.each] == ([len(learning)] if way == "shared" else [1] * len(learning))
    before = spoken(learners.cast, asks)
    step_of = scored(played(learners.cast, settings, 0), settings, Memory().baselines)
    taught = {sample.role for sample in step_of.samples}
    assert taught <= set(learning)
    update(learners, step_of, settings, 0)
    moved = {ask.role for ask, old, new in zip(asks, before, spoken(learners.cast, asks), strict=True) if old != new}
    assert moved == (set(learning) if way == "shared" else taught)


@pytest.mark.parametrize("way", WAYS)
def test_a_cast_survives_the_disk_and_plays_as_a_policy(engine, asks, tmp_path, way):
    cast = disturbed(made(engine, set_to(learners=way, frozen=("radiologist",))).cast)
    write_model(cast, tmp_path / "model")
    again = Cast.load(tmp_path / "model")
    assert again.voices == cast.voices
    assert spoken(again, asks) == spoken(cast, asks)
    trace = clinsim.run_episode(clinsim.raw_env("first_hour"), f"local:{tmp_path / 'model'}", seed=1)
    assert {action.agent for action in trace.actions if action.token_ids} == {action.agent for action in trace.actions}


def test_each_role_is_answered_by_its_own_adapter(engine, asks):
    cast = disturbed(made(engine, set_to(learners="adapters")).cast)
    together = cast.complete(asks)
    for ask, written in zip(asks, together, strict=True):
        (alone,) = Engine(merged(engine.model, ask.role), engine.tokenizer, engine.vocabulary).complete([ask])
        assert written.text == alone.text
        assert written.logps == pytest.approx(alone.logps, abs=1e-4)
    assert len({tuple(written.logps) for written in together}) == 3


@pytest.mark.parametrize("adapter", [None, "doctor"])
def test_a_merged_model_says_what_the_adapter_says(engine, adapter):
    cast = disturbed(made(engine, set_to(learners="adapters")).cast)
    tokens = torch.arange(40).reshape(2, 20)
    found = merged(engine.model, adapter)(tokens).logits
    assert torch.allclose(found, cast.speaking(Voice(".", adapter)).model(tokens).logits, atol=1e-5)
    assert not torch.allclose(found, cast.speaking(Voice(".", "pharmacist")).model(tokens).logits, atol=1e-2)
    assert all(".lora_" not in path and ".base_layer" not in path for path, _ in merged(engine.model, adapter).named_parameters())


def test_peft_reads_the_adapters_that_are_written(engine, tmp_path):
    cast = disturbed(made(engine, set_to(learners="adapters")).cast)
    cast.save(tmp_path)
    tokens = torch.arange(40).reshape(2, 20)
    ours = cast.speaking(Voice(".", "pharmacist")).model(tokens).logits
    theirs = PeftModel.from_pretrained(Engine.load(tmp_path).model, tmp_path / "pharmacist")
    assert torch.equal(theirs(tokens).logits, ours)


@pytest.mark.parametrize("way", ["adapters", "models"])
def test_two_processes_play_what_one_plays(engine, way):
    settings = set_to(learners=way, block=1, frozen=("radiologist",))
    cast = disturbed(made(engine, settings).cast)
    one, two = (played(cast, settings.model_copy(update={"processes": n}), 0) for n in (1, 2))
    assert [rollout.rewards for rollout in one] == [rollout.rewards for rollout in two]
    assert [[said.written.logps for said in rollout.said] for rollout in one] == [[said.written.logps for said in rollout.said] for rollout in two]


class CutError(Exception):
    """The run was cut off."""


@pytest.mark.parametrize("way", ["adapters", "models"])
def test_a_run_that_was_cut_off_goes_on_to_the_same_numbers(engine, tmp_path, way):
    write_model(engine, tmp_path / "start")
    settings = set_to(learners=way, start=str(tmp_path / "start"), frozen=("radiologist",))

    def cut(row: dict) -> None:
        if row["step"] == 1:
            raise CutError

    run_grpo(settings, tmp_path / "straight", False, lambda row: None)
    with pytest.raises(CutError):
        run_grpo(settings, tmp_path / "cut", False, cut)
    run_grpo(settings, tmp_path / "cut", True, lambda row: None)
    straight, cut_off = (
        [{key: value for key, value in row.items() if not key.endswith("_seconds")} for row in RunFolder(tmp_path / name).rows()]
        for name in ("straight", "cut")
    )
    assert straight == cut_off
    assert {"entropy", "entropy_pharmacist"} <= {key for row in straight for key in row}
    files = [path.relative_to(tmp_path / "straight") for path in (tmp_path / "straight" / "latest").rglob("*.safetensors")]
    assert len(files) == 3
    assert all((tmp_path / "straight" / file).read_bytes() == (tmp_path / "cut" / file).read_bytes() for file in files)


def test_a_seat_without_a_turn_is_counted(engine):
    settings = set_to(group_size=3)
    rollouts = played(engine, settings, 0)
    (*others, last) = rollouts
    silenced = type(last)(
        last.plan,
        last.rewards,
        last.roles,
        last.learning,
        tuple(said for said in last.said if said.role != "doctor"),
        0.0,
        last.actions,
        last.refused,
    )
    before, after = (described(found, scored(found, settings, Memory().baselines)) for found in (rollouts, [*others, silenced]))
    assert after["silent"] == before["silent"] + 1
    assert after["unequal"] == before["unequal"] + 1
    assert (after["groups"], after["alone"]) == (before["groups"], 0)


def test_a_role_that_nobody_plays_teaches_nothing(engine):
    settings = set_to(learners="adapters", partners={"doctor_1": "guideline", "radiologist": "idle"})
    learners = made(engine, settings)
    assert learners.roles == {"doctor", "pharmacist"}  # a role has seats that are no partners, until the scenario is known
    (row,) = trained(learners, settings.model_copy(update={"steps": 1, "group_size": 3}), Memory())
    assert "gradient_doctor" not in row


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"frozen": ROLES}, "nobody is left to learn"),
        ({"learners": "adapters", "targets": ("nothing",)}, "no layer named as one of nothing"),
    ],
)
def test_mistakes_are_named(engine, given, message):
    with pytest.raises(UsageError, match=message):
        made(engine, set_to(**given))


def test_starts_that_do_not_fit_are_refused(engine, tmp_path):
    models = prepared(Cast.shared(engine), set_to(learners="models"))
    with pytest.raises(UsageError, match="none to share"):
        prepared(models, SMALL)
    assert prepared(models, set_to(learners="models")).voices == models.voices
    add_adapter(engine.model, "all", Lora(2, 4, ("q_proj",)), 0)
    with pytest.raises(UsageError, match="merge them first"):
        prepared(Cast({".": engine}, dict.fromkeys(ROLES, Voice(".", "all"))), SMALL)
    (tmp_path / MANIFEST).write_text('{"roles": {"doctor": {"base": ".", "adapter": null}}}')
    with pytest.raises(UsageError, match="nobody speaks for pharmacist"):
        Cast.load(tmp_path)


def test_adapters_of_the_same_seed_are_the_same(engine, tmp_path):
    first = made(engine, set_to(learners="adapters")).cast
    first.save(tmp_path / "first")
    other = made(Engine.load(tmp_path / "first"), set_to(learners="adapters")).cast
    other.save(tmp_path / "other")
    names = [Path(role) / "adapter_model.safetensors" for role in ROLES]
    assert all((tmp_path / "first" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in names)


def test_sft_fits_an_adapter_that_is_merged_into_a_plain_model(engine, shown, seats, asks, tmp_path):
    write_model(engine, tmp_path / "start")
    settings = SftSettings(start=str(tmp_path / "start"), rank=4, targets=("q_proj", "down_proj"), episodes=2, passes=1, threads=1)
    run_sft(settings, tmp_path / "taught", False, lambda row: None)
    taught = Cast.load(tmp_path / "taught" / "best")
    assert set(taught.voices.values()) == {Voice(".", "expert")}
    assert all(
        torch.equal(a, b) for a, b in zip(engine.model.parameters(), Engine.load(tmp_path / "taught" / "best").model.parameters(), strict=True)
    )
    run_merge(MergeSettings(start=str(tmp_path / "taught")), tmp_path / "plain", False, lambda row: None)
    plain = Cast.load(tmp_path / "plain" / "best")
    assert set(plain.voices.values()) == {Voice(".")}
    assert spoken(taught, asks) != spoken(Cast.shared(engine), asks)
    for before, after in zip(spoken(taught, asks), spoken(plain, asks), strict=True):
        assert before == pytest.approx(after, abs=1e-5)


def test_adapters_of_roles_are_merged_into_a_model_for_each(engine, asks):
    cast = disturbed(made(engine, set_to(learners="adapters", frozen=("doctor",))).cast)
    plain = merged_cast(cast)
    assert plain.voices == {"doctor": Voice("."), "pharmacist": Voice("pharmacist"), "radiologist": Voice("radiologist")}
    for before, after in zip(spoken(cast, asks), spoken(plain, asks), strict=True):
        assert before == pytest.approx(after, abs=1e-5)


def test_an_adapter_on_fresh_weights_is_refused(tmp_path):
    with pytest.raises(UsageError, match="needs a start that was taught"):
        run_sft(SftSettings(rank=4), tmp_path / "run", False, lambda row: None)
