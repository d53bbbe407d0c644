"""The promises of an engine, tried on every one in the table: each task ends once, whatever happens to its worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from vidmem.errors import UsageError
from vidmem.evaluation.engines import Ended, Engine, engines, local
from vidmem.evaluation.engines.local import Local, devices_of

RAY = (
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install 'vidmem[cluster]'"),
)


@dataclass(frozen=True)
class Job:
    """A task's name says what happens to its worker; every try leaves a line in the diary."""

    diary: Path

    def __call__(self, task: str, device: str) -> Ended:
        with self.diary.open("a") as file:
            file.write(f"{task} {device} {os.getpid()}\n")
        tries = self.tries(task)
        if task.startswith("slow"):
            time.sleep(0.5)
        if task.startswith("dies") or (task.startswith("once") and tries == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return Ended(task, problem="it is bad" if task.startswith("bad") else "")

    def tries(self, task: str) -> int:
        return sum(line.split()[0] == task for line in self.diary.read_text().splitlines())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "diary").touch()
    return Job(tmp_path / "diary")


@pytest.fixture(params=[pytest.param(name, marks=RAY if name == "ray" else ()) for name in engines])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    yield engines[request.param](workers=2, device="cpu")


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """One small Ray on this machine for all tests of this file."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home folder
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
        yield
        ray.shutdown()


def test_every_task_ends_once_and_a_lost_worker_costs_another_try(engine, job):
    tasks = ["a", "once", "bad", "dies", "b", "c"]
    ended = {}
    for each in engine.run(job, tasks):
        assert each.task not in ended
        ended[each.task] = each
    assert set(ended) == set(tasks)
    assert {name for name, each in ended.items() if each.problem} == {"bad", "dies"}
    assert ended["bad"].problem == "it is bad" and ended["dies"].problem
    assert job.tries("once") == 2 and job.tries("a") == 1 and job.tries("dies") > 1
    assert all(each.place for each in ended.values())


def test_an_engine_works_in_other_processes_and_on_the_device_that_was_asked(engine, job):
    list(engine.run(job, ["slow1", "slow2"]))
    rows = [line.split() for line in job.diary.read_text().splitlines()]
    assert {device for _, device, _ in rows} == {"cpu"}
    assert len({pid for *_, pid in rows}) == 2 and str(os.getpid()) not in {pid for *_, pid in rows}


def test_no_task_is_begun_after_the_caller_leaves_off(engine, job):
    with closing(engine.run(job, [f"slow{number}" for number in range(20)])) as running:
        next(running)
    time.sleep(1)
    begun = len(job.diary.read_text().splitlines())
    assert begun < 10
    time.sleep(1)
    assert len(job.diary.read_text().splitlines()) == begun


def test_nothing_to_do_is_soon_done(engine, job):
    assert list(engine.run(job, [])) == []


@pytest.mark.parametrize(
    ("said", "workers", "threads"), [("", 2, 4), ("1", 2, 1), ("6", 2, 4), ("0", 4, 2), ("2,1", 16, 1)]
)
def test_a_worker_has_its_share_of_the_cores_and_no_more_than_the_environment_says(monkeypatch, said, workers, threads):
    monkeypatch.setattr(local, "cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert local.threads_each(workers) == threads


def test_devices_are_handed_out_in_turn_and_threads_shared(monkeypatch):
    monkeypatch.setattr("vidmem.evaluation.engines.local.devices_of", lambda device: ["cuda:0", "cuda:1"])
    assert Local().workers == 2  # one a GPU
    assert Local(workers=5).workers == 5


@pytest.mark.parametrize(
    "options, complaint",
    [({"device": "gpu9"}, "gpu9"), ({"workers": -1}, "--workers is -1"), ({"address": "here:1"}, "--engine ray")],
)
def test_options_that_make_no_sense_are_told_at_once(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        Local(**options)


def test_the_cpu_is_one_device():
    assert devices_of("cpu") == ["cpu"]
