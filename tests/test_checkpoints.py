"""Checkpoints: every layout is read alike, and a broken one is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vidmem.errors import ModelError, UsageError
from vidmem.models import checkpoints, download, manifest
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import ARCHITECTURES, MICRO, NANO


@pytest.fixture(scope="module")
def micro() -> Sam2:
    torch.manual_seed(0)
    return Sam2(MICRO).eval()


def official(weights: dict, path: Path) -> Path:
    """The layout of the published files."""
    torch.save({"model": weights}, path)
    return path


def same(one: Sam2, other: Sam2) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[key]) for key, tensor in one.state_dict().items())


def test_the_embedded_model_is_there_and_small():
    model = load()
    assert model.sizes == NANO and not model.training
    assert not any(each.requires_grad for each in model.parameters())
    assert checkpoints.find("nano")[0].stat().st_size < 12e6


def test_weights_that_a_model_had_before_are_loaded_by_the_beginning_of_their_hash():
    earlier = [each for each in manifest.every() if each.earlier]
    assert earlier
    for each in earlier:
        assert each.name.rpartition("-")[2] == download.verify(each)[:8]
        assert load(each.name).sizes.name == each.name.rpartition("-")[0]


def test_official_and_our_own_layout_are_read_alike(micro, tmp_path):
    checkpoints.save(micro, tmp_path / "ours.safetensors")
    path = official(micro.state_dict(), tmp_path / "theirs.pt")
    torch.save(micro.state_dict(), tmp_path / "bare.pt")
    for each in (tmp_path / "ours.safetensors", path, tmp_path / "bare.pt"):
        read = load(str(each))
        assert read.sizes == MICRO and same(read, micro)


def test_half_precision_on_disk_is_single_in_use(micro, tmp_path):
    path = tmp_path / "half.safetensors"
    checkpoints.save(micro, path, torch.float16)
    read = load(str(path))
    assert {each.dtype for each in read.parameters()} == {torch.float32}
    half = load(str(path), dtype="bfloat16")
    assert {each.dtype for each in half.parameters()} == {torch.bfloat16}


def test_our_own_layout_carries_sizes_that_no_table_knows(tmp_path):
    sizes = replace(MICRO, name="mine", embed_dim=16, stages=(1, 1, 2, 1), global_att_blocks=(3,))
    model = Sam2(sizes).eval()
    checkpoints.save(model, tmp_path / "mine.safetensors")
    read = load(str(tmp_path / "mine.safetensors"))
    assert read.sizes == sizes and same(read, model)
    with pytest.raises(ModelError, match="unknown sizes"):
        load(str(official(model.state_dict(), tmp_path / "mine.pt")))


def test_sizes_are_told_apart_by_their_shapes(tmp_path):
    for name, sizes in ARCHITECTURES.items():
        with torch.device("meta"):
            weights = Sam2(sizes).state_dict()
        assert checkpoints._fingerprint(weights, tmp_path) == sizes.fingerprint, name
    assert len({sizes.fingerprint for sizes in ARCHITECTURES.values()}) == len(ARCHITECTURES)


def broken(kind: str, weights: dict, folder: Path) -> Path:
    path = folder / f"{kind}.pt"
    if kind == "missing file":
        return path
    if kind == "truncated":
        whole = official(weights, path).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "truncated safetensors":
        path = folder / "half.safetensors"
        path.write_bytes(checkpoints.find("nano")[0].read_bytes()[:100_000])
    elif kind == "text":
        path.write_text("<html>404</html>")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "code":
        torch.save(Path("."), path)
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "lacking":
        official({key: each for key, each in weights.items() if "obj_ptr_proj" not in key}, path)
    elif kind == "too many":
        official({**weights, "more": torch.zeros(1)}, path)
    elif kind == "other shape":
        official({**weights, "mask_downsample.weight": torch.zeros(2, 2)}, path)
    elif kind == "images alone":
        official({key: each for key, each in weights.items() if "mem" not in key}, path)
    elif kind == "another network":
        official(torch.nn.Linear(2, 2).state_dict(), path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing file", "no such file"),
        ("truncated", "cannot be read"),
        ("truncated safetensors", "cannot be read"),
        ("text", "Download it again"),
        ("empty", "cannot be read"),
        ("code", "plain weights"),
        ("list", "holds no weights"),
        ("lacking", "lacks 6 of the 359 tensors of micro"),
        ("too many", "1 tensors that micro does not know, such as more"),
        ("other shape", "mask_downsample.weight is (2, 2), in micro it is (1, 1, 4, 4)"),
        ("images alone", "no SAM 2 that can track"),
        ("another network", "no SAM 2 that can track"),
    ],
)
def test_a_broken_checkpoint_is_refused_in_one_line_that_names_it(micro, tmp_path, kind, words):
    path = broken(kind, micro.state_dict(), tmp_path)
    with pytest.raises(ModelError) as refusal:
        load(str(path))
    message = str(refusal.value)
    assert words in message and str(path) in message and "\n" not in message


def test_a_checkpoint_of_another_size_is_refused(micro, tmp_path):
    path = official(micro.state_dict(), tmp_path / "micro.pt")
    with pytest.raises(ModelError, match=r"holds micro, but sam2\.1-tiny was asked for"):
        load("sam2.1-tiny", checkpoint=path)
    assert same(load("micro", checkpoint=path), micro)
    with pytest.raises(ModelError, match="no checkpoint file"):
        load("nano", checkpoint=tmp_path / "nowhere.pt")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_size": 100}, "100x100"),
        ({"image_size": (64, 33)}, "64x33"),
        ({"colour": 1}, "no option 'colour'"),
        ({"resize": "lanczos"}, "lanczos"),
        ({"dtype": "int8"}, "int8"),
        ({"memory_dtype": "sixteen"}, "sixteen"),
        ({"device": "abacus"}, "abacus"),
        ({"fill_hole_area": -1}, "-1"),
    ],
)
def test_a_wrong_option_is_refused(options, words):
    with pytest.raises(UsageError, match=words):
        load("nano", **options)


def test_the_input_grid_may_be_chosen():
    model = load("nano", image_size=[128, 224], memory_dtype="float32")
    assert model.spec.input_size == (128, 224) and model.spec.memory_grid == (8, 14)
    assert model.spec.mask_size == (32, 56) and model.spec.memory_dtype == "float32"
