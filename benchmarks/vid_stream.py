"""A detector with memory on an endless stream: what it holds, how long a frame takes, and what its memory costs.

    python benchmarks/vid_stream.py [--frames 5000] [--detector mamba] [--model nano-detector] [--rounds 5]

First N drawn frames through the online loop. Growth is measured from where the banks are full (frame 1,200) to the end,
around both ends by the median of 50 frames: of the process's resident memory, of the bytes of the state, and of a
frame's time (of the process, and by the clock). A frame of the earlier end is measured by what the later costs too: the
same pictures come again. Then the paper's detector (ResNet-50 DC5, 600 x 1000 pixels, weights drawn at random) sees
frames by turns with both banks full at 20,000 rows, of which 2,000 are shown, and without memory at all; the share of
memory is 1 - without / with, by the process's time. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import torch

from vidmem import states
from vidmem.compose_detector import load
from vidmem.detecting import Stream, VideoDetector
from vidmem.detectors.architecture import MAMBA_R50
from vidmem.detectors.detector import Detector
from vidmem.drawn_vid import draw, make
from vidmem.feature_banks.sampled import Sampled
from vidmem.memory_record import resident_bytes
from vidmem.values import Frame

FULL = 1200  # frames by which 20 rows each have filled 20,000
DRAWN = 100  # frames that are drawn; they are played to and fro
CLASSES = tuple(f"class {number}" for number in range(1, 31))  # ImageNet VID has thirty


def playing(frames: int) -> Iterator[Frame]:
    """The drawn frames, to and fro without end."""
    video = make(0, 1, DRAWN)
    drawn = [draw(video, number)[0] for number in range(DRAWN)]
    for number in range(frames):
        around = number % (2 * DRAWN - 2)
        yield Frame(number, drawn[min(around, 2 * DRAWN - 2 - around)], number / 25)


def growth(detector: VideoDetector, frames: int) -> dict[str, float]:
    """How much the end of a stream takes more than its middle, as fractions."""
    kinds = ("rss_growth", "state_growth", "latency_growth", "latency_growth_clock")
    early: dict[str, list[float]] = {kind: [] for kind in kinds}
    late: dict[str, list[float]] = {kind: [] for kind in kinds}
    stream = detector.start()
    for frame in playing(frames):
        clock, own = time.perf_counter(), time.process_time()
        stream, _ = detector.step(stream, frame)
        own, clock = time.process_time() - own, time.perf_counter() - clock
        ends = early if FULL <= frame.index < FULL + 50 else late if frame.index >= frames - 50 else None
        if ends is not None:
            for kind, value in zip(kinds, (resident_bytes(), states.nbytes(stream), own, clock), strict=True):
                ends[kind].append(value)
        if frame.index % 500 == 0:
            print(f"frame {frame.index}  {resident_bytes() / 2**20:.0f} MiB resident  {own * 1e3:.1f} ms", flush=True)
    told = {kind: round(median(late[kind]) / median(early[kind]) - 1, 4) for kind in kinds}
    return {**told, "frame_ms": round(1e3 * median(late["latency_growth"]), 2)}


def share(rounds: int, rows: int) -> dict[str, float]:
    """What two banks of `rows` cost of a frame of the paper's detector."""
    torch.manual_seed(0)
    of = replace(MAMBA_R50, classes=CLASSES)
    weights = Detector(of).eval()
    remembering, single = VideoDetector(weights, Sampled()), VideoDetector(weights)
    bank, kept = Sampled(), torch.randn(rows, of.width)
    filled = bank.write(bank.start(1), kept, kept, torch.rand(rows))
    stream = Stream((filled, replace(filled, seed=2)), (), begun=True)
    without = replace(single.start(), begun=True)
    frame = Frame(0, torch.randint(0, 255, (3, 600, 1000), dtype=torch.uint8))
    took: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(rounds + 1):
        for name, detector, before in (("with", remembering, stream), ("without", single, without)):
            began = time.process_time()
            after, _ = detector.step(before, frame)
            if number:  # the first round warms up
                took[name].append(time.process_time() - began)
            if name == "with":
                stream = after
    proposals = min(of.proposals_test, len(weights.look([frame.image])[0].proposals.boxes))
    seconds = {name: median(each) for name, each in took.items()}
    return {
        "memory_share": round(1 - seconds["without"] / seconds["with"], 4),
        "seconds_with": round(seconds["with"], 3),
        "seconds_without": round(seconds["without"], 3),
        "proposals": proposals,
        "rows": len(stream.banks[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--detector", default="mamba")
    parser.add_argument("--model", default="nano-detector")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.frames < FULL + 100:
        parser.error(f"--frames must be {FULL + 100} or more: growth is measured from frame {FULL} on.")
    torch.set_num_threads(1)
    with torch.inference_mode():
        told = {**share(arguments.rounds, 20000), "frames": arguments.frames}
    print(json.dumps(told), flush=True)
    print(json.dumps({**told, **growth(load(arguments.detector, arguments.model), arguments.frames)}))


if __name__ == "__main__":
    main()
