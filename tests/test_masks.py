"""Masks from files: every usual kind of index picture means the same ids."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vidmem.errors import InputError
from vidmem.masks import read_labels
from vidmem.palette import davis_palette, object_colour

IDS = np.zeros((9, 14), np.uint8)
IDS[1:4, 2:6], IDS[3:8, 7:12], IDS[8, :] = 1, 2, 21


def save(path: Path, values: np.ndarray, mode: str | None = None, palette: np.ndarray | None = None) -> Path:
    image = Image.fromarray(values)
    if palette is not None:
        image.putpalette(palette.astype(np.uint8).tobytes())
    (image.convert(mode) if mode else image).save(path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mask.png"


def test_a_palette_png_means_its_indices_whatever_its_colours(file: Path):
    for palette in (davis_palette(), davis_palette()[::-1], np.repeat(np.arange(256)[:, None], 3, 1)):
        np.testing.assert_array_equal(read_labels(save(file, IDS, palette=palette)), IDS)


def test_grey_values_are_ids(file: Path):
    np.testing.assert_array_equal(read_labels(save(file, IDS)), IDS)


def test_sixteen_bit_values_are_ids(file: Path):
    np.testing.assert_array_equal(read_labels(save(file, IDS.astype(np.uint16) * 300)), IDS.astype(int) * 300)


@pytest.mark.parametrize("mode", [None, "1", "RGB", "RGBA", "LA"])
def test_nought_and_255_is_one_object(mode: str | None, file: Path):
    shown = np.where(IDS > 0, 255, 0).astype(np.uint8)
    labels = read_labels(save(file, shown, mode))
    np.testing.assert_array_equal(labels, IDS > 0)
    assert labels.dtype == np.int32


@pytest.mark.parametrize("shade", [191, 192])
def test_colours_of_the_davis_palette_are_ids(shade: int, file: Path):
    ids = IDS.copy()
    ids[0, 0] = 9
    table = davis_palette().copy()
    table[table == 192] = shade
    np.testing.assert_array_equal(read_labels(save(file, table[ids])), ids)


def test_a_picture_without_objects_is_all_nought(file: Path):
    assert not read_labels(save(file, IDS * 0)).any()


def test_a_colour_that_is_no_id_is_named_with_its_place(file: Path):
    coloured = davis_palette()[IDS].copy()
    coloured[5, 3] = 10, 200, 30
    with pytest.raises(InputError, match="10,200,30 at x 3, y 5"):
        read_labels(save(file, coloured))


def test_photographs_and_soft_masks_are_refused(file: Path, tmp_path: Path):
    random = np.random.default_rng(0)
    with pytest.raises(InputError, match="colours"):
        read_labels(save(file, random.integers(0, 255, (40, 40, 3), np.uint8)))
    with pytest.raises(InputError, match="soft mask"):
        read_labels(save(file, np.linspace(0, 255, 900).astype(np.uint8).reshape(30, 30)))
    with pytest.raises(InputError, match="JPEG"):
        read_labels(save(tmp_path / "mask.jpg", IDS * 100))


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_files_that_are_no_images_are_refused(content: bytes, file: Path):
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"mask\.png"):
        read_labels(file)


def test_a_truncated_png_is_refused(file: Path):
    save(file, np.random.default_rng(0).integers(0, 9, (200, 200), np.uint8))
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="There is no mask"):
        read_labels(tmp_path / "none.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path)


def test_neighbouring_objects_are_drawn_in_colours_far_apart():
    colours = np.array([object_colour(object_id) for object_id in range(1, 40)], int)
    assert np.abs(np.diff(colours, axis=0)).max(1).min() > 100
    assert len({tuple(each) for each in colours.tolist()}) == len(colours)


@pytest.mark.real
def test_official_davis_masks_are_read_as_ids(data: Path):
    assert set(np.unique(read_labels(data / "DAVIS/Annotations_2017/480p/bmx-trees/00000.png"))) == {0, 1, 2}
    assert set(np.unique(read_labels(data / "DAVIS/Annotations/480p/dog/00000.png"))) == {0, 1}
    assert set(np.unique(read_labels(data / "xmem2-examples/caps/masks/00066.png"))) == {0, 1, 2}


@pytest.mark.real
def test_the_palette_is_the_one_of_published_results(data: Path):
    with Image.open(data / "eval/davis-osvos/pred/libby/00048.png") as published:
        np.testing.assert_array_equal(np.reshape(published.getpalette() or [], (256, 3)), davis_palette())
    with Image.open(data / "DAVIS/Annotations_2017/480p/bmx-trees/00000.png") as official:
        colours = np.reshape(official.getpalette() or [], (256, 3)).astype(int)
    assert np.abs(colours[:22] - davis_palette()[:22].astype(int)).max() <= 1
