"""A person at work: see, track, stop, correct, track again, delete, undo, export."""

import csv
import io
import json
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from vidmem.frames import watch


def test_the_first_press_of_track_shows_a_result(bench, measured):
    bench.shot("1-opened")
    began = time.monotonic()
    bench.do("track-forwards")
    bench.reach(4)
    measured["track to the fourth frame"] = time.monotonic() - began
    bench.shot("2-tracking")
    bench.idle()
    bench.wait_note("Tracked 32 frames forwards")
    bench.shot("3-tracked", whole=True)
    assert bench.answered() == list(range(32))
    pictures = "#workbench .vm-entries img"
    bench.until(lambda: len(bench.tab.query_selector_all(pictures)) >= 5, "what is remembered has no pictures")
    bench.until(lambda: bench.tab.get_attribute("#workbench .vm-lane-seen", "width"), "nothing was seen")
    weights = "#workbench [data-at=weights]"
    bench.until(lambda: "Memory of all objects" in bench.tab.inner_text(weights), "memory is not told")


def test_a_mask_follows_a_click(bench, measured):
    bench.do("new")
    bench.tab.wait_for_selector("#workbench [data-object='2-new'].vm-chosen")
    picture = bench.tab.get_attribute("#workbench [data-at=picture]", "src")
    x, y = bench.at(250, 120)
    began = time.monotonic()
    bench.tab.mouse.click(x, y)
    bench.tab.wait_for_function(
        "old => document.querySelector('#workbench [data-at=picture]').src !== old", arg=picture, polling=10
    )
    measured["click to mask"] = time.monotonic() - began
    assert bench.desk.work.objects == [1, 2]
    assert bench.desk.shelf.get(bench.desk.work.results, 0).objects[2].mask.any()


def test_stop_correct_and_track_again(bench):
    bench.do("track-forwards")
    bench.reach(5)
    bench.do("stop")
    bench.idle()
    bench.wait_note("Stopped behind frame")
    reached = bench.answered()[-1]
    assert 4 <= reached < 31
    bench.do("track-forwards")
    bench.idle()
    assert bench.answered() == list(range(32)), "the second press goes on where the first was stopped"

    bench.seek(20)
    before = bench.desk.shelf.get(bench.desk.work.results, 20).objects[1].mask
    bench.press(420, 300, minus=True)
    corrected = bench.desk.shelf.get(bench.desk.work.results, 20).objects[1].mask
    assert (corrected != before).any()
    bench.shot("4-corrected")
    bench.until(lambda: "from frame 20" in bench.tab.inner_text("#workbench [data-at=plan]"), "no plan from there")
    bench.do("track-forwards")
    bench.idle()
    again = bench.desk.shelf.get(bench.desk.work.results, 20)
    assert (again.objects[1].mask == corrected).all(), "a correction sticks"

    bench.do("undo")
    bench.wait_note("Took back: track forwards")
    bench.do("undo")
    bench.wait_note("Took back: add a point off it")
    assert (bench.desk.shelf.get(bench.desk.work.results, 20).objects[1].mask == before).all()
    bench.do("redo")
    bench.wait_note("Did again: add a point off it")
    assert (bench.desk.shelf.get(bench.desk.work.results, 20).objects[1].mask == corrected).all()


def test_tracking_backwards_and_both_ways(bench):
    bench.seek(15)
    bench.do("new")
    bench.tool("box")
    bench.drag((210, 80), (290, 160))
    assert bench.desk.work.first_prompt(2) == 15
    bench.do("track-backwards")
    bench.idle()
    assert bench.answered(2) == list(range(16))
    bench.do("track-both")
    bench.idle()
    assert bench.answered(1) == bench.answered(2) == list(range(32))


def test_a_deleted_object_comes_back_with_undo(bench):
    bench.do("track-forwards")
    bench.idle()
    bench.tab.click("#workbench [data-do=delete]")
    bench.wait_note("Deleted Koi")
    assert bench.desk.work.objects == [] and bench.desk.work.results.rows == {}
    bench.shot("5-deleted")
    bench.tab.keyboard.press("Control+z")
    bench.wait_note("Took back: delete")
    assert bench.answered() == list(range(32)) and bench.desk.work.look(1).name == "Koi"


def test_exports_can_be_read_again(bench, tmp_path):
    bench.do("track-forwards")
    bench.idle()
    for box in bench.tab.query_selector_all("#workbench [data-at=formats] input"):
        box.check()
    bench.do("export")
    bench.tab.wait_for_selector("#workbench [data-at=downloads] a")
    with bench.tab.expect_download() as coming:
        bench.tab.click("#workbench [data-at=downloads] a")
    coming.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    out: Path = tmp_path / "out"
    whole = {"tracks.csv", "tracks.parquet", "tracks.rle.json", "tracks.ytvos.json", "overlay.mp4"}
    assert whole <= set(names)
    shown = bench.desk.shelf.get(bench.desk.work.results, 17).objects[1].mask
    assert (np.asarray(Image.open(out / "masks" / "00017.png")) == shown).all()
    assert (np.asarray(Image.open(out / "objects" / "1" / "00017.png")) > 0).sum() == shown.sum()
    rows = list(csv.DictReader(io.StringIO((out / "tracks.csv").read_text())))
    assert [int(row["frame"]) for row in rows] == list(range(32))
    assert len(json.loads((out / "tracks.rle.json").read_text())["annotations"]) == 32
    assert sum(1 for _ in watch(out / "overlay.mp4")) == 32
    bench.shot("6-exported", whole=True)


def test_two_people_at_once_do_not_meet(newcomer):
    one, other = newcomer().open(), newcomer().open()
    assert one.token != other.token
    one.do("track-forwards")
    other.do("new")
    other.press(250, 120)
    assert other.desk.work.objects == [1, 2] and one.desk.work.objects == [1]
    one.idle()
    assert one.answered() == list(range(32)) and other.answered(1) == [0]


def test_a_reload_in_mid_track_loses_nothing(bench):
    bench.do("track-forwards")
    bench.reach(3)
    token = bench.token
    bench.tab.reload()
    bench.tab.wait_for_selector("#workbench [data-object='1']")
    assert bench.token == token
    bench.idle()
    bench.wait_note("Tracked 32 frames")
    assert bench.answered() == list(range(32))


def test_the_page_answers_while_it_tracks(bench):
    bench.do("track-forwards")
    bench.reach(2)
    bench.tab.fill("#workbench .vm-name", "Fish")
    bench.tab.press("#workbench .vm-name", "Enter")
    bench.until(lambda: bench.desk.work.look(1).name == "Fish", "the name did not arrive")
    bench.seek(29)
    bench.until(lambda: bench.tab.is_visible("#workbench [data-at=follow]") or not bench.running(), "no way back")
    bench.idle()
    assert bench.desk.work.look(1).name == "Fish" and bench.answered() == list(range(32))
    assert bench.desk.frame == 29, "who looks elsewhere stays there"
