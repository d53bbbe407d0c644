"""A run into a folder: every format, broken off at any moment, gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from clips import ListSource, squares

from vidmem.asked import parse
from vidmem.errors import DamagedSource, InputError, OutOfMemory, UsageError
from vidmem.models.toy import Toy
from vidmem.run import follow
from vidmem.runlog import RunLog
from vidmem.tracker import Tracker

CLIP = squares(16, objects=3)
BOX = parse([], ["0:2,4,18,20"], [])


class Broken(ListSource):
    """Gives its first frames, then breaks as a damaged file does."""

    def __init__(self, good: int, problem: BaseException):
        super().__init__([frame for frame, _ in CLIP])
        self.good, self.problem = good, problem

    def between(self, start=0, stop=None, step=1):
        for frame in super().between(start, stop, step):
            if frame.index == self.good:
                raise self.problem
            yield frame


def run(folder: Path, source=None, sayings=BOX, **options):
    options.setdefault("formats", ("png", "rle", "csv"))
    return follow(source or ListSource([frame for frame, _ in CLIP]), Tracker(Toy()), sayings, folder, **options)


def masks(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "masks").iterdir())}


def test_a_run_leaves_a_mask_for_every_frame_and_says_what_it_did(tmp_path):
    outcome = run(tmp_path / "out")
    assert list(masks(tmp_path / "out")) == [f"{i:05d}.png" for i in range(16)]
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["frames"] == 16 and set(summary["objects"]) == {"1"} and outcome.damage is None
    assert {"fps", "peak_bytes", "lost_spans"} <= set(summary)
    assert (tmp_path / "out/memory.png").stat().st_size > 5000


@pytest.mark.parametrize("broken_at", [1, 7, 15])
def test_a_run_that_was_broken_off_goes_on_to_the_same_masks(tmp_path, broken_at):
    run(tmp_path / "whole")
    with pytest.raises(RuntimeError, match="pulled the plug"):
        run(tmp_path / "cut", Broken(broken_at, RuntimeError("pulled the plug")))
    assert len(masks(tmp_path / "cut")) == broken_at
    run(tmp_path / "cut", mode="resume")
    assert masks(tmp_path / "cut") == masks(tmp_path / "whole")
    for name in ("tracks.csv", "tracks.rle.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_killed_process_goes_on_to_the_same_masks(tmp_path):
    """kill -9 in mid-video, with the state saved some frames before."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        "from clips import ListSource, squares\n"
        "from test_run import run\n"
        "class Slow(ListSource):\n"
        "    def between(self, *a):\n"
        "        for frame in super().between(*a):\n"
        "            time.sleep(0.03)\n"
        "            yield frame\n"
        "from pathlib import Path\n"
        "run(Path(sys.argv[1]), Slow([f for f, _ in squares(200, objects=3)]), save_every=0.2)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    process = subprocess.Popen([sys.executable, script, tmp_path / "cut"], env={**os.environ, "PYTHONPATH": paths})
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "cut/masks/00020.png").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = len(list((tmp_path / "cut/masks").glob("*.png")))
    assert 20 < done < 200
    long = [frame for frame, _ in squares(200, objects=3)]
    run(tmp_path / "cut", ListSource(long), mode="resume")
    run(tmp_path / "whole", ListSource(long))
    assert masks(tmp_path / "cut") == masks(tmp_path / "whole")


def test_a_run_killed_before_its_first_save_begins_again(tmp_path):
    run(tmp_path / "cut")
    (tmp_path / "cut/state.vmem").unlink()
    run(tmp_path / "cut", mode="resume")
    assert len(masks(tmp_path / "cut")) == 16


def test_resuming_a_finished_run_changes_no_mask(tmp_path):
    run(tmp_path / "out")
    before = masks(tmp_path / "out")
    run(tmp_path / "out", mode="resume", formats=("png", "csv", "object-png"))
    assert masks(tmp_path / "out") == before
    assert len(list((tmp_path / "out").glob("objects/1/*.png"))) == 16


def test_a_damaged_source_keeps_its_good_frames(tmp_path):
    outcome = run(tmp_path / "out", Broken(9, DamagedSource("x.mp4", 9, 16, "bad data")))
    assert outcome.damage is not None and "9 frames were read of the 16" in str(outcome.damage)
    assert len(masks(tmp_path / "out")) == 9


