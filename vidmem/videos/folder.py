"""Any clips: a folder a video, with a folder of frames and one of masks. Masks may be few, objects may be late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidmem.videos.label_images import LabelImages
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class FramesAndMasks:
    """VIDEO/frames/NAME.jpg and VIDEO/masks/NAME.png; or these two below the root itself, which then is one video.

    frames, masks             the names of the two folders
    merge, background, void   see LabelImages
    """

    root: Root
    frames: str = "frames"
    masks: str = "masks"
    merge: bool = False
    background: Sequence[int] = ()
    void: int | None = None

    def names(self) -> list[str]:
        if (self.root.path / self.frames).is_dir():
            return [self.root.path.resolve().name]
        found = [each for each in self.root.folders(self.root.path) if (self.root.path / each / self.frames).is_dir()]
        if not found:
            raise self.root.broken(self.root.path, f"holds no folder with a folder {self.frames!r} in it")
        return found

    def video(self, name: str) -> Video:
        folder = self._folder(name)
        images = self.root.images(folder / self.frames)
        store = LabelImages(self.root, folder / self.masks, self.merge, tuple(self.background), self.void)
        return of_pictures(self.root, name, images, MaskTruth(store, lambda: store.objects(is_late=True), self.void))

    def _folder(self, name: str) -> Path:
        return self.root.path if (self.root.path / self.frames).is_dir() else self.root.path / name
