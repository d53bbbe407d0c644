"""What every writer in the table promises: whole files at any moment, nothing lost, nothing mixed up."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from told import READ, annotation, blob, picture, read_object_png, read_png, read_rle, story, write

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.writers import writers


def least(name: str, frames: int) -> int:
    """How many of `frames` a run must have left when it was killed."""
    return {"ytvos": (frames + 1) // 2, "parquet": (frames + 1) // 2, "mp4": frames - 1}.get(name, frames)


@pytest.fixture(params=list(writers))
def name(request: pytest.FixtureRequest) -> str:
    if request.param not in READ:
        pytest.skip(f"no reader is known for {request.param}")
    return request.param


def test_files_are_whole_after_each_frame_without_closing(name: str, tmp_path: Path):
    writer = writers[name](tmp_path)
    for count, told in enumerate(story(9), start=1):
        writer.write(told, picture(told.frame))
        found = READ[name](tmp_path)
        assert least(name, count) <= len(found) <= count
        assert list(found) == [f"shot_{n:03d}" for n in range(len(found))]


def test_a_run_killed_for_real_leaves_whole_files(tmp_path: Path):
    program = (
        "import os, sys, signal; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import test_writers as t\n"
        "made = [t.writers[name](Path(sys.argv[1])) for name in t.READ]\n"
        "for told in t.story(6): [writer.write(told, t.picture(told.frame)) for writer in made]\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    code = subprocess.run([sys.executable, "-c", program, str(tmp_path), str(Path(__file__).parent)]).returncode
    assert code == -signal.SIGKILL
    for name, read in READ.items():
        assert len(read(tmp_path)) >= least(name, 6)


def test_every_frame_is_there_under_its_name_in_the_end(name: str, tmp_path: Path):
    write(name, tmp_path, story(6))
    assert list(READ[name](tmp_path)) == [each.name for each in story(6)]


def test_a_new_start_replaces_what_an_earlier_run_left(name: str, tmp_path: Path):
    write(name, tmp_path, story(6), close=False)
    write(name, tmp_path, story(3))
    once = tmp_path / "once"
    write(name, once, story(3))
    again, first = READ[name](tmp_path), READ[name](once)
    for frame, objects in first.items():
        np.testing.assert_equal(again[frame], objects)
    if name not in ("png", "object-png"):  # files of other names are the user's to delete
        assert list(again) == list(first)


def test_the_same_frames_make_the_same_bytes(name: str, tmp_path: Path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        write(name, folder, story(4))
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_nothing_but_results_is_left_after_closing(name: str, tmp_path: Path):
    write(name, tmp_path, story(5))
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_run_without_frames_closes_well(name: str, tmp_path: Path):
    write(name, tmp_path, iter(()))


def test_frames_without_objects_are_welcome(name: str, tmp_path: Path):
    write(name, tmp_path, (annotation(n, {}) for n in range(2)))
    READ[name](tmp_path)


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Makes the system refuse files above so many bytes, as a full disk refuses them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size < 0 else size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_ends_in_one_line_and_whole_files(
    name: str, tmp_path: Path, small_disk: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("vidmem.writers.rle.ROOM", 500)
    size = 120, 160
    noise = np.random.default_rng(0).random((40, *size)) < 0.5
    pictures = np.random.default_rng(1).integers(0, 255, (40, *size, 3), np.uint8)
    writer = writers[name](tmp_path)
    for n in range(2):
        writer.write(
            Annotation(n, n / 8, f"shot_{n:03d}", size, {1: ObjectAnnotation(blob(5, 5, size=size), 1, True)}),
            pictures[n],
        )
    before = READ[name](tmp_path)
    small_disk({"png": 900, "object-png": 900, "csv": 300, "mp4": 60_000}.get(name, 40_000))
    with pytest.raises(InputError) as refused:
        for n in range(2, 40):
            told = Annotation(n, n / 8, f"shot_{n:03d}", size, {1: ObjectAnnotation(noise[n], 1, True)})
            writer.write(told, pictures[n])
    with suppress(InputError):  # it may say so again
        writer.close()
    small_disk(-1)
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)
    assert "File too large" in str(refused.value) and "--resume" in str(refused.value)
    after = READ[name](tmp_path)
    assert list(after)[: len(before)] == list(before)


def test_a_place_that_cannot_be_written_is_told_at_once(name: str, tmp_path: Path):
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(InputError, match=r"Cannot write .*taken.*choose another folder with --out"):
        writers[name](tmp_path / "taken" / "run")


def test_writing_results_does_not_import_torch():
    modules = "vidmem.export, vidmem.summary, vidmem.runlog, vidmem.memory_picture, vidmem.drawing"
    program = (
        f"import sys, {modules}\nfrom vidmem.writers import writers\n[writers[name] for name in writers]\n"
        "sys.exit('torch' in sys.modules)"
    )
    root = str(Path(__file__).parent.parent)
    assert subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": root}).returncode == 0


@pytest.mark.real
def test_davis_masks_come_back_exactly(data: Path, tmp_path: Path):
    paths = sorted((data / "DAVIS/Annotations_2017/480p/bmx-trees").glob("*.png"))[::16]
    for name in ("png", "rle", "object-png"):
        writer = writers[name](tmp_path)
        for n, path in enumerate(paths):
            labels = np.asarray(Image.open(path))
            objects = {int(i): ObjectAnnotation(labels == i, 1.0, True) for i in np.unique(labels) if i}
            writer.write(Annotation(n, n / 24, path.stem, labels.shape, objects))
        writer.close()
    for found in (read_png(tmp_path), read_rle(tmp_path), read_object_png(tmp_path)):
        for path in paths:
            labels = np.asarray(Image.open(path))
            assert sorted(found[path.stem]) == [i for i in np.unique(labels) if i]
            for object_id, mask in found[path.stem].items():
                np.testing.assert_array_equal(mask, labels == object_id)
