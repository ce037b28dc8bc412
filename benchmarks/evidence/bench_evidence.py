"""How long pooling takes: ours, R's metafor where it is installed, and what else a Python user would write.

    python benchmarks/evidence/bench_evidence.py [--sets 10000] [--k 30] [--rounds 5] [--out table.csv]

Two tasks: `--sets` REML fits with Knapp-Hartung intervals, k studies each, and one three-parameter selection model with
100 studies. Everybody gets the same data in the same run; times are CPU time per fit. In each round everybody takes a
turn, and ratios are taken within the round: a machine that is busy with other work slows both sides. Programs that
take milliseconds per fit get the first `--few` sets. Answers are compared.
"""

from __future__ import annotations

import argparse
import csv
import math
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm
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


def written_down_selection(y, v):
    """The one-step selection likelihood as one writes it down, for a general minimiser without derivatives."""
    seen = y / np.sqrt(v) > norm.ppf(0.975)

    def negative(parameters):
        mean, log_tau2, log_weight = parameters
        sd = np.sqrt(v + math.exp(log_tau2))
        passed = norm.sf((norm.ppf(0.975) * np.sqrt(v) - mean) / sd)
        weight = math.exp(log_weight)
        scale = np.log(passed + weight * (1 - passed))
        return -(norm.logpdf(y, mean, sd) + np.where(seen, 0.0, log_weight) - scale).sum()

    found = minimize(
        negative, [y.mean(), math.log(0.1), 0.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}
    )
    return float(found.x[0]), math.exp(found.x[1])


def seconds(function, count):
    """CPU seconds per fit of this process."""
    start = time.process_time()
    function()
    return (time.process_time() - start) / count


def statsmodels_fits(y, v):
    """statsmodels knows no REML: Paule-Mandel with the Knapp-Hartung scale is its nearest. None without statsmodels."""
    try:
        from statsmodels.stats.meta_analysis import combine_effects
    except ImportError:
        return None
    return lambda: [combine_effects(a, b, method_re="iterated") for a, b in zip(y, v, strict=True)]


class Metafor:
    """R's metafor on files of the same data; `why` says why it is not there."""

    def __init__(self, folder, y, v, selected):
        self.folder, self.program, self.why = Path(folder), shutil.which("Rscript"), ""
        np.savetxt(self.folder / "y.csv", y, delimiter=",")
        np.savetxt(self.folder / "v.csv", v, delimiter=",")
        table = np.column_stack(selected)
        np.savetxt(self.folder / "selection.csv", table, delimiter=",", header="y,v", comments="")
        if self.program is None:
            self.why = "Rscript is not installed"

    def turn(self):
        """Times, version and answers of one round; None where it cannot run."""
        if self.why:
            return None
        command = [self.program, str(HERE / "metafor_times.R"), str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.why = "; ".join(done.stderr.strip().splitlines()[-1:])
            return None
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


POOL, SELECTION = "REML + Knapp-Hartung", "selection model, one step"
OURS = {POOL: "pool_many", SELECTION: "selection_model"}


def measure(sets=10_000, k=30, few=200, rounds=5):
    """CPU seconds per fit by (task, program), one list entry per round; and what was noticed."""
    y, v = simulate(sets, k)
    selected = simulate_selected()
    pairs = list(zip(y[:few], v[:few], strict=True))
    turns = {
        (POOL, "pool_many"): (lambda: pool_many(y, v), sets),
        (POOL, "pool, one by one"): (lambda: [pool(a, b) for a, b in pairs], len(pairs)),
        (POOL, "numpy and scipy, written down"): (lambda: [straightforward(a, b) for a, b in pairs], len(pairs)),
        (POOL, "statsmodels (Paule-Mandel)"): (statsmodels_fits(y[:few], v[:few]), len(pairs)),
        (SELECTION, "selection_model"): (lambda: [selection_model(*selected) for _ in range(5)], 5),
        (SELECTION, "numpy and scipy, written down"): (lambda: written_down_selection(*selected), 1),
    }
    turns = {name: turn for name, turn in turns.items() if turn[0] is not None}
    for function, _ in turns.values():
        function()  # the first call imports and compiles
    times, noticed = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        theirs = Metafor(folder, y[:few], v[:few], selected)
        for _ in range(rounds):
            for name, (function, count) in turns.items():
                times.setdefault(name, []).append(seconds(function, count))
            lines = theirs.turn()
            if lines is not None:
                noticed["version"] = lines["version"]
                times.setdefault((POOL, "R metafor"), []).append(float(lines["pool"].split()[1]))
                times.setdefault((SELECTION, "R metafor"), []).append(float(lines["selection"].split()[1]))
        if theirs.why:
            noticed["note"] = f"metafor was not measured: {theirs.why}"
        elif lines is not None:
            noticed |= differences(
                y[:few], v[:few], selected, np.loadtxt(Path(folder) / "metafor.csv", delimiter=","), lines
            )
    return times, noticed


def differences(y, v, selected, answers, lines):
    """Largest distance of our answers from metafor's."""
    ours, own = pool_many(y, v), selection_model(*selected)
    mine = np.column_stack([ours.estimate, ours.se, ours.tau2])
    theirs = np.array([float(x) for x in lines["answer"].split()])
    return {
        "largest difference": float(np.abs(mine - answers).max()),
        "selection difference": float(np.abs(np.array([own.estimate, own.tau2]) - theirs).max()),
    }


def table(times):
    """Rows: task, program, microseconds per fit (median round), ratio to ours (median of the rounds' ratios)."""
    rows = []
    for (task, program), found in times.items():
        ratios = [a / b for a, b in zip(found, times[task, OURS[task]], strict=False)]
        rows.append({
            "task": task, "program": program, "cpu_us_per_fit": f"{1e6 * statistics.median(found):.4g}",
            "ratio_to_ours": f"{statistics.median(ratios):.4g}", "rounds": len(found),
        })  # fmt: skip
    return rows


def report(rows, noticed):
    """Print the table."""
    for row in rows:
        print(f"{row['task']:28} {row['program']:32} {row['cpu_us_per_fit']:>10} us {row['ratio_to_ours']:>8} x")
    for name, value in noticed.items():
        print(f"{name}: {value}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=10_000)
    parser.add_argument("--k", type=int, default=30)
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    given = parser.parse_args()
    times, noticed = measure(given.sets, given.k, given.few, given.rounds)
    rows = table(times)
    report(rows, noticed)
    if given.out:
        with given.out.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
