"""What every source of frames promises, tried on every kind of source and every reader in the table."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from vidmem.errors import DamagedSource, InputError, UnknownName, UsageError
from vidmem.frames import Source, readers, watch
from vidmem.values import Frame

COUNT, HEIGHT, WIDTH = 23, 48, 64


def pictures(count: int = COUNT, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(T, H, W, 3): a block that moves over a slope, so that no two frames are alike."""
    video = np.zeros((count, height, width, 3), np.uint8)
    video[..., 0] = np.linspace(0, 200, width, dtype=np.uint8)
    for number, picture in enumerate(video):
        picture[8:24, 2 * number % (width - 16) : 2 * number % (width - 16) + 16] = (255, 255 - 9 * number, 9 * number)
    return video


def write_clip(path: Path, video: np.ndarray, **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"preset": "veryfast", "g": "8", "bf": "2", **options}
        )
        stream.height, stream.width, stream.pix_fmt = video.shape[1], video.shape[2], "yuv420p"
        for picture in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def write_images(folder: Path, video: np.ndarray) -> Path:
    folder.mkdir()
    for number, picture in enumerate(video):
        Image.fromarray(picture).save(folder / f"img{number}.png")
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", pictures())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images") / "walk", pictures())


KINDS = [*(f"file by {name}" for name in readers), "folder", "array", "tensor", "list", "source"]


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, clip: Path, folder: Path) -> Callable[..., Source]:
    """Opens the same 23 frames from one kind of source, with the options of watch()."""
    kind: str = request.param
    video = pictures()
    if kind.startswith("file by "):
        reader = kind.removeprefix("file by ")
        try:
            next(iter(watch(clip, reader=reader, ahead=0)))
        except UsageError as absent:
            pytest.skip(str(absent))
        return lambda **options: watch(clip, reader=reader, **options)
    source: Any = {
        "folder": folder,
        "array": video,
        "tensor": torch.from_numpy(video).permute(0, 3, 1, 2),
        "list": [Image.fromarray(picture) for picture in video],
        "source": watch(video),
    }[kind]
    return lambda **options: watch(source, **options)


def seen(frames: Iterator[Frame] | Source) -> list[tuple[int, str, float, bytes]]:
    return [(f.index, f.name, round(f.time, 6), f.image.numpy().tobytes()) for f in frames]


def test_frames_are_counted_named_timed_and_of_the_size_that_was_said(opened: Callable[..., Source]) -> None:
    source = opened()
    frames = list(source)
    assert [f.index for f in frames] == list(range(COUNT)) and source.promised == COUNT
    assert all(f.image.dtype == torch.uint8 and f.size == (HEIGHT, WIDTH) == source.size for f in frames)
    rate = source.rate or 24.0
    assert [f.time for f in frames] == pytest.approx([number / rate for number in range(COUNT)], abs=1e-3)
    prefix = "img" if frames[0].name.startswith("img") else "0000"
    assert [f.name for f in frames[:3]] == [f"{prefix}{number}" for number in range(3)]
    assert source.skipped == 0


def test_frames_show_what_was_written(opened: Callable[..., Source]) -> None:
    for frame, truth in zip(opened(), pictures(), strict=True):
        difference = frame.image.permute(1, 2, 0).numpy().astype(int) - truth
        assert np.abs(difference).mean() < 8  # H.264 is lossy; the next picture is further away than that


def test_a_second_reading_starts_again(opened: Callable[..., Source]) -> None:
    source = opened()
    assert seen(source) == seen(source)


def test_a_frame_keeps_its_pixels_while_others_are_read(opened: Callable[..., Source]) -> None:
    frames = iter(opened(ahead=3))
    first = next(frames)
    before = first.image.clone()
    list(frames)
    assert torch.equal(first.image, before)


@pytest.mark.parametrize(
    "wanted", [(0, 5, 1), (7, 12, 1), (20, None, 1), (3, None, 4), (22, None, -1), (9, 4, -1), (21, -1, -5), (5, 5, 1)]
)
def test_between_gives_the_frames_of_that_range(opened: Callable[..., Source], wanted: tuple[int, Any, int]) -> None:
    source = opened()
    everything = seen(source)
    start, stop, step = wanted
    end = (COUNT if step > 0 else -1) if stop is None else stop
    assert seen(source.between(*wanted)) == [everything[number] for number in range(start, end, step)]


