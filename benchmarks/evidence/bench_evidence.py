"""How long pooling takes: ours, R's metafor where it is installed, and what else a Python user would write.

    python benchmarks/evidence/bench_evidence.py [--sets 10000] [--k 30] [--r-sets 200]

Two tasks: `--sets` REML fits with Knapp-Hartung intervals, k studies each, and one three-parameter selection model with
100 studies. Everybody gets the same data in the same run; times are CPU seconds per fit. metafor runs on
the first `--r-sets` sets (it takes milliseconds each) and its answers are compared with ours.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from exojoint.evidence.bias import selection_model
from exojoint.evidence.pooling import pool, pool_many

HERE = Path(__file__).resolve().parent
SELECTION_K = 100


def simulate(sets, k, seed=20260101):
    """Effects and variances, each (sets, k): tau 0.3, variances as of animal groups of 6 to 15."""
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.15, 0.45, (sets, k))
    return rng.normal(0.5, 0.3, (sets, k)) + rng.normal(size=(sets, k)) * np.sqrt(v), v


def simulate_selected(k=SELECTION_K, seed=7):
    """k published studies: all significant ones, and a third of the others."""
    rng = np.random.default_rng(seed)
    y, v = [], []
    while len(y) < k:
        variance = rng.uniform(0.05, 0.45)
        effect = rng.normal(0.3, 0.25) + rng.normal() * math.sqrt(variance)
        if effect / math.sqrt(variance) > 1.959964 or rng.random() < 1 / 3:
            y.append(effect)
            v.append(variance)
    return np.array(y), np.array(v)


def straightforward(y, v):
    """REML and Knapp-Hartung as one writes them down: a bounded minimisation of the restricted likelihood."""

    def negative(tau2):
        w = 1 / (v + tau2)
        mean = (w * y).sum() / w.sum()
        return 0.5 * (np.log(v + tau2).sum() + math.log(w.sum()) + (w * (y - mean) ** 2).sum())

    tau2 = minimize_scalar(negative, bounds=(0, 10 * y.var() + 10 * v.mean()), method="bounded").x
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    se = math.sqrt((w * (y - mean) ** 2).sum() / (y.size - 1) / w.sum())
    half = student.ppf(0.975, y.size - 1) * se
    return mean, se, tau2, mean - half, mean + half


def per_fit(function, count, rounds=3):
    """CPU seconds per fit, best of some rounds: the least disturbed one."""
    best = math.inf
    for _ in range(rounds):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best / count


def statsmodels_seconds(y, v):
    """statsmodels knows no REML: Paule-Mandel with the Knapp-Hartung scale is its nearest."""
    try:
        from statsmodels.stats.meta_analysis import combine_effects
    except ImportError:
        return None
    return per_fit(lambda: [combine_effects(a, b, method_re="iterated") for a, b in zip(y, v, strict=True)], len(y), 1)


def metafor(y, v, selected):
    """Times and answers of metafor, or the reason why there are none."""
    program = shutil.which("Rscript")
    if program is None:
        return None, "Rscript is not installed: metafor could not be measured here"
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "y.csv", y, delimiter=",")
        np.savetxt(Path(folder) / "v.csv", v, delimiter=",")
        table = np.column_stack(selected)
        np.savetxt(Path(folder) / "selection.csv", table, delimiter=",", header="y,v", comments="")
        done = subprocess.run(
            [program, str(HERE / "metafor_times.R"), folder], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return None, f"metafor could not be measured here: {done.stderr.strip().splitlines()[-1:]}"
        lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        return lines, np.loadtxt(Path(folder) / "metafor.csv", delimiter=",")


def measure(sets=10_000, k=30, r_sets=200):
    """All times and ratios, as text lines and a dictionary."""
    y, v = simulate(sets, k)
    selected = simulate_selected()
    few = slice(0, min(r_sets, sets))
    ours = pool_many(y, v)
    pairs = list(zip(y[few], v[few], strict=True))
    found = {
        "batch": per_fit(lambda: pool_many(y, v), sets),
        "single": per_fit(lambda: [pool(a, b) for a, b in pairs], len(pairs)),
        "straightforward": per_fit(lambda: [straightforward(a, b) for a, b in pairs], len(pairs)),
        "selection": per_fit(lambda: [selection_model(*selected) for _ in range(5)], 5),
        "statsmodels": statsmodels_seconds(y[few], v[few]),
    }  # fmt: skip
    lines, answers = metafor(y[few], v[few], selected)
    found["note"] = ""
    if lines is None:
        found["note"] = str(answers)
        return found
    found["metafor version"] = lines["version"]
    found["metafor"] = float(lines["pool"].split()[1])
    found["metafor selection"] = float(lines["selection"].split()[1])
    mine = np.column_stack([ours.estimate[few], ours.se[few], ours.tau2[few]])
    found["largest difference"] = float(np.abs(mine - answers).max())
    own = selection_model(*selected)
    theirs = np.array([float(x) for x in lines["answer"].split()])
    found["selection difference"] = float(np.abs(np.array([own.estimate, own.tau2]) - theirs).max())
    return found


def report(found, sets, k):
    """Print the table."""
    base = found["batch"]
    print(f"\nREML + Knapp-Hartung, k = {k}, {sets} sets (CPU time per fit)")
    rows = [
        ("pool_many", base),
        ("pool, one by one", found["single"]),
        ("numpy and scipy, written down", found["straightforward"]),
    ]
    if found["statsmodels"]:
        rows.append(("statsmodels, Paule-Mandel (it has no REML)", found["statsmodels"]))
    if "metafor" in found:
        rows.append((f"R metafor {found['metafor version']}", found["metafor"]))
    for name, seconds in rows:
        print(f"  {name:45s} {1e6 * seconds:10.1f} us   {seconds / base:9.1f} x pool_many")
    print(f"Selection model, one step, k = {SELECTION_K}")
    print(f"  {'selection_model':45s} {1e3 * found['selection']:10.2f} ms")
    if "metafor" in found:
        ratio = found["metafor selection"] / found["selection"]
        print(f"  {'R metafor':45s} {1e3 * found['metafor selection']:10.2f} ms   {ratio:9.1f} x ours")
        differences = f"{found['largest difference']:.1e} (pool), {found['selection difference']:.1e} (selection)"
        print(f"largest difference of any answer: {differences}")
    if found["note"]:
        print(found["note"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--k", type=int, default=30)
    parser.add_argument("--r-sets", type=int, default=200)
    given = parser.parse_args()
    report(measure(given.sets, given.k, given.r_sets), given.sets, given.k)


if __name__ == "__main__":
    main()
