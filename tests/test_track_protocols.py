"""Many tracks: HOTA, IDF1 and MOTA to their definitions, and to the numbers of TrackEval, mmtracking and Scalabel."""

import json
import math
from collections import defaultdict
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmem.errors import InputError
from vidmem.metrics import track_protocols
from vidmem.metrics.assignment import assign
from vidmem.metrics.clear_mot import clear_counts, mota
from vidmem.metrics.detections import overlaps
from vidmem.metrics.hota import hota, hota_counts
from vidmem.metrics.identity import identity_counts, idf1
from vidmem.metrics.mot import Mot
from vidmem.metrics.tracks import Meeting, meet, met


@st.composite
def videos(draw):
    """Up to three true and three answered tracks that come and go, with overlaps at random or none."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    true, answered = random.integers(1, 4, 2)
    frames = []
    for number in range(draw(st.integers(1, 7))):
        here = [np.flatnonzero((random.random(count) < 0.7) | (number == 0)) for count in (true, answered)]
        values = random.random((len(here[0]), len(here[1]))) * (random.random((len(here[0]), len(here[1]))) < 0.8)
        frames.append(Meeting(here[0], here[1], values))
    return met(frames, int(true), int(answered))


def ways(rows, columns):
    """All ways to pair as many as possible of either side."""
    if rows <= columns:
        return [list(enumerate(way)) for way in permutations(range(columns), rows)]
    return [[(row, column) for column, row in enumerate(way)] for way in permutations(range(rows), columns)]


def best(worth):
    """The pairs with the highest sum, tried one way after the other."""
    rows, columns = worth.shape
    if not rows or not columns:
        return []
    return max(ways(rows, columns), key=lambda way: sum(worth[pair] for pair in way))


@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_pairs_are_the_best_of_all_ways(rows, columns, seed):
    worth = np.random.default_rng(seed).random((rows, columns))
    found = list(zip(*(each.tolist() for each in assign(worth)), strict=True))
    assert sum(worth[pair] for pair in found) == pytest.approx(sum(worth[pair] for pair in best(worth)))


def slow_hota(video):
    """Luiten et al. 2021, equations 1 to 11: at each threshold a TP's association is TPA / (TPA + FNA + FPA)."""
    likeness = defaultdict(float)
    for frame in video.frames:
        for row, true in enumerate(frame.true):
            for column, answered in enumerate(frame.answered):
                value = frame.overlap[row, column]
                joint = frame.overlap[row].sum() + frame.overlap[:, column].sum() - value
                likeness[true, answered] += value / joint if joint > 0 else 0
    pairs = []
    for frame in video.frames:
        worth = np.zeros(frame.overlap.shape)
        for row, true in enumerate(frame.true):
            for column, answered in enumerate(frame.answered):
                together = likeness[true, answered]
                either = video.true_frames[true] + video.answered_frames[answered] - together
                worth[row, column] = together / either * frame.overlap[row, column]
        pairs += [(frame.true[r], frame.answered[c], frame.overlap[r, c]) for r, c in best(worth)]
    values = []
    for alpha in np.arange(0.05, 0.96, 0.05):
        found = [(true, answered) for true, answered, value in pairs if value >= alpha - 1e-12]
        association = []
        for pair in found:
            tpa = found.count(pair)
            association.append(tpa / (video.true_frames[pair[0]] + video.answered_frames[pair[1]] - tpa))
        detection = len(found) / (video.true + video.answered - len(found))
        values.append(math.sqrt(detection * np.mean(association)) if found else 0.0)
    return np.mean(values)


@given(videos())
@settings(max_examples=60, deadline=None)
def test_hota_is_that_of_the_definition(video):
    assert hota([hota_counts(video)])["HOTA"] == pytest.approx(slow_hota(video), abs=1e-9)


