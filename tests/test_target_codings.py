"""Codings: what any of them promises, what the trained one learns through the solver, and whose features it takes."""

from __future__ import annotations

import pytest
import torch
from made_learner import learner_file, learner_of
from torch import Tensor

from vidmem import compose
from vidmem.errors import ModelError, UsageError
from vidmem.models.sam2 import Sam2, load
from vidmem.models.sizes import MICRO
from vidmem.models.toy import Toy
from vidmem.targets.codings import codings
from vidmem.targets.codings.cells import Cells
from vidmem.targets.codings.files import about, load_learner
from vidmem.targets.codings.trained import Trained
from vidmem.targets.filter import OnlineFilter
from vidmem.targets.solver import Problem, descend, loss_of, respond
from vidmem.values import Features, Guess

pytestmark = pytest.mark.usefixtures("one_thread")

GRID, MASK = (6, 6), (24, 24)
LEVELS = (3, 5, 8)  # channels, finest first


def features_of(seed: int) -> Features:
    dice = torch.Generator().manual_seed(seed)
    levels = [torch.randn(1, c, side, side, generator=dice) for c, side in zip(LEVELS, (24, 12, 6), strict=True)]
    return Features(seed, (96, 96), tuple(levels))


def square() -> Tensor:
    mask = torch.zeros(MASK)
    mask[4:16, 8:20] = 1
    return mask


@pytest.fixture(params=list(codings))
def coding(request, tmp_path):
    if request.param == "trained":
        return Trained(str(learner_file(tmp_path, *LEVELS)))
    return codings[request.param]()


def test_a_label_and_its_weights_lie_on_the_grid_of_the_features(coding):
    seen = coding.prepare(features_of(0))
    label, weights = coding.encode(square(), GRID)
    assert label.shape == weights.shape == (len(label), *GRID) and tuple(seen.deep.shape[1:]) == GRID
    assert label.isfinite().all() and weights.isfinite().all()


def test_what_is_said_is_read_as_a_mask_of_the_models_size(coding):
    seen = coding.prepare(features_of(0))
    label, _ = coding.encode(square(), GRID)
    assert coding.decode(label, seen).shape == MASK


def test_features_are_prepared_to_one_length_whatever_their_size(coding):
    features = features_of(1)
    louder = Features(1, features.size, tuple(1000 * each for each in features.levels))
    one, other = coding.prepare(features), coding.prepare(louder)
    assert torch.allclose(one.deep, other.deep, atol=1e-5)
    assert float(one.deep.square().sum()) == pytest.approx(GRID[0] * GRID[1] / 9, rel=1e-3)


def test_a_target_model_learns_and_looks_with_any_coding(coding):
    target = OnlineFilter(coding=coding)
    seen = target.prepare(features_of(0))
    state = target.learn(target.start(), seen, Guess(0, 20 * square() - 10, torch.zeros(1), 1.0, 10.0, True, True))
    state, logits = target.look(state, seen, 1)
    assert logits is not None and logits.shape == MASK and logits.isfinite().all()
    assert state.samples[0].label.dtype == state.samples[0].spatial.dtype == torch.float16


def test_the_training_free_coding_reads_what_it_wrote():
    coding = Cells()
    label, weights = coding.encode(square(), GRID)
    logits = coding.decode(label, coding.prepare(features_of(0)))
    assert torch.equal(logits > 0, square() > 0.5)
    assert float(weights.square().mean()) == pytest.approx(1.0, rel=1e-5)


def test_impossible_numbers_of_a_coding_are_refused():
    with pytest.raises(ValueError, match="object_share 0 to 1"):
        Cells(object_share=1.0)


def test_weights_of_labels_begin_at_one():
    assert torch.equal(learner_of(*LEVELS).encode(square(), GRID)[1], torch.ones(4, *GRID))


def unrolled(problem: Problem, start: Tensor, steps: int) -> Tensor:
    """The very steps of `descend`, all products by autograd."""
    filter = start
    for _ in range(steps):
        (slope,) = torch.autograd.grad(loss_of(problem, filter) / 2, filter, create_graph=True)
        along = problem.weights * respond(problem.features, slope)
        length = slope.square().sum() / (along.square().sum() + (problem.decay * slope).square().sum())
        filter = filter - length * slope
    return filter


