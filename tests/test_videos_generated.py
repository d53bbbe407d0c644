"""The drawn data set: videos without files, in the form of every other."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from vidmem.errors import UnknownName, UsageError
from vidmem.metrics import protocols
from vidmem.scenes import kinds, make
from vidmem.scenes.drawing import draw
from vidmem.videos import MaskTruth, Video, open_dataset
from vidmem.videos.check import check_video
from vidmem.videos.generated import Generated
from vidmem.videos.root import Root

CARD = "long-generated"
pytestmark = pytest.mark.usefixtures("one_thread")


def truth_of(video: Video) -> MaskTruth:
    assert isinstance(video.truth, MaskTruth)
    return video.truth


def test_every_kind_of_scene_is_in_the_data_set(tmp_path: Path):
    dataset = open_dataset(CARD, tmp_path, "short")
    assert dataset.names() == [f"{kind}-0" for kind in kinds]
    assert len(open_dataset(CARD, tmp_path)) == 2 * len(list(kinds))


def test_a_whole_video_has_no_problem():
    found = check_video(Generated(Root(Path()), frames=60).video("crowd-0"))
    assert not found.problems
    assert found.frames == 60 and found.objects >= 2 and found.masks > 90


def test_opening_and_listing_a_video_draws_nothing(tmp_path: Path):
    began = time.process_time()
    for video in open_dataset(CARD, tmp_path, "long"):
        assert len(video) == 1000 and truth_of(video).annotated == video.frame_names
    assert time.process_time() - began < 1


def test_frames_are_those_of_the_scene_from_anywhere_and_backwards(tmp_path: Path):
    video, scene = open_dataset(CARD, tmp_path, "short").video("drift-0"), make("drift", 0, 90)
    source = video.frames()
    assert (source.promised, source.size, source.seekable) == (90, (240, 320), True)
    forwards, backwards = list(source.between(40, 43)), list(source.between(42, 39, -1))
    assert [frame.name for frame in forwards] == ["00040", "00041", "00042"]
    for frame, again in zip(forwards, reversed(backwards), strict=True):
        assert torch.equal(frame.image, draw(scene, frame.index)) and torch.equal(frame.image, again.image)


def test_a_late_object_is_told_when_it_begins():
    layout = Generated(Root(Path()), ["crowd"], seeds=1, frames=200)
    video = layout.video(layout.names()[0])
    late, (prompt,) = max(video.prompts().items())
    assert late > 0 and prompt.object_id >= 3 and prompt.mask is not None
    before, then = (truth_of(video).masks(video.frame_names[number]) or {} for number in (late - 1, late))
    assert not before[prompt.object_id].any() and np.array_equal(then[prompt.object_id], prompt.mask.numpy())
    assert set(before) == set(truth_of(video).objects)


def test_the_truth_scores_1_by_the_protocol_of_the_card(tmp_path: Path):
    dataset = open_dataset(CARD, tmp_path, "short")
    video = dataset.video("crowd-0")
    labels = [truth_of(video).labels(name) for name in video.frame_names[::15]]
    protocol = protocols[dataset.protocol]()
    assert protocol.overall({video.name: protocol.score(labels, labels)})["J&F"] == 1


def test_a_kind_that_is_not_there_is_told():
    with pytest.raises(UnknownName, match="Did you mean 'drift'"):
        Generated(Root(Path()), ["drfit"])


def test_no_videos_at_all_are_refused():
    with pytest.raises(UsageError, match="1 is the least"):
        Generated(Root(Path()), seeds=0)