@given(videos())
@settings(max_examples=60, deadline=None)
def test_idf1_is_the_best_of_all_identities(video):
    true, answered = len(video.true_frames), len(video.answered_frames)
    right = 0
    for way in ways(true, answered):
        together = 0
        for frame in video.frames:
            for row, column in way:
                at = np.argwhere(frame.true == row), np.argwhere(frame.answered == column)
                together += bool(len(at[0]) and len(at[1]) and frame.overlap[at[0][0, 0], at[1][0, 0]] >= 0.5)
        right = max(right, together)
    numbers = idf1([identity_counts(video)])
    assert numbers["IDF1"] == pytest.approx(2 * right / (video.true + video.answered))


def slow_clear(video, form):
    """Frame by frame with dictionaries: what became of each object, and who it was paired with."""
    last, before, fates = {}, {}, defaultdict(list)
    switches = false = 0
    for frame in video.frames:
        worth = np.zeros(frame.overlap.shape)
        kept = before if form == "trackeval" else last
        for row, true in enumerate(frame.true):
            for column, answered in enumerate(frame.answered):
                if frame.overlap[row, column] >= 0.5:
                    worth[row, column] = frame.overlap[row, column]
                    worth[row, column] += 1000 * (kept.get(true) == answered) if form == "trackeval" else 1000
        pairs = []
        if form == "motmetrics":
            for row, true in enumerate(frame.true):
                column = next((c for c, answered in enumerate(frame.answered) if kept.get(true) == answered), None)
                if column is not None and worth[row, column] > 0:
                    pairs.append((row, column))
                    worth[row], worth[:, column] = 0, 0
        pairs += [pair for pair in best(worth) if worth[pair] > 0]
        owner = {frame.true[row]: frame.answered[column] for row, column in pairs}
        switches += sum(true in last and last[true] != answered for true, answered in owner.items())
        for true in frame.true:
            fates[true].append(true in owner)
        last.update(owner)
        false += len(frame.answered) - len(pairs)
        if len(frame.true) and len(frame.answered):
            before = owner
    found = sum(map(sum, fates.values()))
    shares = [np.mean(fate) for fate in fates.values()]
    much = [share > 0.8 if form == "trackeval" else share >= 0.8 for share in shares]
    return {
        "MOTA": 1 - (video.true - found + false + switches) / video.true,
        "FN": video.true - found,
        "FP": false,
        "IDSW": switches,
        "MT": sum(much),
        "ML": sum(share < 0.2 for share in shares),
    }


@pytest.mark.parametrize("form", ["trackeval", "motmetrics"])
@given(videos())
@settings(max_examples=80, deadline=None)
def test_mota_is_that_of_the_definition(form, video):
    numbers = mota([clear_counts(video, form=form)])
    for name, wanted in slow_clear(video, form).items():
        assert numbers[name] == pytest.approx(wanted), name


def test_a_track_that_is_lost_and_found_again_is_broken_once():
    seen = [1, 1, 0, 0, 1, 0, 1]
    frames = [Meeting(np.array([0]), np.array([0]), np.array([[float(flag)]])) for flag in seen]
    for form in ("trackeval", "motmetrics"):
        assert clear_counts(met(frames, 1, 1), form=form)["Frag"] == 2


def dense(frames, true, answered, likeness):
    """As in TrackEval's tests: presence (T, ids) of both sides and their likeness (T, true ids, answered ids)."""
    meetings = []
    for t in range(frames):
        here = np.flatnonzero(true[:, t]), np.flatnonzero(answered[:, t])
        meetings.append(Meeting(here[0], here[1], likeness[t][np.ix_(*here)]))
    return met(meetings, len(true), len(answered))


