"""The tape: read back from the start, then written on; copies do not touch each other."""

from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.tape import Tape


@given(st.lists(st.integers()), st.lists(st.integers()), st.lists(st.integers()))
def test_a_copy_reads_what_was_worked_out_and_goes_on_alone(before, one, other):
    tape = Tape()
    assert [tape.once(lambda value=value: value) for value in before] == before
    twins = [Tape(tape), Tape(tape)]
    for twin, after in zip(twins, (one, other), strict=True):
        afresh = [twin.once(lambda: None) for _ in before] + [twin.once(lambda value=value: value) for value in after]
        assert afresh == [*before, *after]
    assert tape.once(lambda: "next") == "next"
