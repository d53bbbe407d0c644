"""J and F of 20 sequences at 480p: vidmem's against the official way, on the same cores, number by number.

    VIDMEM_DATA=… python benchmarks/jf_speed.py [--frames N]

The 20 are made of 10: six sequences of DAVIS with the answers of OSVOS, four without answers, where each frame is
answered by the truth of the frame before; and all ten mirrored. The official way is written here from its definition:
each object of each frame by itself, whole frames, the boundary dilated by OpenCV with a disk. Both get label
images that are already in memory and take turns sequence by sequence; OpenCV is held to one thread, as vidmem's is one.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vidmem.errors import InputError
from vidmem.metrics import protocols
from vidmem.metrics.protocol import VideoScores

Clip = tuple[list[np.ndarray], list[np.ndarray]]
ANSWERED = ("blackswan", "car-shadow", "dog", "drift-straight", "libby")
TWO_OBJECTS = "bmx-trees"
UNANSWERED = ("bmx-bumps", "dog-agility", "soccerball", "surf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, help="only the first so many of each sequence")
    frames = parser.parse_args().frames
    root = Path(os.environ.get("VIDMEM_DATA", ""))
    if not (root / "eval/davis-osvos").is_dir():
        raise InputError(f"VIDMEM_DATA does not name a folder with DAVIS and eval/davis-osvos in it ({root}).")
    cv2.setNumThreads(1)
    ours = protocols["davis2017"]()
    spent = {"ours": np.zeros(2), "official": np.zeros(2)}  # seconds on the clock, seconds of the processor
    apart, masks = 0.0, 0
    for name, (truth, answers) in clips(root, frames).items():
        mine = clocked(spent["ours"], ours.score, truth, answers)
        theirs = clocked(spent["official"], official, truth, answers)
        for object_id, scores in theirs.items():
            for measure, values in scores.items():
                apart = max(apart, float(np.abs(values - mine[object_id][measure]).max()))
                masks += len(values) * (measure == "J")
        print(
            f"{name:24s} {len(truth):4d} frames  {len(theirs)} objects  largest difference so far {apart:g}", flush=True
        )
    speed = spent["official"] / spent["ours"]
    print(f"{masks} masks: ours {spent['ours'][0]:.1f} s, official {spent['official'][0]:.1f} s on the clock")
    print(
        json.dumps(
            {
                "speedup": round(float(speed[0]), 1),
                "speedup_of_processor_time": round(float(speed[1]), 1),
                "max_difference": apart,
                "milliseconds_a_mask": {name: round(float(each[1]) / masks * 1e3, 3) for name, each in spent.items()},
                "masks": masks,
                "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            }
        )
    )


def clocked(spent: np.ndarray, work: Callable[..., VideoScores], *clip: list[np.ndarray]) -> VideoScores:
    clock, processor = time.perf_counter(), time.process_time()
    result = work(*clip)
    spent += time.perf_counter() - clock, time.process_time() - processor
    return result


def clips(root: Path, frames: int | None) -> dict[str, Clip]:
    """Name -> truth and answers, (H, W) uint8 label images."""
    found: dict[str, Clip] = {}
    for name in (*ANSWERED, TWO_OBJECTS):
        folder = root / "DAVIS" / ("Annotations_2017" if name == TWO_OBJECTS else "Annotations") / "480p" / name
        names = [each.name for each in islice(sorted(folder.iterdir()), frames)]
        truth = [labels(folder / each) for each in names]
        given = root / "eval/davis-osvos/pred" / name
        answers = [labels(given / each) if (given / each).exists() else np.zeros_like(truth[0]) for each in names]
        found[name] = truth, answers
    for name in UNANSWERED:
        truth = [labels(each) for each in islice(sorted((root / "DAVIS/Annotations/480p" / name).iterdir()), frames)]
        found[name] = truth, [truth[0], *truth[:-1]]
    mirrored = {
        f"{name}, mirrored": (
            [np.ascontiguousarray(each[:, ::-1]) for each in truth],
            [np.ascontiguousarray(each[:, ::-1]) for each in answers],
        )
        for name, (truth, answers) in found.items()
    }
    return found | mirrored


def labels(path: Path) -> np.ndarray:
    values = np.asarray(Image.open(path))
    return (values > 127).astype(np.uint8) if values.max() == 255 else values


def official(truth: list[np.ndarray], answers: list[np.ndarray]) -> VideoScores:
    """DAVIS 2017, semi-supervised (Pont-Tuset et al. 2017), as its tool goes about it."""
    scores: VideoScores = {}
    inner = range(1, len(truth) - 1)
    for object_id in range(1, int(truth[0].max()) + 1):
        pairs = [(truth[frame] == object_id, answers[frame] == object_id) for frame in inner]
        scores[object_id] = {"J": np.array([j(*pair) for pair in pairs]), "F": np.array([f(*pair) for pair in pairs])}
    return scores


def j(truth: np.ndarray, answer: np.ndarray) -> float:
    counted = np.logical_not(np.zeros_like(truth))  # the void is looked at though there is none
    shared, joint = np.sum((truth & answer) & counted), np.sum((truth | answer) & counted)
    return 1.0 if joint == 0 else float(shared / joint)


def f(truth: np.ndarray, answer: np.ndarray) -> float:
    void = np.zeros_like(truth)
    truth, answer = truth * np.logical_not(void), answer * np.logical_not(void)
    radius = math.ceil(0.008 * np.linalg.norm(truth.shape))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x**2 + y**2 <= radius**2).astype(np.uint8)
    edges = boundary(truth), boundary(answer)
    near = [cv2.dilate(edge.astype(np.uint8), disk) > 0 for edge in edges]
    true, given = (int(np.sum(edge)) for edge in edges)
    if not true or not given:
        return float(true == given)
    precision, recall = np.sum(edges[1] & near[0]) / given, np.sum(edges[0] & near[1]) / true
    return 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


def boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels unlike their right, lower or lower right neighbour; rows and columns end at the last."""
    right, below, both = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1], below[:-1], both[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ both)
    edge[-1], edge[:, -1] = mask[-1] ^ right[-1], mask[:, -1] ^ below[:, -1]
    edge[-1, -1] = False
    return edge


if __name__ == "__main__":
    main()
