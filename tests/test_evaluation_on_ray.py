"""A cluster that loses a machine in mid-run: the same report, nothing lost, nothing scored twice."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from tiny_sets import Here, davis

from vidmem.evaluation import Plan, evaluate

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed: pip install 'vidmem[cluster]'"),
]

SAME = ("metrics", "sequences", "objects", "failures")


@pytest.fixture
def two_machines(monkeypatch):
    """A cluster of two nodes on this machine, one task each at a time."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home folder
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


def test_a_machine_that_is_lost_in_mid_run_costs_nothing_but_time(two_machines, tmp_path: Path):
    cluster, second = two_machines
    lengths = {f"v{number}": 150 + number for number in range(8)}
    root = davis(tmp_path / "set", lengths)
    plan = Plan("davis16", str(root), tracker="sam2", model="toy")
    lost, ended = [], []

    def pull_the_plug(moment):
        ended.append((moment.record.sequence, moment.place))
        on_second = [name for name, place in ended if place.endswith(second.node_id[:8])]
        if on_second and not lost:
            lost.append(on_second[0])
            cluster.remove_node(second, allow_graceful=False)

    report = evaluate(plan, tmp_path / "out", engine="ray", device="cpu", watcher=pull_the_plug)
    assert lost and any((tmp_path / "out/.scratch").iterdir()), "no video was under way on the machine that was lost"
    assert sorted(name for name, _ in ended) == sorted(lengths), "each video ends once"
    assert not report["failures"] and report["facts"]["complete"]
    whole = evaluate(plan, tmp_path / "whole", engine=Here())
    assert [report[part] for part in SAME] == [whole[part] for part in SAME]
    assert json.loads((tmp_path / "out/report.json").read_text()) == report
