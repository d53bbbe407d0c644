"""Processes of this machine: each takes the next task when it is free, devices go round, threads are shared out."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from vidmem.errors import UsageError
from vidmem.evaluation.engines import Ended, Job

TRIES = 2  # of a task whose worker was lost: the first may have been pulled down by another program


class Local:
    """workers 0: one a GPU, or one for two cores where there is none. Each worker has a process of its own, so a crash
    or a worker killed for its memory ends one try of one task."""

    def __init__(self, workers: int = 0, device: str = "auto", address: str | None = None) -> None:
        if address is not None:
            raise UsageError("--address names a cluster; the local engine has none. Add --engine ray.")
        if workers < 0:
            raise UsageError(f"--workers is {workers}. It is 1 or more; leave it out for one a GPU.")
        self.devices = devices_of(device)
        on_gpu = self.devices[0] != "cpu"
        self.workers = workers or (len(self.devices) if on_gpu else max(1, cores() // 2))

    def run(self, job: Job, tasks: Sequence[str]) -> Generator[Ended, None, None]:
        waiting, lost = deque(tasks), dict.fromkeys(tasks, 0)
        size = min(self.workers, len(waiting))
        threads = threads_each(size)
        team = [_Worker(number, self.devices[number % len(self.devices)], threads) for number in range(size)]
        try:
            for worker in team:
                worker.begin(job, waiting.popleft())
            while busy := [worker for worker in team if worker.task is not None]:
                for ready in wait([worker.pipe for worker in busy]):
                    worker = next(each for each in busy if each.pipe is ready)
                    task = worker.task
                    assert task is not None
                    ended = worker.ended()
                    if ended is None:
                        lost[task] += 1
                        problem = worker.bury()
                        worker.start()
                        if lost[task] < TRIES:
                            waiting.appendleft(task)
                        else:
                            yield Ended(task, f"{problem}, {TRIES} times", place=worker.name)
                    else:
                        yield ended
                    if waiting:
                        worker.begin(job, waiting.popleft())
        finally:
            for worker in team:
                worker.stop()


class _Worker:
    """A process, the pipe to it, and the task it is at."""

    def __init__(self, number: int, device: str, threads: int) -> None:
        self.name = f"{socket.gethostname()}, worker {number + 1}"
        self.device, self.threads = device, threads
        self.start()

    def start(self) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would copy CUDA and the threads of torch half
        self.pipe, far = spawn.Pipe()
        self.task: str | None = None
        self.process = spawn.Process(target=_serve, args=(far, self.device, self.threads, self.name), daemon=True)
        self.process.start()
        far.close()  # so that the pipe ends with the process

    def begin(self, job: Job, task: str) -> None:
        self.task = task
        with suppress(OSError):  # a worker that is gone already is found out by the end of its pipe
            self.pipe.send((job, task))

    def ended(self) -> Ended | None:
        """How its task ended; None when the process is lost."""
        try:
            ended = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.task = None
        return ended

    def bury(self) -> str:
        """Waits for the lost process, and says how it died."""
        self.process.join(5)
        code = self.process.exitcode or 0
        self.stop()
        if code == -signal.SIGKILL:
            return "its process was killed (signal 9), as the system does when memory runs out"
        return f"its process died (signal {-code})" if code < 0 else f"its process ended with exit code {code}"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def threads_each(workers: int) -> int:
    """An equal share of the cores, and no more than OMP_NUM_THREADS says: a thread that waits for a core another
    program has makes all others of its process wait."""
    share, said = max(1, cores() // max(1, workers)), os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(said)) if said.isdecimal() and int(said) else share


def _serve(pipe: Connection, device: str, threads: int, name: str) -> None:
    """The life of a worker process."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # heard by torch when the first job imports it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job, task = pipe.recv()
        except EOFError:
            return
        ended = job(task, device)
        pipe.send(Ended(ended.task, ended.problem, ended.trace, ended.refusal, name))


def _end_with_parent() -> None:
    """A killed parent cannot stop its workers, and a run that goes on must not meet them."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def devices_of(device: str) -> list[str]:
    """The devices a name means, to be handed out in turn. "auto": every GPU, else the CPU."""
    import torch

    if device in ("auto", "cuda") and torch.cuda.is_available():
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if device == "auto":
        return ["mps" if torch.backends.mps.is_available() else "cpu"]
    try:
        kind: Any = torch.device(device)
    except RuntimeError as problem:
        raise UsageError(f"--device {device!r} is not known. It is auto, cpu, cuda, cuda:1 or mps.") from problem
    if kind.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"--device {device}: torch sees no GPU here. Use --device cpu, or see `vidmem doctor`.")
    return [device]


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
