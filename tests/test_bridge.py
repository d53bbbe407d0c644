"""The recurrent memory bridge: the formulas, the state, the gradient, the published checkpoint."""

import numpy as np
import pytest
import torch
from slow_bridge import bridged

from vidmem import states
from vidmem.bridges.bridge import BridgeSizes, RecurrentBridge
from vidmem.bridges.published import load_published, our_name, read_checkpoint
from vidmem.bridges.segments import chosen, pooled, segment_tokens
from vidmem.errors import InputError, ModelError, UsageError

SIZES = BridgeSizes(width=16, heads=4, hidden=24, memory_tokens=3, language_width=10, dropout=0.1)


def made(seed=0, sizes=SIZES, **options):
    """A bridge with every weight drawn, the first memory and the segment codes too, which would begin at zero."""
    torch.manual_seed(seed)
    bridge = RecurrentBridge(sizes, **options).eval()
    for weight in bridge.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return bridge


def film(lengths=(5, 2, 7, 1), width=16, seed=1):
    chance = torch.Generator().manual_seed(seed)
    return [torch.randn(n, width, generator=chance) for n in lengths]


@torch.no_grad()
def run(bridge, segments):
    state, out = bridge.start(), []
    for segment in segments:
        state, each = bridge.step(state, segment)
        out.append(each)
    return state, out


@pytest.mark.parametrize("options", [{}, {"keeps": "segment"}, {"retrieval": False}], ids=str)
@pytest.mark.parametrize("codes", [0, 3])
def test_it_is_what_the_definition_says(options, codes):
    bridge = made(sizes=BridgeSizes(16, 4, 24, 3, 10, segment_codes=codes), **options)
    segments = film()
    state, out = run(bridge, segments)
    weights = {name: value.detach().numpy() for name, value in bridge.named_parameters()}
    wanted = bridged(segments, weights, 4, 3, 1e-12, codes=weights.get("segment_code"), **options)
    for each, (tokens, memory, retrieved) in zip(out, wanted, strict=True):
        np.testing.assert_allclose(each.tokens[0], tokens, atol=1e-5)
        np.testing.assert_allclose(each.memory[0], memory, atol=1e-5)
        np.testing.assert_allclose(each.retrieved[0], retrieved, atol=1e-5)
    every = np.concatenate([retrieved for _, _, retrieved in wanted])
    np.testing.assert_allclose(
        bridge.read(state)[0].detach(), bridge.to_language(torch.tensor(every)[None].float())[0].detach(), atol=1e-5
    )


def test_a_checkpoint_begins_with_a_memory_of_zeros():
    assert not RecurrentBridge(SIZES).first_memory.any()


def test_videos_of_a_batch_never_mix():
    bridge, one, other = made(), film(seed=1), film(seed=2)
    _, together = run(bridge, [torch.stack(pair) for pair in zip(one, other, strict=True)])
    for row, alone in enumerate((one, other)):
        for a, b in zip(run(bridge, alone)[1], together, strict=True):
            torch.testing.assert_close(a.tokens[0], b.tokens[row], atol=1e-5, rtol=0)


def test_an_earlier_state_goes_on_as_if_nothing_had_been_seen_since():
    bridge, segments = made(), film()
    middle, _ = run(bridge, segments[:2])
    run(bridge, segments)
    with torch.no_grad():
        again, each = bridge.step(middle, segments[2])
    torch.testing.assert_close(each.tokens, run(bridge, segments[:3])[1][-1].tokens)
    assert again.segments == 3 and middle.segments == 2


def test_a_saved_state_goes_on_the_same(tmp_path):
    bridge, segments = made(), film()
    state, _ = run(bridge, segments[:2])
    states.save(state, tmp_path / "bridge.vmem")
    loaded, _ = states.load(tmp_path / "bridge.vmem")
    with torch.no_grad():
        torch.testing.assert_close(
            bridge.step(loaded, segments[2])[1].tokens, bridge.step(state, segments[2])[1].tokens
        )


def test_the_state_holds_no_more_than_its_tokens():
    state, _ = run(made(), film((500,)))
    assert states.nbytes(state) == 2 * 3 * 16 * 4  # the memory, which is also what was retrieved, and the cached one


@pytest.mark.parametrize("gradient", [True, False])
def test_learning_reaches_back_only_if_asked(gradient):
    bridge = made(gradient=gradient)
    first, second = (each.requires_grad_() for each in film((4, 4)))
    state, _ = bridge.step(bridge.start(), first)
    _, each = bridge.step(state, second)
    each.tokens.sum().backward()
    assert second.grad is not None and second.grad.abs().sum() > 0
    assert (first.grad is not None and bool(first.grad.abs().sum() > 0)) == gradient


def test_half_precision_survives_an_even_row():
    bridge = made().half()
    for weight in (bridge.first_memory,):
        weight.data.zero_()
    _, out = run(bridge, [torch.zeros(4, 16, dtype=torch.float16)])
    assert out[0].tokens.dtype == torch.float16 and out[0].tokens.isfinite().all()


@pytest.mark.parametrize(
    ("segment", "says"),
    [
        (torch.zeros(4, 15), r"\(4, 15\)"),
        (torch.zeros(0, 16), r"\(0, 16\)"),
        (torch.zeros(16), r"\(16,\)"),
        (torch.zeros(2, 4, 16), "remembers 1 videos; segment 1 brings 2"),
    ],
)
def test_a_segment_that_does_not_fit_is_refused(segment, says):
    bridge = made()
    state, _ = run(bridge, film((4,)))
    with pytest.raises(InputError, match=says):
        bridge.step(state, segment)


