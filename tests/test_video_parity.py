"""A whole video against the reference's predictor: several objects, every kind of prompt, corrections, late objects."""

from __future__ import annotations

import pytest
import torch
from clips import as_source
from sam2_official import SMALL, SMALL_20, SinglePrecision, official, twins

from vidmem.banks.window import Window
from vidmem.models.options import Options
from vidmem.models.pixels import prepare
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import NANO
from vidmem.session import Session
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt

FRAMES, HEIGHT, WIDTH = 12, 90, 120
CLOSE = 1e-4  # of a mask logit, in float32


def clip() -> list[Frame]:
    """Three textured discs over a gradient, moving apart; smaller than the model's input, and of other proportions."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    frames = []
    for index in range(FRAMES):
        image = torch.stack((rows * 2, columns * 2, 255 - rows - columns)).float()
        for number, (y, x) in enumerate(((20 + 2 * index, 25), (45, 60 + 3 * index), (70 - 3 * index, 100))):
            inside = (rows - y) ** 2 + (columns - x) ** 2 < 144
            image[:, inside] = 40.0
            image[number, inside] = 150 + 100 * torch.sin((rows + columns * 2 - index).float())[inside]
        frames.append(Frame(index, image.clamp(0, 255).to(torch.uint8)))
    return frames


def pair(which: str, **flags):
    """The reference and ours with equal weights and the same switches."""
    options = Options(stability_fallback=bool(flags), binarize_prompts=bool(flags), memory_dtype=torch.float32)
    if which != "nano":
        theirs, ours = twins(SMALL if which == "2.1" else SMALL_20, 0, options, **flags)
    else:
        theirs, ours = official(NANO, **flags), Sam2(NANO, options).eval()
        ours.load_state_dict(load("nano").state_dict())
        theirs.load_state_dict(ours.state_dict())
    theirs.add_all_frames_to_correct_as_cond = True  # what is corrected stays; ours does so always
    return theirs, ours.requires_grad_(False)


class Theirs:
    """The reference's predictor over the same resized frames."""

    def __init__(self, predictor, frames: list[Frame], size: tuple[int, int], monkeypatch):
        images = torch.cat([prepare(f.image, size, "pil-bicubic", torch.device("cpu")) for f in frames])
        monkeypatch.setattr("sam2.sam2_video_predictor.load_video_frames", lambda **_: (images, HEIGHT, WIDTH))
        monkeypatch.setattr("sam2.sam2_video_predictor.torch", SinglePrecision())
        self.predictor, self.state = predictor, predictor.init_state("clip")

    def prompt(self, frame: int, prompt: Prompt) -> torch.Tensor:
        common = dict(inference_state=self.state, frame_idx=frame, obj_id=prompt.object_id)
        if prompt.mask is not None:
            _, ids, logits = self.predictor.add_new_mask(mask=prompt.mask, **common)
        else:
            _, ids, logits = self.predictor.add_new_points_or_box(
                points=prompt.points,
                labels=prompt.labels,
                box=prompt.box,
                clear_old_points=prompt.box is not None,
                **common,
            )
        return logits[ids.index(prompt.object_id), 0]

    def propagate(self, start: int, stop: int):
        for frame, ids, logits in self.predictor.propagate_in_video(self.state, start, stop - 1 - start):
            yield frame, dict(zip(ids, logits[:, 0], strict=True))


class Ours:
    def __init__(self, model: Sam2, frames: list[Frame]):
        bank = Window(max_prompts=0, pointer_span=min(len(frames), 16) - 1)
        self.session = Session(Tracker(model, bank), as_source([(frame, {}) for frame in frames]))

    def prompt(self, frame: int, prompt: Prompt) -> torch.Tensor:
        self.session, track = self.session.prompt(frame, prompt)
        return track.logits(prompt.object_id)

    def propagate(self, start: int, stop: int):
        for session, frame, track in self.session.propagate(start, stop):
            self.session = session
            yield frame.index, {each: track.logits(each) for each in track.guesses}


def disc(y: int, x: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return (rows - y) ** 2 + (columns - x) ** 2 < 144


def click(object_id: int, x: float, y: float, label: int = 1) -> Prompt:
    return Prompt(object_id, points=torch.tensor([[x, y]]), labels=torch.tensor([label]))


def assert_same(theirs: Theirs, ours: Ours, said: list[tuple[int, Prompt]], start: int, stop: int) -> None:
    """Say the same to both, then follow with both, and compare every logit of every answer."""
    for frame, prompt in said:
        assert (theirs.prompt(frame, prompt) - ours.prompt(frame, prompt)).abs().max() < CLOSE, (frame, prompt)
    followed = 0
    for (frame, wanted), (at, found) in zip(theirs.propagate(start, stop), ours.propagate(start, stop), strict=True):
        assert frame == at and wanted.keys() == found.keys()
        for object_id, logits in wanted.items():
            assert (logits - found[object_id]).abs().max() < CLOSE, (frame, object_id)
        followed += 1
    assert followed == stop - start


POSTPROCESSING = dict(
    binarize_mask_from_pts_for_mem_enc=True,
    sam_mask_decoder_extra_args=dict(
        dynamic_multimask_via_stability=True,
        dynamic_multimask_stability_delta=0.05,
        dynamic_multimask_stability_thresh=0.98,
    ),
)


@pytest.mark.parametrize(
    ("which", "flags"), [("2.1", {}), ("2.0", {}), ("nano", {}), ("2.1", POSTPROCESSING), ("nano", POSTPROCESSING)]
)
def test_a_video_with_late_objects_and_corrections_is_that_of_the_reference(which, flags, monkeypatch):
    predictor, model = pair(which, **flags)
    frames = clip()
    theirs, ours = Theirs(predictor, frames, model.sizes.image_size, monkeypatch), Ours(model, frames)

    first = [(0, Prompt(1, mask=disc(20, 25))), (0, Prompt(2, box=torch.tensor([48.0, 33, 72, 57])))]
    assert_same(theirs, ours, first, 0, FRAMES)
    # A tracked frame is corrected, then once more; an object begins late with one click and is made sure of by another.
    then = [(6, click(1, 30, 36)), (6, click(1, 90, 10, 0)), (6, click(3, 100, 52)), (6, click(3, 104.5, 55))]
    assert_same(theirs, ours, then, 6, FRAMES)
    # A tracked frame is corrected by a box, another object there by a click off it.
    last = [(9, Prompt(3, box=torch.tensor([88.0, 30, 112, 56]))), (9, click(2, 10, 80, 0))]
    assert_same(theirs, ours, last, 9, FRAMES)
