"""A Ray cluster: every task is a Ray task, tried again elsewhere when its worker or its machine is lost.

The data set and the output must be seen by every machine under the same name: a shared folder, or an address such as
s3://… for the output. vidmem must be installed on every machine.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from vidmem.errors import InputError, UsageError
from vidmem.evaluation.engines import Ended, Job

TRIES = 4  # of a task whose worker or machine was lost


class Ray:
    """address: of the cluster's head, "auto" for the one this machine belongs to, None for one made here for the run.

    workers: tasks at a time; 0 is as many as the cluster has GPUs, or CPUs where it has none.
    """

    def __init__(self, workers: int = 0, device: str = "auto", address: str | None = None) -> None:
        try:
            import ray
        except ImportError as missing:
            raise UsageError("--engine ray needs Ray: pip install 'vidmem[cluster]'") from missing
        if workers < 0:
            raise UsageError(f"--workers is {workers}. It is 1 or more; leave it out for all the cluster has.")
        if ":" in device:
            raise UsageError(
                f"--device {device} names one GPU, but Ray hands them out. Use --device cuda, cpu or auto."
            )
        self.ray: Any = ray
        self.workers, self.device, self.address = workers, device, address

    def run(self, job: Job, tasks: Sequence[str]) -> Generator[Ended, None, None]:
        ray = self.ray
        with self._connected():
            device, needs = self._needs()
            do = ray.remote(_do).options(max_retries=TRIES - 1, scheduling_strategy="SPREAD", **needs)
            waiting, flying = deque(tasks), {}
            window = self.workers or len(waiting)  # all at once, so that a cluster that can grow sees what is wanted
            shared = ray.put(job)
            try:
                while waiting or flying:
                    while waiting and len(flying) < window:
                        task = waiting.popleft()
                        flying[do.remote(shared, task, device)] = task
                    for ready in ray.wait(list(flying), num_returns=1)[0]:
                        yield self._ended(ready, flying.pop(ready))
            finally:
                for left in flying:
                    ray.cancel(left, force=True)

    def _ended(self, ready: Any, task: str) -> Ended:
        try:
            return self.ray.get(ready)
        except self.ray.exceptions.RayError as lost:
            reason = next((line for line in str(lost).splitlines() if line.strip()), "")
            problem = f"its worker was lost {TRIES} times, the last time: {type(lost).__name__}: {reason}"
            return Ended(task, problem, place="the cluster")

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Joins the cluster for the run; a connection made before by the caller is used and left as it is."""
        if self.ray.is_initialized():
            yield
            return
        try:
            self.ray.init(self.address, log_to_driver=False, logging_level=logging.WARNING, include_dashboard=False)
        except (ConnectionError, ValueError, RuntimeError) as problem:
            reason = str(problem).strip().splitlines()[0]
            raise InputError(
                f"No Ray cluster can be joined at {self.address or 'this machine'}: {reason} Start one with "
                "`ray start --head` and give what it prints as --address, or leave --address out."
            ) from problem
        try:
            yield
        finally:
            self.ray.shutdown()

    def _needs(self) -> tuple[str, dict[str, float]]:
        """The device a task uses, and what it reserves of a machine."""
        total = self.ray.cluster_resources()
        gpus, cpus = total.get("GPU", 0), total.get("CPU", 0)
        if self.device == "cuda" and not gpus:
            raise UsageError("--device cuda: the cluster has no GPU. Use --device cpu, or add machines that have one.")
        if self.device in ("auto", "cuda") and gpus:
            return "cuda", {"num_gpus": 1, "num_cpus": 1}
        largest = max((each["Resources"].get("CPU", 0) for each in self.ray.nodes() if each["Alive"]), default=1)
        share = cpus // self.workers if self.workers else 1
        return "cpu", {"num_cpus": max(1, min(share, largest))}


def _do(job: Job, task: str, device: str) -> Ended:
    """What a machine of the cluster does with a task. Ray has set the number of threads to what is reserved."""
    import ray

    ended = job(task, device)
    return replace(ended, place=f"node {ray.get_runtime_context().get_node_id()[:8]}")
