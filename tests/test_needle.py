"""Needles in haystacks: where they lie, how they look, and when they count as found."""

import json
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from vidmem.bridges.everything import Everything
from vidmem.bridges.fifo import Fifo
from vidmem.cli import app
from vidmem.companions import Remembered
from vidmem.companions.watching import Watcher
from vidmem.cuts.colour import Colour
from vidmem.errors import InputError, UnknownName, UsageError
from vidmem.needle.haystack import Haystack
from vidmem.needle.heat import draw_heats
from vidmem.needle.needles import KINDS, Needle, Riddle, drawn, fitted, make_needle, written
from vidmem.needle.plan import Cell, Grid
from vidmem.needle.scoring import by_keywords, keep, rank
from vidmem.needle.trial import Found, by_rank, by_words
from vidmem.video_file import VideoFile


@pytest.fixture(scope="module")
def hay(tmp_path_factory):
    """Six seconds, 10 frames each; the grey of a frame is 4 x its number."""
    path = tmp_path_factory.mktemp("hay") / "hay.mp4"
    video = VideoFile(path)
    for index in range(60):
        video.write(np.full((54, 96, 3), 4 * index, np.uint8), index / 10)
    video.close()
    return [str(path)]


def greys(stack):
    """The number of the hay's frame, or -1 for a frame in colour."""
    out = []
    for frame in stack:
        mean = frame.image.float().mean((1, 2))
        out.append(-1 if mean.max() - mean.min() > 8 else round(float(frame.image[:, :20].float().mean()) / 4))
    return out


def test_the_published_grid_has_480_cells():
    cells = Grid().cells()
    assert len(cells) == 480 == len(set(cells))
    assert sorted({cell.length for cell in cells}) == [round(each) for each in np.linspace(1, 320, 40)]
    assert sorted({cell.depth for cell in cells}) == [round(each) for each in np.linspace(0, 100, 12)]
    assert Cell(320, 55).second == 176 and Cell(7, 50).second == 3
    assert len(Grid(2, 40, 2).cells()) == 4  # no length twice


@pytest.mark.parametrize("wrong", [{"longest": 0}, {"lengths": 0}, {"depths": 0}])
def test_a_grid_without_cells_is_refused(wrong):
    with pytest.raises(UsageError):
        Grid(**wrong)


@pytest.mark.parametrize(("depth", "at"), [(0, 0), (50, 2), (100, 4)])
def test_a_picture_is_put_between_two_seconds_and_all_hay_stays(hay, depth, at):
    stack = Haystack(hay, Cell(4, depth), make_needle("image"))
    seen = greys(stack)
    assert len(seen) == stack.promised == 25 and stack.needle_second == at
    assert [index for index, each in enumerate(seen) if each == -1] == list(range(5 * at, 5 * at + 5))
    np.testing.assert_allclose([each for each in seen if each != -1], np.arange(0, 40, 2), atol=1)


@pytest.mark.parametrize(("depth", "at"), [(0, 0), (50, 2), (100, 3)])
def test_a_line_is_written_over_a_second_of_the_hay(hay, depth, at):
    stack, plain = Haystack(hay, Cell(4, depth), make_needle("text")), Haystack(hay, Cell(4, 0), None)
    pairs = [(a.image, b.image) for a, b in zip(stack, plain, strict=True)]
    changed = [index for index, (a, b) in enumerate(pairs) if not torch.equal(a, b)]
    assert changed == list(range(5 * at, 5 * at + 5)) and stack.needle_second == at
    before, after = pairs[5 * at][1], pairs[5 * at][0]
    assert torch.equal(before[:, :40], after[:, :40]) and after[:, 44:].max() > 200


def test_hay_that_does_not_suffice_begins_again(hay):
    seen = greys(Haystack(hay, Cell(8, 0), None))
    assert len(seen) == 40 and seen[30:] == seen[:10]


def test_a_clip_moves_and_a_picture_does_not(hay):
    for kind, moves in (("clip", True), ("image", False)):
        odd = [frame.image for frame in Haystack(hay, Cell(1, 0), make_needle(kind))][:5]
        assert (not torch.equal(odd[0], odd[4])) == moves


