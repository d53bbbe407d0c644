"""DAM4SAM's bank picks what the reference picks out of all of the past, without keeping all of the past."""

import json

import pytest
import torch
from clips import as_source, iou, squares
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import observe

from vidmem import states
from vidmem.annotation import Annotation
from vidmem.banks.distractor import Distractor
from vidmem.compose import load
from vidmem.memory_record import NAME, MemoryRecord
from vidmem.models.sam2 import Sam2
from vidmem.models.toy import Toy
from vidmem.searches import History
from vidmem.session import Session
from vidmem.values import Memory, Prompt

SIZE = (8, 8)
LETTERS = {"visible": "v", "absent": "a", "distractor": "d", "prompt": "p"}


def attended(past: str, cap: int = 4, stride: int = 5, total: int = 7, span: int = 15):
    """What DAM4SAM attends in the frame behind `past`, looked up in all of it: one letter of LETTERS a frame.

    Pages as (frame, slot), pointers as (frame, distance). Prompts beyond the first are pinned beside everything else.
    """
    now = len(past)
    shows = [t for t in range(now) if past[t] == "d"]
    resolving = sorted((t for t in shows if t < now - 1), key=lambda t: now - t)[: cap - 1]
    wanted = total - 1 - len(resolving)
    at, recent = now - 1, []
    while at > 0 and not (past[at] == "v" or (past[at] == "d" and at == now - 1)):
        at -= 1
    while at > 0 and len(recent) < wanted:
        recent.append(at)
        at = (at - 1) // stride * stride
        while at > 0 and past[at] != "v":
            at -= stride
    pinned = [t for t in range(now) if past[t] == "p"] + resolving
    pages = [(t, 6) for t in pinned] + [(t, rank) for rank, t in enumerate(recent)]
    pointers = [(t, now - t) for t in pinned]
    pointers += [(t, now - t) for t in range(now) if now - t <= span and past[t] in "vd" and t not in resolving]
    return set(pages), set(pointers)


def read(bank, state) -> Memory:
    memory = bank.read(state)
    assert memory is not None
    return memory


def told(bank, state):
    memory = read(bank, state)
    pages = [(page.entry.frame, page.slot) for page in memory.pages]
    pointers = [(pointer.entry.frame, pointer.position) for pointer in memory.pointers]
    assert len(set(pages)) == len(pages) and len(set(pointers)) == len(pointers), "nothing is attended twice"
    return set(pages), set(pointers)


def shown(frame: int, letter: str, **others):
    """A frame of that kind: four pixels answer, and a rival as large stands in the far corner of a distractor's."""
    masks = torch.full((2, *SIZE), -4.0)
    if letter != "a":
        masks[:, :3, :3] = 4.0
    if letter == "d":
        masks[1, 5:, 5:] = 4.0
    options = {"masks": masks, "size": SIZE, "prompted": letter == "p", "pred_iou": 0.9 if letter == "d" else 0.7}
    return observe(frame, **{**options, **others})


def after(bank, past: str, first: int = 0):
    state = bank.start()
    for frame, letter in enumerate(past, start=first):
        state = bank.write(state, shown(frame, letter))
    return state


def as_kept(letters: list[str], apart: int = 5) -> str:
    """The letters as the bank will take them: too near another, a frame with a distractor is a visible one."""
    past, last = "p", None
    for letter in letters:
        step = len(past)
        if letter == "d" and (step < 2 or (last is not None and step - last <= apart)):
            letter = "v"
        last = step if letter == "d" else last
        past += letter
    return past


lives = st.lists(
    st.tuples(st.sampled_from("vvvvaad"), st.integers(1, 12)), max_size=10
)  # runs of equal frames, as in a video: the object is there, or gone, or beside its double for a while


@settings(max_examples=600, deadline=None)
@given(lives)
def test_a_bounded_bank_attends_what_a_search_through_the_whole_past_finds(runs):
    past = as_kept([letter for letter, count in runs for _ in range(count)])
    bank, state = Distractor(), Distractor().start()
    for frame, letter in enumerate(past):
        if frame:
            assert told(bank, state) == attended(past[:frame]), past[:frame]
        state = bank.write(state, shown(frame, letter))
        kept = [entry for entry in (*state.distractors, *state.on_grid, state.visible) if entry]
        assert len({entry.frame for entry in kept}) <= 8 and len(state.areas) <= 10


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from("vvvad"), max_size=62), st.sampled_from([1, 2, 5, 7]), st.integers(0, 3))
def test_it_does_so_for_every_stride_and_number_of_distractors(letters, stride, distractors):
    past, bank = as_kept(letters), Distractor(stride=stride, max_distractors=distractors)
    assert told(bank, after(bank, past)) == attended(past, cap=distractors + 1, stride=stride)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from("vvvvadp"), max_size=60))
def test_corrections_stay_beside_what_is_remembered_of_distractors(letters):
    past, bank = as_kept(letters), Distractor(max_prompts=0)
    assert told(bank, after(bank, past)) == attended(past)


def test_frames_are_counted_from_the_first_prompt_of_the_object():
    bank, past = Distractor(), "p" + "v" * 23 + "d" + "v" * 9
    pages, pointers = attended(past)
    state = after(bank, past, first=1003)
    assert told(bank, state) == ({(t + 1003, slot) for t, slot in pages}, {(t + 1003, d) for t, d in pointers})


