"""Checkpoints are fetched from a server on this machine: resumed, verified, recorded."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vidmem.errors import ModelError
from vidmem.models import download, manifest

CONTENT = bytes(range(256)) * 4000
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    breaks_after: int | None = None
    asked: list[str | None] = []  # noqa: RUF012 (shared by all requests on purpose)

    def do_GET(self):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        Server.asked.append(self.headers.get("Range"))
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if Server.breaks_after is None else body[: Server.breaks_after])

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDMEM_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.delenv("VIDMEM_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    Server.breaks_after, Server.asked = None, []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_port}/made.pt"

    def serve(sha256: str = SUM):
        made = manifest.Checkpoint("made", "CC0", "made up", url=url, sha256=sha256, bytes=len(CONTENT))
        monkeypatch.setattr(manifest, "every", lambda: [made])
        return made

    yield serve
    http.shutdown()


def test_a_download_is_announced_fetched_and_verified(server):
    said = []
    server()
    path = download.fetch("made", announce=said.append)
    assert path.read_bytes() == CONTENT and "licence CC0" in said[0] and "1 MB" in said[0]
    assert download.fetch("made", announce=said.append) == path and len(said) == 1


def test_a_download_that_broke_off_is_resumed(server):
    server()
    Server.breaks_after = 300_000
    with pytest.raises(ModelError, match="300000 bytes are kept and will be resumed"):
        download.fetch("made", announce=lambda said: None)
    Server.breaks_after = None
    assert download.fetch("made", announce=lambda said: None).read_bytes() == CONTENT
    assert Server.asked == [None, "bytes=300000-"]


def test_a_changed_file_is_refused(server):
    server(sha256="0" * 64)
    with pytest.raises(ModelError, match="is not the checkpoint made"):
        download.fetch("made", announce=lambda said: None)


def test_a_sum_that_is_not_published_is_recorded_and_kept_to(server):
    made = server(sha256="")
    path = download.fetch("made", announce=lambda said: None)
    assert download.verify(made) == SUM
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ModelError, match="is not the checkpoint made"):
        download.verify(made)


def test_no_server_is_said_with_what_to_do(server, monkeypatch):
    server()
    gone = manifest.Checkpoint("made", "CC0", "made up", url="http://127.0.0.1:9/made.pt", sha256=SUM)
    monkeypatch.setattr(manifest, "every", lambda: [gone])
    with pytest.raises(ModelError, match=r"could not be downloaded.*use the model nano"):
        download.fetch("made", announce=lambda said: None)
