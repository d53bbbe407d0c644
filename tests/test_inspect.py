"""What is in memory is told truly: entry by entry, with why it is there, as text, picture and recording."""

import json

import numpy as np
import pytest
import torch
from clips import as_source, squares
from PIL import Image

from vidmem import states
from vidmem.__main__ import main
from vidmem.asked import parse
from vidmem.banks.gated import Gated
from vidmem.banks.window import Window
from vidmem.errors import InputError
from vidmem.inspecting import inspect, thumbnails
from vidmem.models.toy import Toy
from vidmem.run import follow
from vidmem.session import Session
from vidmem.tracker import Tracker
from vidmem.values import Prompt

CLIP = squares(12, objects=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two objects, the second marked in frame 4."""
    folder = tmp_path_factory.mktemp("inspect")
    (folder / "shots").mkdir()
    for frame, _ in CLIP:
        picture = Image.fromarray(np.ascontiguousarray(frame.image.permute(1, 2, 0).numpy()))
        picture.save(folder / "shots" / f"{frame.name}.png")
    boxes = parse([], ["1@0:2,4,18,20", "2@4:14,24,30,40"], [])
    facts = {"source": str(folder / "shots")}
    follow(as_source(CLIP), Tracker(Toy()), boxes, folder / "out", formats=["png"], facts=facts)
    return folder / "out"


def test_what_was_remembered_at_a_frame_is_what_the_next_one_attends(run):
    found = inspect(run, Window(), 9)
    first, second = found.memory[1], found.memory[2]
    assert [(each.kind, each.frame, each.slot) for each in first[:7]] == [
        ("prompt", 0, 6),
        *(("recent", frame, 9 - frame) for frame in range(4, 10)),
    ]
    assert [each.frame for each in first[7:]] == [3, 2, 1] and {each.kind for each in first[7:]} == {"pointer"}
    assert [each.frame for each in second] == [4, 5, 6, 7, 8, 9] and second[0].why == "marked by a person, pinned"
    assert first[0].nbytes > first[-1].nbytes > 0


def test_the_last_frame_is_shown_when_none_is_named(run):
    assert inspect(run, Window()).frame == 11


def test_before_the_first_prompt_nothing_is_remembered(run):
    assert 2 not in inspect(run, Window(), 3).memory
    with pytest.raises(InputError, match=r"kept no memory at or before frame -1"):
        inspect(run, Window(), -1)


def test_a_place_that_holds_no_run_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        inspect(tmp_path, Window())
    with pytest.raises(InputError, match="There is no"):
        inspect(tmp_path / "none.vmem", Window())


def test_a_thumbnail_shows_the_object_where_the_run_saw_it(run):
    pictures = thumbnails(run, as_source(CLIP), [(1, 3), (2, 5)])
    assert set(pictures) == {(1, 3), (2, 5)}
    assert all(max(each.shape[:2]) < 40 for each in pictures.values())
    assert pictures[1, 3][..., 0].max() > 180, "the red square is in it"


def test_a_saved_session_tells_what_it_remembers_at_a_frame(tmp_path):
    session = Session(Tracker(Toy()), as_source(CLIP))
    session, _ = session.prompt(0, Prompt(1, box=torch.tensor([2.0, 4, 18, 20])))
    *_, (session, _, _) = session.propagate()
    session.save(tmp_path / "work.vmem")
    found = inspect(tmp_path / "work.vmem", Window(), 5)
    assert found.frame == 5 and found.prompts == {0: (1,)}
    assert [each.frame for each in found.memory[1]] == [0, 1, 2, 3, 4, 5]


def test_a_state_of_another_memory_is_refused_with_the_cure(tmp_path):
    tracker = Tracker(Toy())
    state, _ = tracker.step({}, CLIP[0][0], [Prompt(1, box=torch.tensor([2.0, 4, 18, 20]))])
    states.save(state, tmp_path / "state.vmem", {"frames": 1})
    assert inspect(tmp_path / "state.vmem", Window()).frame == 0
    with pytest.raises(InputError, match=r"another memory \(WindowState\).*--tracker"):
        inspect(tmp_path / "state.vmem", Gated())


def test_the_command_tells_draws_and_records(run, capsys, tmp_path):
    assert main(["inspect", str(run), "--frame", "6", "--object", "1", "--png", str(tmp_path / "memory.png")]) == 0
    said = capsys.readouterr().out
    assert "marked by a person, pinned" in said and "behind frame 6" in said
    assert Image.open(tmp_path / "memory.png").width == 1480
    assert main(["inspect", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["memory"]["2"][0]["kind"] == "prompt"
    assert main(["inspect", str(run), "--object", "9"]) == 3
    assert "object 9" in capsys.readouterr().err


def test_a_run_becomes_a_rerun_recording(run, capsys, tmp_path):
    pytest.importorskip("rerun", reason="the extra rerun is not installed")
    assert main(["inspect", str(run), "--rerun", str(tmp_path / "run.rrd")]) == 0
    assert "12 frames" in capsys.readouterr().out
    assert (tmp_path / "run.rrd").read_bytes()[:4] == b"RRF2"
