"""A desk and its calls without a browser: what is asked is done or refused in one line, and others are left alone."""

import json
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from vidmem.errors import InputError, UsageError
from vidmem.frames import demo, watch
from vidmem.ui import camera as cameras
from vidmem.ui.calls import Calls
from vidmem.ui.desk import Chosen
from vidmem.ui.desks import Desks, opening_of
from vidmem.ui.limits import Limits
from vidmem.ui.picture import as_url
from vidmem.ui.trackers import Trackers
from vidmem.ui.turns import Turns
from vidmem.ui.uploads import kind_of

TOY = Chosen("sam2", "toy")


@pytest.fixture
def desks(tmp_path, monkeypatch):
    monkeypatch.setitem(demo.LENGTHS, "koi", 8)
    trackers = Trackers("cpu", ("toy",))
    made = Desks(tmp_path / "desks", trackers, Limits(sessions=3), TOY, *opening_of("demo:koi", Limits()))
    yield made
    made.close_all()


@pytest.fixture
def calls(desks, tmp_path):
    (tmp_path / "incoming").mkdir()
    return Calls(desks, cameras.Cameras(desks.trackers, desks.turns), tmp_path / "incoming")


@pytest.fixture
def ask(calls):
    token = calls.act({"verb": "open"})["view"]["token"]

    def asked(verb, **more):
        return calls.act({"verb": verb, "token": token, **more})

    return asked


def finished(calls, view):
    while view["job"]:
        view = calls.wait({"token": view["token"], "serial": view["serial"]})["view"]
    return view


def test_the_sample_is_marked_and_the_first_pass_answers_every_frame(calls, ask):
    view = ask("open")["view"]
    assert view["objects"][0]["prompts"] == [0] and view["plan"]["forwards"] == 0 and "Press Track" in view["note"]
    view = finished(calls, ask("track", direction="forwards")["view"])
    assert view["objects"][0]["runs"][-1][1] == 7 and view["undo"] == "track forwards" and view["memory"]["entries"]
    assert view["picture"].startswith("data:image/jpeg;base64,")


def test_stopping_ends_a_pass_within_a_frame(desks, calls, ask, monkeypatch):
    token = ask("open")["view"]["token"]
    desk = desks.open[token]
    model = type(desk.work.session.tracker.model)
    whole = model.encode
    monkeypatch.setattr(model, "encode", lambda self, frame: (time.sleep(0.05), whole(self, frame))[1])
    ask("track", direction="forwards")
    while desk.job.progress.done < 2:
        time.sleep(0.005)
    done = desk.job.progress.done
    view = ask("stop")["view"]
    assert view["job"] is None and view["objects"][0]["runs"][-1][1] <= done + 1
    assert view["plan"]["forwards"] == view["objects"][0]["runs"][-1][1] + 1


def test_a_mark_during_a_pass_ends_it_and_counts(calls, ask):
    ask("track", direction="forwards")
    view = ask("click", x=300, y=100, label=1, frame=0)["view"]
    assert view["job"] is None and len([mark for mark in view["marks"] if "x" in mark]) == 4


def test_a_saved_session_comes_back_on_another_desk(desks, calls, ask, tmp_path):
    view = finished(calls, ask("track", direction="forwards")["view"])
    ask("look", object=1, name="Goldfish", colour="#112233")
    view = ask("save")["view"]
    kept = calls.file(view["token"], view["downloads"][0]["name"])
    upload = tmp_path / "incoming" / "x.zip"
    upload.write_bytes(kept.read_bytes())
    other = calls.act({"verb": "open"})["view"]["token"]
    view = calls.act({"verb": "reopen", "token": other, "upload": str(upload), "name": "../my work.zip"})["view"]
    assert view["objects"][0]["name"] == "Goldfish" and view["objects"][0]["runs"][-1][1] == 7
    assert "Opened my work.zip" in view["note"] and not upload.exists()


def test_work_whose_video_is_refused_changes_nothing(desks, calls, ask, tmp_path):
    view = ask("save")["view"]
    kept = calls.file(view["token"], view["downloads"][0]["name"])
    upload = tmp_path / "incoming" / "x.zip"
    with zipfile.ZipFile(kept) as old, zipfile.ZipFile(upload, "w") as new:
        head = json.loads(old.read("page.json"))
        head["chosen"]["settings"] = {"bank.max_prompts": 8}
        for name in ("session.vmem", "run.jsonl"):
            new.writestr(name, old.read(name))
        new.writestr("page.json", json.dumps(head))
        new.writestr("video.mp4", b"no video at all")
    answer = ask("reopen", upload=str(upload), name="x.zip")
    assert "is no video" in answer["error"] and answer["view"]["chosen"] == view["chosen"]
    desk = desks.find(view["token"])
    assert not [path for path in desk.folder.iterdir() if "reopened" in path.name]