def test_thinning_counts_anew_and_keeps_the_names_of_the_source(opened: Callable[..., Source]) -> None:
    everything = seen(opened())
    source = opened(every=3, start=4, stop=20)
    expected = [(count, *everything[number][1:]) for count, number in enumerate(range(4, 20, 3))]
    assert seen(source) == expected and source.promised == len(expected)
    assert seen(source.between(4, 1, -1)) == expected[4:1:-1]
    assert seen(source.between(5, None, -2)) == expected[5::-2]
    if (whole := opened().rate) is not None:
        assert source.rate == pytest.approx(whole / 3)


def test_a_range_behind_the_end_is_refused_but_the_end_itself_is_empty(opened: Callable[..., Source]) -> None:
    source = opened()
    assert list(source.between(COUNT)) == []
    for wanted in ((COUNT + 1, None, 1), (COUNT, None, -1)):
        with pytest.raises(InputError, match=f"no frame {wanted[0]}"):
            list(source.between(*wanted))


def test_closing_early_ends_the_thread(opened: Callable[..., Source]) -> None:
    source = opened(ahead=2)
    frames = iter(source)
    next(frames)
    source.close()
    assert not [t for t in threading.enumerate() if t.name == "vidmem-read-ahead"]
    assert list(frames) == []


def test_reading_ahead_changes_no_frame(opened: Callable[..., Source]) -> None:
    assert seen(opened(ahead=0)) == seen(opened(ahead=1)) == seen(opened(ahead=50))


# --- folders --------------------------------------------------------------------------------------------------------


def test_images_come_in_natural_order_whatever_their_names(tmp_path: Path) -> None:
    names = ["img10.png", "IMG2.jpg", "img1.bmp", "img1b.webp", "a b.tif", "7.png", "010.png"]
    for name in names:
        Image.new("RGB", (8, 6)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    assert [f.name for f in watch(tmp_path)] == ["7", "010", "a b", "img1", "img1b", "IMG2", "img10"]


def test_a_glob_and_a_single_image_are_sources(folder: Path) -> None:
    assert [f.name for f in watch(f"{folder}/img1?.png")] == [f"img{n}" for n in range(10, 20)]
    assert [f.name for f in watch(folder / "img3.png")] == ["img3"]


def test_an_image_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    Image.new("RGB", (9, 6)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"a\.png is 8x6, b\.png is 9x6"):
        list(watch(tmp_path))


def test_two_images_of_one_stem_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="one name"):
        watch(tmp_path)
    assert len(list(watch(f"{tmp_path}/*.png"))) == 1


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    stored = pictures(1)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    (frame,) = watch(tmp_path)
    assert np.array_equal(frame.image.permute(1, 2, 0).numpy(), np.rot90(stored, -1))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1", "I;16"])
def test_images_of_every_mode_become_rgb_and_alpha_is_dropped(tmp_path: Path, mode: str) -> None:
    grey = np.full((6, 8), 100, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode == "RGBA":
        image = Image.fromarray(np.dstack([grey, grey, grey, np.zeros_like(grey)]))
    else:
        image = Image.fromarray(grey).convert(mode)
    path = tmp_path / f"a.{'tif' if mode in ('CMYK', 'I;16') else 'png'}"
    image.save(path)
    (frame,) = watch(path)
    assert frame.image.shape == (3, 6, 8)
    if mode != "1":
        assert frame.image.float().mean() == pytest.approx(100, abs=2)


def test_a_broken_image_ends_the_folder_or_is_skipped(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "walk", pictures(5))
    whole = (folder / "img3.png").read_bytes()
    (folder / "img3.png").write_bytes(whole[: len(whole) // 2])
    read = []
    with pytest.raises(DamagedSource, match=r"3 frames were read of the 5 .*img3\.png"):
        read.extend(f.name for f in watch(folder))
    assert read == ["img0", "img1", "img2"]
    source = watch(folder, on_damage="skip")
    assert [f.name for f in source] == ["img0", "img1", "img2", "img4"] and source.skipped == 1


# --- arrays and iterators -------------------------------------------------------------------------------------------


def test_an_iterator_is_read_once_forwards_and_never_ahead() -> None:
    taken = []

    def camera() -> Iterator[np.ndarray]:
        for number, picture in enumerate(pictures()):
            taken.append(number)
            yield picture

    source = watch(camera(), ahead=8)
    frames = iter(source)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2] and taken == [0, 1, 2]
    assert not source.seekable and source.promised is None
    with pytest.raises(InputError, match="backwards"):
        source.between(5, None, -1)
    with pytest.raises(InputError, match="read already"):
        list(source)


def test_a_range_of_an_iterator_takes_no_more_than_it_needs() -> None:
    rest = iter(pictures())
    assert [f.index for f in watch(rest).between(2, 5)] == [2, 3, 4]
    assert len(list(rest)) == COUNT - 5


def test_an_iterator_may_mix_arrays_tensors_images_paths_and_frames(folder: Path) -> None:
    video = pictures()
    mixed = [
        video[0],
        torch.from_numpy(video[1]).permute(2, 0, 1),
        Image.fromarray(video[2]),
        folder / "img3.png",
        Frame(77, torch.from_numpy(video[4]).permute(2, 0, 1), time=9.5, name="mine"),
    ]
    frames = list(watch(iter(mixed)))
    assert all(np.array_equal(f.image.permute(1, 2, 0).numpy(), truth) for f, truth in zip(frames, video, strict=False))
    assert (frames[4].index, frames[4].time, frames[4].name) == (4, 9.5, "mine")


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 6, 8, 3), np.float32), np.zeros((4, 6, 8), np.uint8), np.zeros((6, 8, 3), np.uint8), 3.5]
)
def test_an_array_that_is_no_video_is_refused_with_a_cure(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"\(T, H, W, 3\)"):
        watch(wrong)


