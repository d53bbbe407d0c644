"""What a tree of three pasts costs against one path, on long generated videos: published, and with pasts that merge.

    python benchmarks/tree_cost.py [--frames 300] [--seeds 1] [--scenes occlusion,reentry] [--model nano]
                                   [--tracker sam2long] [--set search.merge_after=5]

Three trackers over the same videos, frame by frame in turn, so that whatever else the machine does meets all of them:
`single` keeps one past, `published` a tree that never merges, `merging` the tree of the card. All three have the card's
memory, and each looks at every frame itself. Beside the time stand decodings and encodings of memory, each for a frame
and object, which do not depend on the machine, and J&F. The last line is one JSON object; `cost_vs_single` is the wall
time of `merging` over that of `single`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean

import torch
from counted import Counted

from vidmem import compose
from vidmem.cli.options import settings_of
from vidmem.emission import State
from vidmem.metrics.collect import compare_object
from vidmem.metrics.labels import Masks
from vidmem.models import Model
from vidmem.searches.single import Single
from vidmem.searches.tree import Tree
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt
from vidmem.videos import MaskTruth
from vidmem.videos.generated import Generated
from vidmem.videos.root import Root

SIDES = ("single", "published", "merging")


@dataclass(eq=False)
class Side:
    """One tracker on its way through one video after another."""

    tracker: Tracker
    model: Counted
    wall: float = 0.0  # seconds
    cpu: float = 0.0
    object_frames: int = 0
    scores: list[float] = field(default_factory=list)  # J&F of each object of each video
    state: State = field(default_factory=dict)
    rows: dict[int, list[float]] = field(default_factory=dict)

    def begin(self) -> None:
        self.state, self.rows = {}, {}

    def see(self, frame: Frame, prompts: Sequence[Prompt], truth: Masks) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.state, track = self.tracker.step(self.state, frame, prompts)
        _synchronise(self.model.device)
        self.wall, self.cpu = self.wall + time.perf_counter() - wall, self.cpu + time.process_time() - cpu
        self.object_frames += len(self.state)
        answer = Masks(track.labels().numpy())
        for object_id, row in self.rows.items():
            found = compare_object(truth, answer, object_id)
            row.append((found.j() + found.f()) / 2)
        self.rows |= {prompt.object_id: [] for prompt in prompts}

    def end(self) -> None:
        self.scores += [mean(row) for row in self.rows.values()]

    def numbers(self) -> dict[str, float]:
        each = self.object_frames
        return {
            "decoded": round(self.model.decoded / each, 3),
            "remembered": round(self.model.remembered / each, 3),
            "milliseconds": round(1000 * self.wall / each, 2),
            "J&F": round(mean(self.scores), 4),
        }


def main() -> None:
    asked = arguments()
    torch.set_num_threads(asked.threads)
    model = compose.load_model(asked.model, device=asked.device)
    sides = {name: side(name, asked.tracker, model, settings_of(asked.settings)) for name in SIDES}
    scenes = asked.scenes.split(",") if asked.scenes else ()
    layout = Generated(Root(Path()), scenes, asked.seeds, 0, asked.frames)
    for name in layout.names():
        video = layout.video(name)
        prompts, truth = video.prompts(), video.truth
        assert isinstance(truth, MaskTruth)
        for each in sides.values():
            each.begin()
        for frame in video.frames():
            labels = truth.labels(video.frame_names[frame.index])
            assert labels is not None  # every frame of a drawn video is annotated
            turn = frame.index % len(SIDES)  # none is always the first to touch a frame
            for each in (*SIDES[turn:], *SIDES[:turn]):
                sides[each].see(frame, prompts.get(frame.index, ()), Masks(labels))
        for each in sides.values():
            each.end()
        print(f"{name:14s}" + "".join(f"   {each} {_so_far(sides, each)}" for each in SIDES), flush=True)
    one = sides["single"]
    print(
        json.dumps(
            {
                "cost_vs_single": round(sides["merging"].wall / one.wall, 3),
                "published_cost_vs_single": round(sides["published"].wall / one.wall, 3),
                "cpu_cost_vs_single": round(sides["merging"].cpu / one.cpu, 3),
                **{name: each.numbers() for name, each in sides.items()},
                "tracker": asked.tracker,
                "model": model.spec.name,
                "videos": len(layout.names()),
                "frames": asked.frames,
                "threads": asked.threads,
                "device": str(model.device),
            }
        )
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300, help="of each video")
    parser.add_argument("--seeds", type=int, default=1, help="videos of each kind")
    parser.add_argument("--scenes", help="kinds of scene, with commas between; every kind by default")
    parser.add_argument("--tracker", default="sam2long", help="a card whose search is a tree")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="PART.OPTION=VALUE")
    return parser.parse_args()


def side(name: str, card: str, model: Model, settings: Mapping[str, object]) -> Side:
    """The card's tracker with one past, with a tree that never merges, or as it is."""
    counted = Counted(model)
    made = compose.load(card, counted, settings=settings)
    tree = made.search
    assert isinstance(tree, Tree), f"the card {card} has no tree"
    searches = {"single": Single(), "published": replace(tree, merge_after=0), "merging": tree}
    return Side(replace(made, search=searches[name], emit="best"), counted)


def _so_far(sides: Mapping[str, Side], name: str) -> str:
    each = sides[name]
    return f"{each.wall / sides['single'].wall:.3f} x {each.model.decoded / each.object_frames:.2f} decoded"


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
