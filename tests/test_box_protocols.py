"""Single-object tracking by boxes: each toolkit's form to its definition, and to the published numbers there are."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem.errors import InputError
from vidmem.metrics import box_protocols
from vidmem.metrics.boxes import distance, overlap
from vidmem.metrics.got10k import Got10k
from vidmem.metrics.lasot import Lasot
from vidmem.metrics.one_pass import FORMS, repeated
from vidmem.metrics.otb import Otb
from vidmem.metrics.tld import Tld
from vidmem.metrics.vot_multistart import Anchor, VotMultistart
from vidmem.metrics.vot_supervised import Mark, VotSupervised, expected_overlap

NAMES = [name for name in box_protocols if name != "vot_supervised"]  # whose answers bear marks

whole = st.integers(-4, 30)
box = st.tuples(whole, whole, st.integers(1, 20), st.integers(1, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
flat = box.map(lambda b: (b[0], b[1], b[0], b[3]))  # of no width
inside = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 20), st.integers(1, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


maybe = st.one_of(box, flat, st.none())


@st.composite
def clips(draw, truth=maybe, answer=maybe):
    length = draw(st.integers(2, 12))
    true = [draw(inside), *draw(st.lists(truth, min_size=length - 1, max_size=length - 1))]
    return true, draw(st.lists(answer, min_size=length, max_size=length))


def slow_overlap(one, other):
    """Pixel by pixel: whole-number boxes are sets of unit squares."""
    squares = [{(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])} for b in (one, other)]
    joint = len(squares[0] | squares[1])
    return len(squares[0] & squares[1]) / joint if joint else math.nan


def slow_error(one, other, scale=(1, 1)):
    middle = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in (one, other)]
    return math.hypot((middle[0][0] - middle[1][0]) / scale[0], (middle[0][1] - middle[1][1]) / scale[1])


@given(box, box)
def test_overlap_and_distance_are_those_of_the_definition(one, other):
    assert overlap(np.array(one, float), np.array(other, float)) == pytest.approx(slow_overlap(one, other), abs=1e-12)
    assert distance(np.array(one, float), np.array(other, float)) == pytest.approx(slow_error(one, other))


def slow_lasot(truth, answers, form, exclude=False):
    """Frame by frame, as each toolkit's text says; the three numbers."""
    answers = list(answers)
    if form in ("official", "pytracking"):
        for t in range(1, len(answers)):
            if answers[t] is None or answers[t][2] <= answers[t][0] or answers[t][3] <= answers[t][1]:
                answers[t] = answers[t - 1]
    if form != "pysot":
        answers[0] = truth[0]
    success, precision, normalised, frames = np.zeros(21), 0, np.zeros(51), 0
    for true, answer in zip(truth, answers, strict=True):
        if form == "got10k" and true is None:
            continue
        positive = true is not None and min(true[0], true[1], true[2] - true[0], true[3] - true[1]) > 0
        frames += positive or not exclude
        if true is None:
            continue
        size = (true[2] - true[0], true[3] - true[1])
        gap = part = iou = math.nan
        if answer is not None:
            gap, iou = slow_error(true, answer), slow_overlap(true, answer)
            scale = (max(1, size[0]), max(1, size[1])) if form == "got10k" else size
            part = slow_error(true, answer, scale) if min(scale) > 0 else math.inf
        if form == "official" and not positive:
            gap, part, iou = -1, -1, -1
        if form == "pytracking" and not positive:
            gap, part, iou = math.inf, -1, -1
        if form == "pysot":
            iou = iou if positive else -1
            if true[0] + (size[0] - 1) / 2 <= 0 or true[1] + (size[1] - 1) / 2 <= 0:
                gap = part = -1
        success += [iou > k * 0.05 for k in range(21)]
        precision += gap <= 20
        normalised += [part <= (k * 0.01 if form == "got10k" else k / 100) for k in range(51)]
    share = normalised.mean() if form == "got10k" else normalised[20]
    return [success.mean() / frames, precision / frames, share / frames]


@pytest.mark.parametrize("form", FORMS)
@given(clips())
@settings(max_examples=60, deadline=None)
def test_lasot_is_each_toolkit_in_turn(form, clip):
    truth, answers = clip
    if form == "pytracking":
        answers = [truth[0] if each is None else each for each in answers]
    protocol = Lasot(form)
    numbers = protocol.overall({"v": protocol.score(truth, answers, "v")})
    assert list(numbers.values()) == pytest.approx(slow_lasot(truth, answers, form), abs=1e-12)


@given(clips(answer=st.one_of(box, flat)))
@settings(max_examples=30, deadline=None)
def test_pytracking_may_leave_out_frames_without_a_good_box(clip):
    protocol = Lasot("pytracking", exclude_invalid=True)
    numbers = protocol.overall({"v": protocol.score(*clip)})
    assert list(numbers.values()) == pytest.approx(slow_lasot(clip[0], clip[1], "pytracking", exclude=True), abs=1e-12)


