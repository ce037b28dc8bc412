"""`python -m benchmarks.engine [--model NAME] [--rounds N] [--peers WORD] [--out FOLDER] [--startup | --scaling]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.engine import scaling, startup, table
from benchmarks.engine.problems import PROBLEMS

HERE = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="The engine against named peers.")
    parser.add_argument("--model", choices=[*PROBLEMS, "all"], default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=[], help="only peers whose names contain one of these words")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--startup", action="store_true", help="cold and cached start instead of the table")
    parser.add_argument("--scaling", action="store_true", help="doses, population sizes, threads and memory instead")
    asked = parser.parse_args()
    models = list(PROBLEMS) if asked.model == "all" else [asked.model]
    if asked.startup:
        startup.run(models, asked.out)
        return
    if asked.scaling:
        scaling.run(models, asked.out)
        return
    found = []
    for model in models:
        print(model)
        entries = table.prepare(model, table.peers(asked.peers))
        table.time_rounds(entries, asked.rounds)
        found += table.rows(model, entries)
    table.write(asked.out / "table.csv", found)
    for row in found:
        print("{engine:36s} {model:12s} rtol {rtol:.0e} p99 {p99_error:.1e}".format(**row), end=" ")
        print("{cpu_us_per_patient:12.1f} us {ratio_to_ours:9.2f}x".format(**row))


if __name__ == "__main__":
    main()
