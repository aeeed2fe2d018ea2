"""Replies of models, read as calls."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.agents.parsing import MOST_CALLS, first_object, parse_reply, without_thoughts

WAIT = '{"name":"wait","arguments":{"minutes":5}}'
CHART = '{"name":"get_chart","arguments":{"patient_id":"P0001"}}'

TABLE = [
    ("bare", WAIT, (WAIT,), "bare"),
    ("bare with spaces", '  { "name" : "wait", "arguments": {"minutes": 5} }\n', (WAIT,), "bare"),
    ("no arguments", '{"name": "list_colleagues"}', ('{"name":"list_colleagues","arguments":{}}',), "bare"),
    ("a list of calls", f"[{WAIT}, {CHART}]", (WAIT, CHART), "bare"),
    ("two objects", f"{WAIT}\n{CHART}", (WAIT, CHART), "bare"),
    ("in prose", f"I will wait. {WAIT} Then look.", (WAIT,), "bare"),
    ("hermes", f"<tool_call>\n{WAIT}\n</tool_call>", (WAIT,), "hermes"),
    ("hermes twice", f"First.<tool_call>{WAIT}</tool_call><tool_call>{CHART}</tool_call>", (WAIT, CHART), "hermes"),
    ("hermes unclosed", f"<tool_call>{WAIT}", (WAIT,), "hermes"),
    ("hermes broken is handed on", "<tool_call>wait(5)</tool_call>", ("wait(5)",), "hermes"),
    ("fenced", f"Here:\n```json\n{WAIT}\n```\n", (WAIT,), "fenced"),
    ("fenced without a word", f"```\n{WAIT}\n```", (WAIT,), "fenced"),
    ("fenced other code", f"```python\nx = 1\n```\n{WAIT}", (WAIT,), "bare"),
    ("thought", f"<think>maybe {CHART}</think>{WAIT}", (WAIT,), "bare"),
    ("thought without an end", f"<think>maybe {CHART}", (), "none"),
    ("function object", '{"function": {"name": "wait", "arguments": "{\\"minutes\\": 5}"}}', (WAIT,), "bare"),
    ("parameters", '{"name": "wait", "parameters": {"minutes": 5}}', (WAIT,), "bare"),
    ("a name that is no text", '{"name": []}', (), "none"),
    ("prose", "The patient looks well.", (), "none"),
    ("empty", "", (), "none"),
    ("numbers without end", '{"name": "wait", "arguments": {"minutes": 1e999}}', ('{"name":"wait","arguments":{"minutes":null}}',), "bare"),
    ("numbers out of bounds", '{"name": "wait", "arguments": {"minutes": NaN}}', ('{"name":"wait","arguments":{"minutes":null}}',), "bare"),
]


@pytest.mark.parametrize(("text", "calls", "dialect"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_reads(text, calls, dialect):
    assert parse_reply(text) == (calls, dialect)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"name":' * 20_000, "{" * 200_000, "<tool_call>" * 5_000, "```\n" * 5_000, "\x00\ud800{", '{"a"' * 40_000]
)
def test_monsters_are_read_without_raising(text):
    assert len(parse_reply(text).calls) <= MOST_CALLS


PIECES = [
    "<tool_call>", "</tool_call>", "<think>", "</think>", "```", "```json\n", "```tool_call\r\n", "\n",
    '{"name":', '"wait"', ',"arguments":', "{", "}",
    "[", "]", ",", '"', ":", "\\", "\\u", '"\\ud800"', "\ud800", "NaN",
    "-Infinity", "1e999", "9" * 5000, '{"function":', '"parameters":', WAIT, CHART,
    '{"name":"wait","arguments":"{}"}', '{"name":"wait","arguments":"{"}', "[" * 980, "]" * 980, '{"a":' * 990, "\x00",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "arguments", "function", "parameters", "a"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def is_read(text):
    """Read without raising, as at most so many calls, all of which can be sent."""
    read = parse_reply(text)
    assert len(read.calls) <= MOST_CALLS
    assert (not read.calls) == (read.dialect == "none")
    if read.dialect in ("bare", "none"):
        for call in read.calls:
            call.encode()
            assert json.loads(call, parse_constant=pytest.fail).keys() == {"name", "arguments"}
    first_object(text)
    without_thoughts(text)


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_is_read_without_raising(text):
    is_read(text)


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_anything_made_of_the_parts_of_calls_is_read_without_raising(text):
    is_read(text)


@given(
    VALUES, st.sampled_from(["{}", "<tool_call>{}</tool_call>", "```json\n{}\n```", "[{}]", '{{"function":{}}}', '{{"name":"wait","arguments":{}}}'])
)
def test_any_value_in_any_dialect_is_read_without_raising(value, dialect):
    is_read(dialect.format(json.dumps(value)))


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_any_depth_is_read_without_raising(pair):
    """What is read just before the limit of recursion is not always written before it."""
    for depth in (100, *range(900, 1010), 2000, 20_000):
        is_read('{"name":"wait","arguments":' + pair[0] * depth + "1" + pair[1] * depth + "}")


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=4))
def test_a_call_comes_back_from_every_dialect(name, arguments):
    call = {"name": name, "arguments": arguments}
    written = json.dumps(call)
    for text in (written, f"<tool_call>{written}</tool_call>", f"```json\n{written}\n```"):
        if "</tool_call>" in written or "<think>" in written or "```" in written:
            continue
        (read,) = parse_reply(text).calls
        assert json.loads(read) == call
