"""SAM2Long's tree: it chooses as the paper says, shares what is the same without a trace, and merges what became so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from dice import Dice, blank, mark
from hypothesis import given, settings
from hypothesis import strategies as st
from sam2long_literal import Literal, survivors
from seeded import doubtful, first_disc, restless

from vidmem import states
from vidmem.banks.gated import Gated
from vidmem.banks.window import Window
from vidmem.choices.argmax import Argmax
from vidmem.searches import History
from vidmem.searches.tree import Tree
from vidmem.tracker import Tracker
from vidmem.values import Candidates, Frame, Prompt

PAPER = Gated(min_pred_iou=0.3, min_object_score_logit=0.0, modulation=(0.95, 1.05), drop_oldest_pointer=True)


def offer(pred_iou: Sequence[float], logit: float, masks: torch.Tensor | None = None) -> Candidates:
    masks = torch.ones(len(pred_iou), 2, 2) if masks is None else masks
    return Candidates(masks, tuple(pred_iou), torch.zeros(len(pred_iou), 2), torch.zeros(2), logit)


def branches(tree: Tree, scores: Sequence[float], offers: Sequence[Candidates], present_above: float = 0.0):
    return tree.select([History(None, None, score) for score in scores], offers, Argmax(), present_above)


# What is chosen.

a_rating = st.one_of(st.floats(0, 1, width=32), st.integers(0, 20).map(lambda n: n / 20), st.sampled_from([0.0, 1.0]))
a_logit = st.one_of(st.floats(-4, 4, width=32), st.sampled_from([0.0, 2.0, -2.0, 0.5]))
an_offer = st.tuples(st.tuples(a_rating, a_rating, a_rating), a_logit)
a_score = st.one_of(st.just(0.0), st.floats(-20, 0), st.integers(-3, 0).map(float))


@st.composite
def tables(draw):
    """Scores and offers of 1 to 4 paths, some of them copies of others."""
    paths = draw(st.integers(1, 4))
    distinct = draw(st.lists(st.tuples(a_score, an_offer), min_size=1, max_size=paths))
    rows = [draw(st.sampled_from(distinct)) for _ in range(paths)]
    return [score for score, _ in rows], [offered for _, offered in rows]


@settings(max_examples=1000, deadline=None)
@given(tables(), st.sampled_from([0.0, 1.0, 2.0, 5.0]))
def test_the_paths_that_live_on_are_those_of_the_paper(table, uncertain_below):
    scores, offers = table
    tree = Tree(width=len(scores), uncertain_below=uncertain_below)
    found = branches(tree, scores, [offer(*each) for each in offers])
    wanted = survivors(scores, offers, len(scores), uncertain_below)
    assert [(each.parent, each.pick) for each in found] == [(parent, pick) for parent, pick, _ in wanted]
    assert [each.score for each in found] == [score - wanted[0][2] for _, _, score in wanted]


def test_copies_stay_copies_while_one_past_is_certain():
    one = offer((0.5, 0.9, 0.8), 3.0)
    assert [(each.parent, each.pick) for each in branches(Tree(), [0.0] * 3, [one] * 3)] == [(0, 1), (1, 1), (2, 1)]


def test_copies_part_at_the_first_doubt():
    one = offer((0.5, 0.9, 0.8), 1.0)
    assert [(each.parent, each.pick) for each in branches(Tree(), [0.0] * 3, [one] * 3)] == [(0, 1), (0, 2), (0, 0)]


def test_certainty_of_absence_is_certainty_too():
    sure, unsure = offer((0.5, 0.9, 0.8), -7.0), offer((0.9, 0.9, 0.9), 0.1)
    found = branches(Tree(), [0.0, -1.0, -1.0], [sure, unsure, unsure])
    assert [(each.parent, each.pick) for each in found] == [(0, 1), (0, 2), (0, 0)]


def test_where_all_masks_are_rated_alike_the_best_of_every_past_is_heard():
    alike = offer((0.7, 0.7, 0.7), 1.0)
    found = branches(Tree(), [-2.0, 0.0, -1.0], [alike] * 3)
    assert [(each.parent, each.pick) for each in found] == [(1, 0), (0, 0), (2, 0)]


def test_the_rating_of_an_absent_object_is_another_than_that_of_a_present_one():
    there, away = offer((0.7, 0.7, 0.7), 1.0), offer((0.7, 0.7, 0.7), -1.0)
    found = branches(Tree(width=2), [0.0, -5.0], [there, away])
    assert [(each.parent, each.pick) for each in found] == [(0, 0), (1, 0)]


def test_absence_pays_for_its_low_rating_unless_told_otherwise():
    honest, dreaming = offer((0.2, 0.1, 0.1), -3.0), offer((0.6, 0.5, 0.4), 3.0)
    assert branches(Tree(width=2), [0.0, 0.0], [honest, dreaming])[0].parent == 1
    assert branches(Tree(width=2, absent_score=0.9), [0.0, 0.0], [honest, dreaming])[0].parent == 0


def test_what_counts_as_absent_is_what_the_loop_shows_as_absent():
    """A tracker that shows an object from -1 on (SAMURAI) is not absent at -0.5."""
    faint, dreaming = offer((0.2, 0.1, 0.1), -0.5), offer((0.6, 0.5, 0.4), 3.0)
    tree = Tree(width=2, absent_score=0.9)
    assert branches(tree, [0.0, 0.0], [faint, dreaming])[0].parent == 0
    assert branches(tree, [0.0, 0.0], [faint, dreaming], present_above=-1.0)[0].parent == 1


# What is shared.


class Path:
    """The histories of one object, frame by frame, with the branches that made them."""

    def __init__(self, tracker: Tracker):
        tree, self.made = tracker.search, []

        made_so_far = self.made

        class Watched:
            def select(self, histories, offered, choice, present_above):
                made = tree.select(histories, offered, choice, present_above)
                made_so_far.append([(each.parent, each.pick) for each in made])
                return made

        self.tracker, self.state, self.scores = replace(tracker, search=Watched()), {}, []

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()):
        self.state, track = self.tracker.step(self.state, frame, prompts)
        self.scores.append([history.score for history in self.state[1]])
        return track


@pytest.mark.parametrize("block", range(20))
def test_sharing_what_is_the_same_leaves_no_trace(block):
    """500 streams: what is chosen, every score and every answer are those of paths that know nothing of each other.

    In some, frames without the object are remembered too: copies of one absence, some kept and some not.
    """
    for seed in range(25 * block, 25 * block + 25):
        dice, drop, gate = Dice(seed, doubt=seed % 8), seed % 2 == 0, -9.0 if seed % 3 == 0 else 0.0
        bank = replace(PAPER, drop_oldest_pointer=drop, min_object_score_logit=gate)
        slow = Literal(Dice(seed, doubt=seed % 8), drop_oldest_pointer=drop, object_threshold=gate)
        path = Path(Tracker(dice, bank, search=Tree(), emit="lag", lag=99))
        for index in range(26 if seed % 10 == 9 else 10):
            prompt = mark() if index == 0 else None
            path.step(blank(index), [prompt] if prompt else ())
            slow.step(blank(index), prompt)
            if index:
                assert path.made[-1] == slow.kept[-1], (seed, index)
                sums = [each.score - slow.alive[0].score for each in slow.alive]
                assert path.scores[-1] == pytest.approx(sums, abs=1e-9)
        for history, alone in zip(path.state[1], slow.alive, strict=True):
            for mine, theirs in zip(history.trail[1:], alone.guesses, strict=True):
                assert torch.equal(mine.mask, theirs.mask) and mine.pred_iou == theirs.pred_iou


def test_sharing_leaves_no_trace_in_a_sam2_either():
    model = doubtful()
    path, slow = Path(Tracker(model, PAPER, search=Tree(), emit="lag", lag=99)), Literal(model)
    for frame in restless(14):
        prompt = Prompt(1, mask=first_disc()) if frame.index == 0 else None
        path.step(frame, [prompt] if prompt else ())
        slow.step(frame, prompt)
    assert path.made == slow.kept
    assert len({tuple(each) for each in path.made}) > 5, "a stream that never branches shows nothing"
    for history, alone in zip(path.state[1], slow.alive, strict=True):
        for mine, theirs in zip(history.trail[1:], alone.guesses, strict=True):
            assert (mine.mask - theirs.mask).abs().max() < 1e-3


def test_pasts_that_see_the_same_may_remember_otherwise():
    """One question serves all, yet each bank is told what its own past answered."""

    class Diary:
        def start(self):
            return ()

        def read(self, state):
            return None

        def write(self, state, seen):
            return (*state, seen.guess.pred_iou)

    for seed in range(10):
        dice = Dice(seed, doubt=3)
        tracker, state = Tracker(dice, Diary(), search=Tree(), emit="lag", lag=99), {}
        for index in range(15):
            state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
            assert all(history.bank == tuple(guess.pred_iou for guess in history.trail) for history in state[1])
        assert dice.questions == [1] * 15


def test_three_pasts_cost_one_until_the_first_doubt():
    dice = Dice(seed=0, doubt=2)
    tracker, state = Tracker(dice, PAPER, search=Tree()), {}
    first = next(index for index in range(2, 99) if dice.unsure(index))
    for index in range(first + 2):
        state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
    assert first > 4 and dice.questions == [1] * (first + 1) + [3]
    assert dice.guesses == [1] * first + [3, 3]


def test_an_absent_object_is_encoded_once_whichever_candidate_said_so():
    class Gone(Dice):
        def _throw(self, features, question):
            thrown = super()._throw(features, question)
            return replace(thrown, object_score_logit=-1.0) if features.frame else thrown

    dice = Gone(seed=1)
    tracker, state = Tracker(dice, PAPER, search=Tree()), {}
    for index in range(8):
        state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
    assert dice.questions == dice.guesses == [1] * 8
    assert len({history.score for history in state[1]}) == 3, "three pasts all the same: their scores differ"


def test_a_tree_of_one_is_a_single_path():
    for seed in range(20):
        one, other = Path(Tracker(Dice(seed), PAPER, search=Tree(width=1))), Tracker(Dice(seed), PAPER)
        state = {}
        for index in range(15):
            prompts = [mark()] if index == 0 else ()
            track = one.step(blank(index), prompts)
            state, alone = other.step(state, blank(index), prompts)
            assert torch.equal(track.guesses[1].mask, alone.guesses[1].mask)


# What a long stream does to it.


def test_scores_stay_small_on_an_endless_stream_and_choose_as_sums_without_end_do():
    dice, slow = Dice(seed=3, doubt=4), Literal(Dice(seed=3, doubt=4), drop_oldest_pointer=False)
    path = Path(Tracker(dice, replace(PAPER, drop_oldest_pointer=False), search=Tree()))
    for index in range(400):
        prompt = mark() if index == 0 else None
        path.step(blank(index), [prompt] if prompt else ())
        slow.step(blank(index), prompt)
    assert path.made == slow.kept
    assert slow.alive[0].score < -30, "sums that stay small of themselves show nothing"
    assert all(scores[0] == 0 and -40 < min(scores) for scores in path.scores)


@pytest.mark.parametrize("merge_after", [0, 3])
def test_bytes_stay_flat_on_a_long_stream(merge_after):
    tracker = Tracker(Dice(seed=8), PAPER, search=Tree(merge_after=merge_after), emit="lag", lag=5)
    state, sizes = {}, []
    for index in range(600):
        state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
        sizes.append(states.nbytes(state))
    assert max(sizes[300:]) <= max(sizes[30:300]) * 1.2


def test_a_correction_makes_an_end_of_doubt():
    tracker, state = Tracker(Dice(seed=2, doubt=10), PAPER, search=Tree()), {}
    for index in range(12):
        state, _ = tracker.step(state, blank(index), [mark()] if index in (0, 8) else ())
        (believed, *others) = state[1]
        if index in (0, 8):
            assert believed.score == 0 and not others
        if index in (1, 9):
            assert [each.score for each in state[1]] == [0, 0, 0]
            assert all(each.bank is believed.bank for each in others)
    assert len({id(each.bank) for each in state[1]}) == 3
    memory = PAPER.read(state[1][0].bank)
    assert memory is not None and {page.entry.frame for page in memory.pages} >= {0, 8}


def test_an_answer_that_is_settled_makes_an_end_of_doubt():
    tracker, state = Tracker(Dice(seed=2, doubt=10), PAPER, search=Tree()), {}
    state, track = tracker.step(state, blank(0), [mark()])
    for index in range(1, 6):
        state, track = tracker.step(state, blank(index))
    assert len(state[1]) == 3
    state, _ = tracker.step(state, blank(6), settled={1: track.guesses[1]})
    assert [each.score for each in state[1]] == [0]


def test_two_objects_have_trees_of_their_own():
    together, tracks = {}, []
    tracker = Tracker(Dice(seed=5, doubt=6), PAPER, search=Tree())
    for index in range(20):
        prompts = [mark(1)] if index == 0 else [mark(2)] if index == 4 else ()
        together, track = tracker.step(together, blank(index), prompts)
        tracks.append(track)
    for object_id, begin in ((1, 0), (2, 4)):
        state = {}
        for index in range(begin, 20):
            state, track = tracker.step(state, blank(index), [mark(object_id)] if index == begin else ())
            assert torch.equal(track.guesses[object_id].mask, tracks[index].guesses[object_id].mask)
        assert [each.score for each in state[object_id]] == [each.score for each in together[object_id]]


def test_the_tree_goes_over_any_bank():
    dice = Dice(seed=6, doubt=6)
    tracker, state = Tracker(dice, Window(), search=Tree()), {}
    for index in range(20):
        state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
    assert len(state[1]) == 3 and max(dice.questions) == 3


# What becomes the same again.

NEAR = torch.ones(2, 20, 20)
NEAR[1, 0, 0] = -1  # 399 pixels of 400
FAR = torch.stack((NEAR[0], -NEAR[0] + torch.eye(20) * 2))


def grow(tree: Tree, histories: list[History], offers: list[Candidates]) -> list[History]:
    """Branches as histories; the bank says which parent and candidate each is of."""
    return [
        History((each.parent, each.pick), None, each.score, each.agreed)
        for each in tree.select(histories, offers, Argmax())
    ]


def two(score: float = -0.1) -> list[History]:
    return [History("a", None), History("b", None, score)]


def sees(masks: torch.Tensor, rating: float, logit: float = 5.0) -> Candidates:
    return offer((rating, 0.01), logit, masks)


def test_pasts_whose_masks_stay_the_same_become_one():
    tree, histories, banks = Tree(width=2, merge_after=3), two(), []
    for _ in range(4):
        histories = grow(tree, histories, [sees(NEAR, 0.9), sees(NEAR.flip(0), 0.9)])
        banks.append([each.bank for each in histories])
    assert banks[:2] == [[(0, 0), (1, 0)]] * 2 and banks[2] == [(0, 0), (0, 0)]
    assert histories[0].score == histories[1].score == 0


def test_it_does_not_matter_which_of_them_is_believed_more():
    """Two pasts of the same masks that take turns in front have agreed all the same."""
    tree, histories = Tree(width=2, merge_after=3), two()
    for turn in range(3):
        ahead = [sees(NEAR, 0.5), sees(NEAR.flip(0), 0.9)]  # whoever is behind gets ahead
        histories = grow(tree, histories, ahead)
        assert (histories[0].bank, histories[1].bank) == (((1, 0), (1, 0)) if turn == 2 else ((1, 0), (0, 0)))


def test_pasts_of_different_masks_stay_apart():
    tree, histories = Tree(width=2, merge_after=1), two()
    for _ in range(5):
        histories = grow(tree, histories, [sees(FAR, 0.9), sees(FAR.flip(0), 0.9)])
        assert [each.bank for each in histories] == [(0, 0), (1, 0)]


def test_one_frame_of_another_mask_begins_the_count_anew():
    tree, histories = Tree(width=2, merge_after=3), two()
    agreed = []
    for same in (True, True, False, True, True, True):
        other = sees(NEAR.flip(0) if same else FAR.flip(0), 0.9)
        histories = grow(tree, histories, [sees(NEAR, 0.9), other])
        agreed.append(histories[1].agreed)
    assert agreed == [1, 2, 0, 1, 2, 3]


def test_that_two_pasts_see_nothing_is_no_reason_to_merge_them():
    """What each remembers decides which of them finds the object again."""
    tree, histories = Tree(width=2, merge_after=2), two()
    for logit in (5.0, -5.0, -5.0, -5.0):
        histories = grow(tree, histories, [sees(NEAR, 0.9, logit), sees(NEAR.flip(0), 0.9, logit)])
        assert [each.bank for each in histories] == [(0, 0), (1, 0)] and histories[1].agreed == 1
    histories = grow(tree, histories, [sees(NEAR, 0.9), sees(NEAR.flip(0), 0.9)])
    assert [each.bank for each in histories] == [(0, 0), (0, 0)]


def test_the_published_tree_never_merges():
    tree, histories = Tree(width=2), two()
    for _ in range(50):
        histories = grow(tree, histories, [sees(NEAR, 0.9), sees(NEAR, 0.9)])
        assert [each.bank for each in histories] == [(0, 0), (1, 0)]


def test_merging_saves_questions():
    """Masks that do not depend on the memory: the pasts differ, but nothing comes of it."""

    class Stubborn(Dice):
        def _throw(self, features, question):
            thrown = super()._throw(features, question)
            return replace(thrown, masks=torch.ones_like(thrown.masks), object_score_logit=1.0)

    plain, merging = Stubborn(seed=1), Stubborn(seed=1)
    for dice, tree in ((plain, Tree()), (merging, Tree(merge_after=2, uncertain_below=0.5))):
        tracker, state = Tracker(dice, PAPER, search=tree), {}
        for index in range(30):
            state, _ = tracker.step(state, blank(index), [mark()] if index == 0 else ())
    assert sum(plain.questions) > 70 and sum(merging.questions) < 45


REFUSED = {"width": (0, "width must be 1"), "epsilon": (0.0, "epsilon above 0")}
REFUSED |= {"absent_score": (1.5, "absent_score must be 0 to 1"), "merge_iou": (0.0, "merge_iou above 0")}


@pytest.mark.parametrize("option", REFUSED)
def test_a_tree_that_makes_no_sense_is_refused(option):
    wrong, said = REFUSED[option]
    with pytest.raises(ValueError, match=said):
        Tree(**{option: wrong})
