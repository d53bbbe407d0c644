"""The log of a run: it survives kills and full disks, and says again exactly what was said."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.runlog import RunLog, clear_run, has_run

SIZE = 12, 17


def told(frame: int, seed: int = 0) -> Annotation:
    random = np.random.default_rng((seed, frame))
    first, second = (random.random((2, *SIZE)) < 0.4)[:2]
    return Annotation(
        frame,
        frame / 30,
        f"shot {frame}",
        SIZE,
        {
            5: ObjectAnnotation(first, random.random(), True, random.random(), random.normal(), prompted=frame == 0),
            2: ObjectAnnotation(second, float(np.float32(0.1)), False, exclusive=second & ~first),
        },
    )


def same(one: Annotation, other: Annotation) -> bool:
    assert (one.frame, one.time, one.name, one.size) == (other.frame, other.time, other.name, other.size)
    assert list(one.objects) == list(other.objects)  # the order decides which object a shared pixel shows
    for a, b in zip(one.objects.values(), other.objects.values(), strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_equal(a.exclusive, b.exclusive)
        assert (a.score, a.visible, a.pred_iou, a.object_score_logit, a.prompted) == (
            *(b.score, b.visible, b.pred_iou, b.object_score_logit, b.prompted),
        )
    return True


def logged(folder: Path, frames: int) -> RunLog:
    log = RunLog.start(folder, {"source": "clip.mp4"})
    for frame in range(frames):
        log.append(told(frame))
    return log


def test_what_is_read_is_exactly_what_was_said(tmp_path: Path):
    logged(tmp_path, 4)  # never closed: each frame is on its way to the disk at once
    read = list(RunLog.read(tmp_path))
    assert len(read) == 4 and all(same(one, told(n)) for n, one in enumerate(read))
    assert RunLog.about(tmp_path) == {"source": "clip.mp4"}


def test_a_half_written_last_line_is_passed_over(tmp_path: Path):
    logged(tmp_path, 3).close()
    path = tmp_path / "run.jsonl"
    whole = path.read_bytes()
    begin_of_last = whole[:-1].rindex(b"\n") + 1
    for end in (begin_of_last, begin_of_last + 1, begin_of_last + 40, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert [each.frame for each in RunLog.read(tmp_path)] == [0, 1]


def test_a_resumed_log_goes_on_behind_the_last_whole_frame(tmp_path: Path):
    logged(tmp_path, 3).close()
    whole = (tmp_path / "run.jsonl").read_bytes()
    (tmp_path / "run.jsonl").write_bytes(whole[:-7])
    log = RunLog.resume(tmp_path)
    assert log.frames == 2
    log.append(told(2))
    log.close()
    assert (tmp_path / "run.jsonl").read_bytes() == whole


@pytest.mark.parametrize("keep", [0, 2, 4])
def test_truncating_keeps_the_frames_up_to_the_one_named(keep: int, tmp_path: Path):
    log = logged(tmp_path, 5)
    log.truncate(keep)
    assert log.frames == keep + 1
    assert [each.frame for each in RunLog.read(tmp_path)] == list(range(keep + 1))
    log.append(told(9))
    assert [each.frame for each in RunLog.read(tmp_path)] == [*range(keep + 1), 9]


def test_truncating_at_a_frame_that_was_never_logged_leaves_none(tmp_path: Path):
    log = logged(tmp_path, 3)
    log.truncate(-1)
    assert log.frames == 0 and list(RunLog.read(tmp_path)) == []
    assert RunLog.about(tmp_path) == {"source": "clip.mp4"}


def test_a_new_log_replaces_the_old(tmp_path: Path):
    logged(tmp_path, 3).close()
    RunLog.start(tmp_path).close()
    assert list(RunLog.read(tmp_path)) == []


def test_numbers_beyond_json_survive(tmp_path: Path):
    odd = ObjectAnnotation(np.zeros(SIZE, bool), float("nan"), False, object_score_logit=float("-inf"))
    log = RunLog.start(tmp_path)
    log.append(Annotation(0, 0.0, "a", SIZE, {1: odd}))
    (read,) = RunLog.read(tmp_path)
    assert math.isnan(read.objects[1].score) and read.objects[1].object_score_logit == float("-inf")


def test_a_damaged_line_is_named(tmp_path: Path):
    logged(tmp_path, 3).close()
    lines = (tmp_path / "run.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run.jsonl").write_bytes(lines[0] + lines[1] + b"###\n" + lines[3])
    with pytest.raises(InputError, match=r"run\.jsonl is damaged in line 3"):
        list(RunLog.read(tmp_path))


def test_a_log_of_another_version_is_refused(tmp_path: Path):
    (tmp_path / "run.jsonl").write_text(json.dumps({"vidmem": 99, "about": {}}) + "\n")
    with pytest.raises(InputError, match="version 99"):
        list(RunLog.read(tmp_path))


@pytest.mark.parametrize("content", [None, b"", b'{"vidmem": 1'])
def test_a_folder_without_a_run_says_so(content: bytes | None, tmp_path: Path):
    if content is not None:
        (tmp_path / "run.jsonl").write_bytes(content)
    for ask in (lambda: list(RunLog.read(tmp_path)), lambda: RunLog.resume(tmp_path)):
        with pytest.raises(InputError, match="holds no run"):
            ask()


def test_a_full_disk_takes_the_half_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = logged(tmp_path, 2)
    before = (tmp_path / "run.jsonl").read_bytes()
    write = log._file._put

    def refuse(content: bytes, offset: int) -> None:
        if content:
            write(content[:10], offset)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(log._file, "_put", refuse)
    with pytest.raises(InputError, match=r"No space left.*saved \(2 frames\).*--resume"):
        log.append(told(2))
    assert (tmp_path / "run.jsonl").read_bytes() == before


def test_clearing_takes_a_runs_files_and_leaves_the_users(tmp_path: Path):
    logged(tmp_path, 1).close()
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "00000.png").write_bytes(b"")
    (tmp_path / ".backwards").mkdir()
    for name in ("tracks.csv", "state.vmem", ".memory.jsonl"):
        (tmp_path / name).write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    clear_run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_clearing_touches_nothing_where_there_was_no_run(tmp_path: Path):
    (tmp_path / "masks").mkdir()
    clear_run(tmp_path)
    assert (tmp_path / "masks").is_dir() and not has_run(tmp_path)
