"""When a frame shows a distractor: DAM4SAM's conditions at their very edges, on masks drawn for them."""

from statistics import median

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import observe

from vidmem.banks.components import box_around, largest_part
from vidmem.banks.distractor import Distractor
from vidmem.banks.distractor_rule import least_overlap, measure, usual_areas


def drawn(*rectangles: tuple[int, int, int, int], size: tuple[int, int] = (12, 24)) -> torch.Tensor:
    """(H, W) logits, positive within the rectangles x0 y0 x1 y1."""
    mask = torch.full(size, -4.0)
    for x0, y0, x1, y1 in rectangles:
        mask[y0:y1, x0:x1] = 4.0
    return mask


OBJECT, DOUBLE = (2, 2, 10, 6), (16, 6, 22, 10)


def kept(frames, bank=None) -> list[int]:
    """The frames behind a prompt that are kept for a distractor. frames: (answer, rivals, pred_iou) or None, absent."""
    bank = bank or Distractor()
    state, found = bank.write(bank.start(), observe(0, prompted=True)), []
    for frame, each in enumerate(frames, start=1):
        if each is None:
            seen = observe(frame, score=-3.0, masks=drawn(OBJECT)[None], size=(12, 24))
        else:
            answer, rivals, pred_iou = each
            masks = torch.stack([answer, *rivals])
            seen = observe(frame, pred_iou=pred_iou, masks=masks, size=(masks.shape[1], masks.shape[2]))
        state = bank.write(state, seen)
        if state.distractors and state.distractors[-1].frame == frame:
            found.append(frame)
    return found


def calm(pred_iou: float = 0.9):
    return drawn(OBJECT), [drawn(OBJECT)] * 2, pred_iou


def betrayed(pred_iou: float = 0.9, answer=OBJECT, rival=DOUBLE):
    return drawn(answer), [drawn(answer), drawn(answer, rival)], pred_iou


def test_a_rival_far_off_makes_a_frame_worth_keeping():
    assert kept([calm()] * 3 + [betrayed()] + [calm()] * 3) == [4]


@pytest.mark.parametrize(("pred_iou", "frames"), [(0.8, []), (0.81, [2])])
def test_the_model_must_be_surer_than_eight_tenths(pred_iou, frames):
    assert kept([calm(), betrayed(pred_iou)]) == frames


def test_the_first_tracked_frame_has_nothing_to_be_compared_with():
    assert kept([betrayed()]) == [] and kept([None, betrayed()]) == [2]


@pytest.mark.parametrize(("height", "frames"), [(7, []), (8, [12]), (12, [12]), (13, [])])
def test_the_object_must_be_as_large_as_usual_by_a_fifth(height, frames):
    usual = drawn((0, 0, 10, 10), size=(20, 24))
    now = drawn((0, 0, 10, height), size=(20, 24))
    far = drawn((0, 0, 10, height), (20, 16, 24, 20), size=(20, 24))
    assert kept([(usual, [usual], 0.9)] * 11 + [(now, [far], 0.9)]) == frames


@pytest.mark.parametrize(("between", "frames"), [(4, [2, 12]), (5, [2, 8, 14])])
def test_two_kept_frames_lie_more_than_five_apart(between, frames):
    others = [calm()] * between
    assert kept([calm(), betrayed(), *others, betrayed(), *others, betrayed()]) == frames


@pytest.mark.parametrize(("right", "frames"), [(12, []), (13, [2]), (14, [2])])
def test_the_box_must_fall_to_seven_tenths(right, frames):
    """From the first pixel to the last the object measures 7 by 3; with the rival 9, 10 or 11 by 3."""
    assert kept([calm(), betrayed(rival=(right - 1, 3, right, 4))]) == frames


def test_a_rival_within_the_answer_or_without_a_pixel_is_none():
    inside, empty = drawn((3, 3, 6, 5)), drawn()
    assert kept([calm(), (drawn(OBJECT), [inside, empty], 0.9)]) == []
    assert kept([calm(), (drawn(OBJECT), [empty, empty], 0.9)]) == []


def test_an_absent_object_betrays_no_distractor():
    assert kept([calm(), (drawn(), [drawn(DOUBLE), drawn(DOUBLE)], 0.99)]) == [] and kept([calm(), None]) == []


def test_only_the_largest_part_of_a_rival_counts():
    near, speck = (10, 3, 11, 6), (22, 10, 24, 11)
    assert kept([calm(), (drawn(OBJECT), [drawn(OBJECT, near, speck)], 0.9)]) == []
    assert kept([calm(), (drawn(OBJECT), [drawn(OBJECT, speck)], 0.9)]) == [2]


def test_a_single_candidate_has_no_rival():
    assert kept([calm(), (drawn(OBJECT), [], 0.95)]) == []


