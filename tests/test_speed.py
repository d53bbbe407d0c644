"""What measures speed measures the same work on every side; and what is made ready for speed says the same."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from sam2_official import SMALL, twins
from typer.testing import CliRunner

from vidmem import machine
from vidmem.asked import parse
from vidmem.banks.window import Window
from vidmem.cli import app
from vidmem.errors import UsageError
from vidmem.kernels import packed
from vidmem.models.layers import Linear, Pointwise
from vidmem.models.options import precise
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import ARCHITECTURES, BEFORE, NANO
from vidmem.speed import roofline
from vidmem.speed.bench import _around, bench
from vidmem.speed.ours import Ours, spread_boxes
from vidmem.speed.race import Lap, iou, race, times_faster
from vidmem.tracker import Tracker
from vidmem.values import Frame, Prompt

CPU = torch.device("cpu")


def pictures(count: int, side: int) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    still = torch.randint(0, 256, (3, side, side), dtype=torch.uint8, generator=chance)
    return [still.roll(3 * number, 2) for number in range(count)]


def test_both_sides_of_a_race_do_the_same_work():
    pytest.importorskip("sam2", reason="the reference implementation is not installed (pip install 'vidmem[dev]')")
    from vidmem.speed.official import Official

    _, model = twins(SMALL)
    # In a clip of less than 16 frames the reference counts the age of pointers otherwise than in a stream.
    clip, boxes = pictures(16, SMALL.image_size[0]), {1: [20.0, 15.0, 70.0, 60.0], 2: [5.0, 50.0, 90.0, 120.0]}
    theirs = Official(model, clip, boxes, "fp32", CPU, store=torch.float32)
    laps = race({"sam2": theirs, "vidmem": Ours(Tracker(model, Window()), clip, boxes)}, 5)
    assert max(laps["vidmem"].apart) < 1e-3 and min(laps["vidmem"].agreement) > 0.999
    assert all(len(lap.cpu) == len(lap.wall) == 5 for lap in laps.values())


def test_autocast_of_a_peer_stays_with_the_peer():
    pytest.importorskip("sam2", reason="the reference implementation is not installed (pip install 'vidmem[dev]')")
    from vidmem.speed.official import Official

    _, model = twins(SMALL)
    side = Official(model, pictures(2, SMALL.image_size[0]), {1: [20.0, 15.0, 70.0, 60.0]}, "bf16", CPU)
    side.step()
    assert not torch.is_autocast_enabled("cpu") and (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_transformers_refuses_tokens_it_cannot_have():
    pytest.importorskip("transformers", reason="pip install 'vidmem[dev]'")
    from vidmem.speed.hugging_face import model_of

    with pytest.raises(UsageError, match="tokens of 64 channels; nano-bc33034d has not"):
        model_of(BEFORE)


def test_a_bench_tells_latency_and_memory_of_every_frame():
    tracker = Tracker(load("nano", image_size=64))
    result = bench({"a": tracker, "b": tracker}, pictures(3, 64), spread_boxes(2, (64, 64)), 6)
    said = result.said(2)
    assert set(said["sides"]) == {"a", "b"} and said["objects"] == 2
    for side in said["sides"].values():
        assert len(side["latency_ms"]) == len(side["state_bytes"]) == 6 and side["mask_iou"] == 1
        assert side["state_bytes"][-1] > side["state_bytes"][0] > 0


def test_pictures_are_played_to_and_fro():
    assert [_around(number, 3) for number in range(9)] == [0, 1, 2, 1, 0, 1, 2, 1, 0]
    assert [_around(number, 1) for number in range(3)] == [0, 0, 0]


def test_the_verb_writes_json_and_a_picture(tmp_path):
    out = tmp_path / "bench"
    run = CliRunner().invoke(
        app, ["bench", "demo:koi", "--frames", "4", "--settle", "1", "--set", "model.image_size=64", "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    said = json.loads((out / "bench.json").read_text())
    assert said["machine"] == machine.described() and said["input"] == [64, 64]
    assert (out / "bench.png").read_bytes()[:4] == b"\x89PNG"


def test_empty_masks_agree():
    nothing, something = torch.zeros(2, 2, dtype=torch.bool), torch.ones(2, 2, dtype=torch.bool)
    assert iou(nothing, nothing) == 1 and iou(nothing, something) == 0


@pytest.mark.parametrize(("threads", "seconds", "ratio"), [(1, 2.0, 2.0), (2, 30.0, 0.5)])
def test_one_thread_is_timed_by_its_work_and_several_by_the_clock(monkeypatch, threads, seconds, ratio):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    lap = Lap(wall=[90.0, 10.0, 30.0, 40.0], cpu=[9.0, 1.0, 3.0, 2.0])  # the first frame is not settled yet
    other = Lap(wall=[0.0, 5.0, 15.0, 20.0], cpu=[0.0, 2.0, 6.0, 4.0])
    assert lap.seconds(1) == seconds
    assert times_faster({"a": lap, "b": other}, "a", "b", 1) == ratio


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", ["none", "relu", "gelu"])
@pytest.mark.parametrize("shape", [(3, 16, 8), (1100, 64, 80)])
def test_a_packed_matrix_multiplies_as_a_plain_one(dtype, activation, shape):
    rows, width, width_out = shape
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, rows, width), torch.randn(width_out, width), torch.randn(width_out)
    exact = packed.plain(x.to(dtype).double(), weight.to(dtype).double(), bias.to(dtype).double(), activation)
    with torch.inference_mode():
        found = packed.matrix(weight.to(dtype), bias.to(dtype))(x.to(dtype), activation)
    assert found.dtype == dtype
    assert (found.double() - exact).norm() / exact.norm() < (1e-6 if dtype == torch.float32 else 5e-3)


def test_layers_heed_weights_that_change_and_can_be_copied():
    layer, x = Linear(64, 128), torch.randn(3000, 64)
    with torch.inference_mode():
        before = layer(x)
    twin = copy.deepcopy(layer)  # what was packed for the processor stays behind
    with torch.no_grad():
        layer.weight.mul_(2)
        after, same = layer(x), twin(x)
    assert torch.equal(same, before)
    assert torch.allclose(after, x @ layer.weight.T + layer.bias, atol=1e-4)


def test_two_convolutions_in_a_row_are_one():
    torch.manual_seed(0)
    first, second, x = Pointwise(24, 64), Pointwise(64, 8), torch.randn(2, 24, 40, 30)
    with torch.no_grad():
        wanted = torch.nn.functional.conv2d(
            torch.nn.functional.conv2d(x, first.weight, first.bias), second.weight, second.bias
        )
        assert (second.behind(first, x) - wanted).abs().max() < 1e-5
        assert (second(first(x)) - wanted).abs().max() < 1e-5


def test_the_precision_follows_the_processor_and_the_model(monkeypatch):
    tiny = ARCHITECTURES["sam2.1-tiny"]
    monkeypatch.setattr(machine, "quick_at_bfloat16", lambda: True)
    monkeypatch.setattr(packed, "packable", lambda weight: True)
    assert precise("auto", tiny, CPU) == torch.bfloat16 and precise("auto", NANO, CPU) == torch.float32
    assert precise("exact", tiny, CPU) == torch.float32 and precise("fast", NANO, CPU) == torch.bfloat16
    monkeypatch.setattr(machine, "quick_at_bfloat16", lambda: False)
    assert precise("auto", tiny, CPU) == torch.float32
    with pytest.raises(UsageError, match="no instructions for bfloat16"):
        precise("fast", tiny, CPU)
    with pytest.raises(UsageError, match="auto, exact, fast"):
        precise("swift", tiny, CPU)


def test_nano_is_exact_unless_asked():
    assert load("nano").spec.precision == "float32"
    assert load("nano", dtype="bfloat16").spec.precision == "bfloat16"


def test_the_floor_of_a_frame_is_operations_over_the_peak():
    assert roofline.operations("sam2.1-tiny", 1) == pytest.approx(725.6e9)
    ten = roofline.operations("sam2.1-tiny", 10)
    assert ten is not None and 5.9 < ten / 725.6e9 < 6.5
    assert roofline.floor_seconds("sam2.1-tiny", 1, "NVIDIA H200") == pytest.approx(725.6e9 / 989e12)
    assert roofline.floor_seconds("nano", 1, "NVIDIA H200") is None


def test_frames_encoded_ahead_are_answered_as_one_by_one():
    from vidmem.models.ahead import EncodedAhead

    model = load("nano", image_size=64)
    clip = [Frame(number, picture) for number, picture in enumerate(pictures(7, 96))]
    prompts = {0: [Prompt(1, box=torch.tensor([20.0, 15.0, 70.0, 60.0]))]}
    ahead = EncodedAhead(model, batch=3)
    batched = list(Tracker(ahead).run(ahead.frames(clip), prompts))
    single = list(Tracker(model).run(clip, prompts))
    assert [frame.index for _, frame, _ in batched] == list(range(7))
    for (_, _, ours), (_, _, wanted) in zip(batched, single, strict=True):
        assert (ours.logits(1) - wanted.logits(1)).abs().max() < 1e-2  # memories are stored in bfloat16
    assert ahead.encode(Frame(9, clip[0].image)).frame == 9  # one that did not come that way
    with pytest.raises(UsageError, match="1 or more"):
        EncodedAhead(model, 0)


def test_an_evaluation_encodes_ahead_where_asked(tmp_path, monkeypatch):
    from tiny_sets import Here, davis

    from vidmem.evaluation import Plan, evaluate

    encode, batches = Sam2.encode_several, []
    monkeypatch.setattr(
        Sam2, "encode_several", lambda model, frames: (batches.append(len(frames)), encode(model, frames))[1]
    )
    root, scores = davis(tmp_path / "set", {"plain": 6}), []
    for many in (1, 4):
        settings = {"model.image_size": 64, "model.ahead": many}
        plan = Plan(dataset="davis16", root=str(root), tracker="sam2", model="nano", settings=settings)
        scores.append(evaluate(plan, tmp_path / f"ahead{many}", engine=Here())["metrics"]["J"])
    assert batches == [1] * 6 + [4, 2]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_a_recording_is_encoded_ahead_where_asked_and_to_its_break():
    from clips import ListSource

    from vidmem.answers import Point, answers
    from vidmem.errors import DamagedSource
    from vidmem.prompting import Pending

    clip = [Frame(number, picture) for number, picture in enumerate(pictures(7, 96))]

    class Broken(ListSource):
        def between(self, start=0, stop=None, step=1):
            yield from super().between(start, 5, step)
            raise DamagedSource("a clip", 5, 7, "cut")

    given: dict[int, list[torch.Tensor]] = {}
    batches: list[int] = []
    for many in (1, 3):
        model = load("nano", image_size=64, ahead=many)
        encode = model.encode_several
        model.encode_several = lambda frames, encode=encode: (batches.append(len(frames)), encode(frames))[1]
        pending = Pending(tuple(parse([], ["0:20,15,70,60"], [])))
        given[many] = []
        with pytest.raises(DamagedSource):
            for _, settled in answers(Broken(clip), Tracker(model), pending, Point()):
                given[many] += [track.logits(1) for _, track in settled]
    assert batches == [1] * 5 + [3, 2] and len(given[1]) == len(given[3]) == 5
    assert all((one - other).abs().max() < 1e-2 for one, other in zip(given[1], given[3], strict=True))
