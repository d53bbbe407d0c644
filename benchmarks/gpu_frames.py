"""Whole frames of SAM 2 on a GPU: vidmem beside the reference, eager and compiled, tiny to large, 1 and 10 objects.

    VIDMEM_DATA=… python benchmarks/gpu_frames.py [--quick] [--models sam2.1-tiny,…] [--out FILE.json]

Weights are random, pictures real and on the model's grid; vidmem computes in bfloat16, the reference under its own
bfloat16 autocast, as its authors run it. Sides take turns frame by frame, each waited for. Compiled is the reference's
`vos_optimized` predictor. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path

import torch
from frame_speed import clip, model_of

from vidmem.speed import roofline
from vidmem.speed.official import Official
from vidmem.speed.ours import Ours, pictures_of, spread_boxes
from vidmem.speed.race import race
from vidmem.tracker import Tracker

SETTLED = 20  # frames until memories are full and everything is compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--models", default="sam2.1-tiny,sam2.1-small,sam2.1-base+,sam2.1-large")
    parser.add_argument("--clip", default="DAVIS/JPEGImages/480p/blackswan", help="below VIDMEM_DATA")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device, gpu = torch.device("cuda"), torch.cuda.get_device_name()
    names = arguments.models.split(",")[: 1 if arguments.quick else None]
    frames = 30 if arguments.quick else 45
    told: dict = {"gpu": gpu, "torch": torch.__version__, "frames": {}}
    for name in names:
        for objects in (1, 10):
            plain = model_of(name, torch.float32).to(device)
            ours = model_of(name, torch.bfloat16).to(device)
            pictures = [each.to(device) for each in pictures_of(clip(arguments.clip, frames), plain)]
            boxes = spread_boxes(objects, plain.spec.input_size)
            sides = {
                "sam2 eager": Official(plain, pictures, boxes, "bf16", device),
                "sam2 compiled": Official(plain, pictures, boxes, "bf16", device, compiled=True),
                "vidmem": Ours(Tracker(ours), pictures, boxes),
            }
            laps = race(sides, frames)
            rates = {side: 1 / lap.seconds(SETTLED) for side, lap in laps.items()}
            floor = roofline.floor_seconds(name, objects, gpu)
            told["frames"][f"{name}, {objects} objects"] = {
                "frames_a_second": {side: round(each, 1) for side, each in rates.items()},
                "vs_sam2_compiled": round(rates["vidmem"] / rates["sam2 compiled"], 2),
                "vs_sam2_eager": round(rates["vidmem"] / rates["sam2 eager"], 2),
                "share_of_floor": round(floor * rates["vidmem"], 3) if floor else None,
            }
            print(name, objects, json.dumps(told["frames"][f"{name}, {objects} objects"]), flush=True)
            del sides, plain, ours
            gc.collect()
            torch.cuda.empty_cache()
    if arguments.out:
        arguments.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
