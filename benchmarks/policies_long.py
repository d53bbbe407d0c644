"""J&F of every tracker card on long generated videos, one model for all of them, each frame encoded once.

    python benchmarks/policies_long.py [--trackers sam2,sam2long] [--scenes occlusion,drift] [--seeds 2] [--frames 300]

Trackers differ in what they remember; the cards are tried on datasets/long-generated.toml, a kind of scene for each
weakness of a memory. Every video and tracker is kept in --out, and not tracked again when the command is given again
with the same model, card and frames. The first tracker (sam2, if it is among them) is what the others are compared
with. Writes policies_long.json into --results, the tables as Markdown to --document; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from counted import Counted
from policies_tables import document, of_kinds, table

from vidmem import cards, compose, states
from vidmem.emission import State, release
from vidmem.metrics.collect import compare_object
from vidmem.metrics.labels import Masks
from vidmem.models.shared import SharedEncoding
from vidmem.saving import make_folder, replacing
from vidmem.scenes import kinds
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt, Track
from vidmem.videos import MaskTruth, Video
from vidmem.videos.generated import Generated
from vidmem.videos.root import Root

HOME = Path(__file__).parent.parent
FIRST_MASK = "first-mask"  # answers every frame with the mask it was given: what no memory at all is worth
AWAY = 10  # frames an object must have been out of sight for its return to count as one
WITHIN = 20  # frames it may take to find it again
FOUND = 0.5  # the J that counts as found


def main() -> None:
    asked = arguments()
    torch.set_num_threads(asked.threads)
    names = sorted(
        asked.trackers.split(",") if asked.trackers else cards.names("trackers"), key=lambda each: each != "sam2"
    )
    layout = Generated(Root(HOME), asked.scenes.split(",") if asked.scenes else (), asked.seeds, 0, asked.frames)
    seers = {name: seer(json.dumps(compose.read(name).get("model", {})), asked.model, asked.device) for name in names}
    kept = Kept(
        asked.out, {"model": asked.model, "frames": asked.frames}, {name: seers[name].weights for name in names}
    )
    videos, began = {}, time.perf_counter()
    for number, video in enumerate(layout.names()):
        missing = [name for name in (*names, FIRST_MASK) if kept.read(video, name) is None]
        if missing:
            contest(layout.video(video), [name for name in missing if name != FIRST_MASK], seers, kept)
        videos[video] = {name: kept.read(video, name) for name in (*names, FIRST_MASK)}
        scores = "  ".join(f"{name} {row['J&F']:.3f}" for name, row in videos[video].items())
        print(f"[{number + 1}/{len(layout.names())}] {video:14s} {scores}", flush=True)
    about = {
        "model": asked.model,
        "machine": machine(asked.device),
        "threads": asked.threads,
        "commits": sorted({row["commit"] for rows in videos.values() for row in rows.values()}),
        "seeds": asked.seeds,
        "frames": asked.frames,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print("\n" + table(of_kinds(videos)))
    with replacing(make_folder(asked.results) / "policies_long.json") as file:
        file.write(json.dumps({**about, "videos": videos}, indent=1).encode())
    with replacing(asked.document) as file:
        file.write(document(videos, about, {kind: said(kind) for kind in layout.scenes or kinds}).encode())
    means = {name: round(mean(row[name]["J&F"] for row in videos.values()), 4) for name in (*names, FIRST_MASK)}
    print(json.dumps({"J&F": means, "videos": len(videos), **about}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trackers", help="cards, with commas between; every card of trackers/ by default")
    parser.add_argument("--scenes", help="kinds of scene, with commas between; every kind by default")
    parser.add_argument("--seeds", type=int, default=2, help="videos of each kind")
    parser.add_argument("--frames", type=int, default=300, help="of each video")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HOME / "runs" / "policies_long", help="where scores are kept")
    parser.add_argument("--results", type=Path, default=HOME / "benchmarks" / "results")
    parser.add_argument("--document", type=Path, default=HOME / "docs" / "policies.md")
    return parser.parse_args()


@dataclass(frozen=True, eq=False)
class Seer:
    """A model, shared by all trackers whose cards ask for the same options of it."""

    encoding: SharedEncoding
    weights: str  # a digest of them


@cache
def seer(options: str, model: str, device: str) -> Seer:
    """The model with some options, as JSON."""
    made = compose.load_model(model, device=device, **json.loads(options))
    digest = hashlib.sha256(str(made.spec).encode())
    if isinstance(made, torch.nn.Module):
        for name, weights in made.state_dict().items():
            digest.update(name.encode() + weights.float().cpu().numpy().tobytes())
    return Seer(SharedEncoding(made), digest.hexdigest()[:16])


@dataclass(frozen=True)
class Kept:
    """Scores of a video and tracker, one file each. A score that was asked for otherwise is as good as none."""

    folder: Path
    asked: dict[str, Any]
    weights: dict[str, str]

    def read(self, video: str, tracker: str) -> Any:
        path = self.folder / video / f"{tracker}.json"
        row = json.loads(path.read_text()) if path.is_file() else None
        return row if row and row["asked"] == self._key(tracker) else None

    def write(self, video: str, tracker: str, row: dict[str, Any]) -> None:
        whole = {**row, "commit": commit(), "asked": self._key(tracker)}
        with replacing(make_folder(self.folder / video) / f"{tracker}.json") as file:
            file.write(json.dumps(whole).encode())

    def _key(self, tracker: str) -> dict[str, Any]:
        if tracker == FIRST_MASK:
            return {"frames": self.asked["frames"]}
        card = {part: said for part, said in compose.read(tracker).items() if part not in compose.WORDS}
        return {**self.asked, "weights": self.weights[tracker], "card": card}


def contest(video: Video, names: Sequence[str], seers: dict[str, Seer], kept: Kept) -> None:
    """Every tracker over a video, frame by frame side by side."""
    prompts = video.prompts()
    truth = lru_cache(maxsize=64)(partial(true_masks, video))  # as long as answers are held back, about
    rivals = {}
    for name in names:
        model = Counted(seers[name].encoding)
        rivals[name] = Rival(compose.load(name, model), model, Score(truth, prompts))
    first, told = Score(truth, prompts), np.zeros(truth(0).size, np.int32)
    for frame in video.frames():
        for rival in rivals.values():
            rival.see(frame, prompts.get(frame.index, ()))
        for prompt in prompts.get(frame.index, ()):
            assert prompt.mask is not None
            told = np.where(prompt.mask.numpy(), prompt.object_id, told)
        first.take(frame.index, told)
    for name, rival in rivals.items():
        rival.end()
        kept.write(video.name, name, {**rival.score.numbers(), **rival.costs()})
    kept.write(video.name, FIRST_MASK, first.numbers())


def true_masks(video: Video, frame: int) -> Masks:
    assert isinstance(video.truth, MaskTruth)
    labels = video.truth.labels(video.frame_names[frame])
    assert labels is not None  # every frame of a drawn video is annotated
    return Masks(labels)


@dataclass(eq=False)
class Rival:
    """One tracker on its way."""

    tracker: Tracker
    model: Counted
    score: Score
    state: State = field(default_factory=dict)
    held: tuple[Frame, ...] = ()
    object_frames: int = 0
    most_bytes: int = 0  # of the state, an object

    def see(self, frame: Frame, prompts: Sequence[Prompt]) -> None:
        self.state, track = self.tracker.step(self.state, frame, prompts)
        self.object_frames += len(self.state)
        if self.state:
            self.most_bytes = max(self.most_bytes, states.nbytes(self.state) // len(self.state))
        if self.tracker.emit == "best":
            self._give_out([track])
        else:
            self.state, out, self.held = release(self.tracker.emission, self.state, (*self.held, frame))
            self._give_out([each for _, each in out])

    def end(self) -> None:
        _, out, self.held = release(self.tracker.emission, self.state, self.held, ended=True)
        self._give_out([each for _, each in out])

    def costs(self) -> dict[str, float]:
        """A frame and object: decodings, memory tokens attended, masks encoded. Bytes: the most the state ever took."""
        counts = {"decoded": self.model.decoded, "attended": self.model.attended, "remembered": self.model.remembered}
        return {**{name: round(n / self.object_frames, 4) for name, n in counts.items()}, "bytes": self.most_bytes}

    def _give_out(self, tracks: Sequence[Track]) -> None:
        for track in tracks:
            self.score.take(track.frame, track.labels().numpy())


@dataclass(eq=False)
class Score:
    """J and F of every object on every frame behind the one in which it was told, and what became of it when away."""

    truth: Callable[[int], Masks]
    prompts: Mapping[int, Sequence[Prompt]]
    rows: dict[int, list[tuple[float, float, bool, bool]]] = field(default_factory=dict)

    def take(self, frame: int, answer: np.ndarray) -> None:
        true, given = self.truth(frame), Masks(answer)
        for object_id in self.rows:
            found = compare_object(true, given, object_id)
            seen, answered = bool(found.truth), found.joint > found.truth or found.shared > 0
            self.rows[object_id].append((found.j(), found.boundaries[0].f(), seen, answered))
        for prompt in self.prompts.get(frame, ()):
            self.rows[prompt.object_id] = []

    def numbers(self) -> dict[str, Any]:
        """Of the video: a mean over its objects. `away`: frames out of sight, `silent`: those answered with no mask."""
        objects = {object_id: of_object(np.array(row, float)) for object_id, row in sorted(self.rows.items())}
        means = {key: float(np.mean([each[key] for each in objects.values()])) for key in ("J", "F", "J in sight")}
        sums = {key: sum(each[key] for each in objects.values()) for key in ("away", "silent", "returns", "found")}
        return {"J&F": (means["J"] + means["F"]) / 2, **means, **sums, "objects": objects}


def of_object(row: np.ndarray) -> dict[str, Any]:
    """row (T, 4): J, F, whether the object is in sight, whether an answer was given."""
    j, f, seen, answered = row.T
    seen, answered = seen > 0, answered > 0
    back = list(returns(seen))
    return {
        "J": round(float(j.mean()), 5),
        "F": round(float(f.mean()), 5),
        "J in sight": round(float(j[seen].mean()), 5) if seen.any() else 1.0,
        "away": int((~seen).sum()),
        "silent": int((~seen & ~answered).sum()),
        "returns": len(back),
        "found": sum(bool((j[frame : frame + WITHIN] > FOUND).any()) for frame in back),
    }


def returns(seen: np.ndarray) -> Iterator[int]:
    """The frames in which an object comes back into sight for good, that is long enough to be found."""
    away = 0
    for frame, here in enumerate(seen):
        if here and away >= AWAY and seen[frame : frame + WITHIN].all() and frame + WITHIN <= len(seen):
            yield frame
        away = 0 if here else away + 1


def said(kind: str) -> str:
    """What a kind of scene holds, in its own words."""
    return " ".join((kinds[kind].__doc__ or "").split())


def commit() -> str:
    """The commit of this code; with a plus where it was changed since."""
    run = partial(subprocess.run, capture_output=True, text=True, cwd=HOME)
    changed = run(["git", "status", "--porcelain", "--", "vidmem", "trackers", "weights"]).stdout.strip()
    return run(["git", "rev-parse", "--short", "HEAD"]).stdout.strip() + ("+" if changed else "")


def machine(device: str) -> str:
    """What this ran on, in words."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"


if __name__ == "__main__":
    main()
