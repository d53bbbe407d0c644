"""Each way of squashing a frame gives the numbers of the program it is named after."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from vidmem.models.pixels import normalise, prepare

CPU = torch.device("cpu")
SIDE = 64


@pytest.fixture(params=[(90, 120), (40, 33)], ids=["down", "up"])
def image(request) -> torch.Tensor:
    return torch.randint(0, 256, (3, *request.param), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_pil_bicubic_is_how_the_reference_reads_a_folder(image, tmp_path):
    misc = pytest.importorskip("sam2.utils.misc")
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / "0.png")
    pixels, height, width = misc._load_img_as_tensor(str(tmp_path / "0.png"), SIDE)
    mean, deviation = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert (height, width) == image.shape[1:]
    assert torch.equal(prepare(image, (SIDE, SIDE), "pil-bicubic", CPU)[0], (pixels.float() - mean) / deviation)


def test_bilinear_antialias_is_the_image_predictor_of_the_reference(image):
    transforms = pytest.importorskip("sam2.utils.transforms")
    wanted = transforms.SAM2Transforms(resolution=SIDE, mask_threshold=0)(image.permute(1, 2, 0).numpy())
    assert (prepare(image, (SIDE, SIDE), "bilinear-antialias", CPU)[0] - wanted).abs().max() < 1e-5


def test_bilinear_is_the_video_processor_of_transformers(image):
    transformers = pytest.importorskip("transformers")
    processor = transformers.Sam2VideoVideoProcessor(size={"height": SIDE, "width": SIDE})
    wanted = processor(videos=[image[None]], return_tensors="pt")["pixel_values_videos"][0, 0]
    assert (prepare(image, (SIDE, SIDE), "bilinear", CPU)[0] - wanted).abs().max() < 1e-5


def test_the_three_are_not_the_same():
    image = torch.randint(0, 256, (3, 90, 120), dtype=torch.uint8)
    bicubic, smooth, bilinear = (
        prepare(image, (SIDE, SIDE), each, CPU) for each in ("pil-bicubic", "bilinear-antialias", "bilinear")
    )
    assert (bicubic - smooth).abs().max() > 0.1 and (smooth - bilinear).abs().max() > 1e-3


def test_a_frame_of_the_input_size_is_only_normalised():
    image = torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)
    for each in ("pil-bicubic", "bilinear-antialias", "bilinear"):
        assert torch.allclose(prepare(image, (64, 96), each, CPU)[0], normalise(image), atol=1e-6)


def test_height_comes_before_width():
    image = torch.zeros(3, 50, 80, dtype=torch.uint8)
    image[:, :25] = 255
    for each in ("pil-bicubic", "bilinear-antialias", "bilinear"):
        pixels = prepare(image, (32, 96), each, CPU)[0]
        assert pixels.shape == (3, 32, 96) and pixels[0, 2].min() > 2 and pixels[0, -2].max() < -2


def test_normalising_a_byte_is_exact_to_the_last_bit():
    ramp = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    wanted = (np.arange(256) / 255 - mean[:, None]) / deviation[:, None]
    assert np.abs(normalise(ramp)[:, 0].numpy() - wanted).max() < 1e-6
