"""J&F and V of a tracker on LVOS, over seen and unseen kinds.

    python eval/lvos.py --root datasets/LVOS --tracker sam2 --model sam2.1-large --out runs/eval/lvos2 [--version 1]

Every other option is one of `vidmem eval` (see `vidmem eval --help`): --prompt, --sequences, --workers, --resume, ...
"""

from __future__ import annotations

import argparse
import sys

from vidmem.__main__ import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--version", choices=("1", "2"), default="2")
    chosen, others = parser.parse_known_args()
    sys.exit(main(["eval", f"lvos{chosen.version}", *others]))
