"""One task: a video is tracked, its results are written, then scored from the disk, then its record is written."""

from __future__ import annotations

import json
import platform
import traceback
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vidmem.errors import InputError, ModelError, UsageError, VidmemError
from vidmem.evaluation.detections import FILE as DETECTIONS
from vidmem.evaluation.detections import score_detections
from vidmem.evaluation.engines import Ended
from vidmem.evaluation.forms import Form, form_of
from vidmem.evaluation.plain import to_plain
from vidmem.evaluation.plan import FILE, Plan
from vidmem.evaluation.prompts import check_kind
from vidmem.evaluation.protocols import protocol_of
from vidmem.evaluation.record import Record, Tracking, name_of
from vidmem.evaluation.scoring import score
from vidmem.evaluation.store import Store, open_store
from vidmem.evaluation.track import track
from vidmem.evaluation.tracks import score_tracks
from vidmem.metrics import track_protocols
from vidmem.tracker import Tracker
from vidmem.videos import Dataset, DetectionTruth, Video, open_dataset


@dataclass(frozen=True)
class EvaluateVideo:
    """What a worker does with a video. It needs no more than this, wherever it is."""

    plan: Plan
    out: str  # a path or an address that the worker sees too

    def __call__(self, task: str, device: str) -> Ended:
        try:
            store, dataset = open_store(self.out), self._dataset()
            if not store.has(FILE):
                raise InputError(
                    f"{self.out} is not there on the machine {platform.node()}. Name an --out that every machine of "
                    "the cluster shares: a shared folder, or an address such as s3://…"
                )
            tracker = _tracker(self.plan.to_json(), device) if self.plan.tracks else None
        except VidmemError as refused:  # what is wrong here is wrong for every video
            return Ended(task, str(refused), refusal=type(refused).__name__)
        try:
            if not store.has(name_of(task)):  # a worker may be lost after its record is written, before it says so
                record = self._evaluate(dataset, dataset.video(task), tracker, store)
                store.write(name_of(task), record.to_json())
            return Ended(task)
        except (UsageError, ModelError) as refused:
            return Ended(task, str(refused), refusal=type(refused).__name__)
        except VidmemError as problem:
            return Ended(task, str(problem))
        except Exception as problem:
            reason = f"{type(problem).__name__}: {problem}".strip().splitlines()[0]
            return Ended(task, reason, traceback.format_exc())

    def _dataset(self) -> Dataset:
        return open_dataset(self.plan.dataset, self.plan.root, self.plan.split or None)

    def _evaluate(self, dataset: Dataset, video: Video, tracker: Tracker | None, store: Store) -> Record:
        if dataset.protocol in track_protocols:
            if not video.truth.complete:
                return Record(video.name, len(video))
            protocol = protocol_of(dataset, options=self.plan.counting)
            return Record(video.name, len(video), to_plain(score_tracks(video, protocol, Path(self.plan.results))))
        if isinstance(video.truth, DetectionTruth):
            scores = score_detections(
                self.plan, video, protocol_of(dataset, options=self.plan.counting), detections_of(self.plan)
            )
            return Record(video.name, len(video), to_plain(scores))
        form = form_of(dataset, video)
        unit, results = form.unit(video.name), open_store(self.plan.results or self.out)
        tracking: Tracking | None = None
        if tracker is not None:
            unit = f"results/{unit}"
            tracking = self._track(video, tracker, form, store, unit)
        if not video.truth.complete:  # its scores come from a server
            return Record(video.name, len(video), tracking=tracking)
        with results.fetch(unit) as path:
            scores = score(video, protocol_of(dataset, [video.name], self.plan.counting), form, path)
        return Record(video.name, len(video), to_plain(scores), tracking)

    def _track(self, video: Video, tracker: Tracker, form: Form, store: Store, unit: str) -> Tracking:
        with store.scratch() as folder:
            with closing(form.writer(folder, video)) as writer:
                tracking = track(video, tracker, check_kind(self.plan.prompt), writer)
            store.publish(folder / form.unit(video.name), unit)
        return tracking


def detections_of(plan: Plan) -> Path:
    """The one file of detections that a plan scores."""
    named = Path(plan.results)
    return named if named.suffix == ".json" else named / DETECTIONS


@lru_cache(maxsize=1)
def _tracker(plan: bytes, device: str) -> Tracker:
    """One tracker a process, however many videos it is given."""
    from vidmem.compose import load

    said = json.loads(plan)
    settings = {"model.precision": "exact", **said["settings"]}  # scores are not to depend on the processor
    return load(said["tracker"], said["model"], settings=settings, device=device)