def test_a_frame_with_a_distractor_is_recent_at_first_and_lasting_from_then_on():
    bank, past = Distractor(), "p" + "v" * 11 + "d"
    assert told(bank, after(bank, past))[0] == {(0, 6), (12, 0), (10, 1), (5, 2)}
    assert told(bank, after(bank, past + "v"))[0] == {(0, 6), (12, 6), (13, 0), (10, 1), (5, 2)}


def test_only_a_frame_with_a_distractor_is_encoded_as_a_prompt_and_an_absent_one_not_at_all():
    bank, state, asked = Distractor(), Distractor().start(), []
    for frame, letter in enumerate("pvadv"):
        honest = shown(frame, letter)

        def remember(*, as_prompt: bool = False, frame=frame, honest=honest):
            asked.append((frame, as_prompt))
            return honest.remember(as_prompt=as_prompt)

        state = bank.write(state, shown(frame, letter, remember=remember))
    assert asked == [(0, False), (1, False), (3, True), (4, False)]
    long_term = {page.entry.frame: page.entry.long_term for page in read(bank, bank.write(state, shown(5, "v"))).pages}
    assert long_term == {0: False, 3: True, 5: False}


@pytest.mark.parametrize(("seen", "span"), [(1, 1.0), (9, 9.0), (15, 15.0), (40, 15.0)])
def test_pointers_are_spread_over_the_frames_that_came_where_parity_asks(seen, span):
    assert read(Distractor(growing_span=True), after(Distractor(), "p" + "v" * (seen - 1))).pointer_span == span


def test_an_object_gone_for_long_costs_nothing_and_is_known_when_it_returns():
    bank = Distractor()
    state = after(bank, "p" + "v" * 30 + "a" * 2000)
    assert told(bank, state)[0] == {(0, 6), (30, 0), (25, 1), (20, 2), (15, 3), (10, 4), (5, 5)}
    assert told(bank, state)[1] == {(0, 2031.0)}
    assert (2031, 0) in told(bank, bank.write(state, shown(2031, "v")))[0]


def test_a_long_stream_full_of_distractors_keeps_a_handful_of_pages(tmp_path):
    bank, state, sizes = Distractor(), Distractor().start(), set()
    for frame in range(2000):
        letter = "p" if frame % 97 == 0 else "a" if frame % 11 == 0 else "d"
        state = bank.write(state, shown(frame, letter))
        if frame > 500:
            sizes.add(states.nbytes(state))
    page, pointer = 4 * 2 * 4, 8 * 4
    assert max(sizes) <= 12 * (page + pointer) + 15 * pointer
    assert max(sizes) - min(sizes) <= 3 * (page + pointer), "one frame or two more or fewer on the grid, never growth"


@pytest.mark.parametrize("card", ["dam4sam", "dam4sam-long"])
def test_objects_that_come_late_are_followed_and_corrected_like_the_first(card):
    clip = squares(frames=20, objects=3)
    source, tracker = as_source(clip), load(card, Toy())
    session = Session(tracker, source)
    for frame, object_id in ((0, 1), (0, 2), (7, 3)):
        session, _ = session.prompt(frame, Prompt(object_id, mask=clip[frame][1][object_id]))
    *_, (followed, _, track) = session.propagate()
    assert all(iou(track.masks()[each], clip[-1][1][each]) > 0.5 for each in (1, 2, 3))
    corrected, _ = followed.prompt(12, Prompt(3, mask=clip[12][1][3]))
    *_, (again, _, other) = corrected.propagate(12)
    assert other.guesses.keys() == {1, 2, 3}
    kept = again.kept.checkpoints.before(20)
    assert kept is not None
    steps = {each: [entry.step for entry in histories[0].bank.prompts] for each, histories in kept[1].items()}
    assert steps == {1: [0], 2: [0], 3: [0, 5]}, "the third began seven frames later and counts from there"


def test_a_card_s_switches_are_left_out_for_a_model_that_has_none():
    assert load("dam4sam", "toy").model == Toy()
    model = load("dam4sam", "nano", device="cpu").model
    assert isinstance(model, Sam2) and model.options.binarize_prompts


def test_the_picture_of_memory_shows_frames_with_distractors_as_long_term(tmp_path):
    bank = Distractor()
    record = MemoryRecord(tmp_path, bank)
    state = {1: (History(after(bank, "p" + "v" * 11 + "dv"), None),)}
    record.write(Annotation(14, 0.0, "00014", SIZE), state, 0)
    ((_, entries),) = json.loads((tmp_path / NAME).read_text())["memory"]
    kinds = {kind: sorted(frame for each, frame, *_ in entries if each == kind) for kind, *_ in entries}
    assert (kinds["prompt"], kinds["long-term"], kinds["recent"]) == ([0], [12], [5, 10, 13])


@pytest.mark.parametrize(
    "options",
    [
        {"frames": 7},
        {"frames": 0},
        {"max_distractors": 6},
        {"stride": 0},
        {"usual_frames": 0},
        {"pointers": -1},
        {"pointer_span": 0.0},
    ],
)
def test_a_bank_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Distractor(**options)
