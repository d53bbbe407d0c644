"""From what was written on the command line to prompts for a frame, checked against that frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from vidmem.asked import Saying
from vidmem.errors import InputError
from vidmem.frames import Source
from vidmem.masks import read_labels
from vidmem.values import Frame, Prompt


@dataclass(frozen=True)
class Pending:
    """The prompts that still wait for their frame."""

    sayings: tuple[Saying, ...]

    def due(self, frame: Frame) -> tuple[list[Prompt], Pending]:
        """The prompts meant for `frame`, and what waits on. Raises InputError for one that does not fit the frame."""
        due = [each for each in self.sayings if each.meant_for(frame.index, frame.time)]
        waiting = Pending(tuple(each for each in self.sayings if each not in due))
        return [prompt for saying in due for prompt in prompts_of(saying, frame)], waiting

    def behind(self, index: int, time: float) -> Pending:
        """What waits on behind a frame that was answered before."""
        return Pending(tuple(each for each in self.sayings if not each.meant_for(index, time)))

    def must_be_over(self, source: str, frames: int) -> None:
        """Raises InputError when a prompt's frame never came."""
        if self.sayings:
            first = self.sayings[0]
            raise InputError(
                f"{first.text}: {source} ended before that frame came; it has {frames} frames, 0 to {frames - 1}. "
                "What was asked of earlier frames is done and saved."
            )


def check_reach(sayings: Sequence[Saying], source: str, promised: int | None) -> None:
    """Raises InputError when a prompt names a frame behind the promised end, before anything is computed."""
    for saying in sayings:
        if promised is not None and saying.frame is not None and saying.frame >= promised:
            raise InputError(
                f"{saying.text} names frame {saying.frame}, but {source} has {promised} frames, 0 to {promised - 1}."
            )


def check_first(sayings: Sequence[Saying], source: Source) -> None:
    """Raises InputError when a prompt does not fit the source's frames, where their size can be known beforehand."""
    if source.size is not None:
        height, width = source.size
    elif source.seekable and (first := next(iter(source), None)) is not None:
        height, width = first.size
    else:
        return
    for saying in sayings:
        prompts_of(saying, Frame(saying.frame or 0, torch.zeros(3, height, width, dtype=torch.uint8)))


def prompts_of(saying: Saying, frame: Frame) -> list[Prompt]:
    """The prompts one saying makes; a painted mask makes one for each id it holds."""
    height, width = frame.size
    if saying.mask is not None:
        return _painted(saying, frame)
    assert saying.object_id is not None
    if saying.box is not None:
        x0, y0, x1, y1 = saying.box
        if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
            raise InputError(f"{saying.text} lies outside frame {frame.name}, which is {width} wide and {height} high.")
        return [Prompt(saying.object_id, box=torch.tensor(saying.box))]
    assert saying.point is not None
    x, y, label = saying.point
    if not (0 <= x < width and 0 <= y < height):
        raise InputError(f"{saying.text} lies outside frame {frame.name}, which is {width} wide and {height} high.")
    return [Prompt(saying.object_id, points=torch.tensor([[x, y]]), labels=torch.tensor([label]))]


def _painted(saying: Saying, frame: Frame) -> list[Prompt]:
    assert saying.mask is not None
    labels = torch.from_numpy(read_labels(saying.mask))
    height, width = frame.size
    if labels.shape != (height, width):
        raise InputError(
            f"{saying.text}: the mask is {labels.shape[1]} x {labels.shape[0]} pixels, frame {frame.name} is "
            f"{width} x {height}. Give a mask of the frame's size."
        )
    ids = [int(each) for each in labels.unique().tolist() if each > 0]
    if not ids:
        raise InputError(f"{saying.text}: the mask is empty. Paint the object with a value above 0.")
    if saying.object_id is None:
        return [Prompt(each, mask=labels == each) for each in ids]
    if len(ids) > 1:
        raise InputError(
            f"{saying.text} names object {saying.object_id}, but the mask holds {len(ids)} objects "
            f"({', '.join(map(str, ids))}). Leave out the number to take each by its own."
        )
    return [replace(Prompt(ids[0], mask=labels == ids[0]), object_id=saying.object_id)]