def test_absent_frames_do_not_count_for_the_usual_size_but_it_is_forgotten_after_three_hundred():
    small, rival = (2, 2, 10, 4), betrayed()
    past = [(drawn(small), [drawn(small)], 0.9)] * 3
    assert kept([*past, *[None] * 290, rival]) == []
    assert kept([*past, *[None] * 299, rival]) == [303]


areas = st.lists(st.one_of(st.just(0), st.integers(1, 60)), min_size=1, max_size=80)


@settings(max_examples=500, deadline=None)
@given(areas, st.integers(1, 12), st.integers(1, 40))
def test_the_usual_area_is_that_of_a_list_that_forgets_nothing(all_areas, frames, reach):
    kept_areas: tuple[tuple[int, int], ...] = ()
    for step, area in enumerate(all_areas):
        kept_areas = usual_areas(kept_areas, step, area, frames, reach)
        whole = [each for each in all_areas[: step + 1][-reach:] if each][-frames:]
        assert [each for _, each in kept_areas] == whole
        if whole:
            assert median(whole) == np.median(whole)


masks = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32), st.sampled_from([0.1, 0.3, 0.5, 0.8]))


def made(height: int, width: int, seed: int, share: float, count: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((count, height, width)) < share


def parts_of(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """The 8-connected parts of a mask, pixel by pixel."""
    left, parts = set(zip(*map(list, np.nonzero(mask)), strict=True)), []
    while left:
        part, edge = set(), {min(left)}
        while edge:
            part |= edge
            edge = {(y + dy, x + dx) for y, x in edge for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left - part
        left -= part
        parts.append(part)
    return parts


def box_of(pixels: set[tuple[int, int]]) -> tuple[int, int, int, int]:
    rows, columns = [y for y, _ in pixels], [x for _, x in pixels]
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1


@settings(max_examples=600, deadline=None)
@given(masks)
def test_the_largest_part_is_the_one_found_pixel_by_pixel(mask):
    mask = made(*mask)[0]
    parts = parts_of(mask)
    if not parts:
        assert largest_part(mask) is None and box_around(mask) is None
        return
    most = max(map(len, parts))
    first = min((p for p in parts if len(p) == most), key=lambda part: min((y // 2, x // 2) for y, x in part))
    assert largest_part(mask) == box_of(first)
    assert box_around(mask) == box_of(set.union(*parts))


@settings(max_examples=600, deadline=None)
@given(masks)
def test_the_largest_part_is_that_of_opencv_among_equals_too(mask):
    cv2 = pytest.importorskip("cv2", reason="opencv is not installed (pip install 'vidmem[opencv]')")
    mask = made(*mask)[0]
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    x, y, width, height, _ = stats[1:][stats[1:, 4].argmax()] if count > 1 else [0] * 5
    assert largest_part(mask) == ((x, y, x + width, y + height) if count > 1 else None)


def test_parts_that_wind_and_touch_by_corners_hang_together():
    spiral = np.array(
        [[c == "#" for c in row] for row in ("#######", "......#", "#####.#", "#...#.#", "#.###.#", ".#....#")]
    )
    assert largest_part(spiral) == (0, 0, 7, 6)
    assert largest_part(np.eye(9, dtype=bool)) == (0, 0, 9, 9)


@settings(max_examples=600, deadline=None)
@given(masks)
def test_the_least_overlap_is_the_one_found_pixel_by_pixel(mask):
    answer, *rivals = made(*mask, count=3)
    pixels, least = set(zip(*map(list, np.nonzero(answer)), strict=True)), 1.0
    for rival in rivals:
        parts = parts_of(rival & ~answer)
        if not parts or not pixels:
            continue
        most = max(map(len, parts))
        part = min((p for p in parts if len(p) == most), key=lambda part: min((y // 2, x // 2) for y, x in part))
        (x0, y0, x1, y1), (left, top, right, bottom) = box_of(pixels), box_of(pixels | part)
        if right - left > 2 and bottom - top > 2:
            share = (x1 - 1 - x0) * (y1 - 1 - y0) / ((right - 1 - left) * (bottom - 1 - top))
            least = min(least, share)
    assert least_overlap(answer, rivals) == least


def test_measuring_takes_one_copy_from_the_device(monkeypatch):
    copies = []
    for name in ("cpu", "tolist", "item", "numpy", "__bool__", "__int__", "__float__"):
        honest = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda self, *a, honest=honest, name=name: (copies.append(name), honest(self, *a))[1]
        )
    seen = observe(3, masks=torch.stack([drawn(OBJECT), drawn(DOUBLE), drawn()]), size=(24, 48))
    assert measure(seen, rivals=False).area == 4 * 4 * 8 and copies == ["tolist"]
    copies.clear()
    found = measure(seen, rivals=True)
    assert found.visible and found.overlap < 0.7 and copies == ["cpu", "numpy"]