def test_a_picture_that_is_none_or_of_another_size_is_named() -> None:
    with pytest.raises(InputError, match=r"Picture 1 is a str|Picture 1: "):
        list(watch(iter([pictures(1)[0], "no-such-file.png"])))
    with pytest.raises(InputError, match="Picture 1 is 8x6, those before it 64x48"):
        list(watch(iter([pictures(1)[0], np.zeros((6, 8, 3), np.uint8)])))


def test_views_and_read_only_arrays_are_taken() -> None:
    video = pictures()
    video.setflags(write=False)
    assert np.array_equal(next(iter(watch(video[:, :, ::-1]))).image.permute(1, 2, 0).numpy(), video[0, :, ::-1])


# --- what cannot be read --------------------------------------------------------------------------------------------


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("This is no video. " * 400)


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


def without_index(path: Path) -> None:
    write_clip(path, pictures())
    path.write_bytes(path.read_bytes()[:1500])  # the index (moov) stands at the end


def pipe(path: Path) -> None:
    import os

    os.mkfifo(path)


@pytest.mark.parametrize("reader", list(readers))
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (None, "There is no .*Did you mean"),
        (empty, "is empty"),
        (text, "not a video that FFmpeg knows"),
        (audio_only, "sound but no pictures"),
        (without_index, "moov"),
        (pipe, "neither a file nor a folder"),
    ],
)
def test_what_is_no_video_is_refused_at_once_in_one_line(tmp_path: Path, reader: str, make: Any, says: str) -> None:
    (tmp_path / "clip_1.mp4").touch()
    path = tmp_path / "clip.mp4"
    if make is not None:
        make(path)
    with pytest.raises((InputError, UsageError)) as refused:
        watch(path, reader=reader)
    message = str(refused.value)
    assert "\n" not in message and (pytest.importorskip("re").search(says, message) or "pip install" in message)


def test_a_folder_without_images_says_where_they_may_be(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(InputError, match=r"holds no images.*JPEGImages"):
        watch(tmp_path)


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"start": -1}, {"ahead": -1}, {"start": 5, "stop": 5}, {"on_damage": "ignore"}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        watch(pictures(), **options)


def test_an_unknown_reader_is_refused_with_the_nearest_name(clip: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'decord'"):
        watch(clip, reader="decod")


@pytest.mark.parametrize(("reader", "module"), [("opencv", "cv2"), ("decord", "decord"), ("torchcodec", "torchcodec")])
def test_an_absent_reader_names_its_cure(clip: Path, monkeypatch: pytest.MonkeyPatch, reader: str, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, f"{module}.decoders", None)
    with pytest.raises(UsageError, match=rf"pip install 'vidmem\[{reader}\]'"):
        watch(clip, reader=reader)


def test_the_table_of_readers_costs_no_torch() -> None:
    code = "import sys, vidmem.frames; list(vidmem.frames.readers); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
