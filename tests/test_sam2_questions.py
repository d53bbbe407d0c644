"""Asking SAM 2: batches answer as each alone, candidates are as many as they should be, wrong prompts are refused."""

from __future__ import annotations

import pytest
import torch

from vidmem.errors import InputError
from vidmem.models.holes import fill_holes
from vidmem.models.options import Options
from vidmem.models.sam2 import Sam2
from vidmem.models.sizes import MICRO
from vidmem.values import Entry, Frame, Memory, Page, Pointer, Prompt, Question, resolve

HEIGHT, WIDTH = 60, 100


@pytest.fixture(scope="module")
def model() -> Sam2:
    torch.manual_seed(0)
    return Sam2(MICRO).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def features(model):
    chance = torch.Generator().manual_seed(0)
    return model.encode(Frame(7, torch.randint(0, 256, (3, HEIGHT, WIDTH), dtype=torch.uint8, generator=chance)))


def entry(model: Sam2, seed: int) -> Entry:
    chance = torch.Generator().manual_seed(seed)
    height, width = model.spec.memory_grid
    tokens = torch.randn(height * width, model.spec.token_width, generator=chance)
    return Entry(seed, tokens, torch.randn(model.sizes.d_model, generator=chance))


def memory(model: Sam2, seeds: range, **page) -> Memory:
    entries = [entry(model, seed) for seed in seeds]
    return Memory(
        tuple(Page(each, slot, **page) for slot, each in enumerate(entries)),
        tuple(Pointer(each, float(age + 1)) for age, each in enumerate(entries)),
    )


def square() -> torch.Tensor:
    mask = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    mask[10:40, 20:70] = True
    return mask


def click(x: float, y: float, label: int = 1) -> Prompt:
    return Prompt(1, points=torch.tensor([[x, y]]), labels=torch.tensor([label]))


BOX = Prompt(2, box=torch.tensor([10.0, 5, 60, 50]))


def test_many_questions_are_answered_as_each_alone_and_in_order(model, features):
    earlier = torch.randn(model.spec.mask_size)
    questions = [
        Question(memory(model, range(3))),
        Question(prompt=Prompt(4, mask=square())),
        Question(prompt=click(30, 30)),
        Question(memory(model, range(3, 6))),
        Question(prompt=BOX),
        Question(memory(model, range(2))),
        Question(memory(model, range(5)), click(50, 20, 0), earlier),
        Question(),
        Question(Memory()),
    ]
    together = model.decode(features, questions)
    for question, answer in zip(questions, together, strict=True):
        (alone,) = model.decode(features, [question])
        assert answer.masks.shape == alone.masks.shape
        assert (answer.masks - alone.masks).abs().max() < 1e-5
        assert (answer.object_pointers - alone.object_pointers).abs().max() < 1e-5
        assert answer.pred_iou == pytest.approx(alone.pred_iou, abs=1e-6)
        assert answer.object_score_logit == pytest.approx(alone.object_score_logit, abs=1e-5)
    assert torch.equal(together[-1].masks, together[-2].masks)  # nothing in memory is no memory
    assert model.decode(features, []) == []


def test_what_may_mean_several_things_has_three_candidates(model, features):
    two = Prompt(1, points=torch.tensor([[30.0, 30], [5, 5]]), labels=torch.tensor([1, 0]))
    asked = {
        "tracking": (Question(memory(model, range(2))), 3),
        "one click": (Question(prompt=click(30, 30)), 3),
        "two clicks": (Question(prompt=two), 1),
        "a box": (Question(prompt=BOX), 1),
        "a box and a click": (Question(prompt=BOX.and_also(click(30, 30))), 1),
        "a mask": (Question(prompt=Prompt(1, mask=square())), 1),
    }
    for name, (question, count) in asked.items():
        (answer,) = model.decode(features, [question])
        assert len(answer.masks) == len(answer.pred_iou) == len(answer.object_pointers) == count, name
        assert tuple(answer.masks.shape[1:]) == model.spec.mask_size


