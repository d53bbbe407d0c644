"""Every transform in the table keeps the promises of one, with every bank; and what each does to tokens."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import torch
from clips import iou, squares
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem import states
from vidmem.banks import banks
from vidmem.banks.window import Window
from vidmem.compose import load
from vidmem.errors import UsageError
from vidmem.frames import watch
from vidmem.masks import read_labels
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.models.toy import Toy
from vidmem.tracker import Tracker
from vidmem.transforms import transforms
from vidmem.transforms.bits import Bits
from vidmem.transforms.pool import Pool
from vidmem.values import Entry, Memory, Page, Prompt


@pytest.fixture(scope="module")
def model() -> Sam2:
    torch.manual_seed(0)
    return Sam2(MICRO, Options(memory_dtype=torch.float32)).eval().requires_grad_(False)


@pytest.fixture(params=list(transforms))
def transform(request):
    return transforms[request.param]()


def page(frame: int, slot: int = 0, tokens: int = 64, **entry) -> Page:
    chance = torch.Generator().manual_seed(frame)
    made = Entry(frame, torch.randn(tokens, 8, generator=chance), torch.zeros(4), step=frame)
    return Page(replace(made, **entry), slot)


def tracker(model, *transforms, bank=None) -> Tracker:
    """One that never holds the object to be absent: the model's weights are random."""
    return Tracker(model, bank or Window(), transforms=transforms, present_above=-1e9)


def follow(tracker: Tracker, clip, state=None):
    """The states and tracks of a clip whose object is marked in its first frame."""
    prompts = {} if state else {clip[0][0].index: [Prompt(1, mask=clip[0][1][1])]}
    return [(state, track) for state, _, track in tracker.run([frame for frame, _ in clip], prompts, state)]


def test_what_is_kept_is_near_what_was_to_be_kept(transform):
    tokens = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    kept = transform.keep(torch.full_like(tokens, 7.0))
    if isinstance(kept, torch.Tensor):
        kept.copy_(tokens)
    else:
        assert len(kept) == len(tokens)
        kept.fill(tokens)
        kept = kept.unpacked()
    assert kept.dtype == tokens.dtype and (kept - tokens).norm() < 0.01 * tokens.norm()


def test_showing_a_memory_leaves_it_as_it_was_and_keeps_its_entries(transform):
    memory = Memory((page(0, 6, prompted=True), page(1, 1), page(2)))
    before = memory.identity
    shown = transform.show(memory)
    assert memory.identity == before
    assert [p.entry for p in shown.pages] == [p.entry for p in memory.pages]


@pytest.mark.parametrize("bank", list(banks))
def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(transform, bank, model, tmp_path):
    mine, clip = tracker(model, transform, bank=banks[bank]()), squares(9)
    halfway = follow(mine, clip[:6])[-1][0]
    states.save(halfway, tmp_path / "state")
    again, _ = states.load(tmp_path / "state")
    assert states.nbytes(again) == states.nbytes(halfway)
    for (_, one), (_, other) in zip(follow(mine, clip[6:], halfway), follow(mine, clip[6:], again), strict=True):
        assert torch.equal(one.guesses[1].mask, other.guesses[1].mask)


def test_transforms_work_together(model):
    both = follow(tracker(model, Bits(), Pool()), squares(4))[-1][1]
    pooled = follow(tracker(model, Pool()), squares(4))[-1][1]
    assert 0 < (both.guesses[1].mask - pooled.guesses[1].mask).abs().max() < 0.05


@pytest.mark.parametrize("bits", [8, 4])
@settings(max_examples=200, deadline=None)
@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 7)), seed=st.integers(0, 1000), size=st.floats(1e-3, 1e3))
def test_a_packed_number_is_at_most_half_a_step_off(bits, shape, seed, size):
    tokens = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * size + size
    kept = Bits(bits).keep(torch.empty(shape))
    kept.fill(tokens)
    step = (tokens.amax(0) - tokens.amin(0)) / (2**bits - 1)
    assert ((kept.unpacked() - tokens).abs() <= step / 2 + 1e-5 * size).all()


