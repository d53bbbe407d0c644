"""An evaluation from beginning to end: what is left to do is worked off, then all records become a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vidmem import errors
from vidmem.errors import InputError, UsageError, VidmemError
from vidmem.evaluation.answering import parts_of
from vidmem.evaluation.detections import read
from vidmem.evaluation.engines import Ended, Engine, engines
from vidmem.evaluation.forms import form_of
from vidmem.evaluation.job import EvaluateVideo, detections_of
from vidmem.evaluation.plain import from_plain
from vidmem.evaluation.plan import FILE, Plan
from vidmem.evaluation.prompts import check_kind
from vidmem.evaluation.protocols import numbers_of, protocol_of, without_sides
from vidmem.evaluation.record import Record, name_of
from vidmem.evaluation.report import write_report
from vidmem.evaluation.store import Store, open_store
from vidmem.evaluation.worklist import Mode, begin, begin_scoring, choose, todo
from vidmem.metrics import detection_protocols
from vidmem.videos import Dataset, open_dataset


@dataclass(frozen=True)
class Moment:
    """What there is to tell when a video has ended."""

    record: Record
    place: str  # where it was worked on
    done: int  # videos of all that are asked for, those of an earlier run too
    of: int
    share: float  # of the frames of this run that are behind, 0..1
    numbers: Mapping[str, float]  # the video's first scores, J&F or the like


def evaluate(
    plan: Plan,
    out: str | Path,
    *,
    mode: Mode = "new",
    engine: str | Engine = "local",
    workers: int = 0,
    device: str = "auto",
    address: str | None = None,
    watcher: Callable[[Moment], None] | None = None,
) -> dict[str, Any]:
    """Do what a plan asks, and return the report that is now in `out` as report.json, report.html and report.md.

    out: a folder, or an address such as s3://…. mode: "new" refuses one that is not empty, "resume" does what is left,
    "overwrite" begins anew. engine: a name of the table of engines, whose options workers, device and address are, or
    one made before.
    A video that fails is named in the report and does not end the run.
    Raises UsageError, InputError or ModelError for what is wrong with the whole.
    """
    runner = engines[engine](workers=workers, device=device, address=address) if isinstance(engine, str) else engine
    return _run(plan, out, runner, lambda store, plan: begin(store, plan, mode), watcher)


def score_results(
    dataset: str,
    root: str | Path,
    results: str | Path,
    out: str | Path | None = None,
    *,
    split: str = "",
    sequences: tuple[str, ...] = (),
    counting: Mapping[str, Any] | None = None,
    engine: str | Engine = "local",
    workers: int = 0,
    watcher: Callable[[Moment], None] | None = None,
) -> tuple[dict[str, Any], str]:
    """Score results made elsewhere, in the form the benchmark takes; the report, and where it was written.

    results: a folder, the folder of an evaluation, or a COCO JSON of detections. out: where the report goes, the folder
    of results when left out. counting: options of the protocol.
    Raises as `evaluate` does; a video whose results are missing or broken is named in the report.
    """
    given = Path(results).expanduser().absolute()
    is_file = given.is_file() and given.suffix == ".json"
    if not given.is_dir() and not is_file:
        raise InputError(
            f"--results {results} is no folder with a folder or a file for each video, and no JSON file of detections."
        )
    place = _whole(str(out or (given.parent if is_file else given)))
    is_evaluation = (given / FILE).is_file() and Plan.from_json((given / FILE).read_bytes(), str(given / FILE)).tracks
    found = str(given / "results" if is_evaluation else given)
    plan = Plan(dataset, str(root), split, results=found, counting=dict(counting or {}), sequences=sequences)
    is_in_place = place == str(given.parent if is_file else given)
    report = _run(
        plan,
        place,
        engines[engine](workers=workers, device="cpu") if isinstance(engine, str) else engine,
        lambda store, plan: begin_scoring(store, plan, is_in_place),
        watcher,
    )
    return report, place


def _run(
    plan: Plan,
    out: str | Path,
    runner: Engine,
    prepare: Callable[[Store, Plan], None],
    watcher: Callable[[Moment], None] | None,
) -> dict[str, Any]:
    plan, place = replace(plan, root=_whole(plan.root), results=_whole(plan.results)), _whole(str(out))
    dataset = open_dataset(plan.dataset, plan.root, plan.split or None)
    names = choose(dataset, plan.sequences)
    _check(plan, dataset, names)
    plan = replace(plan, parts=parts_of(plan) if plan.tracks else {})
    store = open_store(place)
    with store.held():
        prepare(store, plan)
        try:
            _work_off(plan, place, dataset, names, runner, store, watcher)
        except VidmemError:
            if not store.files("records"):  # nothing is done, so the next try need not go on with anything
                store.remove(FILE)
            raise
        records = [_read(name, store) for name in names]
        protocol = protocol_of(dataset, [each.sequence for each in records if each.scores], plan.counting)
        return write_report(plan, dataset, protocol, records, store)


def _work_off(
    plan: Plan,
    place: str,
    dataset: Dataset,
    names: list[str],
    runner: Engine,
    store: Store,
    watcher: Callable[[Moment], None] | None,
) -> None:
    """Leaves a record of every video in the store."""
    left = todo(dataset, names, store)
    whole, behind, done = max(1, sum(left.values())), 0, len(names) - len(left)
    with closing(runner.run(EvaluateVideo(plan, place), list(left))) as running:
        for ended in running:
            record = _settle(ended, store)
            behind, done = behind + left[ended.task], done + 1
            if watcher:
                numbers = _numbers(plan, dataset, record)
                watcher(Moment(record, ended.place, done, len(names), behind / whole, numbers))


def _whole(place: str) -> str:
    """A place in words that mean the same in every folder and on every machine."""
    return place if not place or "://" in place else str(Path(place).expanduser().absolute())


def _check(plan: Plan, dataset: Dataset, names: list[str]) -> None:
    """Raises UsageError or InputError for what can be known to fail before anything is computed."""
    protocol_of(dataset, options=plan.counting)
    if not plan.tracks:
        if dataset.protocol in detection_protocols:  # one file of all videos: what is wrong with it is told once
            read(detections_of(plan), plan)
        return
    from vidmem.models import manifest, models

    if plan.model not in models and not plan.model.endswith((".pt", ".pth", ".safetensors")):
        manifest.named(plan.model)
    check_kind(plan.prompt)
    for name in names:  # the first that is whole tells what kind of data set it is
        try:
            video = dataset.layout.video(name)
        except InputError:
            continue
        form_of(dataset, video)
        if not video.is_told:
            raise UsageError(
                f"In {dataset.root.title}, split {dataset.split}, objects are to be found, not told, and a tracker has "
                "to be told. Score results made elsewhere with: vidmem score"
            )
        return


def _settle(ended: Ended, store: Store) -> Record:
    """The record of a task that has ended. Raises the error that ends the whole run, if that is how it ended."""
    if ended.refusal:
        kind = getattr(errors, ended.refusal, InputError)
        raise kind(ended.problem) if kind is not errors.DamagedSource else InputError(ended.problem)
    if ended.problem:
        record = Record(ended.task, problem=ended.problem, trace=ended.trace)
        store.write(name_of(ended.task), record.to_json())
        return record
    return _read(ended.task, store)


def _numbers(plan: Plan, dataset: Dataset, record: Record, most: int = 3) -> dict[str, float]:
    """The first scores of one video, without those that only say how it sways."""
    if not record.scores:
        return {}
    protocol = without_sides(protocol_of(dataset, [record.sequence], plan.counting))
    numbers = numbers_of(protocol, {record.sequence: from_plain(record.scores)})
    return dict([each for each in numbers.items() if "-" not in each[0]][:most])


def _read(name: str, store: Store) -> Record:
    file = name_of(name)
    if not store.has(file):
        raise InputError(
            f"{store.place}/{file} is not there, though its worker wrote it. Name an --out that all machines share."
        )
    return Record.from_json(store.read(file), f"{store.place}/{file}")
