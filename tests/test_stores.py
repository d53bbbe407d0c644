"""Where an evaluation's files lie: a folder and an address keep the same promises."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from tiny_sets import Here, davis

from vidmem.errors import InputError, UsageError
from vidmem.evaluation import Plan, evaluate
from vidmem.evaluation.store import Store, open_store


@pytest.fixture(params=["folder", "address"])
def store(request, tmp_path: Path) -> Store:
    return open_store(tmp_path / "out" if request.param == "folder" else f"memory://{uuid.uuid4().hex}/out")


def test_what_is_written_is_read_and_listed(store):
    assert not store.has("a/b.json") and store.files() == set()
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"two")
    store.write("c", b"three")
    assert store.read("a/b.json") == b"two" and store.has("c") and not store.has("a")
    assert store.files() == {"a/b.json", "c"} and store.files("a") == {"b.json"} and store.files("x") == set()


def test_a_folder_that_is_published_replaces_the_one_before(store):
    for names in (("1.png", "2.png"), ("2.png", "3.png")):
        with store.scratch() as folder:
            (folder / "video").mkdir()
            for name in names:
                (folder / "video" / name).write_bytes(name.encode())
            store.publish(folder / "video", "results/video")
        assert not folder.exists()
    assert store.files() == {"results/video/2.png", "results/video/3.png"}
    with store.fetch("results/video") as path:
        assert {each.name: each.read_bytes() for each in path.iterdir()} == {"2.png": b"2.png", "3.png": b"3.png"}


def test_a_file_is_published_and_fetched_alike(store):
    with store.scratch() as folder:
        (folder / "video.txt").write_text("1,2,3,4")
        store.publish(folder / "video.txt", "results/video.txt")
    with store.fetch("results/video.txt") as path:
        assert path.read_text() == "1,2,3,4"
    with store.fetch("results/none.txt") as path:
        assert not path.exists()


def test_removing_what_is_not_there_is_no_fault(store):
    store.write("a/b", b"")
    for _ in range(2):
        store.remove("a")
    assert store.files() == set()


def test_what_cannot_be_read_is_named(store):
    with pytest.raises(InputError, match=r"nothing\.json cannot be read"):
        store.read("nothing.json")


def test_a_killed_process_lets_go_of_a_folder(tmp_path):
    code = (
        "import os, sys; from vidmem.evaluation.store import open_store\n"
        "with open_store(sys.argv[1]).held(), open_store(sys.argv[1]).scratch():\n"
        "    os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "out"], check=False).returncode == -9
    assert list((tmp_path / "out/.scratch").iterdir())
    with open_store(tmp_path / "out").held():
        assert not (tmp_path / "out/.scratch").exists(), "what a killed run left is taken away"


def test_a_place_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        open_store(tmp_path / "file")
    with pytest.raises(UsageError, match="cannot be used as an address"):
        open_store("nonsense://bucket/out")


def test_an_evaluation_at_an_address_is_that_of_a_folder(tmp_path):
    plan = Plan("davis16", str(davis(tmp_path / "set")), tracker="sam2", model="toy")
    address = f"memory://{uuid.uuid4().hex}"
    there, here = (evaluate(plan, out, engine=Here()) for out in (address, tmp_path / "out"))
    assert there["metrics"] == here["metrics"] and there["objects"] == here["objects"]
    assert open_store(address).files() == {
        *(each for each in open_store(tmp_path / "out").files()),
    }
    assert evaluate(plan, address, mode="resume", engine=Here())["metrics"] == here["metrics"]