def test_packing_makes_memory_smaller_by_as_much_as_it_says(model):
    sizes = {
        bits: states.nbytes(follow(tracker(model, *[Bits(bits)] if bits < 32 else []), squares(9))[-1][0])
        for bits in (32, 8, 4)
    }
    tokens = 7 * 64 * 8
    ranges = 7 * 2 * 8 * 4
    assert sizes[32] - sizes[8] == tokens * 3 - ranges
    assert sizes[32] - sizes[4] == tokens * 7 // 2 - ranges


@pytest.mark.real
def test_a_real_clip_is_answered_alike_from_half_the_bytes(data):
    """Over six DAVIS videos the IoU with the masks of whole memory is 0.996 or more where the object is not lost."""
    davis = data / "DAVIS"
    frames = list(islice(watch(davis / "JPEGImages/480p/dog"), 10))
    first = torch.from_numpy(read_labels(davis / "Annotations/480p/dog/00000.png") > 0)
    ends = {}
    for name in ("sam2", "eight-bit"):
        *_, ends[name] = load(name, "nano").run(frames, {0: [Prompt(1, mask=first)]})
    (whole, _, track), (small, _, near) = ends.values()
    assert iou(track.masks()[1], near.masks()[1]) > 0.99
    assert states.nbytes(small) < 0.55 * states.nbytes(whole)


def test_a_page_can_only_be_packed_once():
    with pytest.raises(UsageError, match="bits came behind one that makes a Quantised"):
        Bits().keep(Bits().keep(torch.zeros(4, 4)))


def test_a_single_page_is_attended_whole():
    memory = Memory((page(0, 6, prompted=True),))
    assert Pool().show(memory) is memory


def test_pages_can_be_left_whole_where_they_matter():
    picked = page(9, 6, cells=torch.arange(64))
    memory = Memory((page(0, 6, prompted=True), page(3, 1), page(7), picked))
    assert [p.pool for p in Pool().show(memory).pages] == [2, 2, 2, 1]
    assert [p.pool for p in Pool(prompts_whole=True).show(memory).pages] == [1, 2, 2, 1]
    assert [p.pool for p in Pool(newest_whole=1).show(memory).pages] == [2, 2, 1, 1]


@pytest.mark.parametrize("wrong", [{"side": 0}, {"newest_whole": -1}])
def test_a_pool_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Pool(**wrong)


def test_a_model_without_a_grid_refuses_the_pool():
    with pytest.raises(UsageError, match="Leave the pool out"):
        follow(Tracker(Toy(), transforms=(Pool(),)), squares(4))


@pytest.mark.parametrize("said", ['["pool"]', '"pool"', '[{name = "pool"}]', '{name = "pool"}'])
def test_a_card_names_transforms_in_any_plain_form(said, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text(f"transforms = {said}\n")
    assert load(str(card), Toy()).transforms == (Pool(),)


def test_a_setting_changes_a_transform_of_the_card_or_adds_one(tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text('transforms = ["pool"]\n')
    made = load(str(card), Toy(), settings={"transforms.bits.bits": 4, "transforms.pool.side": 4})
    assert made.transforms == (Pool(side=4), Bits(4))


def test_a_transform_that_is_not_known_or_not_named_is_refused(tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text("transforms = [{side = 2}]\n")
    with pytest.raises(UsageError, match=r"without a name.*Known: bits, pool"):
        load(str(card), Toy())
    with pytest.raises(UsageError, match=r"transform 'pool' has no option 'sides'. Did you mean 'side'"):
        load("sam2", Toy(), settings={"transforms.pool.sides": 2})
    with pytest.raises(UsageError, match=r"transforms.NAME.OPTION"):
        load("sam2", Toy(), settings={"transforms.pool": 2})
