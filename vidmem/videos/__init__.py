"""Annotated videos, for scoring: what is in a data set, what a tracker is told of it, and what is true.

To add a data set of a known layout: write datasets/NAME.toml. To add a layout: write vidmem/videos/NAME.py and its line
in the table. A layout is a class made with the data set's Root and the options of the card, cheap to make and reading
only what is asked; tests/test_videos_*.py hold small trees of every layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog
from vidmem.videos.dataset import Dataset, open_dataset
from vidmem.videos.truth import BoxTruth, DetectionTruth, MaskTruth, TrueBox, TrueObject, Truth
from vidmem.videos.video import Video

if TYPE_CHECKING:
    from vidmem.videos.root import Root

__all__ = [
    "BoxTruth",
    "Dataset",
    "DetectionTruth",
    "Layout",
    "MaskTruth",
    "TrueBox",
    "TrueObject",
    "Truth",
    "Video",
    "layouts",
    "open_dataset",
]


class Layout(Protocol):
    """How a data set lies on the disk. Raises InputError, with the expected tree, for what is missing or broken."""

    def __init__(self, root: Root, **options: Any) -> None: ...

    def names(self) -> list[str]:
        """Every video of the split, in the order of the data set's own list, or by name."""
        ...

    def video(self, name: str) -> Video:
        """One video. Lists its frames; reads neither pictures nor masks."""
        ...


layouts: Catalog[Layout] = Catalog(
    "data set layout",
    "vidmem.videos",
    {
        "davis": "vidmem.videos.davis:Davis",  # FRAMES/VIDEO/*.jpg, MASKS/VIDEO/*.png, a list: DAVIS, MOSE, Long Videos
        "ytvos": "vidmem.videos.youtube_vos:YoutubeVos",  # the same and meta.json
        "lvos": "vidmem.videos.lvos:Lvos",  # the same and a range of frames for each object
        "sav": "vidmem.videos.sav:Sav",  # MASKS/VIDEO/OBJECT/*.png: SA-V val and test
        "masklets": "vidmem.videos.masklets:Masklets",  # VIDEO.mp4, VIDEO_manual.json with run lengths: SA-V train
        "folder": "vidmem.videos.folder:FramesAndMasks",  # VIDEO/frames, VIDEO/masks
        "lasot": "vidmem.videos.lasot:Lasot",  # CLASS/CLASS-N/img, groundtruth.txt
        "got10k": "vidmem.videos.got10k:Got10k",  # VIDEO/*.jpg, groundtruth.txt, *.label
        "otb": "vidmem.videos.otb:Otb",  # VIDEO/img, groundtruth_rect.txt
        "tld": "vidmem.videos.tld:Tld",  # VIDEO/video.mpg, gt.txt
        "vot": "vidmem.videos.vot:Vot",  # VIDEO/groundtruth.txt with rotated boxes
        "imagenet_vid": "vidmem.videos.imagenet_vid:ImagenetVid",  # an XML file a frame
        "imagenet_det": "vidmem.videos.imagenet_det:ImagenetDet",  # Data/DET/SPLIT/…/NAME.JPEG, an XML file each
        "coco_vid": "vidmem.videos.coco_vid:CocoVid",  # one JSON file: videos, images, annotations
        "mot": "vidmem.videos.mot:Mot",  # VIDEO/img1, gt/gt.txt
        "generated": "vidmem.videos.generated:Generated",  # drawn on the spot by vidmem.scenes; needs no files
    },
)
