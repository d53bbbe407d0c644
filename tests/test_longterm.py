"""Long-term memory: against a literal twin, within its bounds, through absences, corrections and with a real model."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from clips import squares
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import after, observe

from vidmem import states
from vidmem.banks.consolidation import Used, consolidate, make_room, most_used
from vidmem.banks.longterm import LongTerm, LongTermState
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.searches.tree import Tree
from vidmem.tracker import Tracker
from vidmem.transforms.bits import Bits
from vidmem.transforms.pool import Pool
from vidmem.values import Entry, Observation, Page, Prompt

SMALL = LongTerm(every=2, measure_every=3, prototypes=5, max_tokens=20, buffer_tokens=6, max_pages=1e6)


def seen(bank, state, frame: int, kind: str = "tracked", tokens: int = 4) -> Observation:
    """A frame with tokens and usage of its own; `kind`: tracked, prompted, absent, doubted."""
    chance = torch.Generator().manual_seed(frame)
    page, pointer = torch.randn(tokens, 2, generator=chance), torch.full((8,), float(frame))

    def remember(*, as_prompt: bool = False) -> Entry:
        assert kind in ("tracked", "prompted"), "what is not kept must not be encoded"
        return Entry(frame, page, pointer, prompted=kind == "prompted")

    told = observe(
        frame,
        prompted=kind == "prompted",
        pred_iou=0.1 if kind == "doubted" else 0.9,
        score=-5.0 if kind == "absent" else 5.0,
        remember=remember,
    )
    memory = bank.read(state)
    if memory is None or not memory.want_usage or kind == "prompted":
        return told
    usage = tuple(torch.rand(size(page.entry), generator=chance) for page in memory.pages)
    return replace(told, candidates=replace(told.candidates, usage=usage))


def size(entry: Entry) -> int:
    assert entry.tokens is not None
    return len(entry.tokens)


def pages_of(bank: LongTerm, state: LongTermState) -> tuple[Page, ...]:
    memory = bank.read(state)
    assert memory is not None
    return memory.pages


def distilled(state: LongTermState) -> Used:
    assert state.distilled is not None
    return state.distilled


def run(bank: LongTerm, kinds: list[str]):
    """The states behind each frame, and what was seen in it."""
    state, states_, told = bank.start(), [], []
    for frame, kind in enumerate(kinds):
        told.append(seen(bank, state, frame, kind))
        state = bank.write(state, told[-1])
        states_.append(state)
    return states_, told


class Literal:
    """The same in lists of plain tokens [numbers, cell, usage, life], with loops."""

    def __init__(self, bank: LongTerm):
        self.bank, self.step, self.prompts, self.work, self.last, self.long = bank, 0, [], [], None, []

    def write(self, told: Observation) -> None:
        bank, step, usage = self.bank, self.step, told.candidates.usage
        self.step += 1
        if usage is not None:
            pages = [*usage[len(self.prompts) :]]
            for (_, tokens), page in zip(self.work, pages, strict=False):
                self._use(tokens, page)
            if self.long:
                self._use(self.long, pages[-1])
        if told.guess.prompted:
            self.prompts = [*self.prompts, step]
            self.prompts = self.prompts[:1] + self.prompts[1:][-(bank.max_prompts - 1) :]
            self.last = None
        elif told.guess.visible and told.guess.pred_iou > bank.min_pred_iou:
            self.last = step
            newest = max([*self.prompts[-1:], *[at for at, _ in self.work[-1:]]], default=-math.inf)
            if step - newest >= bank.every:
                tokens = told.remember().tokens
                assert isinstance(tokens, torch.Tensor)
                self.work.append((step, [[row, cell, 0.0, 0] for cell, row in enumerate(tokens.tolist())]))
            if len(self.work) == bank.frames:
                self._consolidate()

    @staticmethod
    def _use(tokens, page) -> None:
        for token, share in zip(tokens, page.tolist(), strict=True):
            token[2] += share
            token[3] += 1

    def _best(self, tokens, count):
        """The most used, of equals the later, in their order."""
        ranked = sorted(range(len(tokens)), key=lambda i: (-(tokens[i][2] / max(1, tokens[i][3])), -i))
        return [tokens[i] for i in sorted(ranked[:count])]

    def _consolidate(self) -> None:
        bank = self.bank
        old = [token for _, tokens in self.work[: -bank.min_frames] for token in tokens]
        self.work = self.work[-bank.min_frames :]
        if len(self.long) + bank.prototypes > bank.max_tokens:
            self.long = self._best(self.long, bank.max_tokens - bank.prototypes - bank.buffer_tokens)
        for row, cell, usage, life in self._best(old, bank.prototypes):
            weights = [
                math.exp(-sum((a - b) ** 2 for a, b in zip(row, other[0], strict=True)) / math.sqrt(len(row)))
                for other in old
            ]
            mean = [
                sum(w * other[0][c] for w, other in zip(weights, old, strict=True)) / sum(weights)
                for c in range(len(row))
            ]
            self.long.append([mean, cell, usage / max(1, life), 1])


KINDS = st.lists(st.sampled_from(["tracked"] * 8 + ["prompted", "absent", "doubted"]), min_size=1, max_size=90)


@settings(max_examples=100, deadline=None)
@given(KINDS)
def test_the_bank_is_its_literal_twin(kinds):
    (*_, state), told = run(SMALL, ["prompted", *kinds])
    slow = Literal(SMALL)
    for each in told:
        slow.write(each)
    assert [e.step for e in state.prompts] == slow.prompts
    assert [each.entry.step for each in state.work] == [step for step, _ in slow.work]
    assert (None if state.last is None else state.last.step) == slow.last
    for frame, (_, tokens) in zip(state.work, slow.work, strict=True):
        usage = torch.zeros(4) if frame.usage is None else frame.usage
        assert torch.allclose(usage, torch.tensor([token[2] for token in tokens]), atol=1e-5)
        assert all(token[3] == frame.life for token in tokens)
    known = state.distilled
    assert (0 if known is None else len(known)) == len(slow.long) <= SMALL.max_tokens
    if known is not None:
        rows, cells, usage, life = zip(*slow.long, strict=True)
        assert torch.allclose(known.tokens, torch.tensor(rows), atol=1e-5)
        assert known.cells.tolist() == list(cells) and known.life.tolist() == list(life)
        assert torch.allclose(known.usage, torch.tensor(usage), atol=1e-5)


def test_long_term_tokens_fill_up_to_the_cap_and_never_beyond():
    every_state, _ = run(SMALL, ["prompted", *["tracked"] * 400])
    counts = [0 if s.distilled is None else len(s.distilled) for s in every_state]
    assert max(counts) <= SMALL.max_tokens and counts[-1] > 0
    assert SMALL.max_tokens - SMALL.prototypes < max(counts[200:]) <= max(counts[:200]) == SMALL.max_tokens
    assert min(counts[counts.index(SMALL.max_tokens) :]) == SMALL.max_tokens - SMALL.buffer_tokens


def test_most_bytes_of_a_later_stretch_are_those_of_an_earlier_one():
    every_state, _ = run(SMALL, ["prompted", *["tracked"] * 600])
    sizes = [states.nbytes(state) for state in every_state]
    assert max(sizes[200:400]) == max(sizes[400:])


def test_what_is_attended_most_stays():
    """One token of each frame is told to be attended, and the long-term memory is made of those."""
    bank, chosen = replace(SMALL, prototypes=3, max_tokens=100, sharpness=1e6), 2
    state = bank.start()
    for frame in range(60):
        told = seen(bank, state, frame, "tracked" if frame else "prompted")
        if told.candidates.usage is not None:
            usage = tuple((torch.arange(len(page)) % 4 == chosen).float() for page in told.candidates.usage)
            told = replace(told, candidates=replace(told.candidates, usage=usage))
        state = bank.write(state, told)
    assert len(distilled(state)) > 6 and set(distilled(state).cells.tolist()) == {chosen}


def test_a_frame_without_the_object_or_belief_teaches_nothing():
    (before,), _ = run(SMALL, ["prompted"])
    every_state, _ = run(SMALL, ["prompted", *["tracked"] * 9, *["absent", "doubted"] * 100])
    known, later = every_state[9], every_state[-1]
    assert [each.entry for each in later.work] == [each.entry for each in known.work]
    assert later.last is known.last and later.pointers == known.pointers and later.step == known.step + 200
    assert states.nbytes(later) == states.nbytes(known) > states.nbytes(before)


def test_a_correction_is_pinned_and_starts_the_count_of_frames_anew():
    every_state, _ = run(SMALL, ["prompted", *["tracked"] * 6, "prompted", *["tracked"] * 3])
    corrected, state = every_state[7], every_state[-1]
    assert corrected.last is None and [e.step for e in corrected.prompts] == [0, 7]
    assert [each.entry.step for each in state.work] == [2, 4, 6, 9]
    assert [(p.entry.step, p.slot) for p in pages_of(SMALL, state)] == [
        (0, 6),
        (7, 6),
        (2, 4),
        (4, 3),
        (6, 2),
        (9, 1),
        (10, 0),
    ]


def test_no_more_recent_pages_are_attended_than_there_are_slots():
    every_state, _ = run(SMALL, ["prompted", *["tracked"] * 50])
    for state in every_state:
        recent = [p for p in pages_of(SMALL, state) if not (p.entry.prompted or p.entry.long_term)]
        assert sorted(p.slot for p in recent) == list(range(len(recent))) and len(recent) <= SMALL.frames


def test_long_term_tokens_are_told_apart_and_attended_in_the_cells_they_came_from():
    state = after(SMALL, 60)
    *_, page = pages_of(SMALL, state)
    assert page.entry.long_term and page.slot == 6 and not page.entry.prompted
    assert page.entry.tokens is distilled(state).tokens and page.entry.cells is distilled(state).cells
    assert page.entry.frame == max(each.entry.frame for each in state.work) - SMALL.every * len(state.work)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": 7},
        {"min_frames": 6},
        {"min_frames": 0},
        {"every": 0},
        {"prototypes": 0},
        {"buffer_tokens": -1},
        {"max_tokens": 1},
        {"max_pages": 0.0},
        {"sharpness": 0.0},
        {"pointers": -1},
    ],
)
def test_a_bank_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LongTerm(**wrong)


@pytest.mark.parametrize("tokens", [1, 4, 30])
def test_on_a_small_grid_the_store_is_small_in_proportion(tokens: int):
    bank = replace(SMALL, max_tokens=1000, prototypes=100, buffer_tokens=200, max_pages=2.5)
    state, counts = bank.start(), []
    for frame in range(400):
        state = bank.write(state, seen(bank, state, frame, "prompted" if frame == 0 else "tracked", tokens))
        counts.append(0 if state.distilled is None else len(state.distilled))
    most = int(2.5 * tokens)
    assert most / 2 <= counts[-1] <= max(counts) <= most


def test_on_a_large_grid_the_store_is_as_large_as_in_the_paper():
    room = LongTerm()._room(64 * 64)
    assert (room.tokens, room.prototypes, room.buffer) == (10_000, 128, 2_000)


# The pure functions.


def used(count: int, worth: list[float] | None = None) -> Used:
    chance = torch.Generator().manual_seed(count)
    usage = torch.rand(count, generator=chance) if worth is None else torch.tensor(worth)
    return Used(torch.randn(count, 3, generator=chance), torch.arange(count), usage, torch.ones(count))


def test_of_equal_worth_the_latest_are_the_most_used():
    assert most_used(used(6, [1.0, 2, 1, 1, 2, 1]), 4).tolist() == [1, 3, 4, 5]
    assert most_used(used(3), 9).tolist() == [0, 1, 2]


def test_worth_is_attention_a_frame():
    known = used(2, [3.0, 2.0])
    assert torch.equal(replace(known, life=torch.tensor([3.0, 1.0])).worth, torch.tensor([1.0, 2.0]))
    assert replace(known, usage=torch.zeros(2), life=torch.zeros(2)).worth.tolist() == [0.0, 0.0]
    assert known.attended(torch.tensor([1.0, 4])).worth.tolist() == [2.0, 3.0]


def test_a_prototype_is_the_mean_of_what_is_like_it():
    close, far = torch.randn(50, 4) * 1e-3, torch.randn(50, 4) * 1e-3 + 40
    old = Used(torch.cat((close, far)), torch.arange(100), torch.rand(100), torch.ones(100))
    new = consolidate(old, 10)
    for token, cell in zip(new.tokens, new.cells.tolist(), strict=True):
        assert torch.allclose(token, (close if cell < 50 else far).mean(0), atol=1e-4)
    sharp = consolidate(old, 10, sharpness=1e12)
    assert torch.equal(sharp.tokens, old.tokens[sharp.cells])


def test_room_is_made_only_when_it_is_needed_and_then_with_some_to_spare():
    known = used(10)
    assert make_room(known, 2, 12, 3) is known
    assert len(make_room(known, 3, 12, 3)) == 6
    assert torch.equal(make_room(known, 3, 12, 3).cells, known.usage.topk(6).indices.sort().values)
    assert len(make_room(known, 4, 7, 3)) == 0


# With a model.


@pytest.fixture(scope="module")
def model() -> Sam2:
    torch.manual_seed(0)
    return Sam2(MICRO, Options(memory_dtype=torch.float32)).eval().requires_grad_(False)


TINY = LongTerm(
    every=1, measure_every=2, prototypes=16, max_tokens=60, buffer_tokens=8, max_pages=1e6, min_pred_iou=0.0
)


@pytest.mark.parametrize("transforms", [(), (Bits(),), (Pool(),), (Bits(), Pool())])
def test_objects_that_come_late_and_are_corrected_are_remembered_for_long(model, transforms):
    tracker = Tracker(model, TINY, transforms=transforms, present_above=-1e9)
    clip = squares(30, objects=2)
    said = {frame: [Prompt(i, mask=clip[frame][1][i])] for frame, i in ((0, 1), (11, 2), (18, 1))}
    state = {}
    for state, frame, track in tracker.run([frame for frame, _ in clip], said):
        assert sorted(track.guesses) == ([1] if frame.index < 11 else [1, 2])
        for (history,) in state.values():
            known = history.bank.distilled
            assert known is None or len(known) <= TINY.max_tokens
    first, second = (history.bank for (history,) in state.values())
    assert len(distilled(first)) > 16 and len(distilled(second)) > 16
    assert len(first.prompts) == 2 and distilled(first).tokens.dtype == torch.float32
    assert float(distilled(first).usage.min()) > 0  # the model has told how they were attended


def test_long_term_memory_changes_what_the_model_sees(model):
    tracker = Tracker(model, TINY, present_above=-1e9)
    clip = squares(24)
    *_, (state, _, _) = tracker.run([frame for frame, _ in clip[:23]], {0: [Prompt(1, mask=clip[0][1][1])]})
    bank = state[1][0].bank
    forgetful = {1: (replace(state[1][0], bank=replace(bank, distilled=None, source=None)),)}
    one, other = (tracker.step(each, clip[23][0])[1].guesses[1].mask for each in (state, forgetful))
    assert (one - other).abs().max() > 1e-5


def test_each_past_of_a_tree_has_a_long_term_memory_of_its_own(model):
    bank = replace(TINY, prototypes=8, max_tokens=30, buffer_tokens=4)
    tracker = Tracker(model, bank, search=Tree(uncertain_below=1e9, decimals=6), present_above=-1e9)
    clip, kept = squares(20), []
    for state, _, _ in tracker.run([frame for frame, _ in clip], {0: [Prompt(1, mask=clip[0][1][1])]}):
        kept = [history.bank.distilled for history in state[1]]
        assert all(known is None or len(known) <= bank.max_tokens for known in kept)
    assert len(kept) == 3 and len({id(known) for known in kept}) > 1