def test_there_is_nothing_to_read_before_anything_was_seen():
    with pytest.raises(InputError, match="Nothing was seen"):
        made().read(made().start())


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"memory_tokens": 0}])
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError):
        BridgeSizes(width=16, **{"heads": 4, **wrong})
    with pytest.raises(UsageError, match="'memory' or 'segment'"):
        RecurrentBridge(SIZES, keeps="all")  # type: ignore[arg-type]


def test_a_segment_is_seen_in_eight_frames_cut_to_whole_numbers():
    assert chosen(10, 12) == [10, 11, 12]
    assert chosen(0, 20) == [int(20 * i / 7) for i in range(8)] == [0, 2, 5, 8, 11, 14, 17, 20]
    assert chosen(5, 5) == [5]
    with pytest.raises(InputError):
        chosen(5, 4)


def test_patches_are_averaged_to_twelve_by_twelve():
    patches = torch.arange(16.0 * 16).view(1, 16, 16, 1)
    tokens = pooled(patches)
    assert tokens.shape == (1, 144, 1)
    assert tokens[0, 0, 0] == patches[0, :2, :2].mean()  # cells overlap where 12 does not divide 16
    assert tokens[0, 1, 0] == patches[0, :2, 1:3].mean()
    assert segment_tokens(torch.rand(40, 16, 16, 4), 3, 30).shape == (8 * 144, 4)
    with pytest.raises(InputError, match="does not lie"):
        segment_tokens(torch.rand(4, 16, 16, 4), 3, 30)


def published(sizes=SIZES, prefix="model.mm_projector."):
    """Weights under the names and in the shapes of a published checkpoint, with what it carries and never uses."""
    c, hidden, d, m = sizes.width, sizes.hidden, sizes.language_width, sizes.memory_tokens
    shapes = {"memory_tokens": (m, c), "read_memory_emb": (m, c), "proj.0.weight": (d, c), "proj.0.bias": (d,)}
    for attention in (
        "projector.layers.0.selfattention",
        "projector.layers.0.crossattention",
        "retrieval.layers.0.crossattention",
    ):
        for each in ("q_proj", "k_proj", "v_proj", "residual.dense"):
            shapes |= {f"{attention}.{each}.weight": (c, c), f"{attention}.{each}.bias": (c,)}
        shapes |= {f"{attention}.residual.layernorm.{each}": (c,) for each in ("weight", "bias")}
    layer = "projector.layers.0"
    shapes |= {f"{layer}.mlp.0.weight": (hidden, c), f"{layer}.mlp.0.bias": (hidden,)}
    shapes |= {f"{layer}.residual.dense.weight": (c, hidden), f"{layer}.residual.dense.bias": (c,)}
    shapes |= {f"{layer}.residual.layernorm.{each}": (c,) for each in ("weight", "bias")}
    chance = torch.Generator().manual_seed(5)
    return {prefix + name: torch.randn(shape, generator=chance) for name, shape in shapes.items()}


@pytest.mark.parametrize("sizes", [SIZES, BridgeSizes()], ids=["small", "published"])
def test_every_weight_of_a_published_checkpoint_finds_its_place(sizes):
    theirs = published(sizes)
    bridge = load_published(
        RecurrentBridge(sizes), {**theirs, "model.layers.0.self_attn.q_proj.weight": torch.zeros(1)}
    )
    ours = bridge.state_dict()
    used = {key for key in theirs if our_name(key) is not None}
    assert {our_name(key) for key in used} == set(ours) and len(used) == len(ours)
    for key in used:
        assert torch.equal(ours[str(our_name(key))], theirs[key])
    idle = set(theirs) - used
    assert {key.split(".")[-1] for key in idle if "cross" not in key} == {"memory_tokens"}
    assert all("projector.layers.0.crossattention" in key for key in idle if "cross" in key)


def test_the_retrieval_is_read_under_either_name_of_its_attention():
    theirs = {
        key.replace("retrieval.layers.0.crossattention", "retrieval.layers.0.selfattention"): value
        for key, value in published().items()
    }
    wanted = load_published(RecurrentBridge(SIZES), published()).state_dict()
    found = load_published(RecurrentBridge(SIZES), theirs).state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_checkpoint_that_does_not_fit_says_where():
    theirs = published()
    with pytest.raises(ModelError, match=r"lacks 'projection\.bias'"):
        load_published(RecurrentBridge(SIZES), {key: each for key, each in theirs.items() if "proj.0.bias" not in key})
    with pytest.raises(ModelError, match=r"\(10, 16\), the bridge's \(11, 16\)"):
        load_published(RecurrentBridge(BridgeSizes(16, 4, 24, 3, 11)), theirs)
    with pytest.raises(ModelError, match=r"layers\.1"):
        load_published(
            RecurrentBridge(SIZES), {**theirs, "model.mm_projector.projector.layers.1.mlp.0.bias": torch.ones(1)}
        )


def test_a_checkpoint_is_read_from_disk_and_a_broken_one_refused(tmp_path):
    torch.save(published(), tmp_path / "mm_projector.bin")
    assert read_checkpoint(tmp_path / "mm_projector.bin").keys() == published().keys()
    for name in ("none.bin", "none.safetensors", "text.bin", "text.safetensors"):
        if name.startswith("text"):
            (tmp_path / name).write_text("no weights")
        with pytest.raises(ModelError, match=name):
            read_checkpoint(tmp_path / name)
