"""A cluster that loses a machine in mid-run: the same report, nothing lost, nothing scored twice."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tiny_sets import Here, davis

from vidmem.evaluation import Plan, evaluate

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install 'vidmem[cluster]'"),
]

SAME = ("metrics", "sequences", "objects", "failures")


@pytest.fixture(autouse=True)
def one_thread():
    """The toy model is too small to be shared between threads: they would wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def two_machines(monkeypatch):
    """A cluster of two nodes on this machine, one task each at a time."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home folder
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    checks = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 5}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": checks}  # a dead machine is noticed in seconds
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=1)
    yield cluster, second
    cluster.shutdown()


def test_a_machine_that_is_lost_in_mid_run_costs_nothing_but_time(two_machines, tmp_path: Path):
    cluster, second = two_machines
    lengths = {f"v{number}": 120 + number for number in range(8)}
    root = davis(tmp_path / "set", lengths)
    plan = Plan("davis16", str(root), tracker="sam2", model="toy")
    lost, ended = [], []

    def pull_the_plug(moment):
        ended.append(moment.record.sequence)
        deadline = time.monotonic() + 20
        while not lost and time.monotonic() < deadline:
            if len(list((tmp_path / "out/.scratch").iterdir())) == 2:  # each of the two machines is at a video
                lost.append(second)
                cluster.remove_node(second, allow_graceful=False)
            time.sleep(0.002)

    report = evaluate(
        plan, tmp_path / "out", engine="ray", address=cluster.address, device="cpu", watcher=pull_the_plug
    )
    assert lost, "the two machines were never both at work, so nothing was tried"
    assert sorted(ended) == sorted(lengths), "each video ends once"
    assert not report["failures"] and report["facts"]["complete"]
    whole = evaluate(plan, tmp_path / "whole", engine=Here())
    assert [report[part] for part in SAME] == [whole[part] for part in SAME]
    assert json.loads((tmp_path / "out/report.json").read_text()) == report
