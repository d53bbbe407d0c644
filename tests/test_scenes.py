"""Scenes: functions of their seed, frame by frame; the truth is what is drawn; each kind holds what it promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from vidmem.errors import InputError, UnknownName, UsageError
from vidmem.scenes import kinds, make
from vidmem.scenes.drawing import draw, truth
from vidmem.scenes.scene import SIZE, Lens, Scene
from vidmem.scenes.ways import Journey, wander

pytestmark = pytest.mark.usefixtures("one_thread")
FRAMES = 300
EVERY = 3  # frames between two that are looked at where a whole scene is
SEEDS = range(4)


@pytest.fixture(params=list(kinds))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@cache
def shares(kind: str, seed: int, object_id: int = 1) -> np.ndarray:
    """How much of an object is in sight in every third frame, NaN before it has begun."""
    scene = make(kind, seed, FRAMES)
    return np.array([truth(scene, number).visible.get(object_id, np.nan) for number in range(0, FRAMES, EVERY)])


def runs(flags: np.ndarray) -> list[int]:
    """How many frames each run of True is long, at the least."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return (EVERY * (edges[1::2] - edges[::2] - 1) + 1).tolist()


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(kind: str):
    first, again, other = make(kind, 3, 120), make(kind, 3, 120), make(kind, 4, 120)
    assert torch.equal(draw(first, 70), draw(again, 70))
    assert np.array_equal(truth(first, 70).labels, truth(again, 70).labels)
    assert not torch.equal(draw(first, 70), draw(other, 70))


def test_a_frame_does_not_depend_on_what_was_drawn_before(kind: str):
    scene = make(kind, 1, 90)
    in_order = [draw(scene, number) for number in range(62, 66)]
    assert torch.equal(draw(make(kind, 1, 90), 65), in_order[3])
    assert torch.equal(draw(scene, 62), in_order[0])


def test_a_picture_is_of_the_promised_form(kind: str):
    scene = make(kind, 0, 90)
    picture, seen = draw(scene, 89), truth(scene, 89)
    assert picture.shape == (3, *SIZE) and picture.dtype == torch.uint8 and picture.is_contiguous()
    assert seen.labels.shape == SIZE and seen.labels.dtype == np.uint8
    assert picture.float().std() > 4


def test_the_truth_is_what_is_drawn(kind: str):
    """Every object painted in one pure colour of its own, all else black: the picture says the labels."""
    scene = make(kind, 2, FRAMES)
    plain = painted(scene)
    for number in range(0, FRAMES, 43):
        picture = draw(plain, number).float() / 255
        labels = truth(scene, number).labels
        seen = torch.stack([(picture - colour[:, None, None]).abs().sum(0) for colour in COLOURS]).argmin(0).numpy()
        begun = [object_id for object_id, since in scene.first_frames.items() if since <= number]
        seen[~np.isin(seen, begun)] = 0
        assert (seen != labels).mean() < 0.004, "more than the pixels on the edges differ"


COLOURS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])


def painted(scene: Scene) -> Scene:
    """The scene in the colours of the ids, in even light and without a lens."""
    things = []
    for thing in scene.things:
        looks = thing.looks.clone()
        looks[:, :3] = COLOURS[thing.object_id][:, None, None]
        things.append(replace(thing, looks=looks))
    lens = Lens(blur=0, noise=0, quality=95)
    black, even = torch.zeros_like(scene.ground), np.ones_like(scene.light)
    return replace(scene, things=tuple(things), ground=black, light=even, lens=lens)


def test_the_share_in_sight_is_that_of_the_pixels(kind: str):
    scene = make(kind, 5, FRAMES)
    for number in range(0, FRAMES, 47):
        seen = truth(scene, number)
        present = set(np.unique(seen.labels).tolist()) - {0}
        assert present == {object_id for object_id, share in seen.visible.items() if share > 0}
        assert all(0 <= share <= 1 for share in seen.visible.values())


def test_every_object_is_well_in_sight_when_it_begins(kind: str):
    for seed in SEEDS:
        scene = make(kind, seed, FRAMES)
        assert min(scene.first_frames.values()) == 0
        for object_id, since in scene.first_frames.items():
            seen = truth(scene, since)
            assert seen.visible[object_id] > (0.95 if kind != "distractor" else 0.6), (seed, object_id)
            assert np.count_nonzero(seen.labels == object_id) > 0.005 * seen.labels.size
            if since:
                assert object_id not in truth(scene, since - 1).visible


