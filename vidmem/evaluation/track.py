"""One video through a tracker: told of its objects as the data set has it, its answers written frame by frame."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from vidmem import states
from vidmem.errors import InputError, OutOfMemory
from vidmem.evaluation.prompts import PromptKind, prompt_of
from vidmem.evaluation.record import Tracking
from vidmem.models.ahead import looking_ahead
from vidmem.results import annotate
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt
from vidmem.videos import MaskTruth, Video
from vidmem.writers import Writer


def track(video: Video, tracker: Tracker, kind: PromptKind, writer: Writer) -> Tracking:
    """Follow every object of a video to its end; a frame is written when its answer is given out.

    Raises InputError for a video that cannot be used, OutOfMemory.
    """
    import torch

    told = prompts_of(video, kind)
    if not told:
        raise InputError(f"{video.name} names no object to follow, so a tracker cannot be tried on it.")
    began, clock, peak = time.perf_counter(), _Clock(), 0
    try:
        model, frames = looking_ahead(tracker.model, clock.timed(video))
        for state, _, answer in replace(tracker, model=model).run(frames, told):
            annotation = annotate(answer)
            peak = max(peak, states.nbytes(state))
            with clock.paused():
                writer.write(annotation)
    except (torch.OutOfMemoryError, MemoryError) as full:
        raise OutOfMemory(f"Out of memory at frame {clock.frames} of {video.name}.") from full
    whole = time.perf_counter() - began
    return Tracking(clock.frames, whole, clock.rate(), peak, _device_name(tracker.model.device), platform.node())


class _Clock:
    """Times the tracker alone, from the second frame on: the first also pays for what a device prepares once."""

    def __init__(self) -> None:
        self.frames, self.elsewhere, self.began = 0, 0.0, 0.0

    @contextmanager
    def paused(self) -> Iterator[None]:
        left = time.perf_counter()
        yield
        self.elsewhere += time.perf_counter() - left

    def timed(self, video: Video) -> Iterator[Frame]:
        """The frames of a video; reading them is not counted."""
        frames = iter(video.frames())
        while True:
            with self.paused():
                frame = next(frames, None)
            if frame is None:
                return
            if self.frames == 0:
                _must_fit(video, frame)
            elif self.frames == 1:
                self.elsewhere, self.began = 0.0, time.perf_counter()
            self.frames += 1
            yield frame

    def rate(self) -> float:
        """Frames a second; 0 for a video of one frame."""
        seconds = time.perf_counter() - self.began - self.elsewhere
        return (self.frames - 1) / seconds if self.frames > 1 and seconds > 0 else 0.0


def prompts_of(video: Video, kind: PromptKind) -> Mapping[int, Sequence[Prompt]]:
    """frame index -> what the tracker is told there: each object's true mask, or what `kind` makes of it.

    A data set of boxes tells boxes, whatever the kind; a click is then the middle of the box.
    """
    return {index: [_as(kind, each) for each in said] for index, said in video.prompts().items()}


def _as(kind: PromptKind, said: Prompt) -> Prompt:
    if said.mask is not None:
        return prompt_of(said.mask.numpy(), kind, said.object_id)
    if kind == "click" and said.box is not None:
        import torch

        middle = said.box.float().view(2, 2).mean(0)[None]
        return Prompt(said.object_id, points=middle, labels=torch.tensor([1]))
    return said if said.box is None else replace(said, box=said.box.float())


def _must_fit(video: Video, frame: Frame) -> None:
    """Answers have the size of the frames, and are compared pixel by pixel."""
    if isinstance(video.truth, MaskTruth) and video.truth.size != frame.size:
        (height, width), (true_height, true_width) = frame.size, video.truth.size
        raise InputError(
            f"{video.name}: frames are {width} x {height}, masks {true_width} x {true_height}. Give the frames at the "
            "size of the masks, as the data set scores them."
        )


def _device_name(device) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device.type)
