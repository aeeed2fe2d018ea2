"""Static tasks as training ground: what a small model reads and writes there, what it earns, and which tasks may teach."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic_core import from_json

from clinsim.agents.aliases import Aliases, offers_in, question_in
from clinsim.agents.call_grammar import Vocabulary, calls_form, canonical, pieces, written
from clinsim.agents.conversation import Conversation
from clinsim.agents.decoding import Written
from clinsim.agents.local import LocalPolicy
from clinsim.benchmark.play import Play
from clinsim.benchmark.replay import Job, play_job
from clinsim.benchmark.seated import play_seated, seat_of
from clinsim.benchmark.suite import load_suite
from clinsim.errors import UsageError
from clinsim.record import Observation, Reply
from clinsim.training.experts import card_of, lessons, vocabulary_of
from clinsim.training.model import Shape, fresh_engine
from clinsim.training.rollouts import Plan, play_block
from clinsim.training.static_tasks import TEST, TRAIN, domains, gold_turns, name_of, placed_at, recited, seats_of_tasks, tasks_in

DOMAINS = ("medical_qa", "radiology_report", "clinical_diagnosis", "triage_emergency", "ehr_management", "visual_diagnosis", "drug_interaction")
SOME = [tasks_in(domain, TRAIN)[k] for domain in DOMAINS for k in (0, -1)]


class Gold:
    """Writes the gold plan of the task that is asked about, in the names that it is shown."""

    def __init__(self, placed):
        self.placed = placed
        self.aliases = Aliases(seat_of(Play(placed), 0).tools)
        self.aliases.shown(Play(placed).opening())
        self.calls = iter(placed.task.gold)

    def complete(self, asks, shelf=None):
        call = next(self.calls)
        text = self.aliases.renamed(written({"name": call.name, "arguments": call.arguments}))
        return [Written(text, (*ask.tokens, 1), (len(ask.tokens),), (-0.5,), ((1, 2),)) for ask in asks]

    def encoder(self, role):
        return lambda text: [1] * len(text.split())


@pytest.mark.parametrize("placed", SOME, ids=lambda placed: placed.task.id)
def test_the_gold_plan_earns_what_it_earns_in_a_replay(placed):
    (rollout,) = play_block(Gold(placed), [Plan(name_of(placed), 0, 0)], {})
    assert rollout.total == play_job(Job(placed, "gold")).strict == 1.0
    assert [json.loads(said.written.text)["name"] for said in rollout.said] == [call.name for call in placed.task.gold]
    assert {sample.role for sample in rollout.samples(0)} == {seat_of(Play(placed), 0).role}


def test_ids_are_renamed_and_the_ticket_stays_in_sight():
    placed = next(placed for placed in load_suite("own").tasks if placed.task.id.startswith("shift-which-image"))
    play = Play(placed)
    talk = Conversation(seat_of(play, 0), lambda text: [0] * len(text))
    talk.see(Observation(play.opening(), 0.0, "task"))
    assert talk.transcript.ids == ("S0001", "S0002", "S0003", "query=Q", "answer=A", "answer=B", "answer=C")
    assert "Images S0001, S0002, S0003" in talk.transcript.fresh
    first = placed.task.subjects[0]
    call = written({"name": "analyze_medical_image", "arguments": {"image_id": first}})
    assert talk.aliases.meant(talk.aliases.renamed(call)) == call
    talk.note(Reply(call, (call,)))
    talk.see(Observation(play.shown(play.act(call)), 1.0, "answered"))
    assert first not in talk.transcript.fresh
    assert "Images S0001" in talk.transcript.folded()
    assert "measurements" in talk.transcript.folded()


def test_what_a_ticket_offers_goes_by_letters_and_nothing_else_may_be_written():
    placed = next(placed for placed in tasks_in("triage_emergency", TRAIN) if placed.task.template == "shift-danger-zone")
    play = Play(placed)
    seat = seat_of(play, 0)
    talk = Conversation(seat, lambda text: [0] * len(text))
    talk.see(Observation(play.opening(), 0.0, "task"))
    assert "Disposition: A for level 2, B for level 3." in talk.transcript.fresh
    assert talk.transcript.ids[1:] == ("disposition=A", "disposition=B")
    call = {"name": "submit_answer", "arguments": {"esi_level": 2, "disposition": "B", "reasoning": "Fast."}}
    known = {"esi_level": [2, 3], "disposition": ["fast track"], "reasoning": ["Fast."], "initial_orders": [""]}
    words = Vocabulary({f"submit_answer.{name}": values for name, values in known.items()})
    text = canonical(call, card_of(seat, call), words, talk.transcript.ids)
    assert pieces(calls_form(seat.tools, words, talk.transcript.ids), text)
    with pytest.raises(ValueError, match="the grammar does not go on with 'fast track"):
        pieces(calls_form(seat.tools, words, talk.transcript.ids), canonical(call, card_of(seat, call), words))
    meant = json.loads(talk.aliases.meant(text))
    assert meant["arguments"]["disposition"] == "row seat"
    assert talk.aliases.renamed(written(meant)) == text


def test_hits_of_a_search_get_names_that_last_and_the_question_is_what_is_searched_for():
    placed = tasks_in("medical_qa", TRAIN)[0]
    play = Play(placed)
    seat = seat_of(play, 0)
    talk = Conversation(seat, lambda text: [0] * len(text))
    talk.see(Observation(play.opening(), 0.0, "task"))
    assert talk.transcript.ids == ("query=Q", "answer=A", "answer=B", "answer=C", "answer=D")
    shown = []
    for call in (SEARCH, {"name": "browse_wiki_entry", "arguments": {"entry_id": "S0002"}}, SEARCH):
        text = canonical(call, card_of(seat, call), WORDS, talk.transcript.ids)
        assert pieces(calls_form(seat.tools, WORDS, talk.transcript.ids), text)
        made = play.act(talk.aliases.meant(text))
        talk.note(Reply(text, (text,)))
        talk.see(Observation(play.shown(made), float(play.turns), "answered"))
        shown.append(sorted(one for one in talk.transcript.ids if "=" not in one))
    searched, read, again = play.calls
    assert searched.arguments["query"] == question_in(placed.task.ticket) == again.arguments["query"]
    assert shown == [["S0001", "S0002", "S0003", "S0004", "S0005"]] * 3
    hits = [hit["entry_id"] for hit in json.loads(Play(placed).shown(searched))["last_result"]["result"]["results"]]
    assert read.ok
    assert read.arguments["entry_id"] == hits[1]
    assert not any(hit in talk.transcript.folded() for hit in hits)
    assert all(word in talk.transcript.folded() for word in ("entry_id S0001", "title", "sections", "options"))


SEARCH = {"name": "search_medical_wiki", "arguments": {"query": "Anything.", "max_results": 5}}
WORDS = Vocabulary({"search_medical_wiki.max_results": [5], "search_medical_wiki.query": ["Something else."]})


ASKED = [
    ("Which one? Answer with a letter.", "Which one?"),
    ("He fell. Why? And when? One letter.", "He fell. Why? And when?"),
    ("Report the study.", "Report the study."),
    ("", ""),
]


@pytest.mark.parametrize(("ticket", "question"), ASKED)
def test_the_question_of_a_ticket(ticket, question):
    assert question_in(ticket) == question
    assert offers_in({"ticket": ticket}, ("query",)) == {"query": {"Q": question}}


def test_gold_plans_are_taught_and_recited_as_far_as_they_name_what_was_shown():
    shown = list(gold_turns(tasks_in("medical_qa", TRAIN)))
    calls = [turn.call["name"] for turn in shown]
    assert calls.count("search_medical_wiki") == len(tasks_in("medical_qa", TRAIN)) >= calls.count("submit_answer")
    assert {turn.call["arguments"]["query"] for turn in shown if "query" in turn.call["arguments"]} == {"Q"}
    placed = tasks_in("medical_qa", TRAIN)[0]
    words = vocabulary_of((turn.call for turn in shown), 300)
    assert recited(placed, words) == 1.0
    asks = [placed.task.gold[0].model_copy(update={"arguments": {"query": "no hit", "max_results": 1}})]
    elsewhere = replace(placed, task=placed.task.model_copy(update={"gold": (*asks, *placed.task.gold[1:])}))
    assert recited(elsewhere, words) == 1.0  # searches by the ticket's question whatever the plan searches for
    unseen = replace(placed, task=placed.task.model_copy(update={"gold": placed.task.gold[1:]}))
    assert recited(unseen, words) == 0.0


OFFERED = [
    ({"ticket": "Disposition: 'bay one' for level 2, 'row seat' for level 3."}, {"disposition": {"A": "bay one", "B": "row seat"}}),
    ({"ticket": "A 'cut'. Disposition 'one' or 'two'."}, {"disposition": {"A": "one", "B": "two"}}),
    ({"ticket": "Which? ", "options": {"A": "flu", "C": "cold"}}, {"answer": {"A": "A", "C": "C"}}),
    ({"ticket": "Answer 'Left stone.' or 'Right stone.'"}, {}),
    ({"ticket": "The patient's level, disposition and the nurse's reasoning."}, {}),
    ({"ticket": "Disposition 'one' alone."}, {}),
]


@pytest.mark.parametrize(("row", "offers"), OFFERED, ids=lambda value: str(value)[:40])
def test_what_counts_as_offered(row, offers):
    assert offers_in(row, ("disposition", "answer", "reasoning")) == offers


@pytest.mark.parametrize("domain", domains())
def test_every_gold_plan_of_the_suite_fits_what_its_task_offers(domain):
    for placed in tasks_in(domain, TRAIN):
        row = from_json(Play(placed).opening())["worklist"][0]
        offers = offers_in(row, ("answer", "disposition", "reasoning", "impression", "findings"))
        submitted = placed.task.gold[-1].arguments
        assert all(submitted[name] in phrases.values() for name, phrases in offers.items() if name in submitted)


def test_the_living_hospital_is_shown_as_it_is(seats):
    aliases = Aliases(next(iter(seats.values())).tools)
    text = '{"minute":0.0,"why":"new patient P0001","worklist":[{"patient":"P0001"}],"news":[],"last_result":null}'
    assert aliases.shown(text) == text == aliases.meant(text) == aliases.renamed(text)


def test_a_small_model_can_be_taught_gold_plans_and_then_plays_tasks():
    tasks = tasks_in("radiology_report", TRAIN)[:6]
    shown, seats = list(gold_turns(tasks)), seats_of_tasks(tasks)
    engine = fresh_engine(shown, seats, Shape(vocabulary=700, hidden=32, layers=1, heads=2))
    samples = list(lessons(engine, shown, seats))
    assert len({sample.group.scenario for sample in samples}) == len(tasks)
    for turn in shown:
        assert canonical(turn.call, card_of(seats[turn.agent], turn.call), engine.vocabulary)
    rollouts = play_block(engine, [Plan(name_of(tasks[0]), 0, number) for number in range(3)], {})
    assert all(-0.5 <= rollout.total <= 1.0 and rollout.said for rollout in rollouts)
    play = Play(tasks[0], 3)
    assert play_seated(play, LocalPolicy(engine), 0).failure == ""
    assert play.turns == 3 or play.submitted


def test_only_training_tasks_teach():
    assert placed_at(name_of(SOME[0])) is SOME[0]
    with pytest.raises(UsageError, match="is not for training: its split is test"):
        list(gold_turns(tasks_in("radiology_report", TEST)[:1]))
    with pytest.raises(UsageError, match="none is 'impossible'"):
        tasks_in("radiology_report", TRAIN, "impossible")
    assert {placed.task.difficulty for placed in tasks_in("radiology_report", TRAIN, "medium")} == {"medium"}