def test_the_toolkits_disagree_on_absence_and_on_bad_boxes_as_they_are_known_to():
    good = (10, 10, 20, 20)
    absent = [good, good, None, None]
    assert Lasot("official").summary(Lasot("official").score(absent, [good] * 4)[1])["precision"] == 0.5
    assert Lasot("got10k").summary(Lasot("got10k").score(absent, [good] * 4)[1])["precision"] == 1.0
    bad = [good, (10, 10, 10, 20)]  # annotated without width, not marked as absent
    scores = {form: Lasot(form).summary(Lasot(form).score(bad, [good] * 2)[1]) for form in ("official", "pytracking")}
    assert scores["official"]["precision"] == 1.0 and scores["pytracking"]["precision"] == 0.5
    assert scores["official"]["success"] == pytest.approx(0.5 * 20 / 21)


def test_pytracking_refuses_what_is_no_box():
    with pytest.raises(InputError, match="answer for frame 1 is no box"):
        Lasot("pytracking").score([(1, 1, 5, 5)] * 3, [(1, 1, 5, 5), (5, 5, 1, 9), (1, 1, 5, 5)])


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_a_bad_answer_repeats_the_last_good_one(bad):
    rows = np.arange(len(bad), dtype=float)[:, None]
    wanted = []
    for t, flag in enumerate(bad):
        wanted.append(wanted[-1] if flag and t else t)
    assert repeated(rows, np.array(bad))[:, 0].tolist() == wanted


@given(clips())
@settings(max_examples=40, deadline=None)
def test_otb_is_lasot_without_its_third_number(clip):
    for form in ("official", "pysot", "got10k"):
        numbers = Otb(form).overall({"v": Otb(form).score(*clip)})
        assert list(numbers.values()) == pytest.approx(slow_lasot(clip[0], clip[1], form)[:2], abs=1e-12)


def slow_got10k(videos, size):
    values = []
    for truth, answers in videos:
        for true, answer in list(zip(truth, answers, strict=True))[1:]:
            if true is None:
                continue
            cut = []
            for each in (true, answer):
                if each is not None:
                    x, y = min(max(each[0], 0), size[1]), min(max(each[1], 0), size[0])
                    width, height = min(each[2] - each[0], size[1] - x), min(each[3] - each[1], size[0] - y)
                    cut.append((x, y, x + width, y + height))
            values.append(0.0 if answer is None else slow_overlap(*cut))
    values = [0.0 if math.isnan(each) else each for each in values]
    return [np.mean(values), np.mean([v > 0.5 for v in values]), np.mean([v > 0.75 for v in values])]


