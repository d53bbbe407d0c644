"""What a tracker is told of a true mask: itself, its tight box, a click in its middle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidmem.errors import InputError, UsageError
from vidmem.evaluation.prompts import check_kind, innermost, prompt_of

MASKS = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(lambda mask: mask.any())


@given(MASKS)
@settings(max_examples=200, deadline=None)
def test_the_click_is_where_no_pixel_off_the_mask_is_nearer(mask):
    padded = np.pad(mask, 1)
    off = np.argwhere(~padded)
    depth = {(x, y): ((off - (y + 1, x + 1)) ** 2).sum(1).min() for y, x in np.argwhere(mask).tolist()}
    x, y = innermost(mask)
    assert depth[x, y] == max(depth.values())
    assert (y, x) == min((y, x) for (x, y), each in depth.items() if each == depth[innermost(mask)])


def test_the_box_is_tight_and_ends_behind_the_last_pixel():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 10:25] = True
    prompt = prompt_of(mask, "box", 3)
    assert prompt.object_id == 3 and prompt.box is not None and prompt.box.tolist() == [10, 4, 25, 9]


def test_the_mask_is_told_as_it_is_and_the_click_says_on():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 10:25] = True
    told = prompt_of(mask, "mask")
    assert told.mask is not None and np.array_equal(told.mask.numpy(), mask)
    click = prompt_of(mask, "click")
    assert click.points is not None and click.labels is not None
    assert click.points.tolist() == [[12, 6]] and click.labels.tolist() == [1]


def test_a_mask_without_a_pixel_and_an_unknown_kind_are_refused():
    with pytest.raises(InputError, match="Object 4 cannot be prompted"):
        prompt_of(np.zeros((3, 3), bool), "box", 4)
    with pytest.raises(UsageError, match="mask, box, click"):
        check_kind("word")
