"""J&F of a tracker on DAVIS.

    python eval/davis.py --root datasets/DAVIS --tracker sam2 --model nano --out runs/eval/davis17 [--year 2016]

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
    parser.add_argument("--year", choices=("2016", "2017"), default="2017")
    chosen, others = parser.parse_known_args()
    sys.exit(main(["eval", f"davis{chosen.year[2:]}", *others]))
