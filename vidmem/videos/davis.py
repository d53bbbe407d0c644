"""The DAVIS layout: FRAMES/VIDEO/NAME.jpg and MASKS/VIDEO/NAME.png; also of MOSE, Long Videos and many others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidmem.videos.label_images import LabelImages
from vidmem.videos.root import Root
from vidmem.videos.truth import MaskTruth
from vidmem.videos.video import Video, of_pictures


@dataclass(frozen=True)
class Davis:
    """Videos by the folders of their frames and masks.

    frames      folder of the folders of frames, below the root; of several, the first that is there
    masks       the same of masks
    list        the file that names the videos, one a line; without, they are the folders of `masks`
    merge, background, void   see LabelImages
    late        whether objects may enter after the first mask: then every mask is read to find them. DAVIS scores
                only those of the first one.
    told        False where the task is to find the objects too
    complete    False where only first masks are public
    dense       whether every frame must have a mask, so that a copy that lacks some is refused instead of scored
    """

    root: Root
    frames: str | Sequence[str] = "JPEGImages/480p"
    masks: str | Sequence[str] = "Annotations/480p"
    list: str = ""
    merge: bool = False
    background: Sequence[int] = ()
    void: int | None = None
    late: bool = False
    told: bool = True
    complete: bool = True
    dense: bool = False

    def names(self) -> list[str]:
        if self.list:
            return self.root.names(self.root.file(self.list))
        return self.root.folders(self.root.folder(self.masks))

    def video(self, name: str) -> Video:
        images = self.root.images(self.root.folder(self.frames) / name)
        masks = self.root.folder(self.masks) / name
        store = LabelImages(self.root, masks, self.merge, tuple(self.background), self.void)
        if self.dense:
            _must_be_dense(store, [each.stem for each in images])
        truth = MaskTruth(store, lambda: store.objects(self.late), self.void, self.complete)
        return of_pictures(self.root, name, images, truth, self.told)


def _must_be_dense(store: LabelImages, names: Sequence[str]) -> None:
    lacking = [name for name in names if name not in store.files]
    if lacking:
        raise store.root.broken(store.place(lacking[0]), f"is missing; frames without a mask: {len(lacking)}")