def test_a_given_mask_is_the_answer(model, features):
    (answer,) = model.decode(features, [Question(memory(model, range(2)), Prompt(1, mask=square()))])
    assert answer.pred_iou == (1.0,) and answer.object_score_logit == 10.0
    assert answer.masks.max() == 10 and answer.masks.min() == -10
    shown = torch.nn.functional.interpolate(answer.masks[None], (HEIGHT, WIDTH), mode="bilinear")[0, 0] > 0
    assert (shown ^ square()).sum() < 0.05 * square().sum()


def test_a_mask_too_small_for_the_grid_is_held_to_be_absent(model):
    mask = torch.zeros(2000, 2000, dtype=torch.bool)
    mask[1000, 1000] = True
    features = model.encode(Frame(0, torch.zeros(3, 2000, 2000, dtype=torch.uint8)))
    (answer,) = model.decode(features, [Question(prompt=Prompt(1, mask=mask))])
    assert answer.object_score_logit == -10.0 and not resolve(answer, 0, 0).visible


def test_answers_share_no_storage(model, features):
    answers = model.decode(features, [Question(memory(model, range(2)))] * 3)
    for answer in answers:
        assert answer.masks.untyped_storage().nbytes() == answer.masks.numel() * 4
        assert answer.object_pointers.untyped_storage().nbytes() == answer.object_pointers.numel() * 4


def test_slot_scale_and_bias_of_a_page_are_heeded(model, features):
    first, second = entry(model, 1), entry(model, 2)

    def masks(*pages: Page, **pointer) -> torch.Tensor:
        return model.decode(features, [Question(Memory(pages, (Pointer(first, 1.0, **pointer),)))])[0].masks

    plain = masks(Page(first, 6), Page(second, 0))
    assert (plain - masks(Page(first, 6), Page(second, 3))).abs().max() > 1e-6
    assert (plain - masks(Page(first, 6), Page(second, 0, key_scale=3.0))).abs().max() > 1e-6
    assert (plain - masks(Page(first, 6), Page(second, 0), key_scale=30.0)).abs().max() > 1e-6
    # A page that is biased away is as good as not there.
    gone = masks(Page(first, 6), Page(second, 0, key_bias=-1e4))
    assert (gone - masks(Page(first, 6))).abs().max() < 1e-5
    assert (gone - plain).abs().max() > 1e-6


def test_the_order_of_pages_does_not_matter(model, features):
    first, second = Page(entry(model, 1), 6), Page(entry(model, 2), 0)
    pointers = (Pointer(first.entry, 1.0), Pointer(second.entry, 2.0))
    one, other = model.decode(
        features,
        [Question(Memory((first, second), pointers)), Question(Memory((second, first), pointers[::-1]))],
    )
    assert (one.masks - other.masks).abs().max() < 1e-5


