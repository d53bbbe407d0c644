"""A session as one file: prompts, answers, looks, the tracker, and an uploaded video itself. Opened again, all goes on.

Nothing in the file is executed, and nothing is written where the file says: only the parts named here are read.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copyfileobj, rmtree
from typing import TYPE_CHECKING, Any

from vidmem.errors import InputError
from vidmem.runlog import RunLog
from vidmem.saving import make_folder
from vidmem.session import Session
from vidmem.ui.exports import free_name, pack
from vidmem.ui.history import History
from vidmem.ui.uploads import admit, shown_name
from vidmem.ui.work import Look, Work, rgb

if TYPE_CHECKING:
    from vidmem.ui.desk import Desk

VERSION = 1
HEAD, SESSION, LOG, VIDEO = "page.json", "session.vmem", "run.jsonl", "video"


def save(desk: Desk) -> Path:
    """The file, in the desk's folder. Raises InputError when there is nothing to save."""
    work = desk.work
    if not work.objects:
        raise InputError("There is nothing to save yet. Mark an object first.")
    folder = make_folder(desk.folder / "exports" / "saving")
    try:
        work.session.save(folder / SESSION)
        with closing(RunLog.start(folder, {"source": desk.clip.name, "tracker": desk.chosen.tracker})) as log:
            for annotation in desk.shelf.every(work.results, work.prompted()):
                log.append(annotation)
        head = {
            "vidmem-page": VERSION,
            "clip": {"name": desk.clip.name, "frames": desk.clip.frames, "size": list(desk.clip.size)},
            "chosen": {
                "tracker": desk.chosen.tracker,
                "model": desk.chosen.model,
                "settings": dict(desk.chosen.settings),
            },
            "looks": {str(each): vars(look) for each, look in work.looks.items()},
            "stale_from": work.stale_from,
            "frame": desk.frame,
        }
        (folder / HEAD).write_text(json.dumps(head, indent=1))
        path = free_name(desk.folder / "exports", "session", ".vidmem.zip")
        pack(path, _files(folder, desk.clip.file))
    finally:
        rmtree(folder, ignore_errors=True)
    return path


def _files(folder: Path, video: Path | None) -> Iterator[tuple[Path, str]]:
    for name in (HEAD, SESSION, LOG):
        yield folder / name, name
    if video:
        yield video, VIDEO + video.suffix


def reopen(desk: Desk, path: Path, name: str) -> None:
    """Puts a saved session on the desk, with its video where the file holds it. InputError for any other file."""
    folder = make_folder(desk.folder / "opening")
    try:
        try:
            with zipfile.ZipFile(path) as archive:
                head, video = _unpack(archive, folder, desk, name)
            _lay(desk, head, folder, video, name)
        except (
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            EOFError,
            RuntimeError,  # a member behind a password, or packed in a way unknown here
            zlib.error,
        ) as problem:
            raise InputError(
                f"{name} is no saved session, or is damaged ({type(problem).__name__}). Choose a file that Save made."
            ) from problem
    finally:
        rmtree(folder, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, folder: Path, desk: Desk, name: str) -> tuple[dict[str, Any], Path | None]:
    """The parts that are known, written under names of our own."""
    known = {each.filename: each for each in archive.infolist()}
    if sum(each.file_size for each in known.values()) > 2 * desk.limits.upload_bytes:
        raise InputError(f"{name} would unpack to more than may be opened here.")
    if known[HEAD].file_size > 1 << 20:
        raise ValueError(HEAD)
    head = json.loads(archive.read(HEAD))
    if head.get("vidmem-page") != VERSION:
        raise InputError(f"{name} was saved by another version of this page ({head.get('vidmem-page')!r}).")
    video = None
    for each, info in known.items():
        if each in (SESSION, LOG) or each.startswith(VIDEO + "."):
            target = folder / (each if each in (SESSION, LOG) else VIDEO + ".upload")
            with archive.open(info) as source, target.open("wb") as copy:
                copyfileobj(source, copy, 1 << 20)
            video = target if target.name.startswith(VIDEO) else video
    return head, video


def _lay(desk: Desk, head: dict[str, Any], folder: Path, video: Path | None, name: str) -> None:
    from vidmem.ui.desk import Chosen

    clip, said = head["clip"], head["chosen"]
    chosen = Chosen(str(said["tracker"]), str(said["model"]), tuple(sorted(said["settings"].items())))
    tracker = desk.trackers.get(chosen.tracker, chosen.model, dict(chosen.settings))
    looks = {
        int(each): Look(str(look["name"])[:40], str(look["colour"]), bool(look["hidden"]))
        for each, look in head["looks"].items()
    }
    for look in looks.values():
        rgb(look.colour)
    if video is None and (clip["name"], clip["frames"], list(clip["size"])) != (
        desk.clip.name,
        desk.clip.frames,
        list(desk.clip.size),
    ):
        raise InputError(
            f"{name} belongs to {shown_name(str(clip['name']))} ({clip['frames']} frames), which is not in the file. "
            "Open that video first, then the session."
        )
    Session.load(folder / SESSION, tracker, desk.work.session.source)  # refuses before anything is changed
    if video is not None:
        title = shown_name(str(clip["name"]))
        source, kept = admit(video.rename(desk.folder / f"reopened-{desk.generation}.upload"), title, desk.limits)
        desk.chosen = chosen
        desk.lay(source, title, kept)
    else:
        desk.stop()
        desk.chosen = chosen
    session = Session.load(folder / SESSION, tracker, desk.work.session.source)
    work = Work(session, looks={each: look for each, look in looks.items() if each in session.objects})
    rows: dict[int, dict[int, Any]] = {}
    for annotation in RunLog.read(folder):
        if annotation.size != desk.clip.size or not 0 <= annotation.frame < desk.clip.frames:
            raise InputError(f"{name} has answers that do not fit its video. It is damaged; save it again.")
        for object_id, row in desk.shelf.put(annotation).items():
            if object_id in session.objects:
                rows.setdefault(object_id, {})[annotation.frame] = row
    stale = head["stale_from"]
    work = replace(work, results=work.results.with_rows(rows), stale_from=None if stale is None else int(stale))
    desk.history = History(work)
    desk.frame = min(max(0, int(head["frame"])), desk.clip.frames - 1)
    desk.selected = session.objects[0] if session.objects else 1
    desk.changed(f"Opened {name}: {len(session.objects)} objects, {sum(1 for _ in work.results.frames())} frames.")
