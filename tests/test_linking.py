"""Linking: which detections are the same object over frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem import states
from vidmem.errors import UsageError
from vidmem.found import Found
from vidmem.linking import Linker, Links


def found(frame: int, *rows: tuple[float, float, float, int]) -> Found:
    """Boxes 20 pixels wide at x, y with a score and a label."""
    boxes = np.array([[x, y, x + 20, y + 20] for x, y, _, _ in rows], float).reshape(-1, 4)
    scores, labels = np.array([each[2] for each in rows], float), np.array([each[3] for each in rows], int)
    return Found(frame, frame / 24, f"{frame:05d}", (200, 300), boxes, scores, labels)


def linked(linker: Linker, *given: Found) -> list[list[int]]:
    links, ids = Links(), []
    for each in given:
        links, told = linker.step(links, each)
        assert told.ids is not None
        ids.append(told.ids.tolist())
    return ids


def test_an_object_keeps_its_id_while_it_moves():
    assert linked(Linker(), *(found(t, (4.0 * t, 10, 0.9, 1)) for t in range(20))) == [[1]] * 20


def test_a_fast_object_is_expected_where_it_is_going():
    assert linked(Linker(), *(found(t, (9.0 * t + min(t, 1), 10, 0.9, 1)) for t in range(12))) == [[1]] * 12


def test_two_objects_that_pass_each_other_keep_their_ids():
    frames = [found(t, (8.0 * t, 10, 0.9, 1), (160 - 8.0 * t, 24, 0.8, 2)) for t in range(20)]
    assert linked(Linker(), *frames) == [[1, 2]] * 20


def test_an_object_comes_back_within_the_patience_and_is_another_behind_it():
    seen, gone = found(0, (10, 10, 0.9, 1)), [found(t) for t in range(1, 9)]
    assert linked(Linker(patience=9), seen, *gone, found(9, (10, 10, 0.9, 1)))[-1] == [1]
    assert linked(Linker(patience=8), seen, *gone, found(9, (10, 10, 0.9, 1)))[-1] == [2]


def test_an_unsure_detection_goes_on_with_an_object_but_begins_none():
    assert linked(Linker(), found(0, (10, 10, 0.3, 1)), found(1, (10, 10, 0.9, 1)), found(2, (10, 10, 0.2, 1))) == [
        [],
        [1],
        [1],
    ]


def test_the_class_is_the_one_told_most_surely():
    links, told = Links(), None
    for t, (score, label) in enumerate([(0.9, 2), (0.8, 2), (0.6, 3)]):
        links, told = Linker().step(links, found(t, (10, 10, score, label)))
    assert told is not None and told.labels.tolist() == [2]
    _, told = Linker(vote=False).step(links, found(3, (10, 10, 0.6, 3)))
    assert told.labels.tolist() == [3]


def test_a_state_of_links_can_be_saved(tmp_path):
    links, _ = Linker().step(Links(), found(0, (10, 10, 0.9, 1)))
    states.save(links, tmp_path / "links")
    assert states.load(tmp_path / "links")[0] == links


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 150), st.floats(0, 1), st.integers(1, 3)))))
def test_an_id_is_given_once_a_frame_and_never_falls_behind(clip):
    links = Links()
    for t, rows in enumerate(clip):
        before = links.next_id
        links, told = Linker().step(links, found(t, *rows))
        assert told.ids is not None
        ids = told.ids.tolist()
        assert len(set(ids)) == len(ids) and all(0 < each < links.next_id for each in ids)
        assert links.next_id >= before and len(links.objects) <= 500


def test_thresholds_that_make_no_sense_are_refused():
    with pytest.raises(UsageError):
        Linker(begins=0.1, goes_on=0.5)
