"""The page for interactive tracking.

    python apps/demo.py [VIDEO] [--tracker samurai] [--port 7860]

The same as `vidmem demo`; see `vidmem demo --help`.
"""

from __future__ import annotations

import sys

from vidmem.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["demo", *sys.argv[1:]]))
