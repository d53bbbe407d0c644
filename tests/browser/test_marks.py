"""Every way to mark an object, several objects, and how they look."""

import numpy as np
from PIL import Image

from vidmem.frames.demo import draw


def mask(bench, object_id, frame=0):
    return bench.desk.shelf.get(bench.desk.work.results, frame).objects[object_id].mask


def test_points_box_scribble_and_brush_all_mark(bench):
    bench.press(118, 210)
    bench.press(250, 120, minus=True)
    prompt = bench.desk.work.session.kept.asked[0][1].prompt
    assert prompt.labels.tolist() == [1, 1, 1, 1, 0]
    bench.do("new")
    bench.tool("box")
    bench.drag((205, 75), (295, 165))
    assert np.allclose(bench.desk.work.session.kept.asked[0][2].prompt.box.tolist(), [205, 75, 295, 165], atol=2)
    bench.do("new")
    bench.tool("line")
    bench.drag((420, 220), (455, 250), (490, 280))
    assert 2 <= len(bench.desk.work.session.kept.asked[0][3].prompt.points) <= 6
    bench.do("new")
    bench.tool("brush")
    bench.drag((540, 60), (580, 90), (560, 120))
    painted = bench.desk.work.session.kept.asked[0][4].prompt.mask
    assert painted[60, 540] and painted[90, 580] and not painted[300, 100]
    bench.drag((580, 90), (581, 90), minus=True)
    erased = bench.desk.work.session.kept.asked[0][4].prompt.mask
    assert not erased[90, 580] and erased[60, 540]
    assert bench.desk.work.objects == [1, 2, 3, 4]
    bench.shot("7-marks", whole=True)


def test_a_mask_is_uploaded_and_followed(bench, tmp_path):
    koi = draw(0)[1]
    Image.fromarray(np.where(koi, 255, 0).astype(np.uint8)).save(tmp_path / "koi.png")
    bench.tab.set_input_files("#workbench [data-at=mask-file]", tmp_path / "koi.png")
    bench.until(lambda: bench.desk.work.session.kept.asked[0][1].prompt.mask is not None, "the mask did not arrive")
    shared = mask(bench, 1) & koi
    assert shared.sum() / (mask(bench, 1) | koi).sum() > 0.7
    bench.do("track-forwards")
    bench.idle()
    truth = draw(24)[1]
    assert (mask(bench, 1, 24) & truth).sum() / (mask(bench, 1, 24) | truth).sum() > 0.4
    bench.shot("8-from-a-mask")


def test_objects_are_named_coloured_hidden_and_shown(bench):
    bench.tab.fill("#workbench .vm-name", "<b>Big & red</b>")
    bench.tab.press("#workbench .vm-name", "Enter")
    bench.until(lambda: bench.desk.work.look(1).name == "<b>Big & red</b>", "the name did not arrive")
    shown = "#workbench .vm-line-name"
    bench.until(lambda: bench.tab.inner_text(shown) == "<b>Big & red</b>", "a name is words, never markup")
    bench.tab.evaluate(
        """() => { const c = document.querySelector('#workbench input[type=color]');
                   c.value = '#00c2ff'; c.dispatchEvent(new Event('change', {bubbles: true})); }"""
    )
    bench.until(lambda: bench.desk.work.look(1).colour == "#00c2ff", "the colour did not arrive")
    bench.tab.click("#workbench [data-do=hide]")
    bench.until(lambda: bench.desk.work.look(1).hidden, "it was not hidden")
    bench.tab.wait_for_selector("#workbench .vm-hidden")
    bench.tab.click("#workbench [data-do=hide]")
    bench.until(lambda: not bench.desk.work.look(1).hidden, "it was not shown")


def test_a_mask_that_is_kept_becomes_a_mark(bench):
    bench.do("keep")
    bench.until(lambda: bench.desk.work.session.kept.asked[0][1].prompt.mask is not None, "it was not kept")
    bench.do("clear")
    bench.until(lambda: bench.desk.work.objects == [], "the marks were not cleared")
    bench.do("undo")
    bench.until(lambda: bench.desk.work.objects == [1], "undo did not bring them back")


def test_settings_and_trackers_are_chosen(bench):
    bench.tab.select_option("#workbench [data-at=tracker]", "samurai")
    bench.wait_note("Now remembering with SAMURAI")
    bench.tab.click("#workbench summary")
    bench.tab.fill("#workbench [name='choice.weight']", "0.4")
    bench.do("apply")
    bench.until(lambda: dict(bench.desk.chosen.settings) == {"choice.weight": 0.4}, "the setting did not arrive")
    bench.tab.fill("#workbench [name='bank.max_prompts']", "-3")
    bench.do("apply")
    assert "max_prompts" in bench.wait_note("cannot be made")
    bench.shot("9-settings", whole=True)
    bench.do("track-forwards")
    bench.idle()
    assert len(bench.answered()) == 32
    bench.do("reset")
    bench.until(lambda: bench.desk.chosen.settings == (), "the card's settings did not come back")
