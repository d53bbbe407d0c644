"""What the metrics take as a frame: a label image, or a mask for each object where masks may overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.bits import pack

Labels = np.ndarray | Mapping[int, np.ndarray]
"""(H, W) whole numbers, each pixel's object id and 0 where there is none; or object id -> (H, W) bool.

Of several masks an object without one has no pixel, or where a protocol says so, is not annotated in that frame.
"""

FEW = 24  # ids that are looked for one by one, rather than by where labels change
VOID = 255  # the label of pixels that DAVIS leaves undecided


@dataclass(frozen=True, eq=False)
class Masks:
    """A frame's objects, each packed when it is asked for."""

    labels: Labels
    where: str = "a frame"  # for messages

    def __post_init__(self) -> None:
        sizes = {np.shape(each) for each in self._pictures()}
        if len(sizes) > 1 or len(next(iter(sizes))) != 2:
            raise InputError(
                f"{self.where} has the shape {' and '.join(map(str, sorted(sizes)))}. A frame is (H, W): read a "
                "palette PNG by its indices, not as RGB."
            )
        if isinstance(self.labels, np.ndarray) and self.labels.dtype.kind not in "uib":
            raise InputError(f"{self.where} is of type {self.labels.dtype}. Object ids are whole numbers.")

    def _pictures(self) -> list[np.ndarray]:
        return [self.labels] if isinstance(self.labels, np.ndarray) else list(self.labels.values())

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        height, width = self._pictures()[0].shape
        return height, width

    @property
    def named(self) -> list[int]:
        """The objects that have a mask, be it empty; of a label image those with a pixel."""
        return sorted(self.ids if isinstance(self.labels, np.ndarray) else self.labels)

    @cached_property
    def highest(self) -> int:
        """The highest id that has a pixel, 0 without one; the void label of label images counts."""
        if isinstance(self.labels, np.ndarray):
            return int(self.labels.max(initial=0))
        return max(self.ids, default=0)

    @cached_property
    def ids(self) -> frozenset[int]:
        """The objects that have a pixel, and with label images the void label too."""
        if not isinstance(self.labels, np.ndarray):
            return frozenset(object_id for object_id, mask in self.labels.items() if np.any(mask))
        if self._narrow.dtype == np.uint8 and self.highest < FEW:
            values = self._narrow.tobytes()
            return frozenset(object_id for object_id in range(1, self.highest + 1) if object_id in values)
        flat = self._narrow.ravel()
        begins = flat[1:][flat[1:] != flat[:-1]]  # every label but the first begins somewhere
        return frozenset(int(each) for each in np.unique(np.append(begins, flat[0]))) - {0}

    @cached_property
    def _narrow(self) -> np.ndarray:
        """The label image in bytes where they suffice: comparing is then four times as fast."""
        labels = np.asarray(self.labels)
        if labels.dtype == bool:
            return labels.view(np.uint8)
        if labels.dtype != np.uint8 and labels.size and labels.min() >= 0 and labels.max() <= 255:
            return labels.astype(np.uint8)
        return labels

    def packed(self, object_id: int) -> np.ndarray:
        """(H, ceil(W / 8)) uint8: the object's mask, empty when it is not there."""
        if isinstance(self.labels, np.ndarray):
            return pack(self._narrow == object_id)
        if object_id in self.labels:
            return pack(np.asarray(self.labels[object_id]) != 0)
        return pack(np.zeros(self.size, bool))

    def foreground(self) -> np.ndarray:
        """(H, ceil(W / 8)) uint8: where any object is."""
        if isinstance(self.labels, np.ndarray):
            return pack(self._narrow != 0)
        return pack(np.any(self._pictures(), axis=0))


class Ended:
    """Stands for the frames of the side that has no more of them."""


ENDED = Ended()


def annotated(
    truth: Iterable[Labels | None], answers: Iterable[Labels | None], video: str = ""
) -> Iterator[tuple[int, Masks, Masks]]:
    """Position, truth and answer of each frame that has a truth. Nothing is kept of the frames before.

    Raises InputError when one side ends before the other, when an annotated frame has no answer, or when sizes
    differ.
    """
    clip = f"video {video!r}" if video else "the video"
    for position, (true, answer) in enumerate(zip_longest(truth, answers, fillvalue=ENDED)):
        if isinstance(true, Ended) or isinstance(answer, Ended):
            goes_on = "true frames" if isinstance(answer, Ended) else "answers"
            raise InputError(
                f"Of {clip} one side ends after {position} frames, the {goes_on} go on. Give one answer for each "
                "true frame."
            )
        if true is None or len(true) == 0:
            continue
        if answer is None:
            raise InputError(
                f"Frame {position} of {clip} is annotated but has no answer. Answer every annotated frame."
            )
        one = Masks(true, f"The truth of frame {position} of {clip}")
        answer = np.zeros(one.size, np.uint8) if len(answer) == 0 else answer  # no object was answered
        other = Masks(answer, f"The answer for frame {position} of {clip}")
        if one.size != other.size:
            raise InputError(
                f"{other.where} is {other.size[0]} x {other.size[1]}, the truth {one.size[0]} x {one.size[1]} (H x W). "
                "Resize answers to the size of the truth by the nearest pixel."
            )
        yield position, one, other


Frame = tuple[int, Masks, Masks]


def without_ends(frames: Iterable[Frame], first: bool = True, last: bool = True) -> Iterator[Frame]:
    """All but the first and the last, looking one ahead and no further."""
    held: Frame | None = None
    for number, frame in enumerate(frames):
        if first and number == 0:
            continue
        if held is not None:
            yield held
        held = frame
    if held is not None and not last:
        yield held