def test_a_haystack_is_thinned_and_read_forwards_only(hay):
    stack = Haystack(hay, Cell(3, 0), None)
    assert [frame.index for frame in stack.between(2, 12, 5)] == [2, 7]
    with pytest.raises(UsageError, match="forwards"):
        next(iter(stack.between(5, 0, -1)))
    with pytest.raises(UsageError):
        Haystack([], Cell(1, 0), None)


def test_needles_of_ones_own_are_read(tmp_path, hay):
    Image.new("RGB", (40, 30), (250, 20, 20)).save(tmp_path / "red.png")
    needle = make_needle("image", tmp_path / "red.png", riddle=Riddle("Which colour?", ("red",)))
    assert needle.pictures is not None and needle.pictures.shape == (1, 3, 30, 40)
    assert make_needle("clip", hay[0], riddle=needle.riddle).pictures.shape[0] == 10  # type: ignore[union-attr]
    tall = fitted(needle.pictures[0], (60, 200))
    assert tall.shape == (3, 60, 200) and tall[:, :, :59].max() == 0 and tall[0, 30, 100] == 250


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda path: make_needle("sound"), UsageError, "Known: text, image, clip"),
        (lambda path: make_needle("text", line=" "), UsageError, "line of text"),
        (lambda path: make_needle("image", path / "none.png", riddle=Riddle("?", ("a",))), InputError, "none.png"),
        (lambda path: by_keywords("a", []), UsageError, "one or more"),
        (
            lambda path: list(by_words([], [], Needle("text", line="x"), lambda: Watcher(Parrot(), Colour()))),
            UsageError,
            "--question",
        ),
    ],
)
def test_what_is_no_needle_is_refused(tmp_path, call, kind, says):
    with pytest.raises(kind, match=says):
        call(tmp_path)


