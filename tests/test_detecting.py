"""The loop of a detector with memory: first frames, banks for each layer, streams apart, states as values."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_detectors import TINY, frames, remembering, tiny

from vidmem import states
from vidmem.compose_detector import load
from vidmem.detect_run import account
from vidmem.detecting import VideoDetector
from vidmem.errors import UsageError
from vidmem.evaluation.detect import reference_numbers, shuffled
from vidmem.feature_banks import feature_banks
from vidmem.feature_banks.sampled import Sampled


def said(found) -> np.ndarray:
    return np.concatenate([found.boxes.ravel(), found.scores, found.labels])


def ends(detector, stream, pictures):
    out = []
    for frame in pictures:
        stream, found = detector.step(stream, frame)
        out.append(found)
    return stream, out


def test_there_is_a_bank_for_each_shared_layer_and_they_differ():
    detector = remembering()
    stream, _ = ends(detector, detector.start(), frames(3))
    one, two = (each.rows for each in stream.banks)
    assert one.shape == two.shape == (3 * TINY.rows, TINY.width) and not torch.equal(one, two)
    assert (one < 0).any()  # kept before the ReLU


def test_online_the_first_frame_attends_to_its_own_rows_and_writes_them_once():
    detector = remembering()
    stream, _ = detector.step(detector.start(), frames(1)[0])
    assert [len(each) for each in stream.banks] == [TINY.rows] * 2
    assert account(stream)["rows"] == [TINY.rows] * 2 and account(stream)["frames"] == 1


def test_on_paper_15_references_fill_the_banks_and_the_first_frame_writes_nothing():
    detector = remembering()
    clip = frames(20)
    numbers = [*reference_numbers(20), 0]
    begun = detector.begin_with(detector.start(), [clip[each] for each in numbers])
    assert [len(each) for each in begun.banks] == [15 * TINY.rows] * 2
    after, _ = detector.step(begun, clip[0])
    assert [len(each) for each in after.banks] == [15 * TINY.rows] * 2
    later, _ = detector.step(after, clip[5])
    assert [len(each) for each in later.banks] == [16 * TINY.rows] * 2


def test_references_are_spread_over_the_whole_video_as_the_release_has_them():
    assert reference_numbers(100) == [0, 8, 15, 23, 30, 38, 46, 53, 61, 69, 76, 84, 91, 99]
    assert reference_numbers(3) == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]  # halves to even
    assert reference_numbers(1) == [0] * 14


def test_frames_are_shuffled_but_the_first_and_the_same_for_a_seed():
    clip = frames(12)
    orders = [[each.index for each in shuffled(clip, seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert all(order[0] == 0 and sorted(order) == list(range(12)) for order in orders)


@pytest.mark.parametrize("name", list(feature_banks))
@pytest.mark.parametrize("attention", ["geo", "selsa"])
def test_streams_in_a_batch_are_as_streams_alone(name, attention):
    detector = VideoDetector(tiny(attention=attention), feature_banks[name](), include_self=attention == "selsa")
    clips = [frames(3, seed) for seed in (1, 2)]
    alone = [ends(detector, detector.start(seed), clip)[1] for seed, clip in zip((1, 2), clips, strict=True)]
    streams = [detector.start(1), detector.start(2)]
    for number in range(3):
        streams, found = detector.step_together(streams, [clip[number] for clip in clips])
        for stream in range(2):
            np.testing.assert_allclose(said(found[stream]), said(alone[stream][number]), rtol=1e-3, atol=1e-3)


def test_a_saved_stream_goes_on_identically(tmp_path):
    detector = remembering(keys=10)
    stream, _ = ends(detector, detector.start(), frames(4))
    states.save(stream, tmp_path / "memory")
    loaded, _ = states.load(tmp_path / "memory")
    (_, a), (_, b) = (ends(detector, each, frames(3, seed=5)) for each in (stream, loaded))
    assert all(np.array_equal(said(one), said(other)) for one, other in zip(a, b, strict=True))


def test_an_old_stream_is_an_undo_point():
    detector = remembering()
    stream, _ = ends(detector, detector.start(), frames(2))
    before = states.nbytes(stream)
    _, first = ends(detector, stream, frames(2, seed=7))
    assert states.nbytes(stream) == before
    _, again = ends(detector, stream, frames(2, seed=7))
    assert all(np.array_equal(said(a), said(b)) for a, b in zip(first, again, strict=True))


def test_memory_changes_answers_and_nothing_changes_none():
    weights, clip = tiny(), frames(3)
    with_memory = ends(VideoDetector(weights, Sampled()), VideoDetector(weights, Sampled()).start(), clip)[1]
    without = ends(VideoDetector(weights), VideoDetector(weights).start(), clip)[1]
    assert not np.array_equal(said(with_memory[2]), said(without[2]))


def test_pixel_memory_is_written_from_what_was_detected():
    detector = VideoDetector(tiny(pixel_level=True), Sampled(), Sampled())
    stream, _ = ends(detector, detector.start(), frames(2))
    most = TINY.pixels_per_frame
    assert 0 < len(stream.pixels) <= 2 * most and stream.pixels.rows.shape[1] == TINY.neck
    begun = detector.begin_with(detector.start(), frames(2))
    assert len(begun.pixels) > 0


def test_boxes_are_in_pixels_of_the_frame_whatever_the_detector_sees():
    detector = remembering()
    for size in ((48, 64), (96, 128), (60, 40)):
        _, found = detector.step(detector.start(), frames(1, size=size)[0])
        assert found.size == size and len(found)
        assert found.boxes.min() >= 0 and found.boxes[:, 2].max() <= size[1] + 1e-3
        assert found.boxes[:, 3].max() <= size[0] + 1e-3


def test_a_card_and_weights_that_do_not_go_together_are_told_with_those_that_do():
    assert isinstance(load("mamba", tiny(), settings={"bank.keys": 7}).bank, Sampled)
    with pytest.raises(UsageError, match="attend by 'none', the card mamba needs geo or geo-raw"):
        load("mamba", tiny(attention="none"))
    with pytest.raises(UsageError, match="Use mamba-pixels"):
        load("mamba", tiny(pixel_level=True))
    with pytest.raises(UsageError, match="no option 'frames'"):
        load("mamba", tiny(), settings={"bank.frames": 3})
    with pytest.raises(UsageError, match="is not understood"):
        load("mamba", tiny(), settings={"model.heads": 3})


def test_bytes_of_a_stream_stay_the_same_once_the_banks_are_full():
    detector = VideoDetector(tiny(), Sampled(capacity=60, keys=20))
    stream, (picture,) = detector.start(), frames(1)
    sizes = []
    for number in range(40):
        stream, _ = detector.step(stream, replace(picture, index=number))
        sizes.append(states.nbytes(stream))
    assert len(set(sizes[12:])) == 1
