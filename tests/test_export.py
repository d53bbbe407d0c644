"""Results in other forms: of a run, also a killed one, of a COCO JSON, of a folder of PNGs."""

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError, UnknownName, UsageError
from vidmem.export import export, natural, read_results
from vidmem.runlog import RunLog
from vidmem.values import Frame
from vidmem.writers import writers

SIZE = 48, 64
FORMATS = ["png", "object-png", "rle", "ytvos", "csv", "parquet"]


def told(frame: int) -> Annotation:
    """Two objects that overlap; the first written keeps the shared pixels."""
    first, second = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    first[4:14, frame : frame + 9], second[8:20, 5:15] = True, frame != 2
    return Annotation(
        frame,
        0.04 * frame + 0.01,
        f"img{frame + 8}",
        SIZE,
        {
            3: ObjectAnnotation(first, 0.75, True, 0.8125, 3.5, frame == 0),
            1: ObjectAnnotation(second, 0.25, frame != 2, 0.5, -1.5, exclusive=second & ~first),
        },
    )


def frames(count: int) -> Iterator[Frame]:
    for index in range(count):
        yield Frame(index, torch.full((3, *SIZE), 40 + 10 * index, dtype=torch.uint8), index / 25)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as a run leaves it, its log cut in the midst of frame 5."""
    folder = tmp_path / "run"
    log = RunLog.start(folder)
    made = [writers[name](folder) for name in FORMATS]
    for frame in range(5):
        log.append(told(frame))
        for writer in made:
            writer.write(told(frame))
    for writer in made:
        writer.close()
    log.close()
    with (folder / "run.jsonl").open("ab") as file:
        file.write(b'{"frame": 5, "time"')
    return folder


def files(folder: Path) -> dict[Path, bytes]:
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(Path("run.jsonl"), None)
    return found


def test_a_killed_runs_results_are_remade_byte_for_byte(run: Path, tmp_path: Path):
    assert export(run, FORMATS, tmp_path / "again") == 5
    assert files(tmp_path / "again") == files(run)


def test_results_can_be_remade_where_they_stand(run: Path):
    before = files(run)
    for path in ("tracks.csv", "tracks.ytvos.json"):
        (run / path).unlink()
    export(run, FORMATS, run)
    assert files(run) == before


def test_coco_run_lengths_hold_enough_for_every_form(run: Path, tmp_path: Path):
    """All but which frames were prompted."""
    formats = [name for name in FORMATS if name != "parquet"]
    assert export(run / "tracks.rle.json", formats, tmp_path / "again") == 5
    again, before = files(tmp_path / "again"), files(run)
    assert all(again[path] == before[path] for path in again)


def test_coco_json_of_others_is_read_where_it_says_enough(tmp_path: Path):
    (tmp_path / "theirs.json").write_text(
        json.dumps(
            {
                "images": [{"id": 90, "file_name": "a/b7.jpg", "height": 3, "width": 2}],
                "annotations": [{"id": 4, "image_id": 90, "segmentation": {"size": [3, 2], "counts": [1, 2, 3]}}],
            }
        )
    )
    (only,) = read_results(tmp_path / "theirs.json")
    assert (only.frame, only.name, only.size) == (0, "b7", (3, 2))
    np.testing.assert_array_equal(only.objects[4].mask, [[False, False], [True, False], [True, False]])


def test_index_pngs_become_tracks(run: Path, tmp_path: Path):
    for place in (run / "masks", tmp_path / "moved"):
        if place.name == "moved":
            (run / "run.jsonl").unlink()
            run.rename(place)  # a folder with masks/ in it, but no log
        read = list(read_results(place, rate=10))
        assert [each.name for each in read] == ["img8", "img9", "img10", "img11", "img12"]
        assert [each.time for each in read] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
        for frame, each in enumerate(read):
            np.testing.assert_array_equal(each.labels(), told(frame).labels())
            assert each.objects[3].score == 1.0
        assert not read[2].objects[1].visible and read[2].objects[1].area == 0


def test_index_pngs_come_back_the_same(run: Path, tmp_path: Path):
    export(run / "masks", ["png"], tmp_path / "again")
    assert files(tmp_path / "again" / "masks") == files(run / "masks")


def test_an_overlay_is_drawn_on_the_source(run: Path, tmp_path: Path):
    assert export(run, ["mp4", "csv"], tmp_path / "again", source=frames(7)) == 5
    with av.open(str(tmp_path / "again" / "overlay.mp4")) as video:
        shown = list(video.decode(video=0))
    np.testing.assert_allclose([float(each.time or 0) for each in shown], [0, 0.04, 0.08, 0.12, 0.16], atol=1e-4)
    corner = shown[4].to_ndarray(format="rgb24")[-3:, -3:]
    assert np.abs(corner.astype(int) - 80).max() < 5


def test_an_overlay_needs_its_source(run: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="--source"):
        export(run, ["mp4"], tmp_path / "again")
    with pytest.raises(InputError, match="ends before frame 3"):
        export(run, ["mp4"], tmp_path / "again", source=frames(3))


def test_an_unknown_format_is_named_before_anything_is_written(run: Path, tmp_path: Path):
    with pytest.raises(UnknownName, match="Did you mean 'png'"):
        export(run, ["pgn"], tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("kind", ["nothing", "empty folder", "no json", "no coco", "text"])
def test_places_without_results_are_refused(kind: str, tmp_path: Path):
    place = tmp_path / {"no json": "a.json", "no coco": "a.json", "text": "a.txt"}.get(kind, "place")
    if kind == "empty folder":
        place.mkdir()
    elif kind != "nothing":
        place.write_text('{"tracks": []}' if kind == "no coco" else "hello")
    with pytest.raises(InputError, match=place.name):
        export(place, ["csv"], tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_names_are_sorted_as_a_person_sorts_them():
    assert sorted(["f10", "f2", "f1b", "f1", "10", "9"], key=natural) == ["9", "10", "f1", "f1b", "f2", "f10"]


@pytest.mark.real
def test_davis_annotations_survive_the_way_there_and_back(data: Path, tmp_path: Path):
    place = tmp_path / "few"
    place.mkdir()
    for path in sorted((data / "DAVIS/Annotations_2017/480p/bmx-trees").glob("*.png"))[::20]:
        (place / path.name).write_bytes(path.read_bytes())
    export(place, ["rle"], tmp_path / "json")
    export(tmp_path / "json" / "tracks.rle.json", ["png"], tmp_path / "back")
    for path in place.iterdir():
        with Image.open(path) as before, Image.open(tmp_path / "back" / "masks" / path.name) as after:
            np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
