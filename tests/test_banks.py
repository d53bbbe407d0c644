"""Every bank in the table keeps the promises of a bank."""

import pytest
import torch
from observations import after, observe

from vidmem import states
from vidmem.banks import banks


def told(memory):
    """What a memory makes the model attend, as plain numbers."""
    pages = [(p.entry.frame, p.slot, p.key_scale, p.key_bias) for p in memory.pages]
    return pages, [(p.entry.frame, p.position, p.key_scale) for p in memory.pointers], memory.pointer_span


# Bounds in tokens, small enough that the streams of these tests reach them.
SMALL = {"longterm": {"prototypes": 8, "max_tokens": 60, "buffer_tokens": 16}}


@pytest.fixture(params=list(banks))
def bank(request):
    return banks[request.param](**SMALL.get(request.param, {}))


def test_an_empty_bank_has_nothing_to_say(bank):
    assert bank.read(bank.start()) is None


def test_what_was_prompted_is_attended(bank):
    memory = bank.read(after(bank, 30))
    assert any(page.entry.frame == 0 for page in memory.pages)


def test_writing_leaves_the_old_state_as_it_was(bank):
    old = after(bank, 4)
    before = told(bank.read(old))
    bank.write(old, observe(4))
    assert told(bank.read(old)) == before


def test_the_same_past_always_reads_the_same(bank):
    assert told(bank.read(after(bank, 12, (0, 5)))) == told(bank.read(after(bank, 12, (0, 5))))


def test_two_futures_of_one_state_do_not_meet(bank):
    fork = after(bank, 5)
    one, other = bank.write(fork, observe(5)), bank.write(fork, observe(77))
    assert 77 not in {p.entry.frame for p in bank.read(one).pages}
    assert 5 not in {p.entry.frame for p in bank.read(other).pages}


def test_bytes_stay_flat_on_a_long_stream_with_prompts_all_along(bank):
    state, sizes = bank.start(), []
    for frame in range(3000):
        state = bank.write(state, observe(frame, prompted=frame % 50 == 0))
        sizes.append(states.nbytes(state))
    entry = 8 * 4 + 4 * 2 * 4
    earlier, later = sizes[500:1750], sizes[1750:]
    assert max(later) <= max(earlier) + entry, "it grew by more than an entry"
    if type(bank).__name__.lower() not in SMALL:  # what is bounded in tokens fills up, makes room and fills up again
        assert max(earlier) <= min(earlier) + entry, "more than one entry between the smallest and the largest"


def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(bank, tmp_path):
    state = after(bank, 9, (0, 4))
    states.save(state, tmp_path / "state.vmem")
    again, _ = states.load(tmp_path / "state.vmem")
    for frame in range(9, 14):
        state, again = bank.write(state, observe(frame)), bank.write(again, observe(frame))
    assert told(bank.read(state)) == told(bank.read(again))
    pages = zip(bank.read(state).pages, bank.read(again).pages, strict=True)
    assert all(torch.equal(a.entry.tokens, b.entry.tokens) for a, b in pages)
