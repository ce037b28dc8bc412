"""How often do intervals of a pooled effect hold the truth? Run: python -m validation.evidence_intervals

    python -m validation.evidence_intervals [--replicates 5000] [--out validation/evidence_intervals/coverage.csv]

A run that was interrupted goes on where it stopped: settings that the table holds with as many replicates are kept.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

from validation.evidence_intervals.design import Cell, cells, simulate
from validation.evidence_intervals.methods import judge, summarise
from validation.evidence_intervals.picture import draw

HERE = Path(__file__).resolve().parent
COLUMNS = (
    "groups", "k", "tau", "effect", "variance", "estimator", "interval", "coverage", "mc_error", "median_width", "bias",
    "bias_mc_error", "replicates",
)  # fmt: skip


def rows_of(cell: Cell, replicates: int) -> list[dict[str, object]]:
    """All rows of one setting."""
    y, variances = simulate(cell, replicates)
    where = {"groups": cell.groups, "k": cell.k, "tau": f"{cell.tau:g}", "effect": f"{cell.effect:g}"}
    return [
        where | summarise(found, replicates) | {"replicates": replicates} for found in judge(y, variances, cell.effect)
    ]  # fmt: skip


def done(path: Path, replicates: int) -> set[tuple[str, ...]]:
    """Settings that the table already holds."""
    if not path.is_file():
        return set()
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        (row["groups"], row["k"], row["tau"], row["effect"])
        for row in rows
        if row["interval"] == "Bayesian" and row["replicates"] == str(replicates)
    }


def key(cell: Cell) -> tuple[str, ...]:
    """How the table names a setting."""
    return cell.groups, str(cell.k), f"{cell.tau:g}", f"{cell.effect:g}"


def run(path: Path, replicates: int) -> None:
    """Simulate what is missing; a table of other replicates is written anew."""
    kept = done(path, replicates)
    if not kept:
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    todo = [cell for cell in cells() if key(cell) not in kept]
    start = time.monotonic()
    for number, cell in enumerate(todo, start=1):
        rows = rows_of(cell, replicates)
        with path.open("a", encoding="utf-8", newline="") as stream:  # a setting is written whole or not at all
            csv.DictWriter(stream, COLUMNS, lineterminator="\n").writerows(rows)
        _progress(number, len(todo), cell.name, time.monotonic() - start)


def _progress(number: int, total: int, name: str, seconds: float) -> None:
    full = 30 * number // total
    left = seconds / number * (total - number)
    end = "\n" if number == total else ""
    print(f"\r[{'#' * full:30}] {number}/{total}, {left:4.0f} s left, {name:45}", end=end, file=sys.stderr, flush=True)


def main() -> None:
    """Simulate and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=HERE / "coverage.csv")
    given = parser.parse_args()
    run(given.out, given.replicates)
    draw(given.out, given.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
