"""Ten objects at once on a CPU: vidmem's frame beside the reference's, which works on one object after the other.

    VIDMEM_DATA=… python benchmarks/objects.py [--model nano | sam2.1-tiny] [--objects 10] [--threads 1]
                                               [--precision fp32 | bf16] [--size S]

As frame_speed.py otherwise. Boxes are spread over the picture; sides take turns. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
from statistics import mean

import torch
from frame_speed import WHOLE, clip, model_of, tell

from vidmem import machine
from vidmem.speed.official import Official
from vidmem.speed.ours import Ours, pictures_of, spread_boxes
from vidmem.speed.race import clock, race, times_faster
from vidmem.tracker import Tracker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--settle", type=int, default=9)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--size", type=int)
    parser.add_argument("--clip", default="DAVIS/JPEGImages/480p/blackswan", help="below VIDMEM_DATA")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    plain = model_of(arguments.model, torch.float32, arguments.size)
    ours = plain
    if arguments.precision == "bf16":
        ours = model_of(arguments.model, torch.bfloat16, arguments.size)
    pictures = pictures_of(clip(arguments.clip, max(arguments.frames, WHOLE)), plain)
    boxes = spread_boxes(arguments.objects, plain.spec.input_size)
    sides = {
        "sam2": Official(plain, pictures, boxes, arguments.precision, torch.device("cpu")),
        "vidmem": Ours(Tracker(ours), pictures, boxes),
    }
    laps = race(sides, arguments.frames, tell)
    settled = min(arguments.settle, arguments.frames - 1)
    seconds = {name: lap.seconds(settled) for name, lap in laps.items()}
    print(
        json.dumps(
            {
                f"vs_sam2_{arguments.objects}_objects": round(times_faster(laps, "vidmem", "sam2", settled), 2),
                "mask_iou": round(mean(laps["vidmem"].agreement[settled:]), 4),
                "model": arguments.model,
                "side": plain.spec.input_size[0],
                "precision": arguments.precision,
                "threads": arguments.threads,
                "frames": arguments.frames,
                "counted_from": settled,
                "clock": clock(),
                "milliseconds": {name: round(each * 1e3, 1) for name, each in seconds.items()},
                "machine": machine.described(),
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