TRUE = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
ANSWERED = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
CASES = {
    "no confusion": ([], {"TP": 4, "FN": 4, "FP": 5, "IDSW": 0, "MOTA": -1 / 8}),
    "with confusion": ([(2, 0, 0), (1, 1, 1)], {"TP": 5, "FN": 3, "FP": 4, "IDSW": 1, "MOTA": 0.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_cases_of_trackeval_come_out(case):
    more, wanted = CASES[case]
    likeness = np.zeros((5, 2, 2))
    for at in [(3, 0, 1), (4, 0, 1), (0, 1, 0), (1, 1, 0), *more]:
        likeness[at] = 1
    video = dense(5, TRUE, ANSWERED, likeness)
    numbers = mota([clear_counts(video)])
    assert {name: numbers[name] for name in wanted} == pytest.approx(wanted)
    assert identity_counts(video) == {"IDTP": 4, "IDFN": 4, "IDFP": 5}
    assert idf1([identity_counts(video)]) == pytest.approx({"IDF1": 8 / 17, "IDP": 4 / 9, "IDR": 4 / 8})


def test_the_case_of_split_tracks_comes_out():
    true = np.array([[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]])
    answered = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
    likeness = np.zeros((5, 2, 5))
    for track, column, frames in ((0, 0, (0, 1)), (0, 3, (3, 4)), (1, 1, (2, 3)), (1, 2, (4,)), (1, 4, (0, 1))):
        likeness[list(frames), track, column] = 1
    video = dense(5, true, answered, likeness)
    numbers = mota([clear_counts(video)]) | idf1([identity_counts(video)])
    wanted = {"TP": 9, "FN": 0, "FP": 2, "IDSW": 3, "MOTA": 1 - 5 / 9, "IDF1": 8 / 20, "IDR": 4 / 9, "IDP": 4 / 11}
    assert {name: numbers[name] for name in wanted} == pytest.approx(wanted)


@pytest.mark.parametrize("name", track_protocols)
def test_the_truth_under_other_names_is_best(name):
    truth = [{7: (t, 0, t + 9, 9), 8: (40, t, 49, t + 9)} for t in range(5)]
    answers = [{"b": frame[7], "a": frame[8]} for frame in truth]
    protocol = track_protocols[name]()
    numbers = protocol.overall({"v": protocol.score(iter(truth), iter(answers)), "w": protocol.score(truth, truth)})
    assert numbers["HOTA"] == numbers["IDF1"] == numbers["MOTA"] == numbers["MOTP"] == 1.0


@given(st.lists(videos(), min_size=2, max_size=3))
@settings(max_examples=20, deadline=None)
def test_videos_count_by_their_boxes(three):
    protocol = Mot()
    rows = [protocol.count(video) for video in three]
    numbers = protocol.overall({str(n): row for n, row in enumerate(rows)})
    boxes = sum(video.true for video in three)
    alone = [protocol.overall({"v": row}) for row in rows]
    assert numbers["MOTA"] == pytest.approx(
        sum(one["MOTA"] * video.true for one, video in zip(alone, three, strict=True)) / boxes
    )
    assert numbers["IDF1"] <= max(one["IDF1"] for one in alone) + 1e-12


def test_frames_without_truth_are_left_out_and_what_does_not_fit_is_refused():
    box = {1: (0, 0, 9, 9)}
    protocol = Mot()
    assert protocol.overall({"v": protocol.score([box, None, box], [box, {5: (0, 0, 1, 1)}, box])})["MOTA"] == 1.0
    assert protocol.overall({"v": protocol.score([box], [None])})["MOTA"] == 0.0
    with pytest.raises(InputError, match=r"'v' one side ends after 1 frames"):
        protocol.score([box, box], [box], "v")
    with pytest.raises(InputError, match="No video"):
        protocol.overall({})


def mot_rows(path, marked):
    frames = defaultdict(dict)
    for line in path.read_text().splitlines():
        cells = line.split(",")
        if not marked or float(cells[6]):
            x, y, width, height = (float(each) for each in cells[2:6])
            frames[int(cells[0])][int(cells[1])] = (x, y, x + width, y + height)
    return frames


@pytest.mark.real
def test_the_street_of_mot15_scores_what_mmtracking_expects(data):
    root, protocol, scores = data / "eval/mmtracking/demo_MOT15_data/train", Mot(), {}
    for name in ("TUD-Campus", "TUD-Stadtmitte"):
        truth, answers = mot_rows(root / name / "gt/gt.txt", True), mot_rows(root / f"results/{name}.txt", False)
        frames = range(1, max([*truth, *answers]) + 1)
        scores[name] = protocol.score([truth[t] for t in frames], [answers[t] for t in frames], name)
    numbers = protocol.overall(scores)
    assert [round(numbers[name], 3) for name in ("IDF1", "MOTA", "HOTA")] == [0.624, 0.555, 0.400]


def bdd_box(label):
    box = label["box2d"]  # whose far corner is a pixel of it
    return np.array([box["x1"], box["y1"], box["x2"] + 1, box["y2"] + 1])


def without_crowds(true, answers, crowds):
    """BDD100K's rule: what is no match and lies by more than half in a crowd is not asked about."""
    if not len(crowds) or not answers:
        return answers
    ids, boxes = list(answers), np.array(list(answers.values()))
    free = np.ones(len(ids), bool)
    if true:
        shared = overlaps(np.array(list(true.values())), boxes)
        rows, columns = assign(np.where(shared >= 0.5, 1000 + shared, 0))
        free[columns[shared[rows, columns] >= 0.5]] = False
    sides = np.minimum(boxes[:, None, 2:], crowds[None, :, 2:]) - np.maximum(boxes[:, None, :2], crowds[None, :, :2])
    part = np.maximum(sides, 0).prod(-1) / (boxes[:, 2:] - boxes[:, :2]).prod(-1)[:, None]
    gone = free & (part > 0.5).any(1)
    return {each: answers[each] for each, out in zip(ids, gone, strict=True) if not out}


@pytest.mark.real
def test_the_street_of_bdd100k_scores_what_scalabel_expects(data):
    root = data / "eval/scalabel/box_track"
    truth = json.loads((root / "track_sample_anns.json").read_text())
    answers = {
        (f["videoName"], f["frameIndex"]): f["labels"] or []
        for f in json.loads((root / "track_predictions.json").read_text())
    }
    clips = defaultdict(list)
    for frame in sorted(truth, key=lambda f: (f["videoName"], f["frameIndex"])):
        clips[frame["videoName"]].append(frame)
    protocol, scores = Mot(clear="motmetrics"), defaultdict(dict)
    for kind in ("pedestrian", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"):
        for video, frames in clips.items():
            true, given = [], []
            for frame in frames:
                labels = frame["labels"] or []
                crowds = np.array([bdd_box(each) for each in labels if each["attributes"]["crowd"]])
                true.append(
                    {e["id"]: bdd_box(e) for e in labels if e["category"] == kind and not e["attributes"]["crowd"]}
                )
                mine = {e["id"]: bdd_box(e) for e in answers[video, frame["frameIndex"]] if e["category"] == kind}
                given.append(without_crowds(true[-1], mine, crowds))
            if any(true) or any(given):
                scores[kind][video] = protocol.score(true, given, video)
    numbers = protocol.overall({f"{kind} {video}": each for kind, row in scores.items() for video, each in row.items()})
    counts = {"FP": 126, "FN": 942, "IDSW": 45, "MT": 62, "PT": 47, "ML": 33, "Frag": 66}
    assert {name: numbers[name] for name in counts} == counts
    assert numbers["MOTA"] == pytest.approx(0.6420070762302991, abs=1e-9)
    assert numbers["IDF1"] == pytest.approx(0.7101073676416142, abs=1e-9)
    assert numbers["MOTP"] == pytest.approx(0.8716143945073146, abs=1e-6)  # of boxes in single precision
    each = [protocol.overall(scores[kind]) for kind in scores]
    assert sum(one["MOTA"] for one in each) / 8 == pytest.approx(0.24324204637536685, abs=1e-9)
    assert sum(one["IDF1"] for one in each) / 8 == pytest.approx(0.3224781943655838, abs=1e-9)


def test_tracks_meet_by_their_ids():
    video = meet([{5: (0, 0, 10, 10)}, {5: (0, 0, 10, 10), 6: (20, 20, 30, 30)}], [{}, {9: (20, 20, 30, 30)}])
    assert video.true_frames.tolist() == [2, 1] and video.answered_frames.tolist() == [1]
    assert video.frames[1].overlap.tolist() == [[0.0], [1.0]]
