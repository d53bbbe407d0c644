"""Feature banks: promises every one keeps, and the numbers of MAMBA's."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem import states
from vidmem.errors import UsageError
from vidmem.feature_banks import feature_banks
from vidmem.feature_banks.sampled import Sampled, Store
from vidmem.feature_banks.spread import Spread
from vidmem.feature_banks.window import FrameWindow

PROPOSALS, REFERENCES = 75, 15  # of a frame; 14 references and the key frame


def rows(count: int, mark: float = 0.0, width: int = 4) -> torch.Tensor:
    """(count, width) rows that can be told apart: the mark, then their number."""
    made = torch.zeros(count, width)
    made[:, 0], made[:, 1] = mark, torch.arange(count)
    return made


def written(bank: Any, frames: int, count: int = PROPOSALS, seed: int = 0) -> Any:
    state = bank.start(seed)
    for number in range(frames):
        state = bank.write(state, rows(count, number), rows(count, number + 0.5), torch.rand(count))
    return state


def shown(bank: Any, state: Any) -> torch.Tensor:
    """What a bank shows; no rows where it shows nothing."""
    keys = bank.read(state)
    return torch.zeros(0, 4) if keys is None else keys


@pytest.fixture(params=list(feature_banks))
def bank(request):
    return feature_banks[request.param]()


def test_nothing_is_shown_before_anything_was_seen(bank):
    assert bank.read(bank.start(0)) is None


def test_reading_twice_shows_the_same(bank):
    state = written(bank, 40)
    assert torch.equal(shown(bank, state), shown(bank, state))


def test_writing_leaves_the_old_state_as_it_was(bank):
    old = written(bank, 3)
    before = [each.clone() for each in states.tensors(old)]
    bank.write(old, rows(PROPOSALS, 9), rows(PROPOSALS, 9), torch.ones(PROPOSALS))
    assert all(torch.equal(a, b) for a, b in zip(states.tensors(old), before, strict=True))


def test_a_fork_goes_on_as_the_whole_does(bank):
    state = written(bank, 5)
    ends = [bank.write(state, rows(7, 9), rows(7, 9), torch.ones(7)) for _ in range(2)]
    assert torch.equal(*(shown(bank, each) for each in ends))


def test_a_saved_state_goes_on_as_the_whole_does(bank, tmp_path):
    state = written(bank, 5)
    states.save(state, tmp_path / "bank")
    loaded, _ = states.load(tmp_path / "bank")
    after = [shown(bank, bank.write(each, rows(7, 9), rows(7, 9), torch.ones(7))) for each in (state, loaded)]
    assert torch.equal(*after)


def test_bytes_stop_growing(bank):
    small = type(bank)(capacity=300, keys=50) if isinstance(bank, Sampled) else bank
    sizes = {states.nbytes(written(small, frames, 20)) for frames in (127, 128)}
    assert max(sizes) <= states.nbytes(written(small, 64, 20)) * 1.2 + 1


def test_a_frame_without_rows_is_taken(bank):
    state = bank.write(written(bank, 2), rows(0), rows(0), torch.zeros(0))
    assert bank.read(state) is None or len(bank.read(state))


# MAMBA, section 4, and vfe.pytorch


def test_the_first_frame_is_shown_all_1125_rows_and_writes_none():
    bank: Any = Sampled()
    state = bank.fill(bank.start(0), rows(PROPOSALS * REFERENCES), torch.rand(PROPOSALS * REFERENCES))
    assert len(shown(bank, state)) == 1125
    after = bank.write(state, rows(PROPOSALS, 1), rows(PROPOSALS, 1), torch.rand(PROPOSALS))
    assert len(after) == 1125
    assert len(bank.write(after, rows(PROPOSALS, 2), rows(PROPOSALS, 2), torch.rand(PROPOSALS))) == 1200


def test_all_is_shown_below_2000_rows_and_a_fresh_2000_above():
    bank: Any = Sampled()
    assert len(shown(bank, written(bank, 26))) == 1950
    state = written(bank, 30)
    first = shown(bank, state)
    assert len(state) == 2250 and len(first) == 2000
    assert len({tuple(each.tolist()) for each in first}) == 2000  # without replacement
    nothing = rows(0), rows(0), torch.zeros(0)
    second = shown(bank, bank.write(state, *nothing))
    assert not torch.equal(first, second)


def test_rows_leave_at_random_once_20000_are_kept_and_at_most_20074_ever_are():
    bank: Any = Sampled()
    full = bank.fill(bank.start(0), rows(19999), torch.rand(19999))
    full = bank.write(full, rows(0), rows(0), torch.zeros(0))
    over = bank.write(full, rows(PROPOSALS, 1), rows(PROPOSALS, 1), torch.rand(PROPOSALS))
    assert len(over) == 20074
    after = bank.write(over, rows(PROPOSALS, 2), rows(PROPOSALS, 2), torch.rand(PROPOSALS))
    assert len(after) == 20074
    gone = set(map(tuple, over.rows[:, :2].tolist())) - set(map(tuple, after.rows[:, :2].tolist()))
    assert len(gone) == PROPOSALS and (after.rows[:, 0] == 2).sum() == PROPOSALS
    assert max(number for mark, number in gone if mark == 0) > 1000  # not the oldest: any


def test_rows_are_kept_as_they_were_enhanced():
    assert written(Sampled(), 1).rows[0, 0] == 0.5
    assert written(Sampled(enhanced=False), 1).rows[0, 0] == 0.0


@pytest.mark.parametrize("choice", ["ranked", "frequency", "random"])
def test_light_key_sets_go_by_score_where_they_say_so(choice):
    bank: Any = Sampled(keys=20, choice=choice)
    scores = torch.zeros(400)
    scores[:20] = 40.0 if choice == "frequency" else 1.0
    state = bank.write(bank.start(3), rows(400), rows(400), scores)
    drawn = set(shown(bank, state)[:, 1].int().tolist())
    assert len(drawn) == 20
    assert (drawn == set(range(20))) is (choice != "random")


def test_two_seeds_draw_apart():
    bank = Sampled(keys=10)
    one, other = (shown(bank, written(bank, 5, seed=seed)) for seed in (1, 2))
    assert not torch.equal(one, other)


def test_half_the_bytes_in_16_bits():
    assert written(Sampled(half=True), 3).rows.dtype == torch.float16


def test_a_kept_row_holds_no_frame_alive():
    whole = torch.zeros(3000, 4)
    state = Sampled().write(Store(0), whole[:75], whole[:75], torch.ones(75))
    assert states.nbytes(state) < 3000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 60), st.integers(1, 40))
def test_the_store_is_the_sum_of_what_came_until_it_is_full(counts, capacity, keys):
    bank, state, expected = Sampled(capacity, keys), Store(1), 0
    for count in counts:
        state = bank.write(state, rows(count), rows(count), torch.ones(count))
        expected += count if expected < capacity else 0
        assert len(state) == expected
        assert len(shown(bank, state)) == min(expected, keys if expected >= keys else expected)


def test_a_window_forgets_what_is_older():
    bank = FrameWindow(3)
    assert shown(bank, written(bank, 9, 2))[:, 0].tolist() == [6, 6, 7, 7, 8, 8]


@pytest.mark.parametrize("frames", [1, 5, 14, 15, 40, 200, 999])
def test_a_spread_is_even_over_all_that_was_seen(frames):
    kept = sorted(set(shown(Spread(14), written(Spread(14), frames, 1))[:, 0].int().tolist()))
    assert kept[0] == 0 and kept[-1] == frames - 1 and len(kept) <= 15
    gaps = {b - a for a, b in pairwise(kept[:-1])}
    assert len(gaps) <= 1 and len(kept) >= min(frames, 7)


@pytest.mark.parametrize(
    "make",
    [lambda: feature_banks["sampled"](choice="best"), lambda: Sampled(0), lambda: FrameWindow(0), lambda: Spread(1)],
)
def test_numbers_that_make_no_sense_are_refused(make):
    with pytest.raises(UsageError):
        make()
