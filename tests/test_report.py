"""What people read of an evaluation: one file that needs no network, the paper's numbers beside ours, the failures."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_sets import Here, davis

from vidmem import cards
from vidmem.evaluation import Plan, evaluate
from vidmem.evaluation.plain import from_plain, to_plain
from vidmem.evaluation.record import Record
from vidmem.evaluation.report.charts import MOST_BARS, MOST_CURVES, bars, curves
from vidmem.evaluation.report.page import to_page
from vidmem.evaluation.report.sketch import WIDTH, sketch_boxes, sketch_masks
from vidmem.evaluation.report.strips import PICTURES, choose
from vidmem.evaluation.report.wording import compared, percent, ranked, reservations


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder of an evaluation by a card with published numbers, one video of which fails."""
    folder = tmp_path_factory.mktemp("report")
    root = davis(folder / "set", {"a & b": 12, "bad": 5, "good": 6}, objects=2, year=2017)
    (root / "JPEGImages/480p/bad/00003.png").write_bytes(b"no picture")
    card = cards.find("datasets", "davis17").read_text()
    published = (
        '[[published]]\ntracker = "sam2"\nmodel = "toy"\nmetric = "J&F"\nvalue = 40.5\nsource = "A <paper>, table 1"\n'
    )
    (folder / "mine.toml").write_text(f"{card}\n{published}")
    plan = Plan(str(folder / "mine.toml"), str(root), tracker="sam2", model="toy", prompt="box")
    evaluate(plan, folder / "out", engine=Here())
    return folder / "out"


@pytest.fixture(scope="module")
def report(made) -> dict:
    return json.loads((made / "report.json").read_text())


def test_the_page_needs_no_network_and_no_script(made):
    page = (made / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:)[^\s>"']+""", page)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    pictures = re.findall(r'src="data:(image/[a-z+]+);base64,([^"]+)"', page)
    assert {kind for kind, _ in pictures} == {"image/svg+xml", "image/jpeg"}
    assert sum(kind == "image/svg+xml" for kind, _ in pictures) == 2
    assert all(b64decode(content, validate=True) for _, content in pictures)


def test_names_and_texts_cannot_break_the_page(made):
    page = (made / "report.html").read_text()
    assert "a &amp; b" in page and "A &lt;paper&gt;" in page and "<paper>" not in page


def test_the_published_number_stands_beside_ours(made, report):
    same = [each for each in compared(report) if each.is_same]
    assert len(same) == 1 and same[0].published == pytest.approx(0.405)
    assert same[0].difference == pytest.approx(report["metrics"]["J&F"] - 0.405)
    row = f"| J&F | sam2 | toy | 40.5 | {percent(report['metrics']['J&F'])} | "
    assert row in (made / "report.md").read_text() and "paper 40.5 (" in (made / "report.html").read_text()
    assert any(not each.is_same for each in compared(report)), "the others of the card are there too"


def test_failures_and_reservations_are_said_in_both(made, report):
    assert report["failures"].keys() == {"bad"}
    for text in ((made / "report.html").read_text(), (made / "report.md").read_text()):
        assert "1 of 3 videos failed" in text and "00003.png" in text and "told a box, not the mask" in text


def test_what_was_left_out_is_said(report):
    facts = {**report["facts"], "videos_of_the_split": 30}
    assert "3 of the 30 videos of the split were asked for" in " ".join(reservations({**report, "facts": facts}))


def test_the_tables_of_the_markdown_are_whole(made, report):
    tables = [line for line in (made / "report.md").read_text().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables if "sequence" in line or "a & b" in line} == {len(report["metrics"]) + 5}
    assert "nan" not in (made / "report.md").read_text().lower()


def test_the_worst_comes_first(report):
    names = ranked(report)
    assert names == sorted(names, key=lambda name: report["sequences"][name]["J&F"])