def test_gradients_through_the_steps_of_the_solver_are_those_of_autograd():
    dice = torch.Generator().manual_seed(4)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=dice, dtype=torch.float64)

    told = [draw(2, 3, 5, 5), draw(2, 4, 5, 5), draw(2, 4, 5, 5).abs(), torch.tensor(0.3, dtype=torch.float64)]
    direction, start = draw(4, 3, 3, 3), draw(4, 3, 3, 3)
    found = []
    for solve in (lambda p: descend(p, start, 4).filter, lambda p: unrolled(p, start.clone().requires_grad_(), 4)):
        given = [each.clone().requires_grad_() for each in told]
        filter = solve(Problem(*given[:3], decay=given[3]))
        found.append([filter, *torch.autograd.grad((filter * direction).sum(), given)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5 * float(other.detach().abs().max()))


def test_gradients_through_the_steps_are_those_of_finite_differences():
    dice = torch.Generator().manual_seed(5)
    label = torch.randn(1, 2, 3, 3, generator=dice, dtype=torch.float64, requires_grad=True)
    seen = torch.randn(1, 2, 3, 3, generator=dice, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(1, 2, 3, 3, generator=dice, dtype=torch.float64, requires_grad=True)
    start = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, e, w: descend(Problem(x, e, w, decay=0.2), start, 3).filter, (seen, label, weight)
    )


def test_the_label_encoder_is_taught_by_what_the_filter_answers_in_another_frame():
    learner = learner_of(*LEVELS)
    first, second = learner.prepare(features_of(0)), learner.prepare(features_of(1))
    label, weights = learner.encode(square(), GRID)
    problem = Problem(first.deep[None], label[None], weights[None], decay=learner.decay)
    filter = descend(problem, torch.zeros(4, 8, 3, 3), 3).filter
    learner.decode(respond(second.deep[None], filter)[0], second).sum().backward()
    for name, weight in learner.named_parameters():
        if name != "masks.weight.bias":
            assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_a_saved_learner_is_read_as_it_was_with_what_was_noted(tmp_path):
    path = learner_file(tmp_path, *LEVELS, backbone="0123")
    learner = load_learner(path)
    assert learner.backbone == about(path)["backbone"] == "0123"
    for name, weight in learner_of(*LEVELS).state_dict().items():
        assert torch.equal(learner.state_dict()[name], weight.half().float())


def test_a_file_that_is_no_learner_is_refused(tmp_path):
    with pytest.raises(ModelError, match="There is no trained coding"):
        Trained("nowhere")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot be read as a trained coding"):
        Trained(str(tmp_path / "broken.safetensors"))
    with pytest.raises(ModelError, match="is no trained coding"):
        Trained("nano")


def test_a_learner_is_refused_by_a_model_of_another_backbone(tmp_path):
    made = {"coding.name": "trained", "coding.weights": str(learner_file(tmp_path, 8, 16, 64, backbone="feedbeef"))}
    with pytest.raises(ModelError, match=r"belongs to the image encoder feedbeef.*nano has an image encoder of other"):
        compose.load("continual", "nano", settings=made)
    with pytest.raises(ModelError, match=r"toy has no image encoder of known weights.*coding\.name=cells"):
        compose.load("continual", Toy(), settings=made)


def test_the_backbones_name_is_that_of_its_weights_in_any_precision():
    model = load("nano")
    assert model.backbone == load("nano", dtype="bfloat16").backbone == load("nano", dtype="float16").backbone
    torch.manual_seed(0)
    assert Sam2(MICRO).backbone != model.backbone
    before = model.backbone
    with torch.no_grad():
        model.image_encoder.neck.convs[0].conv.bias.add_(0.5)  # type: ignore[union-attr]
    assert model.backbone != before


def test_what_ships_belongs_to_the_embedded_model():
    assert Trained().backbone == load("nano").backbone


def test_an_option_of_a_coding_is_set_by_card_and_a_wrong_one_told():
    tracker = compose.load("continual", Toy(), settings={"coding.object_share": 0.5})
    assert isinstance(tracker.target, OnlineFilter) and tracker.target.coding == Cells(object_share=0.5)
    with pytest.raises(UsageError, match="no option 'weight'"):
        compose.load("continual", Toy(), settings={"coding.name": "trained", "coding.weight": "x"})


def test_a_file_that_is_replaced_changes_no_tracker_on_its_way(tmp_path):
    file = learner_file(tmp_path, 3)
    coding, mask = Trained(str(file)), torch.rand(16, 16)
    before = coding.encode(mask, (4, 4))
    file.write_bytes(b"something else")
    assert all(torch.equal(one, other) for one, other in zip(before, coding.encode(mask, (4, 4)), strict=True))