def test_a_full_device_keeps_what_is_done_and_names_the_cure(tmp_path):
    class Full(Toy):
        def decode(self, features, questions):
            if features.frame == 5:
                raise MemoryError
            return super().decode(features, questions)

    with pytest.raises(OutOfMemory, match=r"frame 00005.*--resume"):
        follow(ListSource([f for f, _ in CLIP]), Tracker(Full()), BOX, tmp_path / "out", formats=("png",))
    assert len(masks(tmp_path / "out")) == 5
    run(tmp_path / "out", mode="resume")
    assert len(masks(tmp_path / "out")) == 16


def test_a_folder_with_results_is_not_written_over_unasked(tmp_path):
    run(tmp_path / "out")
    with pytest.raises(InputError, match=r"is not empty. Add --resume .* --overwrite"):
        run(tmp_path / "out")
    (tmp_path / "out/notes.txt").write_text("mine")
    run(tmp_path / "out", mode="overwrite", stop_after=3)
    assert len(masks(tmp_path / "out")) == 3 and (tmp_path / "out/notes.txt").read_text() == "mine"


def test_resuming_something_else_names_the_difference(tmp_path):
    run(tmp_path / "out", facts={"model": "nano"})
    with pytest.raises(UsageError, match="made with model 'nano', now it is 'large'"):
        run(tmp_path / "out", facts={"model": "large"}, mode="resume")


def test_a_log_that_lost_lines_behind_the_saved_state_is_not_gone_on_with(tmp_path):
    run(tmp_path / "out")
    log = tmp_path / "out" / "run.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:9]))
    with pytest.raises(InputError, match=r"holds 8 frames and state.vmem stands behind 16"):
        run(tmp_path / "out", mode="resume")


def test_halves_that_a_kill_left_go_with_the_run(tmp_path):
    run(tmp_path / "out")
    (tmp_path / "out" / ".state.vmem.part").write_bytes(b"half")
    run(tmp_path / "out", mode="overwrite")
    assert not (tmp_path / "out" / ".state.vmem.part").exists()


def test_resuming_nothing_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no run to go on with"):
        run(tmp_path / "out", mode="resume")


def test_a_prompt_whose_frame_never_comes_is_said_and_the_rest_is_kept(tmp_path):
    with pytest.raises(InputError, match=r"--box 99:1,1,9,9: list ended before that frame came; it has 16 frames"):
        run(tmp_path / "out", sayings=parse([], ["0:2,4,18,20", "99:1,1,9,9"], []))
    assert len(masks(tmp_path / "out")) == 16


def test_objects_are_found_before_their_first_prompt_when_both_ways_are_asked(tmp_path):
    sayings = parse([], ["0:2,4,18,20", "9:29,24,45,40"], [])
    run(tmp_path / "out", sayings=sayings, both_ways=True)
    found = {a.frame: a.objects for a in RunLog.read(tmp_path / "out")}
    for frame in range(16):
        truth = CLIP[frame][1][2].numpy()
        answer = found[frame][2].mask
        assert (truth & answer).sum() / (truth | answer).sum() > 0.7, frame
    run(tmp_path / "forward", sayings=sayings)
    assert not [path for path in (tmp_path / "out").iterdir() if "backwards" in path.name], "it has served"
    assert all(2 not in a.objects for a in RunLog.read(tmp_path / "forward") if a.frame < 9)
    last = list(RunLog.read(tmp_path / "forward"))[-1]
    assert np.array_equal(last.objects[2].mask, found[15][2].mask)


def test_a_prompt_given_by_time_comes_in_time(tmp_path):
    run(tmp_path / "out", sayings=parse([], [], ["0.5s:20,10"]))
    began = min(a.frame for a in RunLog.read(tmp_path / "out") if 1 in a.objects)
    assert began == 5


def test_an_object_never_seen_is_not_passed_over(tmp_path):
    class Blind(Toy):
        def decode(self, features, questions):
            from dataclasses import replace

            return [replace(each, object_score_logit=-9.0) for each in super().decode(features, questions)]

    source = ListSource([f for f, _ in CLIP])
    outcome = follow(source, Tracker(Blind()), BOX, tmp_path / "out", formats=("csv",))
    assert outcome.summary.objects[1].visible == 0 and outcome.summary.objects[1].lost == ((0, 15),)