@given(st.lists(clips(), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_got10k_takes_all_frames_together(videos):
    videos = [([*truth, (1, 1, 5, 5)], [*answers, (1, 1, 5, 4)]) for truth, answers in videos]
    protocol = Got10k()
    numbers = protocol.overall(
        {str(n): protocol.score(clip[0], clip[1], str(n), (25, 28)) for n, clip in enumerate(videos)}
    )
    assert list(numbers.values()) == pytest.approx(slow_got10k(videos, (25, 28)), abs=1e-12)


def test_got10k_asks_for_the_size_of_the_frames():
    with pytest.raises(InputError, match=r"size of video 'v': size=\(H, W\)"):
        Got10k().score([(1, 1, 2, 2)], [(1, 1, 2, 2)], "v")


@given(clips())
@settings(max_examples=60, deadline=None)
def test_tld_counts_right_answers_among_answers_and_appearances(clip):
    right = answered = present = 0
    for true, answer in list(zip(*clip, strict=True))[1:]:
        answered += answer is not None
        present += true is not None
        right += true is not None and answer is not None and (slow_overlap(true, answer) > 0.25)
    precision, recall = right / answered if answered else 1.0, right / present if present else 1.0
    f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert Tld().overall({"v": Tld().score(*clip)}) == pytest.approx({"precision": precision, "recall": recall, "F": f})


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_as_answer_is_best_and_scores_travel_between_processes(name):
    truth = [(10 + t, 12, 30 + t, 40) for t in range(8)]
    protocol = box_protocols[name]()
    scores = protocol.score(iter(truth), iter(truth), "v", (100, 100))
    assert all(
        value == 1.0 or name.startswith("la") or name == "otb" for value in protocol.overall({"v": scores}).values()
    )
    assert protocol.overall({"v": scores}).get("success", 20 / 21) == pytest.approx(20 / 21)  # none is above 1
    again = pickle.loads(pickle.dumps(scores))
    assert protocol.summary(again[1]) == protocol.summary(scores[1])


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_together_is_refused_in_one_line(name):
    protocol = box_protocols[name]()
    with pytest.raises(InputError, match=r"'v'.*one side ends after 1 frames"):
        protocol.score([(1, 1, 2, 2)] * 2, [(1, 1, 2, 2)], "v", (9, 9))
    with pytest.raises(InputError, match=r"answer for frame 0 .* has 8 numbers"):
        protocol.score([(1, 1, 2, 2)], [(1,) * 8], "v", (9, 9))
    with pytest.raises(InputError, match="no frame"):
        protocol.score([], [], "v", (9, 9))
    with pytest.raises(InputError):
        protocol.overall({})


@given(st.lists(st.tuples(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.booleans()), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_the_curve_of_eao_is_that_of_the_definition(runs):
    longest = max(len(values) for values, _ in runs)
    wanted = []
    for length in range(longest):
        means = []
        for values, lasted in runs:
            if lasted and length >= len(values):
                continue
            padded = [*values, *[0.0] * longest]
            means.append(padded[0] if length == 0 else np.mean(padded[1 : length + 1]))
        wanted.append(np.mean(means) if means else np.nan)
    got = expected_overlap([(np.array(values), lasted) for values, lasted in runs])
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_vot_with_resets_leaves_out_starts_burn_in_and_skipped_frames():
    good, off = (10.0, 10, 20, 20), (15.0, 10, 25, 20)  # an overlap of one third
    answers = [Mark.START, good, off, Mark.LOST, Mark.SKIPPED, Mark.SKIPPED, Mark.START, good, good, off]
    protocol = VotSupervised(burn_in=2, low=1, high=2)
    numbers = protocol.overall({"v": protocol.score([good] * 10, answers, "v", (50, 50))})
    assert numbers["accuracy"] == pytest.approx(np.mean([1 / 3, 1, 1 / 3]))
    assert numbers["failures"] == 1 and numbers["robustness"] == pytest.approx(math.exp(-3))
    curve = [np.mean([1, 1]), np.mean([(1 + 1 / 3) / 2, 1])]
    assert numbers["EAO"] == pytest.approx(np.mean(curve))
    for marks, reason in (([good], "no START"), ([1, good, 1], "take turns"), ([1, 2, 2], "take turns")):
        with pytest.raises(InputError, match=reason):
            protocol.score([good] * len(marks), marks, "v")


def test_vot_from_anchors_counts_how_long_the_object_is_kept():
    truth = [(10.0, 10, 20, 20)] * 30
    away = (50.0, 50, 60, 60)
    answers = {Anchor(0): [truth[0]] * 12 + [away] * 18, Anchor(20, backwards=True): [truth[0]] * 21}
    protocol = VotMultistart(low=1, high=40)
    runs = protocol.score(truth, answers, "v")
    assert [run.progress for run in runs.values()] == [12, 21]
    numbers = protocol.overall({"v": (30, runs)})
    assert numbers["accuracy"] == 1.0 and numbers["robustness"] == pytest.approx(33 / 51)
    curve = []
    for place in range(1, 40):
        lost = min(place, 11) / (place if place < 30 else place - 1)
        curve.append(np.mean([lost, 1.0]) if place < 21 else lost)
    assert numbers["EAO"] == pytest.approx(np.mean(curve))
    hidden = [None if 5 <= t < 25 else each for t, each in enumerate(truth)]
    assert protocol.score(hidden, {Anchor(0): [truth[0]] * 5 + [away] * 25}, "v")[Anchor(0)].progress == 30


def rows(path):
    return [[float(each) for each in line.split(",")[:4]] for line in path.read_text().splitlines() if line.strip()]


def corners(row):
    return None if math.isnan(row[0]) else (row[0], row[1], row[0] + row[2], row[1] + row[3])


@pytest.mark.real
def test_the_toy_videos_of_mmtracking_score_what_its_tests_expect(data):
    root = data / "eval/mmtracking/demo_sot_data/trackingnet/TRAIN_0"
    protocol, videos = Lasot("pysot"), {}
    for name in ("video-1", "video-2"):
        truth = [corners(row) for row in rows(root / name / "gt_for_eval.txt")]
        videos[name] = protocol.score(truth, rows(root / name / "track_results.txt"), name)
    numbers = protocol.overall(videos)
    assert numbers["success"] == pytest.approx(0.67524, abs=1e-5)
    assert numbers["normalised precision"] == pytest.approx(0.70) and numbers["precision"] == pytest.approx(0.50)


@pytest.mark.real
def test_tld_finds_its_car_and_its_pedestrian_again(data):
    for name in ("car", "pedestrian2"):
        folder = data / "tld" / name
        truth, answers = rows(folder / "gt.txt"), rows(folder / "TLD1.0.txt")
        given = [None if math.isnan(row[0]) else row for row in answers][: len(truth)]
        numbers = Tld().overall({name: Tld().score([None if math.isnan(row[0]) else row for row in truth], given)})
        assert 0.5 < numbers["recall"] <= 1 and 0.5 < numbers["precision"] <= 1
