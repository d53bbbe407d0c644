"""One annotated video: its frames, what a tracker is told of it, and what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import InputError
from vidmem.videos.root import Root
from vidmem.videos.truth import BoxTruth, MaskTruth, Truth

if TYPE_CHECKING:
    from vidmem.frames import Source
    from vidmem.values import Prompt


def of_pictures(root: Root, name: str, images: Sequence[Path], truth: Truth, is_told: bool = True) -> Video:
    """A video whose frames are image files, in this order. A file that is missing is told when frames are asked for."""

    def open_frames() -> Source:
        from vidmem.frames import watch
        from vidmem.frames.folder import Folder

        missing = next((each for each in images if not each.is_file()), None)
        if missing is not None:
            raise root.broken(missing, "is missing")
        return watch(Folder(images, str(images[0].parent)))

    return Video(name, tuple(each.stem for each in images), truth, open_frames, is_told, tuple(images))


@dataclass(frozen=True, eq=False)
class Video:
    """A video of a data set. Making one lists its frames; pictures, masks and prompts are read when asked for."""

    name: str
    frame_names: tuple[str, ...]  # every frame's Frame.name, in order; its place is Frame.index
    truth: Truth
    open_frames: Callable[[], Source]
    is_told: bool = True  # False where the task is to find the objects too
    pictures: tuple[Path, ...] = ()  # the files of the frames, where each is a file

    def __len__(self) -> int:
        """How many frames."""
        return len(self.frame_names)

    def frames(self) -> Source:
        """The pictures, from the first one on."""
        return self.open_frames()

    def prompts(self) -> Mapping[int, tuple[Prompt, ...]]:
        """frame index -> what a semi-supervised tracker is told there: an object's mask, or its box, where it begins.

        Empty for detection, and where the task is to find the objects too. Raises BrokenDataset where an object is not
        to be seen in the frame that it begins in.
        """
        if not self.is_told:
            return {}
        if isinstance(self.truth, MaskTruth):
            return self._masks(self.truth)
        return self._box(self.truth) if isinstance(self.truth, BoxTruth) else {}

    def index_of(self, frame_name: str) -> int:
        """The index of the frame of that name. Raises InputError where there is none."""
        try:
            return self.frame_names.index(frame_name)
        except ValueError:
            reach = f"{self.frame_names[0]} to {self.frame_names[-1]}" if self.frame_names else "none"
            raise InputError(f"{self.name} has no frame {frame_name}. Its frames: {reach}.") from None

    def _masks(self, truth: MaskTruth) -> dict[int, tuple[Prompt, ...]]:
        import torch

        from vidmem.values import Prompt

        begun: dict[str, list[int]] = {}
        for each in truth.objects.values():
            begun.setdefault(each.begins, []).append(each.object_id)
        told = {}
        for name, object_ids in begun.items():
            masks = truth.masks(name) or {}
            for each in object_ids:
                if each not in masks or not masks[each].any():
                    place = truth.store.place(name)
                    raise truth.store.root.broken(place, f"does not show object {each}, which begins there")
            told[self.index_of(name)] = tuple(Prompt(each, mask=torch.from_numpy(masks[each])) for each in object_ids)
        return dict(sorted(told.items()))

    def _box(self, truth: BoxTruth) -> dict[int, tuple[Prompt, ...]]:
        import torch

        from vidmem.values import Prompt

        for name in truth.names:
            box = truth.box(name)
            if box is not None:
                x0, y0, x1, y1 = box
                edge = 1.0 if truth.inclusive else 0.0
                return {self.index_of(name): (Prompt(1, box=torch.tensor([x0, y0, x1 + edge, y1 + edge])),)}
        return {}
