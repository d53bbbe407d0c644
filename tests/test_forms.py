"""The forms of results: what is written is read back the same, and lies where the benchmark looks for it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vidmem.annotation import Annotation, ObjectAnnotation
from vidmem.errors import InputError
from vidmem.evaluation.forms import Form, forms
from vidmem.videos import BoxTruth, MaskTruth, TrueObject, Video
from vidmem.videos.label_images import LabelImages
from vidmem.videos.root import Root

FRAMES = tuple(f"{index:05d}" for index in range(4))
PLACES = {
    "davis": "cat/00002.png",
    "ytvos": "Annotations/cat/00002.png",
    "sav": "cat/001/00002.png",
    "lasot": "cat.txt",
    "got10k": "cat/cat_001.txt",
}


def video_of(form: Form) -> Video:
    objects = {1: TrueObject(1, FRAMES[0], stored_as="000"), 2: TrueObject(2, FRAMES[0], stored_as="001")}
    masks = MaskTruth(LabelImages(Root(Path()), Path()), lambda: objects)
    boxes = BoxTruth(Path(), FRAMES, np.zeros((4, 4)), np.zeros(4, bool))
    is_boxes = "box" in type(form).__module__
    return Video("cat", FRAMES, boxes if is_boxes else masks, lambda: pytest.fail("pictures are not needed"))


def answers() -> list[Annotation]:
    """Two objects that share pixels; in the last frame neither is seen."""
    made = []
    for index, name in enumerate(FRAMES):
        first, second = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
        if index < 3:
            first[2 + index : 9, 3:14], second[6:15, 10:25] = True, True
        both = first & second
        objects = {
            1: ObjectAnnotation(first, 0.9, bool(first.any()), exclusive=first),
            2: ObjectAnnotation(second, 0.8, bool(second.any()), exclusive=second & ~both),
        }
        made.append(Annotation(index, index / 10, name, (20, 30), objects))
    return made


@pytest.fixture(params=list(forms))
def form(request) -> Form:
    return forms[request.param]()


@pytest.fixture
def written(form, tmp_path) -> Path:
    with closing(form.writer(tmp_path, video_of(form))) as writer:
        for annotation in answers():
            writer.write(annotation)
    return tmp_path


def test_what_is_written_is_read_back(form, written):
    video = video_of(form)
    answer = form.answers(written / form.unit("cat"), video)
    for annotation in answers():
        got, first = answer(annotation.name), annotation.objects[1]
        if isinstance(video.truth, BoxTruth):
            assert got == first.box
        elif form.shares_pixels:
            assert all(np.array_equal(got[each], annotation.objects[each].mask) for each in (1, 2))
        else:
            assert np.array_equal(got, annotation.labels())


def test_all_of_a_video_is_in_its_unit(form, written):
    unit = form.unit("cat")
    files = [path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()]
    assert files and all(file == unit or file.startswith(f"{unit}/") for file in files)


def test_results_lie_where_the_benchmark_looks(request, form, written):
    name = request.node.callspec.params["form"]
    assert (written / PLACES.get(name, form.unit("cat"))).exists()


def test_results_that_are_not_there_are_named(form, tmp_path):
    with pytest.raises(InputError, match=r"results of cat.*missing"):
        form.answers(tmp_path / form.unit("cat"), video_of(form))("00000")


def test_an_object_without_a_folder_is_named(tmp_path):
    form = forms["sav"]()
    (tmp_path / "cat/000").mkdir(parents=True)
    with pytest.raises(InputError, match="lack the object 001"):
        form.answers(tmp_path / "cat", video_of(form))


def test_lines_of_boxes_must_fit_the_video(tmp_path):
    form = forms["lasot"]()
    video = video_of(form)
    for text, complaint in (
        ("1,2,3,4\n" * 3, "has 3 lines, cat has 4 frames"),
        ("1,2,3,4\n1,2,3\n" + "1,2,3,4\n" * 2, "line 2: '1,2,3' is not x,y,w,h"),
        ("1,2,3,4\n1,2,c,4\n" + "1,2,3,4\n" * 2, "line 2"),
    ):
        (tmp_path / "cat.txt").write_text(text)
        with pytest.raises(InputError, match=complaint):
            form.answers(tmp_path / "cat.txt", video)


def test_boxes_of_other_tools_are_read_however_they_are_parted(tmp_path):
    (tmp_path / "cat.txt").write_text("1,2,3,4\n1\t2\t3\t4\n1 2 3 4\nNaN,NaN,NaN,NaN\n")
    form = forms["lasot"]()
    answer = form.answers(tmp_path / "cat.txt", video_of(form))
    assert [answer(name) for name in FRAMES] == [(1, 2, 4, 6)] * 3 + [None]


def test_the_object_of_a_video_of_boxes_may_be_called_anything(tmp_path):
    form = forms["lasot"]()
    with closing(form.writer(tmp_path, replace(video_of(form), name="dog"))) as writer:
        for each in answers():
            writer.write(Annotation(each.frame, each.time, each.name, each.size, {7: each.objects[1]}))
    assert (tmp_path / "dog.txt").read_text().splitlines() == ["3,2,11,7", "3,3,11,6", "3,4,11,5", "0,0,0,0"]