def test_a_saved_session_with_a_broken_part_is_refused_in_words(calls, ask, tmp_path):
    view = ask("save")["view"]
    whole = calls.file(view["token"], view["downloads"][0]["name"]).read_bytes()
    place = whole.index(b"run.jsonl") + 40
    upload = tmp_path / "incoming" / "x.zip"
    upload.write_bytes(whole[:place] + bytes(40) + whole[place + 40 :])
    assert "no saved session, or is damaged" in ask("reopen", upload=str(upload), name="x.zip")["error"]


def test_a_desk_that_cannot_be_laid_leaves_no_file(tmp_path):
    def breaks():
        raise InputError("The disk of videos is away.")

    made = Desks(tmp_path, Trackers("cpu", ("toy",)), Limits(), TOY, breaks)
    with pytest.raises(InputError, match="away"):
        made.attend(None)
    assert list(tmp_path.iterdir()) == [] and not made.open
    made.close_all()


def test_a_picture_that_moves_is_never_taken_for_a_transport_stream(tmp_path):
    for length in (40, 400):
        (tmp_path / "x").write_bytes(b"GIF89a" + b"\x47" * length)
        assert kind_of(tmp_path / "x") == ".gif"
    (tmp_path / "x").write_bytes((b"\x47" + bytes(187)) * 3)
    assert kind_of(tmp_path / "x") == ".ts"


