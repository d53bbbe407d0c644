"""Average precision of detections on ImageNet VID: of all objects, and of slow, medium and fast ones.

    python eval/imagenet_vid.py --root datasets/ILSVRC --detector mamba --model detector.safetensors --out runs/eval/vid
    python eval/imagenet_vid.py --root datasets/ILSVRC --results found.json --out runs/eval/vid [--mode fixed]
    python eval/imagenet_vid.py --root drawn:runs/drawn-vid --detector mamba --model nano-detector --out runs/eval/drawn

With --detector the videos are detected first, by one of two protocols: online (each video in its order, nothing known
of what is to come) or paper (14 references of the whole video seen beforehand, frames shuffled by --seed). Detections
made elsewhere are a COCO JSON: a list of {"image_id", "category_id": 1..30, "bbox": [x, y, w, h], "score"}, where
image_id is the text VIDEO/FRAME or the number of the frame, counted from 1 through the split's list. A root
drawn:FOLDER is a drawn set in the same layout, made where it is missing. Other options are those of `vidmem score`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vidmem.__main__ import main
from vidmem.errors import UsageError, VidmemError


def found(chosen: argparse.Namespace, root: Path, out: Path) -> Path:
    """The detections of a detector, made where they are not there yet."""
    from vidmem.compose_detector import load
    from vidmem.evaluation.detect import Moment, detect_dataset
    from vidmem.videos import open_dataset

    def tell(moment: Moment) -> None:
        print(f"{moment.done}/{moment.of}  {moment.video}  {moment.frames / moment.seconds:.1f} fps", flush=True)

    return detect_dataset(
        load(chosen.detector, chosen.model, device=chosen.device),
        open_dataset("imagenet_vid", root, chosen.split or None),
        out / f"{chosen.detector}-{chosen.protocol}",
        protocol=chosen.protocol,
        seed=chosen.seed,
        sequences=[each for each in chosen.sequences.split(",") if each],
        resume=True,
        about={"model": chosen.model, "split": chosen.split},
        watcher=tell,
    )


def run(chosen: argparse.Namespace, others: list[str]) -> int:
    if bool(chosen.detector) == bool(chosen.results):
        raise UsageError(
            "Give either --detector, to detect and score, or --results, to score detections made elsewhere."
        )
    root = Path(chosen.root.removeprefix("drawn:"))
    if chosen.root.startswith("drawn:"):
        from vidmem.videos.write_vid import write_vid

        write_vid(root)
    out = Path(chosen.out) if chosen.out else None
    if chosen.detector and out is None:
        raise UsageError("--out is missing: the folder that detections and the report go to.")
    results = found(chosen, root, out) if out and chosen.detector else Path(chosen.results)
    place = out / f"report-{chosen.detector}-{chosen.protocol}" if out and chosen.detector else out
    asked = ["score", "imagenet_vid", "--root", str(root), "--results", str(results)]
    asked += ["--protocol", f"mode={chosen.mode}"]
    for option, value in (("--out", place), ("--split", chosen.split), ("--sequences", chosen.sequences)):
        asked += [option, str(value)] if value else []
    return main([*asked, *others])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--root", required=True, help="where the set lies, or drawn:FOLDER")
    parser.add_argument("--results", default="", help="a COCO JSON of detections made elsewhere")
    parser.add_argument("--detector", default="", help="a card of configs/detectors/")
    parser.add_argument("--model", default="nano-detector", help="a name that ships, or a detector.safetensors")
    parser.add_argument("--protocol", choices=("online", "paper"), default="online", help="how frames are visited")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffle and of what memory draws")
    parser.add_argument("--mode", choices=("ilsvrc_adaptive", "fixed", "mega_compat"), default="ilsvrc_adaptive")
    parser.add_argument("--split", default="")
    parser.add_argument("--sequences", default="", help="only these videos, comma-separated")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", default="")
    chosen, others = parser.parse_known_args()
    try:
        sys.exit(run(chosen, others))
    except VidmemError as problem:
        print(f"vidmem: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
