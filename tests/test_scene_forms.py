"""What is written of found scenes, by hand-made films and the command line."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from vidmem.cli import app
from vidmem.cli.scenes import as_text
from vidmem.cuts import encoders
from vidmem.cuts.detect import find_scenes, make_encoder, stream_cuts
from vidmem.cuts.forms import forms
from vidmem.cuts.forms.edl import as_edl, timecode
from vidmem.cuts.forms.sheet import MOST, clock, draw_sheet, shown
from vidmem.cuts.stream import StreamingTilling
from vidmem.cuts.tilling import Tilling
from vidmem.errors import InputError, UnknownName, UsageError
from vidmem.frames import watch
from vidmem.values import Frame
from vidmem.video_file import VideoFile

COLOURS = [(200, 30, 30), (30, 180, 60), (40, 60, 210)]
SHOT, RATE = 14, 25


def film():
    """(42, 48, 64, 3): three shots of one colour each, over which something small moves."""
    out = np.zeros((3 * SHOT, 48, 64, 3), np.uint8)
    for index in range(len(out)):
        out[index] = COLOURS[index // SHOT]
        out[index, 20:26, index : index + 6] = 255
    return out


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "three shots.mp4"
    writer = VideoFile(path)
    for index, picture in enumerate(film()):
        writer.write(picture, index / RATE)
    writer.close()
    return path


@pytest.fixture(scope="module")
def report(video):
    source = watch(str(video))
    try:
        return find_scenes(source)
    finally:
        source.close()


def test_a_film_of_three_shots_has_three_scenes(report):
    assert [(scene.first, scene.last) for scene in report.scenes] == [(0, 13), (14, 27), (28, 41)]
    assert report.cuts == [13, 27]
    assert [scene.start for scene in report.scenes] == pytest.approx([0, 0.56, 1.12])
    assert report.scenes[-1].end == pytest.approx(42 / RATE, abs=1e-3) and report.scenes[-1].depth is None
    assert all(scene.depth > 1 for scene in report.scenes[:-1])


def test_the_stream_tells_the_same_cuts_with_the_frame_that_opens_the_next(video):
    source = watch(str(video))
    told = [(cut.frame, frame.index) for frame, cut in stream_cuts(source)]
    source.close()
    assert told == [(13, 14), (27, 28)]


@pytest.mark.parametrize("name", forms)
def test_every_form_is_written_whole(name, report, video, tmp_path):
    path = tmp_path / f"scenes.{name}"
    forms[name](report, path, str(video))
    assert path.stat().st_size > 0 and [each.name for each in tmp_path.iterdir()] == [path.name]


def test_json_and_csv_say_the_same(report, video, tmp_path):
    forms["json"](report, tmp_path / "a.json", str(video))
    forms["csv"](report, tmp_path / "a.csv", str(video))
    said = json.loads((tmp_path / "a.json").read_text())
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [each["frame"] for each in said["cuts"]] == [13, 27] and said["encoder"] == "colour"
    for scene, row in zip(said["scenes"], rows, strict=True):
        assert {key: str(value if value is not None else "") for key, value in scene.items()} == row


def test_an_edit_list_counts_frames_to_behind_the_last(report):
    lines = as_edl(report).splitlines()
    assert lines[0] == "TITLE: three shots.mp4"
    assert lines[3] == "001  AX       V     C        00:00:00:00 00:00:00:14 00:00:00:00 00:00:00:14"
    assert lines[9].startswith("003") and lines[9].endswith("00:00:01:03 00:00:01:17")
    assert timecode(25 * 3661 + 7, 25) == "01:01:01:07"


def test_chapters_cover_the_video_and_no_picture_changes(report, video, tmp_path):
    import av

    forms["mp4"](report, tmp_path / "chapters.mp4", str(video))
    with av.open(str(tmp_path / "chapters.mp4")) as made, av.open(str(video)) as old:
        told = [(each["start"], each["end"], each["metadata"]["title"]) for each in made.chapters()]
        assert told == [(0, 560, "Scene 1"), (560, 1120, "Scene 2"), (1120, 1680, "Scene 3")]
        pictures = [[frame.to_ndarray() for frame in each.decode(video=0)] for each in (made, old)]
    assert all(np.array_equal(a, b) for a, b in zip(*pictures, strict=True))


def test_a_contact_sheet_shows_the_middle_of_each_scene(report, video, tmp_path):
    forms["png"](report, tmp_path / "sheet.png", str(video))
    sheet = np.array(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    for place, colour in enumerate(COLOURS):
        middle = sheet[40 + 67, 10 + place * 250 + 120]
        assert np.abs(middle - colour).max() < 12
    assert clock(3723.44) == "1:02:03.4" and clock(59.96) == "1:00.0"


def test_a_contact_sheet_of_very_many_scenes_stays_small(report):
    from dataclasses import replace

    many = replace(report, scenes=report.scenes * 200)
    assert len(shown(many)) == MOST
    assert draw_sheet(many, {}).height < 4000
    assert "and 560 more" in as_text(many)


@pytest.mark.parametrize("name", ["colour", "timm:test_vit.r160_in1k"])
def test_an_encoder_tells_the_same_frame_from_another(name, monkeypatch):
    if name.startswith("timm"):
        import timm

        make = timm.create_model
        torch.manual_seed(0)
        monkeypatch.setattr(
            timm, "create_model", lambda *words, **options: make(*words, **{**options, "pretrained": False})
        )
    encode = make_encoder(name)
    one, other = (Frame(0, torch.from_numpy(film()[index]).permute(2, 0, 1)) for index in (0, SHOT))
    first, second = encode(one), encode(other)
    assert first.ndim == 1 and np.array_equal(first, encode(one))
    assert not np.allclose(first, second)


def test_the_embedded_models_encoder_sees_too():
    encode = make_encoder("nano")
    pictures = [Frame(0, torch.from_numpy(film()[index]).permute(2, 0, 1)) for index in (0, 1, SHOT)]
    same, next_frame, other = (encode(each) for each in pictures)
    assert same @ next_frame > same @ other


def test_a_stored_vision_model_of_transformers_sees_too(tmp_path):
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    sizes: dict = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=28, patch_size=7)).save_pretrained(tmp_path)
    CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(tmp_path)
    encode = make_encoder(f"transformers:{tmp_path}")
    assert encode(Frame(0, torch.from_numpy(film()[0]).permute(2, 0, 1))).shape == (16,)


def test_colour_is_the_overlap_of_histograms():
    encode = encoders["colour"](levels=2, parts=1)
    black = torch.zeros(3, 4, 4, dtype=torch.uint8)
    half = black.clone()
    half[:, :, 2:] = 255
    a, b = encode(Frame(0, black)), encode(Frame(0, half))
    assert a @ a == pytest.approx(1) and a @ b == pytest.approx(0.5**0.5)  # Bhattacharyya: sum of sqrt(1 * 1/2)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("color", UnknownName, "Did you mean 'colour'"),
        ("colour:8", UsageError, "takes no name"),
        ("timm:no_such_net", UsageError, "knows no model"),
        ("transformers:", UsageError, "wants a name"),
        ("model", UsageError, "model:NAME"),
        ("model:no-such", Exception, "no-such"),
        ("transformers:nowhere/here", InputError, "cannot be read"),
    ],
)
def test_an_encoder_that_is_none_is_refused(name, kind, says):
    with pytest.raises(kind, match=says):
        make_encoder(name)


def test_encoders_that_cannot_count_are_refused():
    with pytest.raises(UsageError):
        encoders["colour"](levels=1)


def test_a_source_without_frames_is_refused():
    with pytest.raises(InputError, match="no frames"):
        find_scenes(watch(iter([])))


@pytest.mark.real
def test_every_cut_between_real_clips_is_found_and_none_within(data, tmp_path):
    clips = ["blackswan", "libby", "dog", "bmx-trees", "car-shadow", "blackswan"]
    writer, count = VideoFile(tmp_path / "film.mp4"), 0
    for clip in clips:
        source = watch(str(data / "DAVIS/JPEGImages/480p" / clip))
        for frame in source.between(0, 20):
            writer.write(frame.image[:, ::4, ::4].permute(1, 2, 0).numpy(), count / 24)
            count += 1
        source.close()
    writer.close()
    source = watch(str(tmp_path / "film.mp4"))
    assert find_scenes(source).cuts == [19, 39, 59, 79, 99]
    assert [cut.frame for _, cut in stream_cuts(source)] == [19, 39, 59, 79, 99]
    source.close()


@pytest.mark.real
def test_a_damaged_video_gives_the_scenes_before_the_damage(data, tmp_path):
    path = next((data / "videos").rglob("corrupted.mp4"))
    done = CliRunner().invoke(app, ["scenes", str(path), "--out", str(tmp_path / "out"), "--formats", "json"])
    assert done.exit_code != 0
    assert json.loads((tmp_path / "out" / "scenes.json").read_text())["frames"] == 28


def invoke(*words):
    return CliRunner().invoke(app, ["scenes", *map(str, words)])


def test_the_command_writes_what_it_says(video, tmp_path):
    done = invoke(video, "--out", tmp_path / "out", "--formats", "json,csv,edl,png,mp4")
    assert done.exit_code == 0, done.output
    assert "3 scenes in 42 frames" in done.output
    names = {each.name for each in (tmp_path / "out").iterdir()}
    assert names == {"scenes.json", "scenes.csv", "scenes.edl", "scenes.png", "chapters.mp4"}
    again = invoke(video, "--out", tmp_path / "out")
    assert isinstance(again.exception, InputError) and "--overwrite" in str(again.exception)
    assert invoke(video, "--out", tmp_path / "out", "--overwrite", "-q").output == ""
    machine = invoke(video, "--out", tmp_path / "other", "--json", "--count", "1")
    assert len(json.loads(machine.output)["cuts"]) == 1


def test_the_command_streams(video):
    done = invoke(video, "--stream", "--shortest", "4")
    assert [json.loads(line)["frame"] for line in done.output.splitlines()] == [13, 27]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--formats", "xml"], "No form of scenes is named 'xml'"),
        (["--rule", "refrence"], "Known: vidmem, reference, paper"),
        (["--stream", "--count", "3"], "--stream decides"),
        (["--shortest", "0"], "1 frame or more"),
        (["--encoder", "nope"], "No frame encoder is named 'nope'"),
        (["--on-damage", "mend"], "stop or skip"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(video, tmp_path, words, says):
    done = invoke(video, *words, *([] if "--stream" in words else ["--out", tmp_path / "out"]))
    assert done.exception is not None and says in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_rule_of_a_stream_is_a_value():
    assert StreamingTilling().floor == Tilling().floor / 2
