"""A run that holds answers back: nothing is lost at its end, at damage, at a kill, on the way back, on a live line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from clips import ListSource
from dice import Dice, blank

from vidmem.answers import Point, answers
from vidmem.asked import parse
from vidmem.banks.gated import Gated
from vidmem.errors import DamagedSource, InputError, OutOfMemory, UsageError
from vidmem.prompting import Pending
from vidmem.run import follow
from vidmem.runlog import RunLog
from vidmem.searches.tree import Tree
from vidmem.tracker import Tracker
from vidmem.values import Frame

BOX = parse([], ["0:0,0,3,3"], [])
CLIP = [blank(index) for index in range(30)]


class Broken(ListSource):
    """Gives its first frames, then breaks."""

    def __init__(self, good: int, problem: BaseException):
        super().__init__(CLIP)
        self.good, self.problem = good, problem

    def between(self, start=0, stop=None, step=1):
        for frame in super().between(start, stop, step):
            if frame.index == self.good:
                raise self.problem
            yield frame


class Line(ListSource):
    """A live line: numbered from 0 whenever it is opened, it cannot be read again, and the scene has gone on."""

    seekable, live, size = False, True, None

    def __init__(self, first: int, good: int, problem: BaseException | None = None):
        super().__init__(CLIP)
        self.first, self.good, self.problem, self.promised = first, good, problem, None

    def between(self, start=0, stop=None, step=1):
        assert start == 0
        for index in range(self.good if stop is None else min(stop, self.good)):
            yield Frame(index, CLIP[self.first + index].image, index / 10)
        if self.problem and (stop is None or stop > self.good):
            raise self.problem


def doubtful(emit: Literal["best", "lag", "commit"] = "commit", lag: int = 8, seed: int = 6) -> Tracker:
    return Tracker(Dice(seed, doubt=8), Gated(0.3, 0.0), search=Tree(), emit=emit, lag=lag)


def run(folder: Path, source=None, tracker=None, **options):
    options.setdefault("formats", ("png", "rle", "csv"))
    return follow(source or ListSource(CLIP), tracker or doubtful(), BOX, folder, **options)


def masks(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "masks").iterdir())}


def held_at(frame: int) -> int:
    """How many answers are held back when `frame` is to come."""
    *_, (point, _) = answers(ListSource(CLIP[:frame]), doubtful(), Pending(tuple(BOX)), Point(), frame)
    return len(point.held)


def test_a_run_gives_out_every_frame_whose_answer_it_held_back(tmp_path):
    assert held_at(30) > 2, "a run that ends with nothing held back shows nothing"
    for emit in ("lag", "commit"):
        run(tmp_path / emit, tracker=doubtful(emit))
        assert list(masks(tmp_path / emit)) == [f"{index:05d}.png" for index in range(30)]
        assert [each.frame for each in RunLog.read(tmp_path / emit)] == list(range(30))


def test_holding_back_gives_other_masks_than_answering_at_once(tmp_path):
    run(tmp_path / "commit")
    run(tmp_path / "best", tracker=doubtful("best"))
    assert masks(tmp_path / "commit") != masks(tmp_path / "best")


@pytest.mark.parametrize("broken_at", [1, 4, 13, 22, 29])
def test_a_run_that_was_broken_off_goes_on_to_the_same_masks(tmp_path, broken_at):
    run(tmp_path / "whole")
    with pytest.raises(RuntimeError, match="pulled the plug"):
        run(tmp_path / "cut", Broken(broken_at, RuntimeError("pulled the plug")))
    assert len(masks(tmp_path / "cut")) == broken_at, "what was held back is given out as it stood"
    run(tmp_path / "cut", mode="resume")
    assert masks(tmp_path / "cut") == masks(tmp_path / "whole")
    for name in ("tracks.csv", "tracks.rle.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_broken_off_again_and_again_comes_to_the_same_masks(tmp_path):
    run(tmp_path / "whole")
    for number, broken_at in enumerate((3, 5, 6, 14, 13, 12, 15, 27)):  # also while it reads again what it held back
        with pytest.raises(RuntimeError):
            run(tmp_path / "cut", Broken(broken_at, RuntimeError("again")), mode="resume" if number else "new")
    run(tmp_path / "cut", mode="resume")
    assert masks(tmp_path / "cut") == masks(tmp_path / "whole")


def test_a_killed_process_goes_on_to_the_same_masks(tmp_path):
    """kill -9 in mid-video, with answers held back and the state saved some frames before."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from clips import ListSource\n"
        "from dice import blank\n"
        "from test_answers import run\n"
        "class Slow(ListSource):\n"
        "    def between(self, *a):\n"
        "        for frame in super().between(*a):\n"
        "            time.sleep(0.02)\n"
        "            yield frame\n"
        "run(Path(sys.argv[1]), Slow([blank(i) for i in range(200)]), save_every=0.1)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    process = subprocess.Popen([sys.executable, script, tmp_path / "cut"], env={**os.environ, "PYTHONPATH": paths})
    try:
        deadline = time.monotonic() + 90
        while not (tmp_path / "cut/masks/00020.png").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 20 < len(masks(tmp_path / "cut")) < 200
    long = [blank(index) for index in range(200)]
    run(tmp_path / "cut", ListSource(long), mode="resume")
    run(tmp_path / "whole", ListSource(long))
    assert masks(tmp_path / "cut") == masks(tmp_path / "whole")