@pytest.mark.parametrize("inside", ["../../evil.txt", "/tmp/evil.txt", "page.json", "session.vmem"])
def test_an_archive_writes_nothing_where_it_says(desks, calls, ask, tmp_path, inside):
    upload = tmp_path / "incoming" / "x.zip"
    with zipfile.ZipFile(upload, "w") as archive:
        archive.writestr(inside, '{"vidmem-page": 1}')
    before = sorted(path for path in tmp_path.rglob("*") if path != upload)
    assert "no saved session" in ask("reopen", upload=str(upload), name="x.zip")["error"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_desk_begins_with_the_video_or_the_work_it_is_given(desks, calls, ask, tmp_path):
    ask("look", object=1, name="Goldfish")
    view = ask("save")["view"]
    kept = calls.file(view["token"], view["downloads"][0]["name"])
    begun = Desks(tmp_path / "more", desks.trackers, Limits(), TOY, *opening_of("demo:koi", Limits()), session=kept)
    assert begun.attend(None).work.look(1).name == "Goldfish"
    begun.close_all()
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, frame in enumerate(watch("demo:koi", stop=3)):
        Image.fromarray(frame.image.permute(1, 2, 0).numpy()).save(folder / f"{index}.png")
    begun = Desks(tmp_path / "more", desks.trackers, Limits(), TOY, *opening_of(str(folder), Limits()))
    desk = begun.attend(None)
    assert (desk.clip.name, desk.clip.frames, desk.work.objects) == ("pictures", 3, [])
    begun.close_all()
    assert len(list(folder.iterdir())) == 3, "a video of the server's own is never touched"
    with pytest.raises(InputError):
        opening_of(str(tmp_path / "nowhere.mp4"), Limits())


def test_a_mask_of_another_size_is_refused(ask, tmp_path):
    upload = tmp_path / "incoming" / "m.png"
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(upload)
    assert "10 x 10 pixels, the video 640 x 360" in ask("mask", upload=str(upload), name="m.png")["error"]


def test_undo_goes_back_over_every_kind_of_step(calls, ask):
    ask("click", x=300, y=100, label=0)
    ask("look", object=1, hidden=True)
    finished(calls, ask("track", direction="forwards")["view"])
    view = ask("delete", object=1)["view"]
    assert view["objects"] == []
    steps = []
    while view["undo"]:
        steps.append(view["undo"])
        view = ask("undo")["view"]
    assert steps == ["delete", "track forwards", "hide", "add a point off it"]
    assert len(ask("seek", frame=0)["view"]["marks"]) == 3
    assert "nothing to undo" in ask("undo")["error"]


def test_another_model_is_asked_again_what_was_marked(desks, ask):
    token = ask("open")["view"]["token"]
    view = ask("tracker", tracker="samurai", model="nano", settings={})["view"]
    assert view["chosen"]["model"] == "nano" and view["objects"][0]["prompts"] == [0] and view["undo"] is None
    assert desks.open[token].work.session.tracker.model.spec.name == "nano"


def test_a_desk_that_was_left_is_freed_with_its_files(desks, calls):
    tokens = [calls.act({"verb": "open"})["view"]["token"] for _ in range(3)]
    assert "All 3 places" in calls.act({"verb": "open"})["error"]
    calls.leave(tokens[0])
    desks.open[tokens[0]].leaving_at -= 61
    assert "view" in calls.act({"verb": "open"}), "the place that was left is free"
    assert not (desks.folder / tokens[0]).exists()
    assert calls.act({"verb": "seek", "token": tokens[0], "frame": 1})["gone"]
    desks.open[tokens[1]].heard_at -= 1801
    desks.sweep()
    assert tokens[1] not in desks.open and tokens[2] in desks.open


def test_a_reload_within_the_minute_finds_everything(calls, ask):
    token = ask("click", x=300, y=100, label=0)["view"]["token"]
    calls.leave(token)
    assert calls.act({"verb": "open", "token": token})["view"]["undo"] == "add a point off it"


def test_the_turn_goes_to_who_asked_first():
    import threading

    turns, order = Turns(), []

    def take(name):
        with turns.taken():
            order.append(name)

    with turns.taken():
        waiting = []
        for name in range(5):
            waiting.append(threading.Thread(target=take, args=(name,)))
            waiting[-1].start()
            while len(turns._waiting) <= name:
                time.sleep(0.001)
    for each in waiting:
        each.join()
    assert order == [0, 1, 2, 3, 4]


def test_only_what_is_on_this_machine_may_be_chosen():
    trackers = Trackers("cpu", ("toy",))
    assert "toy" in trackers.models and "nano" in trackers.models
    for tracker, model in (("sam2", "/etc/passwd"), ("/etc/x.toml", "toy"), ("sam2", "sam2.1-huge")):
        with pytest.raises(UsageError, match=r"not on this machine|no tracker"):
            trackers.get(tracker, model)
    assert trackers.get("sam2", "nano").model is trackers.get("samurai", "nano").model, "one model serves all"


def test_a_camera_is_followed_in_bounded_memory():
    live = cameras.Cameras(Trackers("cpu", ("toy",)), Turns())
    pictures = [frame.image.permute(1, 2, 0).numpy() for frame in watch("demo:koi", stop=6)]
    weights, answer = [], {}
    for index, picture in enumerate(pictures * 4):
        clicks = [[110, 150, 1, 1]] if index == 0 else []
        answer = live.step("k", {"picture": as_url(picture), "clicks": clicks, "model": "toy"})
        weights.append(answer["memory"])
    assert answer["frame"] == 23 and answer["objects"][0]["id"] == 1 and len(set(weights[-5:])) == 1
    with pytest.raises(InputError, match="outside the picture"):
        live.step("k", {"picture": as_url(pictures[0]), "clicks": [[9999, 1, 1, 1]], "model": "toy"})
    assert live.step("k", {"picture": as_url(pictures[0]), "model": "toy"})["frame"] == 24, "a slip forgets nothing"
    assert live.step("k", {"picture": as_url(pictures[0]), "model": "toy", "forget": True})["objects"] == []


@pytest.mark.parametrize(
    "asked, complaint",
    [
        ({}, "no picture"),
        ({"picture": "data:image/jpeg;base64,!!!"}, "damaged"),
        ({"picture": "data:image/svg+xml;base64,AAAA"}, "no picture"),
        ({"picture": "data:image/jpeg;base64," + "A" * (3 << 20)}, "larger than"),
        ({"picture": as_url(np.zeros((40, 40, 3), np.uint8)), "clicks": [[99, 1, 1, 1]]}, "outside the picture"),
        ({"picture": as_url(np.zeros((40, 40, 3), np.uint8)), "clicks": [[9, 1, 1, 99]]}, "At most 8 objects"),
        ({"picture": as_url(np.zeros((40, 40, 3), np.uint8)), "clicks": "x"}, "At most 32 clicks"),
    ],
)
def test_what_a_camera_cannot_send_is_refused(asked, complaint):
    with pytest.raises(InputError, match=complaint):
        cameras.Cameras(Trackers("cpu", ("toy",)), Turns()).step("k", {"model": "toy", **asked})
