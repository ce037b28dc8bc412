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
    times, noticed = bench.measure(sets=10_000, k=30, few=60, rounds=3)
    rows = bench.table(times)
    bench.report(rows, noticed)
    ratio = {(row["task"], row["program"]): float(row["ratio_to_ours"]) for row in rows}
    assert ratio[bench.POOL, "numpy and scipy, written down"] > 10
    assert ratio[bench.SELECTION, "numpy and scipy, written down"] > 1
    if "version" in noticed:
        assert ratio[bench.POOL, "R metafor"] > 10
        assert ratio[bench.SELECTION, "R metafor"] > 1
        assert ratio[bench.POOL, "R metafor"] > ratio[bench.POOL, "pool, one by one"]
        assert noticed["largest difference"] < 1e-3
        assert noticed["selection difference"] < 1e-3
