"""Benchmarks of masks: the right objects, the right frames, the right means."""

import json
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest
import slow_masks
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vidmem.errors import InputError
from vidmem.metrics import protocols
from vidmem.metrics.davis2017 import Davis2017
from vidmem.metrics.labels import Masks
from vidmem.metrics.longvideos import LongVideos
from vidmem.metrics.lvos import Lvos, ranges_of, variability
from vidmem.metrics.mose2 import Mose2
from vidmem.metrics.sav import SaV
from vidmem.metrics.youtubevos import YouTubeVos

TWINS = {
    "davis2016": slow_masks.davis2016,
    "davis2017": slow_masks.davis2017,
    "davis2017_unsupervised": slow_masks.unsupervised,
    "vos_benchmark": slow_masks.vos_benchmark,
    "mose1": slow_masks.vos_benchmark,
    "sav": slow_masks.vos_benchmark,  # of label images
    "lvos": slow_masks.lvos,
    "youtubevos": slow_masks.youtubevos,
    "longvideos": slow_masks.davis2017,
}


@st.composite
def clips(draw):
    """(truth, answers): 5 to 7 frames of up to three objects that move, go, come and hide each other."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return clip(random, draw(st.integers(5, 7)), draw(st.integers(1, 3)))


def clip(random, length, count, size=(13, 18)):
    truth, answers = [], []
    for frame in range(length):
        pair = np.zeros((2, *size), np.uint8)
        for object_id in range(1, count + 1):
            for side in (0, 1):
                if frame == 0 or random.random() < 0.75:
                    top, left = random.integers(0, 10, 2)
                    pair[side, top : top + random.integers(2, 8), left : left + random.integers(2, 9)] = object_id
        truth.append(pair[0])
        answers.append(pair[1])
    for object_id in range(1, count + 1):
        truth[0][0, object_id] = object_id  # all are there at first
    return truth, answers


@pytest.mark.parametrize("name", TWINS)
@given(clips())
@settings(max_examples=8, deadline=None)
def test_scores_are_those_of_the_definition(name, pair):
    scores = protocols[name]().score(iter(pair[0]), iter(pair[1]))
    wanted = TWINS[name](*pair)
    assert scores.keys() == wanted.keys()
    for object_id, rows in wanted.items():
        np.testing.assert_allclose(np.stack([scores[object_id][each] for each in "JF"], 1), rows, rtol=0, atol=1e-12)


@given(clips())
@settings(max_examples=10, deadline=None)
def test_mose2_scores_are_those_of_the_definition(pair):
    protocol = Mose2()
    scores = protocol.score(*pair)
    for object_id, rows in slow_masks.mose2(*pair).items():
        got = np.stack([scores[object_id][each] for each in ("J", "F", "F-classic", "absent")], 1)
        np.testing.assert_allclose(got, rows, rtol=0, atol=1e-12)
        numbers, absent = protocol.summary(scores[object_id]), [row[3] for row in rows]
        for kind, flag in (("disappearance", 1.0), ("reappearance", 0.0)):
            runs = slow_masks.stretches(absent, flag)
            wanted = np.mean([np.mean([rows[t][0] for t in run]) for run in runs]) if runs else np.nan
            np.testing.assert_allclose(numbers[f"J-{kind}"], wanted)


@pytest.mark.parametrize("name", protocols)
def test_the_truth_as_answer_scores_one(name):
    truth, _ = clip(np.random.default_rng(3), 6, 2, (104, 117))  # MOSE v2's disk is empty in frames below 90 pixels
    protocol = protocols[name]()
    scores = protocol.score(truth, truth, "v")
    overall = protocol.overall({"v": scores, "w": scores})
    assert overall["J&F"] == overall["J"] == overall["F"] == 1.0
    assert list(overall)[:3] == ["J&F", "J", "F"]
    for each in scores.values():
        assert protocol.summary(each)["J&F"] == 1.0


@pytest.mark.parametrize("name", protocols)
def test_scores_are_plain_arrays_that_travel_between_processes(name):
    protocol = protocols[name]()
    scores = protocol.score(*clip(np.random.default_rng(4), 6, 2))
    again = pickle.loads(pickle.dumps((protocol, scores)))[1]
    for object_id, measures in scores.items():
        for measure, values in measures.items():
            assert values.ndim == 1 and values.dtype == np.float64
            np.testing.assert_array_equal(again[object_id][measure], values)


@pytest.mark.parametrize("name", protocols)
def test_every_number_lies_between_nothing_and_one_and_is_the_mean_over_objects(name):
    protocol = protocols[name]()
    videos = {
        str(seed): protocol.score(*clip(np.random.default_rng(seed), 6, 1 + seed), str(seed)) for seed in range(3)
    }
    rows = [protocol.summary(each) for objects in videos.values() for each in objects.values()]
    overall = protocol.overall(videos)
    for measure in ("J", "F"):
        assert overall[measure] == pytest.approx(np.mean([row[measure] for row in rows]))
        assert 0 <= overall[measure] <= 1
    assert overall["J&F"] == pytest.approx((overall["J"] + overall["F"]) / 2)


@pytest.mark.parametrize("name", protocols)
def test_a_long_video_is_never_held(name):
    alive: list[weakref.ref] = []
    most = 0

    class Picture(np.ndarray):
        pass

    def frames(seed):
        nonlocal most
        for picture in clip(np.random.default_rng(5), 30, 2)[seed]:
            each = picture.copy().view(Picture)
            alive.append(weakref.ref(each))
            most = max(most, sum(one() is not None for one in alive))
            yield each
            del each

    protocols[name]().score(frames(0), frames(1))
    assert most <= 8  # four pairs: the first, the two between which the score stands, and the one being made


@pytest.mark.parametrize("name", protocols)
def test_frames_without_truth_are_passed_over(name):
    truth, answers = clip(np.random.default_rng(6), 6, 2)
    protocol = protocols[name]()
    sparse = [each for picture in truth for each in (picture, None)]
    dense = [each for picture in answers for each in (picture, None)]
    for object_id, measures in protocol.score(sparse, dense).items():
        for measure, values in protocol.score(truth, answers)[object_id].items():
            np.testing.assert_array_equal(measures[measure], values)


@pytest.mark.parametrize("name", protocols)
def test_masks_of_each_object_are_as_good_as_a_label_image(name):
    truth, answers = clip(np.random.default_rng(7), 6, 2)
    protocol = protocols[name]()
    wanted = protocol.score(truth, answers)
    if name == "sav":  # where an object without a mask is not annotated
        pytest.skip("SA-V reads masks of each object by another rule")
    truth, answers = [[{each: picture == each for each in (1, 2)} for picture in side] for side in (truth, answers)]
    for object_id, measures in protocol.score(truth, answers).items():
        for measure, values in measures.items():
            np.testing.assert_array_equal(values, wanted[object_id][measure])


@pytest.mark.parametrize("name", protocols)
def test_what_does_not_fit_together_is_refused_in_one_line(name):
    truth, answers = clip(np.random.default_rng(8), 6, 2)
    protocol = protocols[name]()
    with pytest.raises(InputError, match=r"'dog'.*one side ends after 5 frames"):
        protocol.score(truth, answers[:5], "dog")
    with pytest.raises(InputError, match="one side ends after 5 frames"):
        protocol.score(truth[:5], answers)
    with pytest.raises(InputError, match=r"answer for frame 2 .* is 6 x 18, the truth 13 x 18"):
        protocol.score(truth, [*answers[:2], answers[2][:6], *answers[3:]])
    with pytest.raises(InputError, match="Frame 1 of the video is annotated but has no answer"):
        protocol.score(truth, [answers[0], None, *answers[2:]])
    with pytest.raises(InputError, match=r"\(13, 18, 3\).*indices"):
        protocol.score([np.zeros((13, 18, 3), np.uint8)] * 6, answers)
    with pytest.raises(InputError):
        protocol.overall({})


def test_labels_are_found_however_wide_their_numbers_are():
    picture = np.zeros((5, 9), np.int32)
    picture[1, 2:4], picture[3, 8], picture[0, 0] = 700, 3, 12
    assert Masks(picture).ids == {700, 3, 12}
    assert np.unpackbits(Masks(picture).packed(700), axis=1, bitorder="little").sum() == 2


def test_davis_counts_an_id_that_the_first_frame_leaves_out_and_refuses_a_higher_one():
    truth = [np.zeros((8, 8), np.uint8) for _ in range(4)]
    truth[0][2:4, 2:4] = 3
    scores = Davis2017().score(truth, truth)
    assert list(scores) == [1, 2, 3]
    answers = [each.copy() for each in truth]
    answers[2][0, 0] = 4
    with pytest.raises(InputError, match="has the object 4, but the video has only 3"):
        Davis2017().score(truth, answers)


def test_davis_takes_void_for_background_when_it_follows_given_objects():
    truth, answers = clip(np.random.default_rng(9), 5, 1)
    voided = [each.copy() for each in truth]
    for each in voided:
        each[-1, -3:] = 255
    assert list(Davis2017().score(voided, answers)) == [1]


def test_unsupervised_answers_may_be_numbered_in_any_way_but_not_without_end():
    truth, _ = clip(np.random.default_rng(10), 5, 3)
    swapped = [np.array([0, 9, 20, 4], np.uint8)[each] for each in truth]
    protocol = protocols["davis2017_unsupervised"]()
    assert protocol.overall({"v": protocol.score(truth, swapped)})["J&F"] == 1.0
    with pytest.raises(InputError, match="proposal 21"):
        protocol.score(truth, [np.where(each == 4, 21, each) for each in swapped])


def test_each_object_of_sav_has_its_own_frames():
    truth, answers = clip(np.random.default_rng(11), 9, 2)
    mine = [{1: picture == 1} if frame % 2 else {2: picture == 2} for frame, picture in enumerate(truth)]
    scores = SaV().score(mine, answers)
    for object_id, frames in ((1, [1, 3, 5, 7]), (2, [0, 2, 4, 6, 8])):
        rows = slow_masks.both(frames[1:-1], truth, answers, object_id)
        while not (truth[frames[1]] == object_id).any() and not (answers[frames[1]] == object_id).any():
            frames, rows = [frames[0], *frames[2:]], rows[1:]
        np.testing.assert_allclose(scores[object_id]["J"], [row[0] for row in rows])
        np.testing.assert_allclose(scores[object_id]["F"], [row[1] for row in rows])


def test_masks_of_sav_may_overlap():
    shape = np.zeros((4, 12, 12), bool)
    shape[:, 2:8, 2:8] = True
    frames = [{1: each, 2: np.roll(each, 2, 1)} for each in shape]
    assert SaV().overall({"v": SaV().score(frames, frames)})["J&F"] == 1.0


def test_longvideos_has_two_conventions_of_frames():
    truth, answers = clip(np.random.default_rng(12), 6, 1)
    wanted = slow_masks.longvideos_afb_urr(truth, answers)
    got = LongVideos("afb_urr").score(truth, answers)
    np.testing.assert_allclose(got[1]["J"], [row[0] for row in wanted[1]])
    assert len(LongVideos("xmem").score(truth, answers)[1]["J"]) == len(got[1]["J"]) - 1


def test_lvos_follows_its_meta_file_and_splits_by_video():
    truth, answers = clip(np.random.default_rng(13), 8, 2)
    meta = {
        "videos": {
            "a": {
                "objects": {
                    "1": {"frame_range": {"start": 1, "end": 41}},
                    "2": {"frame_range": {"start": "11", "end": "36"}},
                }
            }
        }
    }
    sparse = [[side[frame // 5] if frame % 5 == 0 else None for frame in range(40)] for side in (truth, answers)]
    protocol = Lvos(unseen={"b"}, ranges=ranges_of(meta))
    scores = protocol.score(sparse[0], sparse[1], "a")
    for object_id, frames in ((1, range(1, 7)), (2, range(3, 6))):
        np.testing.assert_allclose(
            scores[object_id]["J"], [row[0] for row in slow_masks.both(frames, truth, answers, object_id)]
        )
    with pytest.raises(InputError, match="name no video 'b'"):
        protocol.score(sparse[0], sparse[1], "b")
    with pytest.raises(InputError, match="No unseen object"):
        protocol.overall({"a": scores})
    overall = protocol.overall({"a": scores, "b": {1: scores[2]}})
    assert overall["J-unseen"] == scores[2]["J"].mean()
    assert overall["J"] == pytest.approx((overall["J-seen"] + overall["J-unseen"]) / 2)
    assert overall["V"] == pytest.approx((overall["V-seen"] + overall["V-unseen"]) / 2)


def test_the_variability_of_lvos_is_rounded_inside_its_root():
    scores = {"J": np.array([0.5, 0.52]), "F": np.array([0.5, 0.5])}
    assert variability(scores, None) == pytest.approx(0.005)
    assert variability(scores) == 0.0  # a variance of 0.000025 rounds to nothing
    assert variability({"J": np.array([0.2, 0.9]), "F": np.array([0.3, 0.6])}) == round(0.0625, 4) ** 0.5


def test_youtubevos_splits_by_object():
    truth, answers = clip(np.random.default_rng(14), 5, 2)
    protocol = YouTubeVos(unseen={("a", 2)})
    scores = protocol.score(truth, answers, "a")
    overall = protocol.overall({"a": scores})
    assert overall["J-seen"] == scores[1]["J"].mean() and overall["F-unseen"] == scores[2]["F"].mean()
    four = [overall[f"{measure}-{side}"] for measure in "JF" for side in ("seen", "unseen")]
    assert overall["J&F"] == pytest.approx(np.mean(four))


def test_mose2_scores_the_objects_it_is_told_of():
    truth, answers = clip(np.random.default_rng(15), 5, 1)
    assert list(Mose2(objects={"a": (1, 2)}).score(truth, answers, "a")) == [1, 2]
    with pytest.raises(InputError, match="name no video 'b'"):
        Mose2(objects={"a": (1,)}).score(truth, answers, "b")


def pictures(folder: Path, names: list[str], above: int | None = None):
    for name in names:
        values = np.asarray(Image.open(folder / name))
        yield values if above is None else (values > above).astype(np.uint8)


@pytest.mark.real
@pytest.mark.parametrize("name", ["davis2016", "davis2017", "vos_benchmark"])
def test_single_object_scores_of_osvos_are_the_official_ones(data, name):
    golden = json.loads((data / "eval/davis-osvos/golden_scores.json").read_text())
    protocol, videos = protocols[name](), {}
    for video, wanted in golden["single_object"].items():
        folder, answers = data / "DAVIS/Annotations/480p" / video, data / "eval/davis-osvos/pred" / video
        names = sorted(each.name for each in folder.iterdir())
        given = [np.asarray(Image.open(answers / each)) if (answers / each).exists() else None for each in names]
        given = [np.zeros((480, 854), np.uint8) if each is None else each for each in given]  # the first and last
        videos[video] = protocol.score(pictures(folder, names, 127), given, video)
        numbers = protocol.summary(videos[video][1])
        assert numbers["J"] == pytest.approx(wanted["J"], abs=1e-9) and numbers["F"] == pytest.approx(
            wanted["F"], abs=1e-9
        )
    overall = protocol.overall(videos)
    assert overall["J"] == pytest.approx(golden["single_object_mean"]["J"], abs=1e-9)
    assert overall["F"] == pytest.approx(golden["single_object_mean"]["F"], abs=1e-9)


@pytest.mark.real
@pytest.mark.parametrize("name", ["davis2017", "vos_benchmark", "sav", "mose1", "longvideos"])
def test_two_object_scores_of_osvos_are_the_official_ones(data, name):
    golden = json.loads((data / "eval/davis-osvos/golden_scores.json").read_text())["bmx-trees_2017"]
    folder, answers = data / "DAVIS/Annotations_2017/480p/bmx-trees", data / "eval/davis-osvos/pred/bmx-trees"
    names = sorted(each.name for each in folder.iterdir())
    protocol = protocols[name]()
    scores = protocol.score(pictures(folder, names), pictures(answers, names), "bmx-trees")
    for key, wanted in golden["per_object"].items():
        numbers = protocol.summary(scores[int(key[-1])])
        assert numbers["J"] == pytest.approx(wanted["J"], abs=1e-9) and numbers["F"] == pytest.approx(
            wanted["F"], abs=1e-9
        )
    overall = protocol.overall({"bmx-trees": scores})
    for key, wanted in golden["global"].items():
        assert overall[key.replace("-Mean", "")] == pytest.approx(wanted, abs=1e-9), key
