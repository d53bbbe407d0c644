"""A run as a rerun recording: pictures, masks, scores and memory on one time line, to be scrubbed through.

Needs the extra `rerun`. The recording is read by `rerun FILE.rrd`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vidmem.errors import UsageError
from vidmem.frames import Source
from vidmem.memory_record import moments
from vidmem.palette import object_colour
from vidmem.runlog import RunLog


def record(folder: Path, source: Source | None, path: Path) -> int:
    """Write the run in `folder` to a .rrd file; -> how many frames it has. source: the pictures, where they are wanted.

    Raises UsageError where rerun is not installed.
    """
    try:
        import rerun
    except ImportError as missing:
        raise UsageError("A rerun recording needs rerun: pip install 'vidmem[rerun]'.") from missing

    recording = rerun.RecordingStream("vidmem")
    recording.save(str(path))
    memory = {moment.frame: moment for moment in moments(folder)}
    pictures = source.between() if source is not None else None
    ids: set[int] = set()
    frames = 0
    for said in RunLog.read(folder):
        recording.set_time("frame", sequence=said.frame)
        recording.set_time("time", duration=said.time)
        if pictures is not None:
            picture = next(pictures, None)
            if picture is not None:
                image = np.ascontiguousarray(picture.image.permute(1, 2, 0).numpy())
                recording.log("video", rerun.Image(image).compress(jpeg_quality=80))
        if not ids.issuperset(said.objects):
            ids |= set(said.objects)
            colours = [rerun.AnnotationInfo(each, f"object {each}", object_colour(each)) for each in sorted(ids)]
            recording.log("/", rerun.AnnotationContext(colours), static=True)
        recording.log("video/masks", rerun.SegmentationImage(said.labels().astype(np.uint16)))
        for object_id, each in said.objects.items():
            recording.log(f"score/{object_id}", rerun.Scalars(each.score))
        if said.frame in memory:
            moment = memory[said.frame]
            recording.log("memory/bytes", rerun.Scalars(moment.state_bytes))
            told = [
                f"object {object_id}: {each.kind}, frame {each.frame}, weight {each.weight:.2f}: {each.why}"
                for object_id, held in moment.memory.items()
                for each in held
            ]
            recording.log("memory/held", rerun.TextDocument("\n".join(told)))
        frames += 1
    recording.flush()
    return frames
