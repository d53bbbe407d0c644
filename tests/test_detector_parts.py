"""The parts of a detector: backbones, attentions against their definitions, shapes and the paper's numbers."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_detectors import TINY, tiny

from vidmem.detectors import backbones, checkpoints
from vidmem.detectors.architecture import ARCHITECTURES, MAMBA_R50, MAMBA_R101, architecture
from vidmem.detectors.attention import Geo, GeoRaw, Selsa
from vidmem.detectors.backbone import build
from vidmem.detectors.cells import cells_of, written_cells
from vidmem.detectors.detector import Detector
from vidmem.errors import InputError, ModelError, UnknownName, UsageError


def test_the_papers_detector_has_the_papers_numbers():
    of = MAMBA_R50
    assert (of.neck, of.width, of.layers, of.heads, of.rows) == (512, 1024, 2, 16, 75)
    assert (of.proposals_train, of.proposals_test, of.rpn_samples, of.roi_samples) == (600, 300, 256, 256)
    assert [each / of.stride for each in of.anchor_sizes] == [4, 8, 16, 32]
    assert replace(MAMBA_R101, name=of.name, backbone=of.backbone) == of


@pytest.mark.parametrize("name", ["resnet50-dc5", "resnet101-dc5"])
def test_dc5_keeps_stride_16_with_2048_channels(name):
    made = build(name, 16, 1, pretrained=False)
    with torch.inference_mode():
        assert made.module(torch.zeros(1, 3, 64, 96)).shape == (1, 2048, 4, 6)
    last: Any = made.module.get_submodule("stages.3")
    assert last[0].conv2.stride == (1, 1) and last[-1].conv2.dilation == (2, 2)
    assert made.begins.startswith("random weights") and all(p.requires_grad for p in made.module.parameters())


def test_a_timm_backbone_is_taken_by_name():
    made = build("timm:resnet10t", 16, 0, pretrained=False)
    with torch.inference_mode():
        assert made.module(torch.zeros(1, 3, 64, 64)).shape == (1, made.channels, 4, 4)


@pytest.mark.parametrize(
    "name, stride, error",
    [("resnet5", 16, UnknownName), ("timm:nothing_such", 16, UsageError), ("nano", 16, UsageError)],
)
def test_a_backbone_that_cannot_be_is_refused(name, stride, error):
    with pytest.raises(error):
        build(name, stride, 0, pretrained=False)


def test_a_timm_backbone_without_that_stride_is_told_with_those_it_has():
    with pytest.raises(ModelError, match="it has 2, 4, 8, 16, 32"):
        build("timm:resnet10t", 7, 0, pretrained=False)


def test_geo_is_its_definition_head_by_head():
    torch.manual_seed(0)
    geo, x, k = Geo(12, 3), torch.randn(5, 12), torch.randn(7, 12)
    q, p, v = geo.query(x), geo.key(k), geo.value(k)
    heads = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        heads.append((q[:, part] @ p[:, part].T / math.sqrt(4)).softmax(-1) @ v[:, part])
    torch.testing.assert_close(geo(x, k), x + geo.out(torch.cat(heads, 1)))


@pytest.mark.parametrize("alignment", [False, True])
def test_the_other_reading_averages_raw_keys_and_reduces_them_by_groups(alignment):
    torch.manual_seed(0)
    geo, x, k = GeoRaw(12, 3, alignment), torch.randn(5, 12), torch.randn(7, 12)
    assert geo.out.bias is not None
    q, p = geo.query(x), geo.key(k)
    outs = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        found = (q[:, part] @ p[:, part].T / math.sqrt(4)).softmax(-1) @ k
        outs.append(found @ geo.out.weight[part, :, 0].T + geo.out.bias[part])
    aligned = torch.cat(outs, 1)
    torch.testing.assert_close(geo(x, k), aligned if alignment else x + aligned)
    torch.testing.assert_close(geo.eval()(x, k), 0.7 * x + 0.3 * aligned if alignment else x + aligned)


def test_alignment_begins_with_queries_and_keys_as_they_are():
    geo = GeoRaw(8, 2, alignment=True)
    assert torch.equal(geo.query.weight, torch.eye(8)) and torch.equal(geo.key.weight, torch.eye(8))


def test_alike_rows_find_each_other_from_the_start_and_change_nothing_yet():
    geo, x, k = Geo(12, 3, likeness=0.2), torch.randn(5, 12), torch.randn(7, 12)
    torch.testing.assert_close(geo(x, k), x)
    torch.testing.assert_close(geo.query(x), 0.2 * x)
    torch.testing.assert_close(geo.key(k), 0.2 * k)
    assert torch.equal(geo.value(k), k)


def test_selsa_averages_keys_by_likeness():
    torch.manual_seed(0)
    selsa, x, k = Selsa(6), torch.randn(2, 6), torch.randn(4, 6)
    shares = (selsa.query(x) @ selsa.key(k).T / math.sqrt(6)).softmax(-1)
    torch.testing.assert_close(selsa(x, k), x + shares @ k)


def test_rows_are_written_before_the_relu_and_enhanced():
    detector = tiny()
    regions = torch.randn(4, TINY.neck * TINY.pooled**2)
    keys = [torch.randn(9, TINY.width) for _ in range(2)]
    (answer,) = detector.head.answer([regions], [keys])
    first = detector.head.shared[0](regions)
    assert torch.equal(answer.rows[0].plain, first) and (first < 0).any()
    torch.testing.assert_close(answer.rows[0].enhanced, detector.head.enhance[0](first, keys[0]))
    second = detector.head.shared[1](answer.rows[0].enhanced.relu())
    torch.testing.assert_close(answer.rows[1].plain, second)


def test_reference_rows_pass_the_layers_without_being_enhanced():
    detector = tiny()
    regions = torch.randn(4, TINY.neck * TINY.pooled**2)
    first, second = detector.head.references(regions)
    torch.testing.assert_close(second, detector.head.shared[1](detector.head.shared[0](regions).relu()))
    assert torch.equal(first, detector.head.shared[0](regions))


def test_a_step_of_training_reaches_every_weight_with_and_without_objects():
    for attention in ("geo", "geo-raw", "selsa", "none"):
        detector = tiny(attention=attention, pixel_level=attention == "geo").train()
        pictures = [torch.randint(0, 255, (3, 48, 64), dtype=torch.uint8) for _ in range(2)]
        some = {"boxes": torch.tensor([[8.0, 8, 30, 30]]), "labels": torch.tensor([2])}
        none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)}
        losses = detector.loss(pictures, [some, none], [[pictures[1]] * 2, [pictures[0]] * 2])
        assert set(losses) == {"rpn_present", "rpn_box", "class", "box"}
        torch.stack(list(losses.values())).sum().backward()
        still = [name for name, each in detector.named_parameters() if each.grad is None]
        assert not still, still


def test_cells_are_those_whose_centres_lie_in_a_box_and_one_at_least():
    assert cells_of([8, 0, 24, 16], 4, 4, 8).tolist() == [1, 2, 5, 6]
    assert cells_of([9, 9, 10, 10], 4, 4, 8).tolist() == [5]
    assert cells_of([500, 500, 501, 501], 4, 4, 8).tolist() == [15]


def test_pixels_are_written_within_sure_boxes_and_by_their_norm_where_there_is_none():
    of, cells = replace(TINY, pixels_per_box=2, pixels_without_boxes=3), torch.randn(5, 6, 8)
    boxes = torch.tensor([[0.0, 0, 32, 32], [0, 0, 60, 40]])
    chosen, worth = written_cells(of, cells, boxes, torch.tensor([0.9, 0.1]), seed=0)
    assert len(chosen) == 2 and worth.tolist() == pytest.approx([0.9, 0.9])
    chosen, _ = written_cells(of, cells, boxes, torch.tensor([0.2, 0.1]), seed=0)
    strongest = cells.flatten(1).T.norm(dim=1).topk(3).values
    torch.testing.assert_close(chosen.norm(dim=1), strongest)


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    detector = tiny()
    checkpoints.save(detector, tmp_path / "a.safetensors")
    again = checkpoints.load(tmp_path / "a.safetensors", expects=TINY)
    assert again.architecture == TINY
    weights = again.state_dict()
    assert all(torch.equal(each, weights[name]) for name, each in detector.state_dict().items())


def test_a_checkpoint_of_another_backbone_or_of_other_classes_is_refused(tmp_path):
    checkpoints.save(tiny(), tmp_path / "a.safetensors")
    for changes, words in (
        ({"backbone": "resnet50-dc5"}, "has the backbone nano, resnet50-dc5 is wanted"),
        ({"classes": ("zebra",)}, "tells 3 classes apart, 1 are wanted"),
        ({"classes": ("zebra", "snake", "tiger")}, "'tiger' where 'snake' is wanted"),
    ):
        with pytest.raises(ModelError, match=words):
            checkpoints.load(tmp_path / "a.safetensors", expects=replace(TINY, **changes))


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_a_file_that_is_no_detector_is_told_in_one_line(tmp_path, content):
    path = tmp_path / "a.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as told:
        checkpoints.load(path)
    assert str(path) in str(told.value) and "\n" not in str(told.value)


def test_numbers_that_do_not_fit_together_are_refused():
    with pytest.raises(UnknownName, match="nano-detector"):
        architecture("nano-detectr")
    with pytest.raises(UsageError, match="Did you mean 'heads'"):
        architecture("nano-detector", {"head": 3})
    with pytest.raises(UsageError, match="does not divide into 7 heads"):
        architecture("nano-detector", {"heads": 7})
    with pytest.raises(UsageError, match="knows no classes"):
        Detector(ARCHITECTURES["nano-detector"])


def test_a_picture_of_another_form_is_refused():
    with pytest.raises(InputError, match="takes \\(3, H, W\\)"):
        tiny().encode([torch.zeros(48, 64, 3, dtype=torch.uint8)])


def test_every_backbone_of_the_table_can_be_called():
    assert all(callable(backbones[name]) for name in backbones)