def test_memories_are_stored_as_the_spec_says(model, features):
    answers = model.decode(features, [Question(), Question(prompt=BOX)])
    guesses = [resolve(answer, 0, 7) for answer in answers]
    pages = model.remember(features, guesses)
    spec = model.spec
    assert pages.shape == (2, spec.memory_grid[0] * spec.memory_grid[1], spec.token_width)
    assert str(pages.dtype) == f"torch.{spec.memory_dtype}" == "torch.bfloat16"
    exact = Sam2(MICRO, Options(memory_dtype=torch.float32)).eval()
    assert exact.spec.memory_dtype == "float32" and exact.remember(features, guesses).dtype == torch.float32


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (click(WIDTH, 3), ["point 100,3", "object 1", "frame 7", "100x60"]),
        (click(-1, 3), ["point -1,3", "frame 7"]),
        (click(3, 60.5), ["point 3,60.5", "frame 7"]),
        (click(3, 3, 2), ["label 2", "object 1", "frame 7"]),
        (Prompt(2, box=torch.tensor([50.0, 5, 10, 50])), ["box 50,5,10,50", "object 2", "frame 7", "100x60"]),
        (Prompt(2, box=torch.tensor([150.0, 5, 170, 50])), ["box 150,5,170,50", "object 2", "frame 7"]),
        (Prompt(3, mask=torch.ones(5, 8, dtype=torch.bool)), ["8x5", "object 3", "frame 7", "100x60"]),
        (Prompt(3, mask=torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)), ["empty", "object 3", "frame 7"]),
    ],
)
def test_a_prompt_that_does_not_fit_the_frame_is_refused_in_one_line(model, features, prompt, words):
    with pytest.raises(InputError) as refusal:
        model.decode(features, [Question(prompt=prompt)])
    message = str(refusal.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_box_may_reach_over_the_edge(model, features):
    (answer,) = model.decode(features, [Question(prompt=Prompt(2, box=torch.tensor([-5.0, -5, WIDTH + 9, 50])))])
    assert answer.masks.isfinite().all()


def test_gradients_flow_through_every_stage():
    torch.manual_seed(0)
    model = Sam2(MICRO)
    s4, s8, s16 = model.encode_image(torch.randn(2, 3, *MICRO.image_size))
    first = model.decode_given_mask(s16[:1], s8[:1], s4[:1], torch.rand(1, 1, *MICRO.image_size).round())
    clicked = model.decode_masks(
        model.without_memory(s16[:1]), s8[:1], s4[:1], torch.rand(1, 1, 2) * 90, torch.ones(1, 1, dtype=torch.long)
    )
    whole = torch.nn.functional.interpolate(clicked.masks[:, :1], MICRO.image_size, mode="bilinear").sigmoid()
    pages = [
        model.encode_memory(s16[:1], torch.rand(1, 1, *MICRO.image_size), torch.tensor([False])),
        model.encode_memory(s16[:1], whole, torch.tensor([True])),
    ]
    pointers = torch.stack((first.object_pointers[:, 0], clicked.object_pointers[:, 1]), dim=1)
    image = model.condition(s16[1:], pages, torch.tensor([[6, 0]]), pointers, torch.tensor([[2 / 15, 1 / 15]]))
    box = torch.tensor([[[5.0, 5], [50, 60]]]), torch.tensor([[2, 3]])
    answer = model.decode_masks(image, s8[1:], s4[1:], *box, mask_logits=clicked.masks[:, :1])
    (answer.masks.square().sum() + answer.pred_iou.sum() + answer.object_score.sum() + pointers.sum()).backward()
    without = {name for name, each in model.named_parameters() if each.grad is None}
    # Never used, or used only where an object is absent or a point is negative.
    assert without <= {"no_mem_pos_enc", "no_obj_ptr"}, without


def test_weights_that_change_are_heeded_after_they_were_used():
    """Tables made from weights are kept between frames; they must not outlive the weights."""
    torch.manual_seed(0)
    model = Sam2(MICRO).eval().requires_grad_(False)
    frame = Frame(0, torch.zeros(3, 60, 100, dtype=torch.uint8))
    before = model.encode(frame).levels[2]
    assert torch.equal(model.encode(frame).levels[2], before)
    change = torch.randn_like(model.image_encoder.trunk.pos_embed)
    model.image_encoder.trunk.pos_embed.add_(change)
    after = model.encode(frame).levels[2]
    assert (after - before).abs().max() > 1e-2
    model.image_encoder.trunk.pos_embed.data = model.image_encoder.trunk.pos_embed.data - change
    assert (model.encode(frame).levels[2] - before).abs().max() < 1e-4


def test_only_islands_up_to_the_area_are_filled():
    generator = torch.Generator().manual_seed(0)
    logits = torch.where(torch.rand(4, 40, 50, generator=generator) < 0.35, -1.0, 1.0)
    logits[3] = -1.0  # one island that is everything
    for area in (0, 1, 4, 8):
        filled = fill_holes(logits, area)
        for before, after in zip(logits, filled, strict=True):
            assert torch.equal(after, _filled_slowly(before, area))


def _filled_slowly(logits: torch.Tensor, area: int) -> torch.Tensor:
    """One island after the other."""
    out, seen = logits.clone(), set()
    height, width = logits.shape
    for start in (logits <= 0).nonzero().tolist():
        island, stack = [], [tuple(start)]
        while stack:
            y, x = stack.pop()
            if (y, x) in seen or not (0 <= y < height and 0 <= x < width) or logits[y, x] > 0:
                continue
            seen.add((y, x))
            island.append((y, x))
            stack += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        if 0 < len(island) <= area:
            for y, x in island:
                out[y, x] = 0.1
    return out
