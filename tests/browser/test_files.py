"""Videos in, sessions out and in again; and whatever else is sent: a clear line each, and the page lives on."""

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import av
import numpy as np
import pytest

from vidmem.ui.limits import Limits
from vidmem.ui.serve import served


def film(path: Path, frames: int = 20) -> Path:
    """A square that wanders, as a real file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            picture = np.full((96, 160, 3), 70, np.uint8)
            picture[30:60, 20 + 4 * index : 50 + 4 * index] = (230, 90, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def choose(bench, path):
    bench.tab.set_input_files("#workbench [data-at=video-file]", path)


def test_a_video_is_opened_tracked_saved_and_opened_again(bench, tmp_path):
    choose(bench, film(tmp_path / "square.mp4"))
    bench.wait_note("square.mp4: 20 frames of 160 x 96")
    bench.tool("brush")
    bench.drag((25, 35), (45, 55), (25, 55), (45, 35))
    bench.tab.fill("#workbench .vm-name", "Square")
    bench.tab.press("#workbench .vm-name", "Enter")
    bench.until(lambda: bench.desk.work.look(1).name == "Square", "the name did not arrive")
    bench.do("track-forwards")
    bench.idle()
    assert bench.answered() == list(range(20))
    bench.do("save")
    bench.wait_note("Saved to session-1.vidmem.zip")
    with bench.tab.expect_download() as coming:
        bench.tab.click("#workbench [data-at=downloads] a")
    coming.value.save_as(tmp_path / "work.vidmem.zip")
    before = [bench.desk.shelf.get(bench.desk.work.results, frame).objects[1].mask for frame in range(20)]

    bench.do("sample")
    bench.until(lambda: bench.desk.clip.frames == 32, "the sample did not come")
    bench.tab.set_input_files("#workbench [data-at=session-file]", tmp_path / "work.vidmem.zip")
    bench.wait_note("Opened work.vidmem.zip: 1 objects, 20 frames")
    assert bench.desk.work.look(1).name == "Square" and bench.desk.clip.name == "square.mp4"
    after = [bench.desk.shelf.get(bench.desk.work.results, frame).objects[1].mask for frame in range(20)]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    bench.seek(10)
    bench.tool("plus")
    bench.press(75, 45)
    bench.do("track-forwards")
    bench.idle()
    bench.shot("reopened")


def test_what_is_no_video_is_refused_in_plain_words(bench, tmp_path):
    whole = film(tmp_path / "whole.mp4").read_bytes()
    for name, content, words in (
        ("notes.txt.mp4", b"These are only notes. " * 30, "is no video that can be opened here"),
        ("empty.mp4", b"", "is empty (0 bytes)"),
        ("damaged.mp4", whole[: len(whole) // 3], "damaged.mp4"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is no video that can be opened here"),
        ("large.mp4", whole + bytes(9 << 20), "at most 8 MiB may be opened here"),
    ):
        (tmp_path / name).write_bytes(content)
        choose(bench, tmp_path / name)
        note = bench.wait_note(words)
        assert name in note and "/tmp" not in note and str(tmp_path) not in note
    bench.shot("refused")
    bench.tab.set_input_files("#workbench [data-at=session-file]", tmp_path / "notes.txt.mp4")
    bench.wait_note("no saved session")
    bench.tab.set_input_files("#workbench [data-at=mask-file]", tmp_path / "notes.txt.mp4")
    bench.wait_note("is no PNG")
    assert bench.desk.clip.frames == 32 and bench.desk.work.objects == [1], "what was there is there still"
    assert not list(bench.desk.folder.glob("*upload*")), "nothing of it is left"


class Raw:
    """A visitor without a browser."""

    def __init__(self, server):
        self.address = server.address.rstrip("/")
        config = json.load(urllib.request.urlopen(self.address + "/config"))
        self.component = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self.token = None

    def call(self, name, asked, component="workbench"):
        body = {"data": asked, "component_id": self.component[component], "fn_name": name, "session_hash": "raw"}
        request = urllib.request.Request(
            self.address + "/gradio_api/component_server",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        return json.load(urllib.request.urlopen(request))

    def act(self, verb, **asked):
        answer = self.call("act", {"verb": verb, "token": self.token, **asked})
        self.token = (answer.get("view") or {}).get("token", self.token)
        return answer

    def status(self, path):
        try:
            with urllib.request.urlopen(self.address + path) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


def test_hostile_calls_get_a_clear_line_each_and_the_page_lives_on(server, newcomer):
    raw = Raw(server)
    assert "view" in raw.act("open")
    for verb, asked, words in (
        ("fly", {}, "does not know"),
        ("seek", {"frame": 32}, "ends with frame 31"),
        ("seek", {"frame": -1}, "whole number from 0"),
        ("seek", {"frame": "1"}, "must be a number"),
        ("click", {"frame": 99, "x": 3, "y": 3, "label": 1}, "ends with frame 31"),
        ("click", {"x": 640, "y": 3, "label": 1}, "outside the picture"),
        ("click", {"x": None, "y": [], "label": 1}, "must be a number"),
        ("click", {"x": 1e999, "y": 2, "label": 1}, "must be a number"),
        ("box", {"x0": 5, "y0": 5, "x1": 5.5, "y1": 5}, "too small"),
        ("stroke", {"line": [[1, 2]] * 6000, "label": 1}, "has no points"),
        ("stroke", {"line": "abc", "label": 1}, "has no points"),
        ("paint", {"line": [[1, 2]], "radius": 1e6}, "too small or too large"),
        ("select", {"object": 77}, "no object 77"),
        ("delete", {"object": 5}, "no object 5"),
        ("look", {"object": 1, "name": "x" * 99}, "1 to 40 letters"),
        ("look", {"object": 1, "colour": "url(x)"}, "is no colour"),
        ("track", {"direction": "up"}, "forwards, backwards or both"),
        ("tracker", {"tracker": "../../etc/passwd", "model": "nano"}, "no tracker"),
        ("tracker", {"tracker": "sam2", "model": "/etc/passwd"}, "not on this machine"),
        ("tracker", {"tracker": "sam2", "model": "nano", "settings": {"bank.frames": 99}}, "must be 0 to 6"),
        ("export", {"formats": ["exe"]}, "No writer is named 'exe'"),
        ("export", {"formats": []}, "Tick at least one"),
        ("video", {"upload": "/etc/passwd", "name": "x"}, "did not arrive"),
        ("video", {"file": "/etc/passwd", "name": "x"}, "No file came"),
        ("reopen", {"upload": "../../../etc/passwd", "name": "../x"}, "did not arrive"),
        ("mask", {"upload": 5, "name": "x"}, "did not arrive"),
    ):
        assert words in raw.act(verb, **asked)["error"], verb
    for nothing in (
        None,
        [],
        "x",
        {"verb": 5},
        {"verb": "seek", "token": "x" * 9999},
        {"verb": "seek", "token": ["a"]},
    ):
        assert "error" in raw.call("act", nothing)
        assert "error" in raw.call("wait", nothing)
        assert "error" in raw.call("camera", nothing, "camera")
    picture = {"key": "k" * 12, "picture": "data:image/jpeg;base64,AAAA", "clicks": []}
    assert "damaged" in raw.call("camera", picture, "camera")["error"]
    assert raw.act("open")["view"]["clip"]["frames"] == 32
    newcomer().open().press(118, 180)


def test_five_hundred_clicks_end_in_words_and_not_in_trouble(server):
    raw = Raw(server)
    raw.act("open")
    errors = {raw.act("click", x=100 + n % 30, y=100 + n % 100, label=n % 2, frame=0).get("error") for n in range(500)}
    assert any("64 are the most" in each for each in errors if each) and len(errors) <= 3
    assert len(server.desks.open[raw.token].history.past) <= 40
    assert raw.act("track", direction="forwards")["view"]["job"]
    server.desks.close(raw.token)


def test_no_path_outside_a_session_can_be_read(server):
    raw = Raw(server)
    raw.act("open")
    desk = server.desks.open[raw.token]
    secret = desk.folder / "work-1" / "masks.rle"
    assert secret.is_file()
    for path in (
        "/gradio_api/file=/etc/passwd",
        f"/gradio_api/file={secret}",
        f"/gradio_api/file={desk.folder}/../{desk.token}/work-1/masks.rle",
        f"/vidmem/file/{desk.token}/masks.rle",
        f"/vidmem/file/{desk.token}/..%2Fwork-1%2Fmasks.rle",
        f"/vidmem/file/{desk.token}/%2Fetc%2Fpasswd",
        "/vidmem/file/x/y",
    ):
        status, content = raw.status(path)
        assert status in (403, 404) and b"root:" not in content, path
    server.desks.close(raw.token)


def test_a_claim_of_two_gigabytes_is_refused_before_a_byte_is_read(server):
    host, port = server.address.split("//")[1].strip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Content-Length: 2147483648\r\n\r\n"
        )
        answer = b""
        while part := line.recv(2000):
            answer += part
    assert b"413" in answer.split(b"\r\n")[0] and b"larger than" in answer
    assert Raw(server).act("open")["view"]["clip"]["frames"] == 32


def test_a_full_house_says_so_and_a_place_that_is_left_is_freed(tmp_path):
    limits = Limits(sessions=1, leave_seconds=0.1)
    with served(limits=limits, folder=tmp_path, auth=None) as page:
        one, other = Raw(page), Raw(page)
        assert "view" in one.act("open")
        assert "places on this server are taken" in other.act("open")["error"]
        urllib.request.urlopen(urllib.request.Request(f"{one.address}/vidmem/leave/{one.token}", b"", method="POST"))
        page.desks._closed.wait(0.3)
        assert "view" in other.act("open")
        assert "freed" in one.act("seek", frame=1)["error"]
        assert len(list((page.folder / "desks").iterdir())) == 1, "its files went with it"
    assert not list(tmp_path.iterdir()), "nothing is left on the disk"


def test_a_login_is_asked_for_before_anything_else(tmp_path):
    with served(auth=[("ada", "s3cret")], folder=tmp_path) as page:
        address = page.address.rstrip("/")
        request = urllib.request.Request(
            address + "/gradio_api/component_server",
            json.dumps({"data": {"verb": "open"}, "component_id": 1, "fn_name": "act", "session_hash": "a"}).encode(),
            {"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request)
        assert not page.desks.open
