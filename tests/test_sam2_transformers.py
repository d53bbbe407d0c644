"""Our SAM 2 against the one of transformers, where both say the same: not in the pointers of mask prompts, not in
corrections, and prompted masks are remembered as 0 and 1 there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from sam2_official import SMALL, SinglePrecision, twins

from vidmem.banks.window import Window
from vidmem.models.hf_names import to_hugging_face, to_official
from vidmem.models.options import Options
from vidmem.models.pixels import prepare
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import ARCHITECTURES, NANO, Architecture
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt

SOURCE = (70, 110)  # (H, W) of the clip
WIDE_MEMORY = replace(SMALL, d_model=128, mem_dim=64)  # transformers has the width of a memory token fixed


def hugging_face(sizes: Architecture):
    """The model of transformers in these sizes."""
    pytest.importorskip("transformers", reason="pip install 'vidmem[dev]'")
    from vidmem.speed.hugging_face import model_of

    return model_of(sizes)


def pair():
    """Theirs and ours with equal random weights."""
    ours = twins(WIDE_MEMORY, options=Options(binarize_prompts=True, memory_dtype=torch.float32))[1]
    theirs = hugging_face(ours.sizes)
    theirs.load_state_dict(to_hugging_face(ours.state_dict()), strict=True)
    return theirs, ours


def clip(frames: int) -> list[Frame]:
    chance = torch.Generator().manual_seed(0)
    still = torch.randint(0, 256, (3, *SOURCE), dtype=torch.uint8, generator=chance)
    return [Frame(index, still.roll(2 * index, 2)) for index in range(frames)]


@torch.inference_mode()
def test_a_stream_is_followed_as_by_transformers(monkeypatch):
    theirs, ours = pair()
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    monkeypatch.setattr("transformers.models.sam2_video.modeling_sam2_video.torch", SinglePrecision())
    height, width = SOURCE
    size = ours.sizes.image_size[0]
    session = Sam2VideoInferenceSession(video_height=height, video_width=width, dtype=torch.float32)
    box, point = [20.0, 15.0, 70.0, 60.0], [90.0, 30.0]
    scale = torch.tensor([size / width, size / height])
    for object_id, (places, labels) in {1: ([box[:2], box[2:]], [2, 3]), 2: ([point], [1])}.items():
        inputs = {
            "point_coords": (torch.tensor(places) * scale)[None, None],
            "point_labels": torch.tensor(labels)[None, None],
        }
        session.add_point_inputs(session.obj_id_to_idx(object_id), 0, inputs)
    session.obj_with_new_inputs = [1, 2]

    prompts = [
        Prompt(1, box=torch.tensor(box)),
        Prompt(2, points=torch.tensor([point]), labels=torch.tensor([1])),
    ]
    tracker, state = Tracker(ours, Window()), {}
    for frame in clip(6):
        pixels = prepare(frame.image, ours.sizes.image_size, "pil-bicubic", torch.device("cpu"))
        wanted = theirs(session, frame=pixels[0])
        state, track = tracker.step(state, frame, prompts if frame.index == 0 else ())
        for row, object_id in enumerate(wanted.object_ids):
            assert (wanted.pred_masks[row, 0] - track.guesses[object_id].mask).abs().max() < 1e-4, frame.index


def test_a_checkpoint_of_hugging_face_is_read(tmp_path):
    ours = load("nano")
    save_file(to_hugging_face(ours.state_dict()), tmp_path / "model.safetensors")
    for place in (tmp_path, tmp_path / "model.safetensors"):
        read = load(str(place))
        assert read.sizes == NANO
        assert all(torch.equal(tensor, ours.state_dict()[key]) for key, tensor in read.state_dict().items())


@pytest.mark.parametrize("name", ["sam2.1-tiny", "sam2.1-large", "sam2-base+"])
def test_names_go_over_and_come_back(name):
    with torch.device("meta"):
        ours = Sam2(ARCHITECTURES[name]).state_dict()
        theirs = to_hugging_face(ours)
        back = to_official(theirs)
    assert back.keys() == ours.keys() and all(back[key].shape == ours[key].shape for key in ours)
    assert len(theirs) == len(ours) + 1 - 3  # places are kept twice, four point kinds together


def test_the_published_configuration_has_our_names_and_shapes():
    transformers = pytest.importorskip("transformers", reason="pip install 'vidmem[dev]'")
    with torch.device("meta"):
        theirs = transformers.Sam2VideoModel(transformers.Sam2VideoConfig()).state_dict()
        ours = to_hugging_face(Sam2(ARCHITECTURES["sam2.1-tiny"]).state_dict())
    assert {k: v.shape for k, v in theirs.items()} == {k: v.shape for k, v in ours.items()}
