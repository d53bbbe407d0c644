"""The overlay: its times, its colours, its sizes."""

from pathlib import Path

import av
import numpy as np
import pytest
from told import NOTHING, annotation, blob, picture, read_mp4, write

from vidmem.annotation import Annotation
from vidmem.drawing import draw
from vidmem.errors import InputError
from vidmem.writers import writers


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