def test_resuming_a_finished_run_changes_no_mask(tmp_path):
    run(tmp_path / "out")
    before = masks(tmp_path / "out")
    run(tmp_path / "out", mode="resume", formats=("png", "csv", "object-png"))
    assert masks(tmp_path / "out") == before


def test_a_damaged_source_gives_out_what_was_held_back(tmp_path):
    outcome = run(tmp_path / "out", Broken(13, DamagedSource("x.mp4", 13, 30, "bad data")))
    assert held_at(13) > 0 and outcome.damage is not None and len(masks(tmp_path / "out")) == 13


def test_a_full_device_gives_out_what_was_held_back(tmp_path):
    class Full(Dice):
        def decode(self, features, questions):
            if features.frame == 13:
                raise MemoryError
            return super().decode(features, questions)

    tracker = Tracker(Full(6, doubt=8), Gated(0.3, 0.0), search=Tree(), emit="commit", lag=8)
    with pytest.raises(OutOfMemory, match=r"frame 00013.*--resume"):
        run(tmp_path / "out", tracker=tracker)
    assert len(masks(tmp_path / "out")) == 13
    run(tmp_path / "out", mode="resume")
    run(tmp_path / "whole")
    assert masks(tmp_path / "out") == masks(tmp_path / "whole")


def test_a_user_who_stops_a_run_has_every_answer_so_far(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", Broken(13, KeyboardInterrupt()))
    assert len(masks(tmp_path / "out")) == 13


def test_a_prompt_whose_frame_never_comes_is_said_and_all_is_given_out(tmp_path):
    sayings = parse([], ["0:0,0,3,3", "99:0,0,3,3"], [])
    with pytest.raises(InputError, match="ended before that frame came; it has 30 frames"):
        follow(ListSource(CLIP), doubtful(), sayings, tmp_path / "out", formats=("png",))
    assert len(masks(tmp_path / "out")) == 30


def test_a_live_line_that_is_stopped_and_opened_again_leaves_no_gap(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", Line(0, 13, KeyboardInterrupt()), formats=("csv",))
    assert [each.frame for each in RunLog.read(tmp_path / "out")] == list(range(13))
    run(tmp_path / "out", Line(13, 17), mode="resume", formats=("csv",))
    logged = list(RunLog.read(tmp_path / "out"))
    assert [each.frame for each in logged] == list(range(30))
    times = [each.time for each in logged]
    assert times == sorted(times) and len(set(times)) == 30


def test_a_killed_live_run_gives_out_what_it_held_back_when_it_goes_on(tmp_path):
    """The frames are gone, but their answers are in the saved state."""
    passed = (point for point, _ in answers(Line(0, 13), doubtful(), Pending(tuple(BOX)), Point(), 13))
    point = next(each for each in passed if each.frame == 13 and each.held)
    gone = [frame.index for frame in point.held]
    assert len(gone) > 1
    again = Point.of(point.notes(), point.state or {})
    assert (again.frame, again.given, again.time) == (13, 13 - len(gone), point.time)
    settled = [each for _, some in answers(Line(13, 5), doubtful(), Pending(()), again, 18) for each in some]
    assert [frame.index for frame, _ in settled] == [*gone, 13, 14, 15, 16, 17]
    assert [frame.name for frame, _ in settled][: len(gone)] == [f"{index:05d}" for index in gone]
    assert all(set(track.guesses) == {1} and track.size == (4, 4) for _, track in settled)


def test_a_live_run_with_pictures_cannot_be_gone_on_with(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", Line(0, 3, KeyboardInterrupt()), formats=("csv",))
    with pytest.raises(UsageError, match="Leave mp4 out"):
        run(tmp_path / "out", Line(3, 5), mode="resume", formats=("csv", "mp4"))


def test_the_way_back_is_held_back_too(tmp_path):
    """What is said of the frames before the first prompt is what the past that won says."""
    sayings = parse([], ["29:0,0,3,3"], [])
    for emit in ("best", "commit"):
        tracker = doubtful(emit, lag=40)
        follow(ListSource(CLIP), tracker, sayings, tmp_path / emit, formats=("png",), both_ways=True)
    from dice import mark

    wanted = {
        frame.index: track
        for _, frame, track in doubtful("commit", lag=40).run(ListSource(CLIP).between(29, None, -1), {29: [mark()]})
    }
    for each in RunLog.read(tmp_path / "commit"):
        assert np.array_equal(each.objects[1].mask, wanted[each.frame].masks()[1].numpy())
    assert masks(tmp_path / "commit") != masks(tmp_path / "best")