def test_large_sets_are_drawn_in_part_and_say_so():
    scores = {1: {"J": np.linspace(0, 1, 20), "F": np.ones(20)}}
    names = [f"video-{number}" for number in range(MOST_BARS + 30)]
    records = [Record(name, 20, to_plain(scores)) for name in names]
    numbers = {"J&F": 0.7, "J": 0.5, "F": 0.9}
    report = {
        "metrics": numbers,
        "sequences": {
            name: {**numbers, "J&F": 0.5 + row / 1000, "frames": 20, "objects": 1} for row, name in enumerate(names)
        },
        **{part: {} for part in ("objects", "classes", "failures", "tracking")},
        **{"published": [], "unscored": []},
        "facts": _facts(len(names)),
    }
    for picture in (bars(report), curves(report, records)):
        assert picture is not None and picture.startswith(b"<?xml")
    page = to_page(report, records, [])
    assert f"The worst {MOST_BARS} of {len(names)} are drawn" in page and f"The worst {MOST_CURVES} of" in page
    assert names[-1] in page, "the table has all"


def _facts(videos: int) -> dict:
    words = ("title", "dataset", "split", "root", "protocol", "tracker", "model", "prompt", "results", "server", "note")
    return {
        **dict.fromkeys(words, ""),
        **dict.fromkeys(("videos", "videos_scored", "videos_of_the_split"), videos),
        **{"frames": 1, "seconds": 0, "fps": None, "peak_state_bytes": None, "platform": "here", "complete": True},
        **{"devices": [], "machines": ["m"], "versions": {}, "settings": {}, "protocol_options": {}},
    }


def test_nothing_to_draw_is_no_fault():
    report = {
        **{part: {} for part in ("metrics", "sequences", "objects", "classes", "tracking")},
        **{"failures": {"a": "it is bad"}, "published": [], "unscored": [], "facts": _facts(1)},
    }
    assert "it is bad" in to_page(report, [Record("a", problem="it is bad")], [])


def test_a_strip_has_the_first_frame_the_last_and_the_worst():
    fits = {f"{index:05d}": 1.0 - (index == 23) for index in range(60)}
    chosen = choose(fits)
    assert len(chosen) == PICTURES and chosen == sorted(chosen)
    assert {"00000", "00023", "00059"} <= set(chosen)
    assert choose({"a": 0.5, "b": 0.1}) == ["a", "b"]


def test_truth_and_answer_are_drawn():
    picture, mask = np.full((120, 240, 3), 90, np.uint8), np.zeros((120, 240), bool)
    mask[30:90, 60:120] = True
    drawn = _opened(sketch_masks(picture, {1: mask}, {1: np.roll(mask, 60, 1)}))
    assert drawn.shape == (WIDTH // 2, WIDTH, 3)
    scale = WIDTH / 240
    veil, line, ground = ((round(60 * scale), round(x * scale)) for x in (150, 60, 220))
    assert np.abs(drawn[ground] - 90.0).max() < 8 and drawn[line].min() > 180 and np.ptp(drawn[veil].astype(int)) > 40
    framed = _opened(sketch_boxes(picture, (60, 30, 120, 90), None))
    assert framed[line].min() > 180 and np.abs(framed[veil] - 90.0).max() < 8


def _opened(jpeg: bytes) -> np.ndarray:
    import io

    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


@pytest.mark.parametrize(
    "scores",
    [
        {1: {"J": np.array([0.1, np.nan, 1 / 3])}, 7: {"J": np.array([]), "F": np.array([np.inf, -np.inf, 0.0])}},
        {1: {"overlap": np.array([0.5]), "counted": np.array([True]), "rank": np.array([3], np.int64)}},
        {"classes": np.zeros(0, np.int64), "right": np.zeros((0, 4)), "wrong": np.array([[np.nan, 1 / 7]])},
    ],
)
def test_scores_survive_json_to_the_last_bit(scores):
    text = json.dumps(to_plain(scores), allow_nan=False)

    def flat(each):
        return {
            (key, name): v
            for key, said in each.items()
            for name, v in (said if isinstance(said, dict) else {0: said}).items()
        }

    back, before = flat(from_plain(json.loads(text))), flat(scores)
    assert back.keys() == before.keys()
    for key, values in before.items():
        assert back[key].dtype == values.dtype and np.array_equal(back[key], values, equal_nan=values.dtype.kind == "f")
