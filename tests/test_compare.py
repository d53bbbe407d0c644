"""Trackers compared in one pass answer as they would alone, and are told apart by figures that are true."""

import json

import av
import numpy as np
import pytest
from clips import as_source, squares
from PIL import Image

from vidmem.__main__ import main
from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.asked import parse
from vidmem.comparing import compare
from vidmem.compose import load
from vidmem.errors import InputError
from vidmem.masks import read_labels
from vidmem.models.shared import SharedEncoding
from vidmem.models.toy import Toy
from vidmem.run import follow
from vidmem.side_by_side import SideBySide

CLIP = squares(12, objects=2)
SAID = ["0:4,4,20,20", "2@0:24,4,40,20"]


class Counting(Toy):
    """Says how often it looked."""

    looked: list[int] = []  # noqa: RUF012 (counts for a test)

    def encode(self, frame):
        self.looked.append(frame.index)
        return super().encode(frame)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "out"
    truth = folder.parent / "truth"
    truth.mkdir()
    for frame, masks in CLIP:
        labels = np.max([number * mask.numpy().astype(np.uint8) for number, mask in masks.items()], axis=0)
        Image.fromarray(labels).save(truth / f"{frame.name}.png")
    Counting.looked.clear()
    encoding = SharedEncoding(Counting())
    trackers = {name: load(name, encoding) for name in ("sam2", "sam2long")}
    trackers["late"] = load("sam2long", encoding, settings={"loop.emit": "commit", "loop.lag": 3})
    sayings = parse([f"0:{truth / '00000.png'}"], [], [])
    return compare(as_source(CLIP), trackers, sayings, folder, encoding=encoding, truth=truth), sayings


def test_each_frame_is_encoded_once_for_all(compared):
    assert Counting.looked == list(range(12))


@pytest.mark.parametrize("name", ["sam2", "sam2long"])
def test_the_masks_are_those_of_the_tracker_alone(compared, name, tmp_path):
    result, sayings = compared
    follow(as_source(CLIP), load(name, Toy()), sayings, tmp_path / "alone", formats=["png"], overlap=False)
    for frame, _ in CLIP:
        alone = read_labels(tmp_path / "alone" / "masks" / f"{frame.name}.png")
        assert np.array_equal(alone, read_labels(result.folder / name / "masks" / f"{frame.name}.png"))


def test_the_figures_say_how_well_each_did(compared):
    result, _ = compared
    first = result.standings["sam2"]
    assert first.agreement == 1.0 and 0.8 < first.scores["J"] <= 1 and first.summary.frames == 12
    assert result.standings["late"].summary.frames == 12, "what was held back is given out at the end"
    assert (result.folder / "sam2long" / "memory.png").stat().st_size > 1000


def test_the_film_has_a_sheet_for_each_frame(compared):
    with av.open(str(compared[0].folder / "compare.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 12


def test_a_sheet_waits_for_the_last_of_its_answers(tmp_path):
    sheets = SideBySide(tmp_path / "compare.mp4", ["one", "other", "third"])
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:30] = True
    for frame in range(3):
        sheets.show(frame, np.full((40, 60, 3), 90, np.uint8))
    for name in ("one", "other", "third"):
        for frame in range(3):
            answer = Annotation(frame, frame / 25, f"{frame}", (40, 60), {1: ObjectAnnotation(mask, 0.5, True)})
            sheets.answer(name, answer)
    sheets.close()
    with av.open(str(tmp_path / "compare.mp4")) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(shown) == 3 and shown[0].shape == (2 * 62, 2 * 60, 3)


def test_a_truth_that_is_no_folder_is_told_before_anything_is_done(tmp_path):
    encoding = SharedEncoding(Toy())
    with pytest.raises(InputError, match=r"--gt .* is no folder"):
        compare(
            as_source(CLIP),
            {"sam2": load("sam2", encoding)},
            parse([], SAID, []),
            tmp_path / "out",
            encoding=encoding,
            truth=tmp_path / "none",
        )
    assert not (tmp_path / "out").exists()


def test_the_command_prints_a_table_and_refuses_what_it_cannot_do(capsys, tmp_path):
    asked = ["compare", "demo:koi", "--frames", "6", "--model", "toy", "--out", str(tmp_path / "out")]
    assert main([*asked, "--trackers", "sam2,sam2long", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert set(table) == {"sam2", "sam2long"} and table["sam2"]["agreement"] == 1
    assert main([*asked, "--trackers", "sam2,sam2long"]) == 3
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "mine.toml").write_text('bank = "gated"\n')
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert main([*asked, "--trackers", f"sam2,{tmp_path / 'mine.toml'}", "--overwrite", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"sam2", "mine"}, "a card given by its path goes by its name"
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"sam2", "mine", "compare.mp4", "compare.json", "notes.txt"}, "what was compared before is gone"
    assert main([*asked, "--trackers", f"mine,{tmp_path / 'mine.toml'}"]) == 2
    assert "different names" in capsys.readouterr().err
    assert main([*asked, "--trackers", "sam2"]) == 2
    assert "two cards" in capsys.readouterr().err
