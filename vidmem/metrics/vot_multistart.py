"""VOT without resets, since 2020 (Kristan et al. 2020): the tracker is started at several anchors of a video.

From each anchor it runs to the end of the video, or backwards to its beginning. A run ends where the object was lost
for `grace` frames in a row. Overlaps as in `vot_supervised`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidmem.errors import InputError
from vidmem.metrics.boxes import Box, in_pairs, missing
from vidmem.metrics.vot_supervised import bounded_overlap


@dataclass(frozen=True)
class Anchor:
    """Where a run starts, and which way it goes."""

    frame: int
    backwards: bool = False


@dataclass(frozen=True, eq=False)
class Run:
    """The overlaps of one run, from its anchor on, and how many frames it kept the object."""

    overlaps: np.ndarray  # (T,)
    progress: int


@dataclass(frozen=True)
class VotMultistart:
    threshold: float = 0.1  # an overlap that is not above it loses the object (where it is visible)
    grace: int = 10  # frames
    low: int = 115  # the shortest and the longest run that EAO averages over, VOT-ST 2022
    high: int = 755

    def score(
        self,
        truth: Sequence[Box | None],
        answers: Mapping[Anchor, Sequence[Box | None]],
        video: str = "",
        size: tuple[int, int] | None = None,
    ) -> dict[Anchor, Run]:
        """truth: one box a frame     answers: for each anchor the boxes of its run, the anchor's frame first"""
        if not answers:
            raise InputError(f"There is no run of video {video!r}. Give the answers of at least one anchor.")
        runs = {}
        for anchor, boxes in answers.items():
            path = truth[anchor.frame :: -1] if anchor.backwards else truth[anchor.frame :]
            true, given = in_pairs(path, boxes, f"{video} from frame {anchor.frame}")
            overlaps = bounded_overlap(true, given, size)
            runs[anchor] = Run(overlaps, self._progress(overlaps, ~missing(true)))
        return runs

    def _progress(self, overlaps: np.ndarray, visible: np.ndarray) -> int:
        lost = 0
        for frame, fails in enumerate((overlaps <= self.threshold) & visible):
            lost = lost + 1 if fails else 0
            if lost == self.grace:
                return frame + 1 - self.grace
        return len(overlaps)

    def overall(self, videos: Mapping[str, tuple[int, Mapping[Anchor, Run]]]) -> dict[str, float]:
        """Video -> its length in frames and what `score` gave.

        accuracy: the mean overlap while the object was kept     robustness: the share of frames it was kept, by video
        """
        if not videos:
            raise InputError("No video was scored. Give at least one.")
        kept, shared, shares = 0, 0.0, []
        curve, active = np.zeros(self.high), np.zeros(self.high)
        for length, runs in videos.values():
            progress = sum(run.progress for run in runs.values())
            kept += progress
            shared += sum(float(run.overlaps[: run.progress].sum()) for run in runs.values())
            shares.append((length, progress / sum(len(run.overlaps) for run in runs.values())))
            for run in runs.values():
                _add(run, curve, active)
        window = np.divide(curve, active, out=np.zeros(self.high), where=active > 0)[self.low : self.high + 1]
        return {
            "EAO": float(window.mean()),
            "accuracy": shared / kept if kept else 0.0,
            "robustness": sum(length * share for length, share in shares) / sum(length for length, _ in shares),
        }


def _add(run: Run, curve: np.ndarray, active: np.ndarray) -> None:
    """Adds a run's mean overlaps to the EAO curve: as far as it goes, or for ever with zeros when it lost the object.

    Behind its end the mean of a lost run is taken over one frame less, as VOT's toolkit does it.
    """
    failed = run.progress < len(run.overlaps)
    overlaps = run.overlaps.copy()
    overlaps[run.progress :] = 0
    places = np.arange(1, len(curve))
    inside = places < len(overlaps)
    sums = np.concatenate([np.cumsum(overlaps[1:]), np.full(max(len(curve) - len(overlaps), 0), overlaps[1:].sum())])
    means = sums[: len(places)] / np.where(inside, places, np.maximum(places - 1, 1))
    counted = inside | failed
    curve[1:] += np.where(counted, means, 0)
    active[1:] += counted
