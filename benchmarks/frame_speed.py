"""The whole frame of SAM 2 on a CPU: vidmem's beside the reference, in float32 and bfloat16, taking turns.

    VIDMEM_DATA=… python benchmarks/frame_speed.py [--model nano | sam2.1-tiny | …] [--threads 1] [--frames 30]

Every side starts from pictures at the model's grid and ends with logits of that size; a box is given in frame 0. Frames
count from the one on that has a full memory (7 pages, 16 pointers). Sides take turns frame by frame in one process, and
a ratio is the median of those in each frame: of processor time with one thread, so that the machine may be shared, else
of time on the clock. nano has its own weights, a published size random ones: its masks say little, its speed all; so
nano's own mask IoU stands beside it.
vs_sam2_fp32, vs_sam2_bf16 and mask_iou are of the mode that precision "auto" chooses here; exact is float32, fast
bfloat16. bf16_matmul_gain is how many times faster this processor multiplies plain matrices in bfloat16 than in
float32, measured in the same run: about 2 with AVX-512's instructions, 8 or more with AMX. Whole frames in bfloat16 can
gain so much at most over exact ones. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median

import torch

from vidmem import machine
from vidmem.errors import InputError
from vidmem.frames import watch
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import ARCHITECTURES
from vidmem.speed.official import Official
from vidmem.speed.ours import Ours, pictures_of
from vidmem.speed.race import clock, race, times_faster
from vidmem.tracker import Tracker

WHOLE = 16  # frames; in a shorter clip the reference counts the age of pointers otherwise than in a stream
BOX = (0.40, 0.33, 0.62, 0.72)  # of the black swan in frame 0, in widths and heights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--settle", type=int, default=16, help="frames that are not counted; pages are full after 7")
    parser.add_argument("--size", type=int, help="side of the input grid, for a quicker look")
    parser.add_argument("--clip", default="DAVIS/JPEGImages/480p/blackswan", help="below VIDMEM_DATA")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    exact = model_of(arguments.model, torch.float32, arguments.size)
    pictures = pictures_of(clip(arguments.clip, max(arguments.frames, WHOLE)), exact)
    side = exact.spec.input_size[0]
    boxes = {1: [side * each for each in BOX]}
    sides = {
        "sam2 fp32": Official(exact, pictures, boxes, "fp32", torch.device("cpu")),
        "exact": Ours(Tracker(exact), pictures, boxes),
        "fast": Ours(Tracker(model_of(arguments.model, torch.bfloat16, arguments.size)), pictures, boxes),
        "sam2 bf16": Official(exact, pictures, boxes, "bf16", torch.device("cpu")),
    }
    laps = race(sides, arguments.frames, tell)
    settled = min(arguments.settle, arguments.frames - 1)
    seconds = {name: lap.seconds(settled) for name, lap in laps.items()}
    faster = partial(times_faster, laps, settled=settled)
    gain = bf16_matmul_gain()
    trained = trained_iou(arguments.clip) if arguments.model != "nano" else None
    alike = twins_apart(arguments.model, arguments.size, pictures, boxes)
    chosen = "fast" if exact.sizes.fast_pays and machine.quick_at_bfloat16() else "exact"
    print(
        json.dumps(
            {
                "vs_sam2_fp32": round(faster(chosen, "sam2 fp32"), 2),
                "vs_sam2_bf16": round(faster(chosen, "sam2 bf16"), 2),
                "mask_iou": round(mean(laps[chosen].agreement[settled:]), 4),
                "exact_vs_fp32": round(faster("exact", "sam2 fp32"), 2),
                "exact_largest_logit_difference": alike,
                "exact_with_memories_in_bf16": max(laps["exact"].apart),
                "exact_mask_iou": round(mean(laps["exact"].agreement), 6),
                "fast_vs_fp32": round(faster("fast", "sam2 fp32"), 2),
                "fast_vs_bf16": round(faster("fast", "sam2 bf16"), 2),
                "bf16_matmul_gain": round(gain, 2),
                "trained_nano_mask_iou": trained,
                "fast_mask_iou": round(mean(laps["fast"].agreement[settled:]), 4),
                "sam2_bf16_mask_iou": round(mean(laps["sam2 bf16"].agreement[settled:]), 4),
                "mode": chosen,
                "model": arguments.model,
                "threads": arguments.threads,
                "side": side,
                "frames": arguments.frames,
                "counted_from": settled,
                "clock": clock(),
                "milliseconds": {name: round(each * 1e3, 1) for name, each in seconds.items()},
                "milliseconds_of_clock": {
                    name: round(sorted(lap.wall[settled:])[len(lap.wall[settled:]) // 2] * 1e3, 1)
                    for name, lap in laps.items()
                },
                "machine": machine.described(),
                "torch": torch.__version__,
            }
        )
    )


def model_of(name: str, dtype: torch.dtype, side: int | None = None) -> Sam2:
    """nano with its weights, another size with random ones, lively enough that every part shows in the result."""
    if name == "nano":
        return load(name, dtype=dtype, image_size=side)
    torch.manual_seed(0)
    sizes = ARCHITECTURES[name]
    model = Sam2(sizes if side is None else sizes.at((side, side)), Options())
    with torch.no_grad():
        model.get_parameter("sam_mask_decoder.pred_obj_score_head.layers.2.bias").add_(5)  # the object is there
    return model.to(dtype).eval().requires_grad_(False)


def twins_apart(name: str, side: int | None, pictures: list, boxes: dict, frames: int = 3) -> float:
    """The largest difference of a logit in exact mode over a few frames, both sides storing memories as computed.

    In bfloat16, as both store them otherwise, a difference of 1e-7 may become one of 4e-3 by rounding.
    """
    model = model_of(name, torch.float32, side)
    model.options = replace(model.options, memory_dtype=torch.float32)
    theirs = Official(model, pictures, boxes, "fp32", torch.device("cpu"), store=torch.float32)
    laps = race({"sam2": theirs, "exact": Ours(Tracker(model), pictures, boxes)}, min(frames, len(pictures)))
    return max(laps["exact"].apart)


def bf16_matmul_gain(side: int = 1024, turns: int = 9) -> float:
    """Of plain square matrices, in turns."""
    torch.manual_seed(0)
    single = torch.randn(side, side)
    half, spent = single.bfloat16(), {"fp32": [], "bf16": []}
    for _ in range(turns):
        for name, matrix in (("fp32", single), ("bf16", half)):
            began = time.process_time()
            torch.mm(matrix, matrix)
            spent[name].append(time.process_time() - began)
    return median(a / b for a, b in list(zip(*spent.values(), strict=True))[2:])


def trained_iou(name: str, frames: int = 16) -> float:
    """Mask IoU of fast with exact, of nano with its trained weights on the same clip."""
    models = [model_of("nano", dtype) for dtype in (torch.float32, torch.bfloat16)]
    pictures, boxes = pictures_of(clip(name, frames), models[0]), {1: [models[0].spec.input_size[0] * x for x in BOX]}
    laps = race({str(at): Ours(Tracker(model), pictures, boxes) for at, model in enumerate(models)}, frames)
    return round(mean(laps["1"].agreement), 4)


def clip(name: str, frames: int) -> list:
    root = Path(os.environ.get("VIDMEM_DATA", ""))
    if not (root / name).is_dir():
        raise InputError(f"VIDMEM_DATA does not name a folder with {name} in it ({root}).")
    source = watch(str(root / name))
    found = list(source.between(0, frames))
    source.close()
    return found


def tell(frame: int, laps: dict) -> None:
    print(f"frame {frame:3d}  " + "  ".join(f"{n} {lap.cpu[-1] * 1e3:.0f} ms" for n, lap in laps.items()), flush=True)


if __name__ == "__main__":
    main()
