"""Draws docs/scenes.png and docs/needle.png of a film drawn on the spot, so that no clip of anyone is in them.

python docs/bridge_pictures.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from vidmem.bridges import policies
from vidmem.cuts.colour import Colour
from vidmem.cuts.detect import find_scenes
from vidmem.cuts.forms.sheet import write_sheet
from vidmem.frames import watch
from vidmem.needle.heat import draw_heats
from vidmem.needle.needles import make_needle
from vidmem.needle.plan import Grid
from vidmem.needle.trial import by_rank
from vidmem.recall.film import RecallFilm
from vidmem.video_file import VideoFile

HERE = Path(__file__).parent
CACHES = {"everything": {}, "surprise": {"keep": 16}, "merge": {"keep": 16}, "fifo": {"keep": 16}}


def film(path: Path, scenes: int) -> str:
    video = VideoFile(path)
    for frame in RecallFilm(scenes):
        video.write(frame.image.permute(1, 2, 0).numpy(), frame.time)
    video.close()
    return str(path)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        short = film(Path(folder) / "recall-18.mp4", 18)
        source = watch(short)
        write_sheet(find_scenes(source), HERE / "scenes.png", short)
        source.close()
        long = film(Path(folder) / "recall-120.mp4", 120)
        cells, panels = Grid(160, 20, 12).cells(), {}
        for name, bound in CACHES.items():
            found = list(by_rank([long], cells, make_needle("image"), Colour(), policies[name](**bound)))
            panels[f"{name}, {bound['keep']} kept" if bound else name] = found
            print(name, round(sum(each.score for each in found) / len(found), 4), flush=True)
        draw_heats(panels, HERE / "needle.png")


if __name__ == "__main__":
    main()
