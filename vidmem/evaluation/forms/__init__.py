"""Forms: how the results of a data set lie on the disk, as its benchmark wants them handed in. Written and read back.

To add one: write vidmem/evaluation/forms/NAME.py and its line in the table; tests/test_forms.py tries it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vidmem.catalog import Catalog
from vidmem.errors import InputError

if TYPE_CHECKING:
    from vidmem.videos import Dataset, Video
    from vidmem.writers import Writer

Answer = Callable[[str], Any]
"""From a frame's name to what was answered there: (H, W) object ids, or object id -> (H, W) bool, or a box; None where
nothing was."""


class Form(Protocol):
    """All that belongs to one video is one file or folder, its unit, so that it appears and disappears in one move."""

    shares_pixels: bool  # whether objects may overlap: then a frame is masks by object, else a picture of ids

    def unit(self, video: str) -> str:
        """Where the results of a video lie, below the folder of results."""
        ...

    def writer(self, folder: Path, video: Video) -> Writer:
        """What writes the unit of a video below `folder`."""
        ...

    def answers(self, unit: Path, video: Video) -> Answer:
        """What a unit holds. Raises InputError for a unit that is missing, and the answer does for a damaged file."""
        ...


forms: Catalog[Form] = Catalog(
    "form of results",
    "vidmem.forms",
    {
        "davis": "vidmem.evaluation.forms.index_pictures:IndexPictures",  # VIDEO/FRAME.png; also LVOS, MOSE
        "ytvos": "vidmem.evaluation.forms.index_pictures:YoutubeVos",  # Annotations/VIDEO/FRAME.png
        "sav": "vidmem.evaluation.forms.object_pictures:ObjectPictures",  # VIDEO/OBJECT/FRAME.png
        "lasot": "vidmem.evaluation.forms.box_lines:BoxLines",  # VIDEO.txt, x,y,w,h a line; also OTB, TrackingNet
        "got10k": "vidmem.evaluation.forms.box_lines:Got10k",  # VIDEO/VIDEO_001.txt and VIDEO_time.txt
    },
)

OF_LAYOUT = {
    "ytvos": "ytvos",
    "sav": "sav",
    "got10k": "got10k",
    "masklets": "sav",
}  # layouts whose benchmark wants more than the usual
USUAL = {"MaskTruth": "davis", "BoxTruth": "lasot"}


def form_of(dataset: Dataset, video: Video) -> Form:
    """The form of a data set's results. Raises InputError where a tracker of told objects has nothing to hand in."""
    name = OF_LAYOUT.get(dataset.card["layout"]["name"]) or USUAL.get(type(video.truth).__name__)
    if name is None:
        raise InputError(
            f"{dataset.root.title} is a data set of detections: a tracker is told no object there. Score detections "
            "with: vidmem score"
        )
    return forms[name]()
