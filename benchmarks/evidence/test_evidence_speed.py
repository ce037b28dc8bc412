"""`make benchmark`: the pooling benchmark in small, with the ratios that must hold on any machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "bench_evidence.py"


def load():
    spec = importlib.util.spec_from_file_location("bench_evidence", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pooling_is_faster_than_its_peers():
    bench = load()
    found = bench.measure(sets=4000, k=30, r_sets=60)
    bench.report(found, 4000, 30)
    assert found["batch"] < found["straightforward"] / 10
    if "metafor" in found:
        assert found["batch"] < found["metafor"]
        assert found["single"] < found["metafor"]
        assert found["selection"] < found["metafor selection"]
        assert found["largest difference"] < 1e-3
        assert found["selection difference"] < 1e-3
