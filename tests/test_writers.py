"""What every writer in the table promises: whole files at any moment, nothing lost, nothing mixed up."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from pycocotools.coco import COCO

from vidmem import rle
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.drawing import draw
from vidmem.errors import InputError
from vidmem.palette import davis_palette
from vidmem.writers import writers

SIZE = 36, 50
NOTHING = np.zeros(SIZE, bool)


def blob(x: int, y: int, width: int = 12, height: int = 9, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y : y + height, x : x + width] = True
    return mask


def annotation(frame: int, masks: dict[int, np.ndarray], name: str = "", time: float | None = None) -> Annotation:
    """Of overlapping objects the lower id keeps the shared pixels, which is the reverse of the order of writing."""
    objects, taken = {}, np.zeros_like(next(iter(masks.values()), NOTHING))
    for object_id, mask in masks.items():
        alone = mask & ~taken
        exclusive = None if (alone == mask).all() else alone
        objects[object_id] = ObjectAnnotation(mask, 0.125 * object_id, bool(mask.any()), exclusive=exclusive)
        taken = taken | mask
    size = taken.shape[0], taken.shape[1]
    return Annotation(frame, frame / 8 if time is None else time, name or f"{frame:05d}", size, objects)


def story(frames: int) -> Iterator[Annotation]:
    """Object 1 moves and is out of sight in frame 3; object 7 appears in frame 2, at times over object 1."""
    for frame in range(frames):
        masks = {1: NOTHING if frame == 3 else blob(2 * frame, 4)}
        if frame >= 2:
            masks[7] = blob(10, 6, height=20)
        yield annotation(frame, masks, name=f"shot_{frame:03d}")


def picture(frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    ramp = np.linspace(40, 200, size[1], dtype=np.uint8)
    return np.stack([np.broadcast_to(ramp, size), np.full(size, 90 + frame, np.uint8), np.full(size, 60, np.uint8)], -1)


def write(name: str, folder: Path, told: Iterator[Annotation], close: bool = True) -> None:
    writer = writers[name](folder)
    for each in told:
        writer.write(each, picture(each.frame, each.size))
    if close:
        writer.close()


Found = dict[str, dict[int, np.ndarray]]  # frame name -> object id -> mask


def read_png(folder: Path) -> Found:
    found = {}
    for path in sorted((folder / "masks").glob("*.png")):
        labels = np.asarray(Image.open(path))
        found[path.stem] = {int(each): labels == each for each in np.unique(labels) if each}
    return found


def read_object_png(folder: Path) -> Found:
    found: Found = {}
    for path in sorted((folder / "objects").glob("*/*.png")):
        found.setdefault(path.stem, {})[int(path.parent.name)] = np.asarray(Image.open(path)) == 255
    return found


def read_rle(folder: Path) -> Found:
    coco: Any = COCO(str(folder / "tracks.rle.json"))
    found: Found = {image["name"]: {} for image in coco.dataset["images"]}
    for each in coco.dataset["annotations"]:
        found[coco.imgs[each["image_id"]]["name"]][each["object_id"]] = coco.annToMask(each).astype(bool)
    return found


def read_ytvos(folder: Path) -> Found:
    content = json.loads((folder / "tracks.ytvos.json").read_bytes())
    (video,) = content["videos"]
    found: Found = {name: {} for name in video["file_names"]}
    for each in content["annotations"]:
        for name, runs in zip(video["file_names"], each["segmentations"], strict=True):
            if runs is not None:
                found[name][each["id"]] = rle.decode(runs["counts"], runs["size"])
    return found


def read_parquet(folder: Path) -> Found:
    found: Found = {}
    for row in pyarrow.parquet.read_table(folder / "tracks.parquet").to_pylist():
        found.setdefault(row["name"], {})[row["object"]] = rle.decode(row["rle"], (row["height"], row["width"]))
    return found


def read_csv(folder: Path) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for row in csv.DictReader((folder / "tracks.csv").open()):
        found.setdefault(f"shot_{int(row['frame']):03d}", set()).add(int(row["object"]))
    return found


def read_mp4(folder: Path) -> dict[str, np.ndarray]:
    with av.open(str(folder / "overlay.mp4")) as video:
        return {f"shot_{n:03d}": frame.to_ndarray(format="rgb24") for n, frame in enumerate(video.decode(video=0))}


READ: dict[str, Callable[[Path], dict]] = {
    "png": read_png,
    "object-png": read_object_png,
    "rle": read_rle,
    "ytvos": read_ytvos,
    "csv": read_csv,
    "parquet": read_parquet,
    "mp4": read_mp4,
}
KEEPS_MASKS = ["object-png", "rle", "ytvos", "parquet"]


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


@pytest.mark.parametrize("name", KEEPS_MASKS)
def test_overlapping_masks_come_back_whole(name: str, tmp_path: Path):
    write(name, tmp_path, story(6))
    found = READ[name](tmp_path)
    for told in story(6):
        for object_id, each in told.objects.items():
            if name == "ytvos" and not each.area:
                assert object_id not in found[told.name]
            else:
                np.testing.assert_array_equal(found[told.name][object_id], each.mask)
    assert (found["shot_004"][1] & found["shot_004"][7]).any()


@pytest.mark.parametrize("name", KEEPS_MASKS)
def test_an_object_that_comes_later_is_not_in_the_frames_before(name: str, tmp_path: Path):
    write(name, tmp_path, story(4))
    found = READ[name](tmp_path)
    assert 7 not in found["shot_001"] and 7 in found["shot_002"]


def test_an_index_png_gives_a_shared_pixel_to_the_surest_object(tmp_path: Path):
    write("png", tmp_path, story(6))
    found = read_png(tmp_path)
    for told in story(6):
        labels = told.labels()
        for object_id in told.objects:
            np.testing.assert_array_equal(found[told.name].get(object_id, NOTHING), labels == object_id)
    assert (found["shot_004"][1] == blob(8, 4)).all()  # the lower id is the surer one in this story


def test_an_index_png_has_the_davis_palette_and_the_size_of_the_source(tmp_path: Path):
    write("png", tmp_path, story(1))
    with Image.open(tmp_path / "masks" / "shot_000.png") as image:
        assert (image.mode, image.size) == ("P", (50, 36))
        np.testing.assert_array_equal(np.reshape(image.getpalette() or [], (256, 3)), davis_palette())


def test_ids_beyond_the_palette_are_written_in_sixteen_bits_with_a_word(tmp_path: Path):
    with pytest.warns(UserWarning, match="Object 300 is beyond the 255 colours"):
        write("png", tmp_path, iter([annotation(n, {300: blob(3, 3)}) for n in range(2)]))
    assert np.asarray(Image.open(tmp_path / "masks" / "00001.png")).max() == 300


@pytest.mark.parametrize("wrong", [0, -2, 70_000])
def test_ids_no_png_can_hold_are_refused(wrong: int, tmp_path: Path):
    with pytest.raises(InputError, match=f"Object {wrong} in frame 0"):
        write("png", tmp_path, iter([annotation(0, {wrong: blob(3, 3)})]))


@pytest.mark.parametrize("name", ["png", "object-png"])
@pytest.mark.parametrize("wrong", ["../outside", "/outside"])
def test_a_frame_name_cannot_lead_out_of_the_folder(name: str, wrong: str, tmp_path: Path):
    with pytest.raises(InputError, match="cannot name a file"):
        write(name, tmp_path / "run", iter([annotation(0, {1: blob(3, 3)}, name=wrong)]))


def test_the_table_has_the_agreed_columns_and_empty_cells_for_an_empty_mask(tmp_path: Path):
    write("csv", tmp_path, story(4))
    lines = (tmp_path / "tracks.csv").read_text().splitlines()
    assert lines[0] == "frame,time,object,x0,y0,x1,y1,score,visible,area"
    assert lines[1] == "0,0.000000,1,0,4,12,13,0.125000,1,108"
    assert lines[5] == "3,0.375000,1,,,,,0.125000,0,0"


def test_parquet_agrees_with_the_table(tmp_path: Path):
    for name in ("csv", "parquet"):
        write(name, tmp_path, story(5))
    rows = pyarrow.parquet.read_table(tmp_path / "tracks.parquet").to_pylist()
    for row, line in zip(rows, csv.DictReader((tmp_path / "tracks.csv").open()), strict=True):
        for column, text in line.items():
            assert row[column] is None if text == "" else float(row[column]) == float(text)


def test_parquet_row_groups_do_not_lose_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vidmem.writers.parquet.ROWS", 7)
    write("parquet", tmp_path, story(40))
    file = pyarrow.parquet.ParquetFile(tmp_path / "tracks.parquet")
    assert file.num_row_groups > 3
    assert file.read(["frame"]).column("frame").to_pylist() == [t.frame for t in story(40) for _ in t.objects]


def test_coco_run_lengths_carry_what_the_tracker_said(tmp_path: Path):
    write("rle", tmp_path, story(4))
    coco: Any = COCO(str(tmp_path / "tracks.rle.json"))
    first = coco.loadAnns(coco.getAnnIds(imgIds=[2]))[0]
    assert (first["object_id"], first["bbox"], first["area"]) == (1, [4, 4, 12, 9], 108)
    assert (first["score"], first["visible"], coco.imgs[2]["time"]) == (0.125, True, 0.25)
    lost = coco.loadAnns(coco.getAnnIds(imgIds=[3]))[0]
    assert (lost["visible"], lost["bbox"], coco.annToMask(lost).sum()) == (False, [0, 0, 0, 0], 0)
    assert len({each["id"] for each in coco.dataset["annotations"]}) == len(coco.dataset["annotations"])


def test_the_list_of_images_finds_room_however_long_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vidmem.writers.rle.ROOM", 300)
    writer = writers["rle"](tmp_path)
    for told in story(60):
        writer.write(told)
        assert len(json.loads((tmp_path / "tracks.rle.json").read_bytes())["images"]) == told.frame + 1
    writer.close()
    assert b"  " not in (tmp_path / "tracks.rle.json").read_bytes()
    assert len(read_rle(tmp_path)["shot_059"]) == 2


def test_scores_that_are_no_numbers_leave_whole_json(tmp_path: Path):
    odd = ObjectAnnotation(blob(3, 3), float("nan"), True, object_score_logit=float("-inf"))
    for name in ("rle", "ytvos"):
        write(name, tmp_path, iter([Annotation(0, 0.0, "a", SIZE, {1: odd})]))
        text = (tmp_path / f"tracks.{name}.json").read_text()
        assert "NaN" not in text and "Infinity" not in text and json.loads(text)


def test_ytvos_has_an_item_for_each_frame(tmp_path: Path):
    write("ytvos", tmp_path, story(5))
    content = json.loads((tmp_path / "tracks.ytvos.json").read_bytes())
    assert content["videos"][0]["length"] == 5
    first, second = content["annotations"]
    assert [item is None for item in first["segmentations"]] == [False, False, False, True, False]
    assert [item is None for item in second["bboxes"]] == [True, True, False, False, False]
    assert (first["areas"][0], second["scores"][2], second["score"]) == (108, 0.875, 0.875)


def test_the_overlay_keeps_uneven_times(tmp_path: Path):
    times = [0.0, 1 / 24, 0.1, 0.35, 0.3600, 2.0]
    write("mp4", tmp_path, (annotation(n, {1: blob(2 * n, 4)}, time=t) for n, t in enumerate(times)))
    with av.open(str(tmp_path / "overlay.mp4")) as video:
        shown = [frame.time for frame in video.decode(video=0)]
    np.testing.assert_allclose(np.array(shown, float), times, atol=1 / 90_000)


def test_an_overlay_begins_with_its_first_frame(tmp_path: Path):
    write("mp4", tmp_path, (annotation(n, {}, time=n / 10) for n in range(50, 54)))
    with av.open(str(tmp_path / "overlay.mp4")) as video:
        np.testing.assert_allclose([float(f.time or 0) for f in video.decode(video=0)], [0, 0.1, 0.2, 0.3], atol=1e-4)


def test_frames_without_times_are_shown_one_after_the_other(tmp_path: Path):
    write("mp4", tmp_path, (annotation(n, {}, time=0.0) for n in range(4)))
    with av.open(str(tmp_path / "overlay.mp4")) as video:
        np.testing.assert_allclose(
            [float(f.time or 0) for f in video.decode(video=0)], [0, 0.04, 0.08, 0.12], atol=1e-4
        )


def test_the_overlay_has_the_colours_it_was_given_and_says_which_they_are(tmp_path: Path):
    size = 64, 96
    patches = np.zeros((*size, 3), np.uint8)
    corners = [(220, 40, 40), (40, 200, 60), (50, 70, 230), (230, 220, 40), (128, 128, 128), (245, 245, 245)]
    for n, colour in enumerate(corners):
        patches[32 * (n // 3) : 32 * (n // 3) + 32, 32 * (n % 3) : 32 * (n % 3) + 32] = colour
    writer = writers["mp4"](tmp_path)
    told = annotation(0, {1: blob(70, 40, 20, 20, size)})
    writer.write(told, patches)
    writer.write(annotation(1, {}), patches)
    writer.close()
    with av.open(str(tmp_path / "overlay.mp4")) as video:
        context = video.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        first, second = (frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0))
    for n, colour in enumerate(corners):
        y, x = 32 * (n // 3) + 8, 32 * (n % 3) + 8
        assert np.abs(second[y : y + 16, x : x + 16].mean((0, 1)) - colour).max() < 4
    wanted = draw(patches, told)[48:52, 76:84].astype(int)  # inside the veil
    assert np.abs(first[48:52, 76:84].mean((0, 1)) - wanted.mean((0, 1))).max() < 6


@pytest.mark.parametrize("size", [(35, 49), (2, 2), (1, 3), (47, 50)])
def test_odd_sizes_are_filled_to_even_ones_without_scaling(size: tuple[int, int], tmp_path: Path):
    writer = writers["mp4"](tmp_path)
    for n in range(3):
        writer.write(Annotation(n, n / 8, f"shot_{n:03d}", size), picture(n, size))
    writer.close()
    shown = read_mp4(tmp_path)["shot_002"]
    assert shown.shape[:2] == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    if size[1] > 10:
        assert np.abs(shown[: size[0], : size[1]].astype(int) - picture(2, size)).mean() < 4


def test_a_frame_of_another_size_is_cut_to_the_first(tmp_path: Path):
    writer = writers["mp4"](tmp_path)
    for n, size in enumerate([(36, 50), (60, 20), (36, 50)]):
        writer.write(Annotation(n, n / 8, f"shot_{n:03d}", size), picture(n, size))
    writer.close()
    assert {shown.shape for shown in read_mp4(tmp_path).values()} == {(36, 50, 3)}


def test_an_overlay_without_pictures_says_how_to_get_them(tmp_path: Path):
    with pytest.raises(InputError, match="Name the source"):
        writers["mp4"](tmp_path).write(annotation(0, {}))


def test_drawing_leaves_the_picture_as_it_was():
    before = picture(0)
    copy = before.copy()
    shown = draw(before, annotation(0, {1: blob(3, 3), 2: NOTHING}))
    np.testing.assert_array_equal(before, copy)
    assert (shown != before).any()


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
