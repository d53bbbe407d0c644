"""What a person makes on the page is a value: marks, answers, looks; undo is the value before."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from clips import as_source, squares
from hypothesis import given
from hypothesis import strategies as st

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.models.toy import Toy
from vidmem.results import annotate
from vidmem.tracker import Tracker
from vidmem.ui import work
from vidmem.ui.approach import approached
from vidmem.ui.history import History
from vidmem.ui.marking import along, brushed
from vidmem.ui.results import LOST, ROW, UNKNOWN, VISIBLE, Results, runs
from vidmem.ui.shelf import Shelf
from vidmem.ui.turns import Turns
from vidmem.ui.view import CURVE, curve, weights
from vidmem.values import Prompt

CLIP = squares(12, objects=2)


def row(state=VISIBLE, score=0.5):
    return np.array((0, 1, 0, score, 0.5, 1.0, state), ROW)[()]


@pytest.fixture
def begun():
    return work.begun(Tracker(Toy()), as_source(CLIP))


def marked(made, frame, object_id=1):
    prompt = Prompt(object_id, mask=CLIP[frame][1][object_id])
    session, _ = made.session.prompt(frame, prompt)
    return work.said(made, session, frame, {object_id: row()})


def test_results_that_are_added_leave_the_old_ones_as_they_were():
    old = Results().with_rows({1: {0: row(), 3: row(LOST)}})
    new = old.with_rows({1: {1: row()}, 2: {5: row()}})
    assert list(old.frames()) == [0, 3] and list(new.frames()) == [0, 1, 3, 5]
    assert old.has(3, 1) and not old.has(1, 1) and new.at(5).keys() == {2}
    assert new.without(1).rows.keys() == {2} and not new.without_answer(3, 1).has(3, 1) and new.has(3, 1)


def test_the_first_gap_is_the_first_frame_that_some_object_lacks():
    results = Results().with_rows({1: {f: row() for f in range(5)}, 2: {f: row() for f in range(2, 4)}})
    assert results.first_gap(0, 12) == 4  # object 2 ends there
    assert results.first_gap(0, 4) is None
    assert Results().first_gap(0, 12) is None


@given(st.lists(st.sampled_from([UNKNOWN, VISIBLE, LOST]), max_size=40))
def test_runs_say_every_answered_frame_once(states):
    spans = runs(np.array(states, np.uint8))
    told = {frame: state for first, last, state in spans for frame in range(first, last + 1)}
    assert told == {frame: state for frame, state in enumerate(states) if state != UNKNOWN}
    assert all(a[1] < b[0] for a, b in pairwise(spans))


@given(st.integers(1, 5000))
def test_a_curve_is_short_and_keeps_the_worst_moment(frames):
    rows = np.zeros(frames, ROW)
    rows["state"], rows["score"] = VISIBLE, 0.9
    rows["score"][frames // 2] = 0.1
    points = curve(rows)
    assert len(points) <= CURVE and min(score for _, score in points) == 0.1
    assert [frame for frame, _ in points] == sorted(frame for frame, _ in points)


def test_memory_over_the_video_is_drawn_in_few_points_with_its_highest():
    assert weights({}) is None and weights({3: 5}) is None
    told = weights({frame: 1000 if frame == 700 else min(frame, 40) for frame in range(5000)})
    assert told is not None and len(told["points"]) <= CURVE
    assert (told["highest"], told["since"], max(b for _, b in told["points"])) == (1000, 700, 1000)


def test_undo_and_redo_walk_over_the_same_values():
    history = History(0).did("one", 1).did("two", 2)
    assert (history.undo().present, history.undo().undo().present) == (1, 0)
    assert history.undo().redo().present == 2 and history.undo().redoes == "two"
    assert history.undo().did("three", 3).redoes is None
    with pytest.raises(InputError, match="nothing to undo"):
        History(0).undo()
    with pytest.raises(InputError, match="nothing to redo"):
        history.redo()


def test_history_is_bounded_in_steps_and_in_weight():
    history = History(0)
    for value in range(1, 100):
        history = history.did("more", value).bounded(10, lambda each: each, 10**9, lambda each: each)
    assert len(history.past) == 10 and history.undo().present == 98
    light = history.bounded(10, lambda each: each, 150, lambda each: 0)
    assert sum(value for _, value in light.past) <= 150 and light.undo().present == 98


def test_a_pass_begins_where_answers_are_missing_or_old(begun):
    with pytest.raises(InputError, match="Nothing is marked"):
        work.start_of(begun, "forwards", 0)
    made = marked(begun, 2)
    assert work.start_of(made, "forwards", 0) == 2
    whole = {1: {frame: row() for frame in range(2, 12)}}
    done = work.followed(made, made.session, made.results.with_rows(whole), reached=11)
    assert done.stale_from is None and work.start_of(done, "forwards", 7) == 7
    assert work.start_of(done, "forwards", 11) == 2, "at the end there is nothing to follow: from the first mark"
    corrected = marked(done, 6)
    assert corrected.stale_from == 6 and work.start_of(corrected, "forwards", 11) == 6
    stopped = work.followed(corrected, corrected.session, corrected.results, reached=8)
    assert work.start_of(stopped, "forwards", 8) == 9


def test_a_pass_backwards_begins_at_the_mark_one_stands_on(begun):
    made = marked(marked(begun, 3), 8, object_id=2)
    assert work.start_of(made, "backwards", 3) == 3
    assert work.start_of(made, "backwards", 5) == 8


def test_an_object_leaves_with_its_answers_and_its_look(begun):
    made = work.relooked(marked(marked(begun, 0), 0, object_id=2), 2, "  Green   one ", "#00ff00", True)
    assert made.look(2) == work.Look("Green one", "#00ff00", True) and made.look(1).name == "Object 1"
    gone = work.removed(made, 2)
    assert gone.objects == [1] and 2 not in gone.looks and 2 not in gone.results.rows and made.objects == [1, 2]
    taken_back = work.unsaid(work.relooked(gone, 1, "Red one", None, None), 0, 1)
    assert taken_back.objects == [] and marked(taken_back, 0).look(1).name == "Object 1"


@pytest.mark.parametrize(
    "name, colour", [("", None), ("x" * 41, None), ("a\0b", None), (None, "red"), (None, "#12345"), (None, "#gggggg")]
)
def test_a_look_that_cannot_be_shown_is_refused(begun, name, colour):
    with pytest.raises(InputError):
        work.relooked(marked(begun, 0), 1, name, colour, None)


def test_what_is_put_on_the_shelf_comes_back_whole(tmp_path):
    shelf = Shelf(tmp_path, (20, 30))
    chance = np.random.default_rng(0)
    masks = chance.random((4, 20, 30)) > 0.6
    results = Results()
    for frame, mask in enumerate(masks):
        alone = mask & (chance.random((20, 30)) > 0.5) if frame == 2 else None
        said = ObjectAnnotation(mask, 0.5, frame != 1, 0.7, 3.0, exclusive=alone)
        rows = shelf.put(Annotation(frame, frame / 4, f"n{frame}", (20, 30), {7: said}))
        results = results.with_rows({7: {frame: rows[7]}})
    back = list(shelf.every(results, {3: frozenset({7})}))
    assert [each.name for each in back] == ["n0", "n1", "n2", "n3"] and back[3].time == 0.75
    assert all((each.objects[7].mask == mask).all() for each, mask in zip(back, masks, strict=True))
    assert [each.objects[7].visible for each in back] == [True, False, True, True]
    assert [each.objects[7].prompted for each in back] == [False, False, False, True]
    assert back[2].objects[7].exclusive is not None and back[0].objects[7].exclusive is None
    shelf.close()


def test_other_memory_keeps_what_was_corrected(begun):
    made = marked(begun, 0)
    for session, _, _ in made.session.propagate():
        made = work.followed(made, session, made.results, None)
    session, answer = made.session.prompt(5, Prompt(1, points=torch.tensor([[60.0, 60.0]]), labels=torch.tensor([1])))
    made = work.said(made, session, 5, {1: row()})
    other = work.with_tracker(made, Tracker(Toy()))
    assert other.stale_from == 0 and not other.session.kept.checkpoints.states
    again = {frame.index: annotate(track) for _, frame, track in other.session.propagate(0)}
    assert (again[5].objects[1].mask == annotate(answer).objects[1].mask).all()


@given(st.lists(st.tuples(st.floats(0, 63), st.floats(0, 47)), min_size=1, max_size=60))
def test_a_scribble_becomes_a_few_of_its_own_points(line):
    points = np.array(line)
    chosen = along(points, 6)
    assert 1 <= len(chosen) <= 6
    assert all((np.abs(points - each).max(1) < 1e-3).any() for each in chosen)


@given(st.lists(st.tuples(st.floats(0, 63), st.floats(0, 47)), min_size=1, max_size=8), st.floats(1, 10))
def test_a_brush_touches_where_it_went_and_nothing_far_away(line, radius):
    touched = brushed(np.array(line), radius, (48, 64))
    assert touched.shape == (48, 64)
    x, y = line[-1]
    assert touched[int(y), int(x)]
    ys, xs = np.nonzero(touched)
    assert xs.min() >= min(x for x, _ in line) - 2 * radius - 2 and ys.max() <= max(y for _, y in line) + 2 * radius + 2


def test_the_way_to_a_frame_is_walked_in_turns_and_changes_nothing(begun):
    made = marked(begun, 0)
    session = list(made.session.propagate())[-1][0]
    bare = work.thinned(work.followed(made, session, made.results, 11)).session
    near = approached(bare, 7, Turns())
    assert not bare.kept.checkpoints.states and 7 in near.kept.checkpoints.states
    prompt = Prompt(1, points=torch.tensor([[60.0, 60.0]]), labels=torch.tensor([1]))
    answers = [each.prompt(7, prompt)[1].guesses[1].mask for each in (bare, near)]
    assert torch.equal(*answers)
    assert approached(near, 7, Turns()) is near and approached(near, 0, Turns()) is near
