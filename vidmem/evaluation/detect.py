"""A detector over a data set of boxes, by one of two protocols, to the COCO JSON that `vidmem score` reads.

"online": each video in its order, nothing known of what is to come. "paper": 14 references spread over the whole video
are seen beforehand and the frames come shuffled, as MAMBA's scores were made (vfe.pytorch, coco_video_dataset and
imagenet_vid_dataset). The two are never mixed: numbers of the second need the future.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vidmem.detecting import VideoDetector
from vidmem.detectors.detector import Looked
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.found import Found
from vidmem.saving import make_folder, replacing
from vidmem.values import Frame
from vidmem.videos import Dataset, DetectionTruth, Video

Protocol = Literal["online", "paper"]
ABOUT = "about.json"  # what the detections of a folder were made with
REFERENCES = 14  # vfe.pytorch, mamba_r101_dc5_3x


@dataclass(frozen=True)
class Moment:
    """What there is to tell when a video has ended."""

    video: str
    done: int
    of: int
    frames: int
    seconds: float


def detect_dataset(
    detector: VideoDetector,
    dataset: Dataset,
    out: Path,
    *,
    protocol: Protocol = "online",
    seed: int = 0,
    sequences: Sequence[str] = (),
    resume: bool = False,
    about: Mapping[str, Any] | None = None,
    looked: Mapping[str, Mapping[int, Looked]] | None = None,
    watcher: Callable[[Moment], None] | None = None,
) -> Path:
    """Detect in every video of a data set; -> out/detections.json.

    A video that is done is kept in out/videos, so that a run that was cut off goes on with resume. about: facts that
    the detections depend on, as JSON holds them (which model, which split); a run is only gone on with under the same.
    looked: video -> what `detect_video` takes.

    Raises ModelError where the detector knows a class that the data set does not, InputError for a video without
    frames and a folder that is not empty, UsageError for a protocol or a video that is not known, and for other facts.
    """
    if protocol not in ("online", "paper"):
        raise UsageError(f"The protocol {protocol!r} is not known. It is online (causal) or paper (offline).")
    names = list(sequences) or dataset.names()
    kept = make_folder(out / "videos")
    if not resume and any(kept.iterdir()):
        raise InputError(f"{out} holds detections. Go on with them by --resume, or choose another --out.")
    _must_go_on(out / ABOUT, {"protocol": protocol, "seed": seed, **(about or {})})
    files = []
    for number, name in enumerate(names):
        file = kept / f"{name.replace('/', '__')}.json"
        files.append(file)
        if file.is_file():
            continue
        video, began = dataset.video(name), time.perf_counter()
        known = looked[name] if looked is not None else None
        given = detect_video(detector, video, protocol, seed, known)
        rows = [row for found in given for row in _rows(found, video, detector)]
        with replacing(file) as written:
            written.write(json.dumps(rows).encode())
        if watcher:
            watcher(Moment(name, number + 1, len(names), len(video), time.perf_counter() - began))
    every = [row for file in files for row in json.loads(file.read_bytes())]
    with replacing(out / "detections.json") as written:
        written.write(json.dumps(every).encode())
    return out / "detections.json"


def _must_go_on(file: Path, facts: Mapping[str, Any]) -> None:
    """Keeps the facts of a run, or raises UsageError that names the first difference to those it was begun under."""
    if file.is_file():
        begun = json.loads(file.read_bytes())
        for name in sorted({*begun, *facts}):
            if begun.get(name) != facts.get(name):
                raise UsageError(
                    f"The detections in {file.parent} were made with {name} {begun.get(name)!r}, now it is "
                    f"{facts.get(name)!r}. Ask the same to go on with them, or choose another --out."
                )
    with replacing(file) as written:
        written.write(json.dumps(facts, indent=1).encode())


def detect_video(
    detector: VideoDetector,
    video: Video,
    protocol: Protocol = "online",
    seed: int = 0,
    looked: Mapping[int, Looked] | None = None,
) -> Iterator[Found]:
    """What is found in each frame of a video, in the order the frames are visited.

    looked: frame -> what the first stage made of it, where it is known (several memories over one base).
    """
    if not len(video):
        raise InputError(f"The video {video.name} has no frames. Check the data set with: vidmem datasets check")
    stream = detector.start(seed)
    frames = video.frames()
    if protocol == "paper":
        every = list(frames)
        frames = shuffled(every, seed)
        if detector.detector.architecture.attention != "none":
            numbers = [*reference_numbers(len(every)), 0]
            seen = [looked[each] for each in numbers] if looked is not None else None
            stream = detector.begin_with(stream, [every[each] for each in numbers], seen)
    for frame in frames:
        seen = [looked[frame.index]] if looked is not None else None
        (stream,), (found,) = detector.step_together([stream], [frame], seen)
        yield found


def reference_numbers(length: int, count: int = REFERENCES) -> list[int]:
    """round(i (length - 1) / (count - 1)): the first and the last frame and those evenly between, halves to even."""
    if length == 1:
        return [0] * count
    return [round(i * (length - 1) / (count - 1)) for i in range(count)]


def shuffled(frames: Sequence[Frame], seed: int) -> list[Frame]:
    """The first frame, then the others in an order of chance. The release sets no seed; scores move with it."""
    rest = list(frames[1:])
    random.Random(seed).shuffle(rest)
    return [*frames[:1], *rest]


def _rows(found: Found, video: Video, detector: VideoDetector) -> list[dict[str, Any]]:
    """COCO rows of a frame, in the data set's own classes and pixels."""
    truth = video.truth
    if not isinstance(truth, DetectionTruth):
        raise InputError(
            f"{video.name} has no boxes of known classes. Detection is scored on sets such as imagenet_vid."
        )
    numbers = class_numbers(detector, truth)
    edge = 1.0 if truth.inclusive else 0.0  # then the far corner is the last pixel
    return [
        {
            "image_id": f"{video.name}/{found.name}",
            "category_id": numbers[int(label)],
            "bbox": [round(float(each), 2) for each in (x0, y0, max(x1 - x0 - edge, 0), max(y1 - y0 - edge, 0))],
            "score": round(float(score), 5),
        }
        for (x0, y0, x1, y1), score, label in zip(found.boxes, found.scores, found.labels, strict=True)
    ]


def class_numbers(detector: VideoDetector, truth: DetectionTruth) -> dict[int, int]:
    """Label of the detector -> class id of the data set. Raises ModelError for a class that it does not have."""
    by_name = {name: number for number, name in truth.classes.items()}
    unknown = [each for each in detector.classes if each not in by_name]
    if unknown:
        raise ModelError(
            f"The detector tells {len(detector.classes)} classes apart, among them {unknown[0]!r}, which the data set "
            f"does not have. It has {len(by_name)}: {', '.join(list(by_name)[:6])}, … Give a detector of its classes."
        )
    return {label: by_name[name] for label, name in enumerate(detector.classes, 1)}
