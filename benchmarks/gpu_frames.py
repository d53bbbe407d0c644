"""Whole frames of SAM 2 on a GPU: vidmem beside the reference, eager and compiled, tiny to large, 1 and 10 objects.

    python benchmarks/gpu_frames.py [--quick] [--models sam2.1-tiny,…] [--objects 1,10] [--out FILE]
    python benchmarks/gpu_frames.py --rehearse      # every line but the GPU's, with nano at 64 pixels, on any machine

Weights are random, pictures those of the drawn clip (or of --clip) on the model's grid; vidmem computes in bfloat16,
the reference under its own bfloat16 autocast, as its authors run it. Sides take turns frame by frame, each waited for.
`vidmem compiled` is model.compile; `sam2 compiled` is the reference's `vos_optimized` predictor, which takes minutes to
compile and so races last. The file is written after each race. Without sam2 vidmem races alone, and that is told. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from frame_speed import clip, model_of

from vidmem.errors import UsageError
from vidmem.frames.demo import DemoClip
from vidmem.models.sam2 import Sam2
from vidmem.speed import Side, roofline
from vidmem.speed.official import Official
from vidmem.speed.ours import Ours, pictures_of, spread_boxes
from vidmem.speed.race import Lap, race
from vidmem.tracker import Tracker

SETTLED = 20  # frames until memories are full and everything is compiled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny alone, few frames")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with nano at 64 pixels, a few frames")
    parser.add_argument("--models", default="sam2.1-tiny,sam2.1-base+,sam2.1-small,sam2.1-large")
    parser.add_argument("--objects", default="1,10")
    parser.add_argument("--no-compiled-peer", action="store_true")
    parser.add_argument("--clip", default="demo:koi", help="or a folder of images below VIDMEM_DATA")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = torch.device("cpu" if arguments.rehearse else "cuda")
    gpu = "rehearsal" if arguments.rehearse else torch.cuda.get_device_name()
    names = ["nano"] if arguments.rehearse else arguments.models.split(",")[: 1 if arguments.quick else None]
    frames = 6 if arguments.rehearse else 35 if arguments.quick else 45
    settled, side = (2, 64) if arguments.rehearse else (SETTLED, None)
    told: dict = {"gpu": gpu, "torch": torch.__version__, "clip": arguments.clip, "frames": {}}
    rounds = ["eager"] if arguments.no_compiled_peer or arguments.rehearse else ["eager", "compiled"]
    # All eager races first: the compiled reference takes minutes, and what is measured by then is safe.
    for way in rounds:
        for name in names:
            for objects in map(int, arguments.objects.split(",")):
                plain = model_of(name, torch.float32, side).to(device)
                # A reference whose clip is shorter than 16 frames counts the age of pointers otherwise.
                pictures = [each.to(device) for each in pictures_of(shown(arguments.clip, max(frames, 16)), plain)]
                boxes = spread_boxes(objects, plain.spec.input_size)
                sides = contenders(way, name, plain, pictures, boxes, device, side, arguments.rehearse)
                laps = race(sides, frames)
                told["frames"][f"{name}, {objects} objects, {way}"] = summary(laps, name, objects, gpu, settled)
                print(name, objects, json.dumps(told["frames"][f"{name}, {objects} objects, {way}"]), flush=True)
                if arguments.out:
                    arguments.out.write_text(json.dumps(told, indent=1) + "\n")
                del sides, plain
                gc.collect()
                if device.type == "cuda":
                    torch.cuda.empty_cache()
    print(json.dumps(told))


def contenders(
    way: str,
    name: str,
    plain: Sam2,
    pictures: list[torch.Tensor],
    boxes: dict[int, list[float]],
    device: torch.device,
    side: int | None,
    rehearse: bool,
) -> dict[str, Side]:
    """Who races. A side that cannot be made is named and left out."""

    def ours(compiled: bool) -> Ours:
        model = model_of(name, torch.bfloat16, side).to(device)
        model.options = replace(model.options, compile=compiled)
        return Ours(Tracker(model), pictures, boxes)

    makers: dict[str, Callable[[], Side]] = {"vidmem": lambda: ours(False)}
    if not rehearse:
        makers["vidmem compiled"] = lambda: ours(True)
    makers[f"sam2 {way}"] = lambda: Official(plain, pictures, boxes, "bf16", device, compiled=way == "compiled")
    made: dict[str, Side] = {}
    for who, make in makers.items():
        try:
            made[who] = make()
        except (UsageError, RuntimeError) as reason:
            print(f"{who}: {(str(reason).splitlines() or [repr(reason)])[0][:160]}", flush=True)
    return made


def summary(laps: dict[str, Lap], name: str, objects: int, gpu: str, settled: int) -> dict:
    rates = {side: 1 / lap.seconds(settled) for side, lap in laps.items()}
    best = max(rate for side, rate in rates.items() if side.startswith("vidmem"))
    floor = roofline.floor_seconds(name, objects, gpu)
    return {
        "frames_a_second": {side: round(each, 2) for side, each in rates.items()},
        "first_frames_seconds": {side: round(sum(lap.wall[:2]), 1) for side, lap in laps.items()},
        "mask_iou": {side: round(sum(lap.agreement) / len(lap.agreement), 4) for side, lap in laps.items()},
        **{f"vs_{side.replace(' ', '_')}": round(best / each, 2) for side, each in rates.items() if "sam2" in side},
        "share_of_floor": round(floor * best, 3) if floor else None,
    }


def shown(name: str, frames: int) -> list:
    """Read directly: a bare machine has no decoder of videos."""
    return list(DemoClip(name.partition(":")[2]).between(0, frames)) if name.startswith("demo:") else clip(name, frames)


if __name__ == "__main__":
    main()
