"""Memory over a long stream: N generated frames through a whole run with every default writer.

    python benchmarks/flat_memory.py [--frames 20000] [--objects 1]

Growth is measured from frame 500 to the end, in the process's resident memory and in the bytes of the tracker's state,
each as a fraction; around both ends the median of 50 frames is taken. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import vidmem
from vidmem.asked import parse
from vidmem.frames.demo import DemoClip
from vidmem.memory_record import resident_bytes
from vidmem.run import Moment, follow
from vidmem.values import Frame

FROM = 500


class Swimming:
    """The demo clip, drawn once and played to and fro without end."""

    name, rate, size, seekable, skipped, promised = "swimming", 25.0, (360, 640), True, 0, None

    def __init__(self) -> None:
        self.drawn = [frame.image for frame in DemoClip("koi")]

    def __iter__(self) -> Iterator[Frame]:
        return self.between()

    def between(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        number = start
        while stop is None or number < stop:
            around = number % (2 * len(self.drawn) - 2)
            yield Frame(number, self.drawn[min(around, 2 * len(self.drawn) - 2 - around)], number / self.rate)
            number += step

    def close(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20000)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--tracker", default="sam2")
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    if arguments.frames < FROM + 100:
        parser.error(f"--frames must be {FROM + 100} or more: growth is measured from frame {FROM} on.")
    resident: dict[int, int] = {}
    state: dict[int, int] = {}

    def watch(moment: Moment) -> None:
        frame = moment.annotation.frame
        if abs(frame - FROM) <= 25 or frame >= arguments.frames - 50:
            resident[frame], state[frame] = resident_bytes(), moment.state_bytes
        if frame % 1000 == 0:
            print(
                f"frame {frame}  {resident_bytes() / 2**20:.1f} MiB resident  {moment.state_bytes} bytes of state",
                flush=True,
            )

    boxes = [f"{i}@{i - 1}:{60 + 20 * i},88,{141 + 20 * i},239" for i in range(1, arguments.objects + 1)]
    with tempfile.TemporaryDirectory() as folder:
        outcome = follow(
            Swimming(),
            vidmem.load(arguments.tracker, arguments.model),
            parse([], boxes, []),
            Path(folder) / "out",
            stop_after=arguments.frames,
            watcher=watch,
        )
    growth = {}
    for name, measured in (("rss_growth", resident), ("state_growth", state)):
        early = median(value for frame, value in measured.items() if frame <= FROM + 25)
        late = median(value for frame, value in measured.items() if frame >= arguments.frames - 50)
        growth[name] = round(late / early - 1, 5)
    fps = round(outcome.summary.fps or 0, 1)
    print(json.dumps({**growth, "frames": arguments.frames, "objects": arguments.objects, "fps": fps}))


if __name__ == "__main__":
    main()
