"""J of a model against two trackers that learn nothing, from the first mask, on DAVIS 2016 validation sequences.

    VIDMEM_DATA=… python benchmarks/first_tracking.py [--model nano] [--frames N]

"copy" answers every frame with the first mask; "flow" warps the last answer by OpenCV's DIS optical flow. The first and
last frame are left out, as DAVIS does. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

import vidmem
from vidmem.errors import InputError
from vidmem.evaluation.prompts import PromptKind, prompt_of
from vidmem.masks import read_labels
from vidmem.metrics.region import jaccard
from vidmem.results import annotate
from vidmem.values import Frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--tracker", default="sam2")
    parser.add_argument("--prompt", choices=("mask", "box", "click"), default="mask")
    parser.add_argument("--frames", type=int, help="only the first so many of each sequence")
    arguments = parser.parse_args()
    root = Path(os.environ.get("VIDMEM_DATA", "")) / "DAVIS"
    if not root.is_dir():
        raise InputError(f"VIDMEM_DATA does not name a folder with DAVIS in it ({root}).")
    tracker = vidmem.load(arguments.tracker, arguments.model)
    sequences = (root / "ImageSets/2016/val.txt").read_text().split()
    rows, seconds, frames_tracked = {}, 0.0, 0
    for name in sequences:
        truth = Truth(root, name)
        frames = list(islice(vidmem.watch(root / "JPEGImages/480p" / name), arguments.frames))
        began = time.perf_counter()
        ours = [score for score in follow(tracker, frames, truth, arguments.prompt)]
        seconds, frames_tracked = seconds + time.perf_counter() - began, frames_tracked + len(frames)
        rows[name] = {
            "nano" if arguments.model == "nano" else "model": mean(ours),
            "copy": mean([jaccard(truth[frame], truth[frames[0]]) for frame in frames]),
            "flow": mean(list(warp(frames, truth))),
        }
        print(
            f"{name:16s} {len(frames):4d} frames  " + "  ".join(f"{k} {v:.3f}" for k, v in rows[name].items()),
            flush=True,
        )
    means = {kind: float(np.mean([row[kind] for row in rows.values()])) for kind in next(iter(rows.values()))}
    print("mean             " + "  ".join(f"{kind} {value:.3f}" for kind, value in means.items()))
    rounded = {name: {kind: round(value, 4) for kind, value in row.items()} for name, row in rows.items()}
    print(
        json.dumps(
            {
                "J": {kind: round(value, 4) for kind, value in means.items()},
                "sequences": rounded,
                "prompt": arguments.prompt,
                "frames": frames_tracked,
                "fps": round(frames_tracked / seconds, 1),
                "threads": torch.get_num_threads(),
            }
        )
    )


class Truth:
    """The true masks of a sequence, (H, W) bool by frame."""

    def __init__(self, root: Path, name: str):
        self.folder = root / "Annotations/480p" / name

    def __getitem__(self, frame: Frame) -> np.ndarray:
        return read_labels(self.folder / f"{frame.name}.png") > 0


def follow(tracker: vidmem.Tracker, frames: list[Frame], truth: Truth, kind: PromptKind) -> Iterator[float]:
    prompt = prompt_of(truth[frames[0]], kind)
    for _, frame, track in tracker.run(frames, {0: [prompt]}):
        yield jaccard(truth[frame], annotate(track).objects[1].mask)


def warp(frames: list[Frame], truth: Truth) -> Iterator[float]:
    """The last answer, each pixel fetched from where the backward flow says it came from."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    answer, before = truth[frames[0]].astype(np.float32), grey(frames[0])
    yield jaccard(truth[frames[0]], answer > 0.5)
    y, x = np.mgrid[: answer.shape[0], : answer.shape[1]].astype(np.float32)
    for frame in frames[1:]:
        now = grey(frame)
        moved = flow.calc(now, before, None)  # type: ignore[call-overload]  (the stub wants a result to fill)
        answer = cv2.remap(answer, x + moved[..., 0], y + moved[..., 1], cv2.INTER_LINEAR)
        yield jaccard(truth[frame], answer > 0.5)
        before = now


def grey(frame: Frame) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()), cv2.COLOR_RGB2GRAY)


def mean(scores: list[float]) -> float:
    return float(np.mean(scores[1:-1]))


if __name__ == "__main__":
    main()