@pytest.mark.parametrize("seed", SEEDS)
def test_still_shows_everything_all_the_time(seed: int):
    assert shares("still", seed).min() == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_occlusion_hides_the_object_wholly_for_long_and_partly(seed: int):
    seen = shares("occlusion", seed)
    assert max(runs(seen == 0)) >= 25
    assert EVERY * np.count_nonzero((seen > 0.2) & (seen < 0.8)) >= 15
    assert EVERY * np.count_nonzero(seen > 0.95) >= 60
    last = np.flatnonzero(seen == 0)[0]
    assert (seen[last:] > 0.95).any(), "it never comes back"


@pytest.mark.parametrize("seed", SEEDS)
def test_an_occluded_object_lies_within_the_frame(seed: int):
    scene = make("occlusion", seed, FRAMES)
    (target,) = [thing for thing in scene.things if thing.object_id]
    assert (target.way[:, :2] > 0).all() and (target.way[:, :2] < SIZE[::-1]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_reentry_leaves_for_twenty_frames_or_more_and_comes_back_elsewhere(seed: int):
    seen = shares("reentry", seed)
    away = runs(seen == 0)
    assert 20 <= max(away) <= 210
    gone = np.flatnonzero(seen == 0)[0]
    back = gone + np.flatnonzero(seen[gone:] > 0.95)
    assert len(back)
    (target,) = make("reentry", seed, FRAMES).things
    assert np.hypot(*(target.way[EVERY * (gone - 1), :2] - target.way[EVERY * back[0], :2])) > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_distractor_has_look_alikes_in_sight_that_meet_the_object_and_part(seed: int):
    scene = make("distractor", seed, FRAMES)
    (target,) = [thing for thing in scene.things if thing.object_id]
    others = [thing for thing in scene.things if not thing.object_id]
    assert 1 <= len(others) <= 3
    mean = target.looks[0, :3].mean((1, 2))
    for other in others:
        distance = np.hypot(*(other.way[:, :2] - target.way[:, :2]).T)
        assert distance.min() < 5 and distance.max() > 60 and distance[0] > 45
        assert ((other.way[:, :2] > 0) & (other.way[:, :2] < SIZE[::-1])).all()
        alike, apart = other.looks[0, :3].mean((1, 2)), scene.ground.mean((1, 2))
        assert (alike - mean).norm() < (apart - mean).norm()


@pytest.mark.parametrize("seed", SEEDS)
def test_drift_changes_looks_size_and_light_slowly_and_comes_back(seed: int):
    scene = make("drift", seed, 600)
    (target,) = scene.things
    assert target.mixture is not None
    size = target.way[:, 2]
    for course, least in ((target.mixture, 0.95), (np.log(size), np.log(2.4)), (scene.light[:, 0], 0.3)):
        assert np.ptp(course) > least
        assert np.abs(np.diff(course)).max() < 0.02 * np.ptp(course)
        assert np.abs(course[200:] - course[0]).min() < 0.05 * np.ptp(course)


def test_crowd_has_objects_that_join_late_and_objects_that_end():
    counts = set()
    for seed in SEEDS:
        scene = make("crowd", seed, FRAMES)
        counts.add(len(scene.first_frames))
        late = [since for object_id, since in scene.first_frames.items() if object_id > 2]
        assert all(0 < since < 0.9 * FRAMES for since in late)
        seen = shares("crowd", seed, object_id=2)
        gone = np.flatnonzero(seen > 0)[-1] + 1
        assert EVERY * gone < FRAMES - 10 and (seen[gone:] == 0).all()
    assert counts == {3, 4}


def test_a_kind_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(UnknownName, match=r"Did you mean 'occlusion'"):
        make("oclusion", 0, 100)


def test_a_scene_too_short_for_anything_to_happen_is_refused():
    with pytest.raises(UsageError, match="60 or more"):
        make("still", 0, 10)


@pytest.mark.parametrize("number", [-1, 60])
def test_a_frame_beyond_the_scene_is_refused(number: int):
    scene = make("still", 0, 60)
    for asked in (draw, truth):
        with pytest.raises(InputError, match="0 to 59"):
            asked(scene, number)


def test_a_journey_is_where_it_should_be_when_it_should_be():
    way = Journey.begin((0, 0)).to((30, 40), 5).rest(4).jump((200, 200)).until(20, (220, 200)).way(25)
    assert way.shape == (25, 2)
    assert way[0].tolist() == [0, 0] and way[5].tolist() == [15, 20]
    assert (way[10:14] == (30, 40)).all() and way[15].tolist() == [200, 200]
    assert (way[20:] == (220, 200)).all()


def test_wandering_stays_within_reach():
    way = wander(np.random.default_rng(0), 2000, (100, 50), (30, 10), 1.0)
    assert (np.abs(way - (100, 50)) <= (30, 10)).all()
    assert 0.2 < np.hypot(*np.diff(way, axis=0).T).mean() < 2
