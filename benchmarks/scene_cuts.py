"""Scene cuts on real clips joined into one film: ours beside PySceneDetect, on the same file, in the same run.

    VIDMEM_DATA=… python benchmarks/scene_cuts.py [--encoder colour] [--film film.mp4]

Shots of 20 to 60 frames are cut out of real clips and joined in a random order, never two of one clip in a row, so
every cut is known. The film is written as H.264 and read back by both. Clips of DAVIS's training split are left out: on
them the floor of the rule was chosen. A found cut counts if it lies within 2 frames of a true one; each true one counts
once. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from vidmem.cuts.detect import find_scenes, stream_cuts
from vidmem.cuts.tilling import RULES
from vidmem.errors import VidmemError
from vidmem.frames import watch
from vidmem.video_file import VideoFile

SIZE = (270, 480)
TOLERANCE = 2  # frames
SHOTS = (20, 60)  # frames
A_CLIP = 240  # frames of each clip that are used, at most
FOLDERS = ["DAVIS/JPEGImages/480p", "tld", "vot", "vid", "cdnet", "xmem2-examples"]
TUNED_ON = {"bmx-bumps", "surf", "soccerball", "dog-agility"}


def clips(root: Path) -> Iterator[tuple[str, str]]:
    """(name, source) of every clip below the data folder that is not to be left out."""
    for folder in FOLDERS:
        for place in sorted({each.parent for each in (root / folder).rglob("*.jpg")}):
            if not TUNED_ON & set(place.parts):
                yield str(place.relative_to(root)), str(place)
    for path in sorted((root / "videos").rglob("*.*")):
        if path.suffix in (".mp4", ".mov", ".mkv", ".webm") and path.stem != "corrupted":
            yield str(path.relative_to(root)), str(path)


def frames_of(source: str) -> list[np.ndarray]:
    """The clip's first frames, (270, 480, 3) uint8."""
    video, out = watch(source), []
    try:
        for frame in video.between(0, A_CLIP):
            scaled = F.interpolate(frame.image[None].float(), SIZE, mode="area")[0]
            out.append(scaled.round().to(torch.uint8).permute(1, 2, 0).numpy())
    finally:
        video.close()
    return out


def plan(lengths: dict[str, int], seed: int) -> list[tuple[str, int, int]]:
    """(clip, first, behind the last) of every shot, in order; neighbours are of different clips."""
    chance = np.random.default_rng(seed)
    shots = []
    for name, length in lengths.items():
        start = 0
        while length - start >= SHOTS[0]:
            stop = min(length, start + int(chance.integers(SHOTS[0], SHOTS[1] + 1)))
            shots.append((name, start, stop))
            start = stop
    for _ in range(10_000):
        order = [shots[int(i)] for i in chance.permutation(len(shots))]
        # A clip that is met twice in a row would be no cut: the later shot is put where it has other neighbours.
        for _ in range(len(order)):
            clash = next((i for i in range(1, len(order)) if order[i][0] == order[i - 1][0]), None)
            if clash is None:
                return order
            order.insert(int(chance.integers(len(order))), order.pop(clash))
    raise SystemExit("The clips cannot be joined without two shots of one clip in a row: most are of a single clip.")


def f1(found: Sequence[int], true: Sequence[int]) -> dict[str, float]:
    """Precision, recall and F1; each true cut is matched with the nearest free one found, within the tolerance."""
    free, hits = set(found), 0
    for cut in true:
        near = min(free, key=lambda each: abs(each - cut), default=None)
        if near is not None and abs(near - cut) <= TOLERANCE:
            free.discard(near)
            hits += 1
    precision, recall = hits / max(1, len(found)), hits / max(1, len(true))
    return {"f1": round(2 * hits / max(1, len(found) + len(true)), 4), "precision": precision, "recall": recall}


def pyscenedetect(film: Path, detector: str) -> list[int]:
    """The last frame of each scene but the last, by PySceneDetect with its defaults."""
    import scenedetect

    made = getattr(scenedetect, detector)()
    return [scene[1].frame_num - 1 for scene in scenedetect.detect(str(film), made)[:-1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--encoder", default="colour", help="comma-separated; the first by every rule, others by ours alone"
    )
    parser.add_argument("--film", type=Path, help="keep the film here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if "VIDMEM_DATA" not in os.environ:
        parser.error("VIDMEM_DATA is not set: it names the folder of real clips.")
    library = {}
    for name, source in clips(Path(os.environ["VIDMEM_DATA"])):
        try:
            frames = frames_of(source)
        except VidmemError as problem:
            print(f"{name} is left out: {problem}")
            continue
        if len(frames) >= SHOTS[0]:
            library[name] = frames
    order = plan({name: len(frames) for name, frames in library.items()}, arguments.seed)
    true = [int(each) for each in np.cumsum([stop - start for _, start, stop in order])[:-1] - 1]
    frames = sum(stop - start for _, start, stop in order)
    print(f"{len(library)} clips, {len(order)} shots, {len(true)} cuts, {frames} frames")
    with tempfile.TemporaryDirectory() as folder:
        film = arguments.film or Path(folder) / "film.mp4"
        writer = VideoFile(film)
        for number, picture in enumerate(p for name, start, stop in order for p in library[name][start:stop]):
            writer.write(picture, number / 24)
        writer.close()
        library.clear()
        scores = measure(film, true, arguments.encoder.split(","))
    first = arguments.encoder.split(",")[0]
    print(
        json.dumps(
            {
                "f1": scores[f"{first}, vidmem"]["f1"],
                "pyscenedetect_f1": scores["PySceneDetect ContentDetector"]["f1"],
                "cuts": len(true),
                "all": scores,
            }
        )
    )


def measure(film: Path, true: list[int], encoders: list[str]) -> dict[str, dict[str, float]]:
    """Who found what: name -> scores, and CPU seconds of the whole pass, decoding included."""
    scores = {}

    def note(name: str, started: float, found: list[int]) -> None:
        spent = time.process_time() - started
        scores[name] = {**{key: round(value, 4) for key, value in f1(found, true).items()}, "cpu_s": round(spent, 1)}
        print(f"{name:40s} found {len(found):4d}  {scores[name]}", flush=True)

    for encoder in encoders:
        for rule in RULES if encoder == encoders[0] else ["vidmem"]:
            started, video = time.process_time(), watch(str(film))
            note(f"{encoder}, {rule}", started, find_scenes(video, encoder, RULES[rule]).cuts)
            video.close()
        if encoder != encoders[0]:
            continue
        started, video = time.process_time(), watch(str(film))
        note(f"{encoder}, streaming", started, [cut.frame for _, cut in stream_cuts(video, encoder)])
        video.close()
    for detector in ("ContentDetector", "AdaptiveDetector"):
        started = time.process_time()
        note(f"PySceneDetect {detector}", started, pyscenedetect(film, detector))
    return scores


if __name__ == "__main__":
    main()