def test_a_line_fits_however_narrow_the_frame():
    for size in ((48, 64), (360, 640)):
        made = written(torch.zeros(3, *size, dtype=torch.uint8), "The secret word is marigold.")
        lit = made.amax(0) > 128
        assert lit.any() and not lit[: size[0] * 2 // 3].any()


def test_keywords_are_whole_words_in_any_case():
    assert by_keywords("He is READING a book.", ["reading", "book"]) == 1
    assert by_keywords("He reads bookish things", ["reading", "book"]) == 0
    assert by_keywords("a book", ["reading", "book"]) == 0.5


def test_rank_counts_ties_against_the_needle():
    features = np.eye(3)[[0, 0, 1, 0]]
    assert rank(keep(features, Everything()), np.eye(3)[1], 2) == 1
    assert rank(keep(features, Everything()), np.eye(3)[0], 1) == 3
    assert rank(keep(features, Fifo(1)), np.eye(3)[1], 2) is None


def test_by_rank_a_short_cache_finds_only_what_was_just_seen(hay):
    cells = Grid(6, 3, 3).cells()
    whole = list(by_rank(hay, cells, make_needle("image"), Colour(), Everything()))
    assert [each.score for each in whole] == [1.0] * len(cells)
    short = {(each.length, each.depth): each for each in by_rank(hay, cells, make_needle("image"), Colour(), Fifo(2))}
    assert short[6, 100].score == 1 and short[6, 0].score == 0 and short[6, 0].rank is None and short[6, 0].kept == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_road_of_rank_sees_what_the_whole_haystack_shows(hay, kind):
    """The hay is encoded once and the needle put in; reading each haystack through gives the same ranks."""
    needle, encode = make_needle(kind), Colour()
    from vidmem.needle.trial import query_of

    for found in by_rank(hay, [Cell(5, 0), Cell(5, 50), Cell(5, 100)], needle, encode, Everything()):
        stack = Haystack(hay, Cell(found.length, found.depth), needle)
        seen = np.stack([encode(frame) for frame in stack.between(0, None, 5)])
        assert rank(keep(seen, Everything()), query_of(needle, encode), stack.needle_second) == found.rank


def test_no_frame_of_the_hay_is_held_while_it_is_ranked(hay):
    alive = weakref.WeakSet()
    most = 0

    def encode(frame):
        nonlocal most
        alive.add(frame)
        most = max(most, len(alive))
        return Colour()(frame)

    list(by_rank(hay, Grid(8, 3, 3).cells(), make_needle("text"), encode, Everything()))
    assert most <= 4, most


class Parrot:
    """Says which colours it saw strongly."""

    looks = 8

    def see(self, frame):
        return frame.image.float().mean((1, 2))[None]

    def start(self):
        from vidmem.bridges.bridge import BridgeState

        return Remembered(BridgeState(), torch.zeros(1, 0, 3))

    def remember(self, state, frames):
        return Remembered(state.bridge, torch.cat([state.latest, torch.stack(frames, 1)], 1))

    def answer(self, state, question):
        coloured = (state.latest.amax(-1) - state.latest.amin(-1) > 8).any()
        return "a red book" if coloured else "grey"

    def describe(self, before, after):
        return ""


def test_by_words_a_companion_is_asked_once_behind_the_end(hay):
    watcher = Watcher(Parrot(), Colour())
    found = list(by_words(hay, Grid(4, 2, 2).cells(), make_needle("image"), lambda: watcher, rate=5))
    assert [each.score for each in found] == [1.0] * 4 and found[0].answer == "a red book"
    (none,) = by_words(hay, [Cell(3, 0)], make_needle("text"), lambda: watcher, rate=5)
    assert none.score == 0 and none.answer == "grey"


def test_a_heat_map_is_drawn_with_a_cell_each(tmp_path):
    found = [Found(length, depth, length / 4) for length in (1, 2, 4) for depth in (0, 100)]
    draw_heats({"one": found, "other": found[:4]}, tmp_path / "heat.png")
    assert Image.open(tmp_path / "heat.png").size[0] > 600


def run(*words):
    return CliRunner().invoke(app, ["needle", *map(str, words)])


def test_the_commands_make_and_rank(hay, tmp_path):
    small = ["--longest", "3", "--lengths", "2", "--depths", "2"]
    done = run("make", *hay, *small, "--kind", "text", "--out", tmp_path / "made")
    assert done.exit_code == 0, done.exception
    said = json.loads((tmp_path / "made" / "needles.json").read_text())
    assert [cell["file"] for cell in said["cells"]] == [
        "0001s-000.mp4",
        "0001s-100.mp4",
        "0003s-000.mp4",
        "0003s-100.mp4",
    ]
    assert all((tmp_path / "made" / cell["file"]).stat().st_size for cell in said["cells"])
    assert said["question"] == "What is the secret word?"
    own = run("make", *hay, *small, "--kind", "text", "--line", "Moo.", "--out", tmp_path / "own")
    assert own.exit_code == 0, own.exception
    own_said = json.loads((tmp_path / "own" / "needles.json").read_text())
    assert (own_said["question"], own_said["keywords"]) == (None, []), "nobody said what to ask"
    ranked = run("rank", *hay, *small, "--out", tmp_path / "ranked", "--json")
    assert json.loads(ranked.output)["mean"] == 1.0
    assert {each.name for each in (tmp_path / "ranked").iterdir()} == {"cells.json", "heat.png"}
    assert isinstance(run("rank", *hay, *small, "--out", tmp_path / "ranked").exception, InputError)


@pytest.mark.parametrize(
    ("words", "kind", "says"),
    [
        (["rank", "nowhere.mp4"], InputError, "nowhere.mp4"),
        (["rank", "HAY", "--line", "x"], UsageError, "belongs to --kind text"),
        (["rank", "HAY", "--cache", "fiffo"], UnknownName, "fifo"),
        (["rank", "HAY", "--lengths", "0"], UsageError, "a length and a depth"),
        (["ask", "HAY", "--model", "nowhere"], InputError, "no folder"),
        (["ask", "HAY", "--model", "nowhere", "--question", "what?"], UsageError, "belong together"),
        (["ask", "HAY", "--model", "nowhere", "--kind", "text", "--line", "x"], UsageError, "--keywords"),
    ],
)
def test_the_commands_refuse_what_makes_no_sense(hay, tmp_path, words, kind, says):
    done = run(*(hay[0] if word == "HAY" else word for word in words), "--out", tmp_path / "out")
    assert isinstance(done.exception, kind) and says in str(done.exception), done.exception
    assert not (tmp_path / "out").exists()


def test_the_drawn_needle_is_in_colours_no_hay_need_have():
    picture = drawn().float()
    red = (picture[0] > 180) & (picture[1] < 80)
    assert 0.02 < red.float().mean() < 0.2
