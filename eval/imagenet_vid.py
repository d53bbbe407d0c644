"""Average precision of detections on ImageNet VID: of all objects, and of slow, medium and fast ones.

    python eval/imagenet_vid.py --root datasets/ILSVRC --results found.json --out runs/eval/vid [--mode fixed]

Detections are a COCO JSON: a list of {"image_id", "category_id": 1..30, "bbox": [x, y, w, h], "score"}, where image_id
is the text VIDEO/FRAME or the number of the frame, counted from 1 through the split's list. Every other option is one
of `vidmem score` (see `vidmem score --help`).
"""

from __future__ import annotations

import argparse
import sys

from vidmem.__main__ import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--mode", choices=("ilsvrc_adaptive", "fixed", "mega_compat"), default="ilsvrc_adaptive")
    chosen, others = parser.parse_known_args()
    sys.exit(main(["score", "imagenet_vid", "--protocol", f"mode={chosen.mode}", *others]))
