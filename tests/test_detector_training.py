"""Training a detector: the drawn set, samples and references, steps that repeat, and what is refused."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_detectors import CLASSES, TINY, tiny

from vidmem import cards
from vidmem.detectors import checkpoints
from vidmem.drawn_vid import PATTERNS, draw, make
from vidmem.errors import InputError, ModelError, UsageError
from vidmem.training.detection.loop import Run, rate, told, train
from vidmem.training.detection.recipe import Data, DetectorRecipe, Optimiser, Stage, build
from vidmem.training.detection.samples import Samples
from vidmem.training.parallel import Team
from vidmem.training.recipe import table
from vidmem.videos import DetectionTruth, open_dataset
from vidmem.videos.write_vid import Split, write_vid

SMALL = {"train": Split(2, 4, 0, every=3), "val": Split(1, 3, 9)}
NUMBERS = {
    name: getattr(TINY, name)
    for name in ("neck", "width", "heads", "rows", "proposals_train", "proposals_test", "anchor_sizes")
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_vid(tmp_path_factory.mktemp("set") / "vid", splits=SMALL, pictures=Split(1, 3, 30))


@pytest.fixture
def recipe(drawn):
    return DetectorRecipe(
        "small",
        "nano-detector",
        NUMBERS,
        classes=tuple(PATTERNS),
        data=(Data("imagenet_vid", str(drawn), frames=0),),
        optimiser=Optimiser("adamw", rate=1e-3, warm_up=2, cosine=True),
        stages=(Stage(2, steps=4),),
    )


def test_a_drawn_set_is_read_as_imagenet_vid(drawn):
    dataset = open_dataset("imagenet_vid", drawn, "train")
    assert len(dataset) == 2
    for video in dataset:
        assert len(video) == 4 and isinstance(video.truth, DetectionTruth)
        for number, name in enumerate(video.frame_names):
            picture, boxes = draw(make(0, int(video.name[-8:]), 12), 3 * number)
            assert picture.shape == (3, 96, 128)
            assert [each.box for each in video.truth.boxes(name) or ()] == [each.box for each in boxes]
    assert write_vid(drawn, splits=SMALL, pictures=Split(1, 3, 30)) == drawn  # nothing is drawn twice


def test_pictures_to_learn_to_see_by_are_read_as_imagenet_det(drawn):
    pictures = open_dataset("imagenet_det", drawn, "train")
    assert pictures.names() == [f"drawn/00000030_{frame:04d}" for frame in range(3)]
    clear = make(0, 30, 3, clear=True)
    for number, picture in enumerate(pictures):
        assert isinstance(picture.truth, DetectionTruth) and len(picture) == 1
        assert [each.box for each in picture.truth.boxes(picture.frame_names[0]) or ()] == [
            each.box for each in draw(clear, number)[1]
        ]


def test_clear_videos_are_in_focus_more_often():
    often, rarely = (np.mean([make(0, n, 60, clear=each).defocus < 1 for n in range(12)]) for each in (True, False))
    assert often > rarely + 0.1


def test_every_drawn_video_is_clear_at_times_and_its_things_rest_at_times():
    for number in range(10):
        video = make(0, number, 60)
        assert (video.defocus < 0.5).any() and (video.defocus > 1.5).any()
        for thing in video.things:
            steps = np.hypot(*np.diff(thing.way[:, :2], axis=0).T)
            assert (steps == 0).any() and (steps > 0).any()


def test_drawing_a_frame_needs_no_other_and_repeats():
    one, again = (draw(make(3, 7, 20), 11) for _ in range(2))
    assert torch.equal(one[0], again[0]) and one[1] == again[1]


def test_a_folder_with_something_else_in_it_is_not_drawn_into(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="Choose another folder"):
        write_vid(tmp_path)


def test_references_lie_on_both_sides_and_the_key_frame_fills_in(recipe):
    samples = Samples(recipe)
    place = next(each for each in samples.places if each.frame == 2)
    for seed in range(20):
        one, other = sorted(samples._others(np.random.default_rng(seed), place, 4))
        assert one < 2 < other
    assert samples._others(np.random.default_rng(0), place, 1) != [] and samples._others(
        np.random.default_rng(0), replace(place, frame=0), 1
    ) == [0, 0]


def test_an_epoch_shows_every_key_frame_once(recipe):
    samples = Samples(replace(recipe, stages=(Stage(2, epochs=2),)))
    assert samples.steps == 8 and len(samples.places) == 8
    first = [place for step in range(4) for place in samples.chosen(step)]
    second = [place for step in range(4, 8) for place in samples.chosen(step)]
    assert set(first) == set(second) == set(samples.places) and first != second


def test_a_mirrored_sample_has_mirrored_boxes(recipe):
    plain, mirrored = (Samples(replace(recipe, flip=each)).batch(0) for each in (0.0, 1.0))
    assert torch.equal(plain.images[0].flip(-1), mirrored.images[0])
    x0, _, x1, _ = plain.targets[0]["boxes"].unbind(1)
    m0, _, m1, _ = mirrored.targets[0]["boxes"].unbind(1)
    assert torch.equal(m0, 128 - x1) and torch.equal(m1, 128 - x0)


def losses(out: Path) -> list[float]:
    return [each["loss"] for each in told(out)]


def test_a_run_that_was_cut_off_goes_on_to_the_same_curve(recipe, tmp_path):
    whole = train(recipe, tmp_path / "whole", device="cpu")
    train(recipe, tmp_path / "cut", device="cpu", minutes=0.0)  # stops before its first step
    samples = Samples(recipe)
    run = Run(recipe, samples, "cpu")
    for step in range(2):
        run.learn(samples.batch(step), samples.steps, Team())
    run.save(tmp_path / "cut/state.pt")
    again = train(recipe, tmp_path / "cut", device="cpu")
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")[2:]
    one, other = (checkpoints.read(each)[1] for each in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert list((tmp_path / "whole/tensorboard").glob("events*"))
    with pytest.raises(InputError, match="--resume"):
        train(recipe, tmp_path / "whole", resume=False, device="cpu")


def test_a_frozen_first_stage_looks_once_and_learns_the_same(recipe, tmp_path):
    frozen = replace(recipe, freeze=("backbone", "neck", "proposer"), flip=0.0)
    ends = []
    for keep in (0, 50):
        samples = Samples(replace(frozen, keep=keep))
        run = Run(samples.recipe, samples, "cpu")
        before = {name: each.clone() for name, each in run.detector.backbone.state_dict().items()}
        line = run.learn(samples.batch(0), 4, Team())
        after = run.detector.backbone.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert len(run._looked) == (0 if not keep else len({n for one in samples.batch(0).names for n in one}))
        ends.append(line)
    assert ends[0]["class"] == pytest.approx(ends[1]["class"], rel=0.2)


def test_regions_pooled_beforehand_teach_what_those_pooled_anew_do(recipe):
    samples = Samples(recipe)
    detector, batch = Run(recipe, samples, "cpu").detector.eval(), samples.batch(0)
    keys, references = detector.look(batch.images), [detector.look(each) for each in batch.references]
    told = []
    for forget in (False, True):
        theirs = [[replace(each, regions=None) if forget else each for each in group] for group in references]
        mine = [replace(each, regions=None) if forget else each for each in keys]
        torch.manual_seed(5)  # of which proposals are learned from
        losses = detector.head_loss(mine, batch.targets, theirs)
        told.append({name: float(each.detach()) for name, each in losses.items()})
    assert told[0] == pytest.approx(told[1], rel=1e-5)


def test_bfloat16_learns_too(recipe, tmp_path):
    samples = Samples(recipe)
    line = Run(replace(recipe, precision="bfloat16"), samples, "cpu").learn(samples.batch(0), 4, Team())
    assert np.isfinite(line["loss"]) and np.isfinite(line["norm"])


def test_the_rate_warms_up_and_drops_as_the_paper_has_it():
    paper = Optimiser()
    assert rate(paper, 0, 900) == pytest.approx(1e-3 * (1 / 3 + 2 / 3 / 500))
    assert rate(paper, 599, 900) == pytest.approx(1e-3) and rate(paper, 600, 900) == pytest.approx(1e-4)
    cosine = Optimiser(cosine=True, warm_up=0)
    assert rate(cosine, 450, 900) == pytest.approx(0.5e-3)


def test_weights_of_a_base_begin_a_detector_with_memory(recipe, tmp_path):
    base = Samples(replace(recipe, numbers={**NUMBERS, "attention": "none"}))
    checkpoints.save(Run(base.recipe, base, "cpu").detector, tmp_path / "base.safetensors")
    samples = Samples(replace(recipe, init=str(tmp_path / "base.safetensors")))
    run = Run(samples.recipe, samples, "cpu")
    assert "without 16 of its memory" in run.begins


RECIPES = [name for name in cards.names("configs") if cards.read("configs", name).get("kind") == "detector"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_of_detectors_are_whole(name):
    place = cards.find("configs", name)
    made = build(table(place), str(place))
    assert made.name == name and made.built(("zebra",)).backbone


def test_the_papers_recipe_changes_its_batch_as_the_release_did():
    place = cards.find("configs", "mamba-r101")
    made = build(table(place), str(place))
    assert [(each.batch, each.epochs) for each in made.stages] == [(4, 3), (8, 3)]
    assert made.optimiser == replace(Optimiser(), drops=made.optimiser.drops)
    assert made.optimiser.drops == (pytest.approx(2 / 3, abs=1e-3),)


def edited(drawn: Path, tmp_path: Path, change) -> DetectorRecipe:
    """A copy of the set whose first annotation is changed."""
    import shutil

    root = Path(shutil.copytree(drawn, tmp_path / "copy"))
    path = next(iter(sorted(root.glob("Annotations/VID/train/*/000000.xml"))))
    path.write_text(change(path.read_text()))
    data = (Data("imagenet_vid", str(root), frames=1),)
    return DetectorRecipe("small", "nano-detector", NUMBERS, tuple(PATTERNS), data=data, stages=(Stage(2, steps=1),))


def test_a_frame_without_objects_is_learned_from(drawn, tmp_path):
    recipe = edited(drawn, tmp_path, lambda text: "<annotation></annotation>")
    samples = Samples(recipe)
    batch = samples.batch(0)
    assert 0 in {len(each["boxes"]) for each in batch.targets}
    assert np.isfinite(Run(recipe, samples, "cpu").learn(batch, 1, Team())["loss"])


def test_a_box_out_of_the_picture_is_refused_or_cut_where_that_is_asked(drawn, tmp_path):
    import re

    recipe = edited(drawn, tmp_path, lambda text: re.sub("<xmax>[0-9]+", "<xmax>400", text, count=1))
    with pytest.raises(InputError, match=r"frame 000000: the box .* reaches out of the picture of 128 x 96.*cut_boxes"):
        Samples(recipe).batch(0)
    data = replace(recipe.data[0], cut_boxes=True)
    boxes = torch.cat([each["boxes"] for each in Samples(replace(recipe, data=(data,))).batch(0).targets])
    assert boxes[:, 2].max() <= 128


def test_an_annotation_without_a_class_of_the_thirty_is_refused(drawn, tmp_path):
    recipe = edited(drawn, tmp_path, lambda text: text.replace("<name>n", "<name>x"))
    with pytest.raises(InputError, match="none of the thirty"):
        Samples(recipe).batch(0)


def test_classes_the_set_does_not_have_are_refused(recipe):
    with pytest.raises(ModelError, match="'unicorn', which ImageNet VID does not have"):
        Samples(replace(recipe, classes=("unicorn",)))


def test_weights_of_other_classes_or_another_backbone_begin_nothing(recipe, tmp_path):
    checkpoints.save(tiny(), tmp_path / "other.safetensors")
    wrong = replace(recipe, init=str(tmp_path / "other.safetensors"))
    with pytest.raises(ModelError, match=f"tells {len(CLASSES)} classes apart, {len(PATTERNS)} are wanted"):
        Run(wrong, Samples(wrong), "cpu")
    with pytest.raises(ModelError, match="There is no detector"):
        Run(replace(recipe, init="nowhere.safetensors"), Samples(recipe), "cpu")


def test_a_recipe_with_an_unknown_word_or_part_is_refused(recipe):
    with pytest.raises(UsageError, match="unknown entry 'batchsize'"):
        build({"name": "x", "batchsize": 3}, "x.toml")
    with pytest.raises(UsageError, match="either epochs or steps"):
        build({"name": "x", "stages": [{"batch": 2}]}, "x.toml")
    with pytest.raises(UsageError, match="no part of it"):
        Run(replace(recipe, freeze=("legs",)), Samples(recipe), "cpu")
    with pytest.raises(InputError, match="is not set"):
        Samples(replace(recipe, data=(Data(root="$NOT_SET_ANYWHERE"),)))


def test_two_processes_take_their_shares_of_a_batch(recipe, drawn, tmp_path):
    card = tmp_path / "small.toml"
    numbers = "\n".join(f"{name} = {list(each) if isinstance(each, tuple) else each}" for name, each in NUMBERS.items())
    card.write_text(
        f'kind = "detector"\nname = "small"\narchitecture = "nano-detector"\nclasses = {json.dumps(list(PATTERNS))}\n'
        f"[numbers]\n{numbers}\n[[data]]\nroot = {json.dumps(str(drawn))}\nframes = 0\n"
        "[[stages]]\nbatch = 2\nsteps = 2\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "vidmem", "train", str(card), "--out", str(tmp_path / "out")]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [each["step"] for each in told(tmp_path / "out")] == [1, 2]
