"""`python -m benchmarks.engine [PART ...] [--model NAME] [--peers WORD ...] [--out FOLDER]`; parts: PARTS below."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before any library starts its threads: one thread for everybody

from benchmarks.engine import clinic, machine, scaling, startup, table  # noqa: E402 - see above
from benchmarks.engine.problems import PROBLEMS, with_doses  # noqa: E402

HERE = Path(__file__).parent / "results"
PARTS = ("table", "doses", "startup", "scaling", "clinic")
PATIENTS = {"benchmark25": 128, "knee": 48}  # on whom every peer's tolerance is chosen
FEW_PATIENTS = 8  # on whom the error of courses with other numbers of doses is measured
DOSES = (1, 3, 12, 52)
DOSE_PEERS = ("libroadrunner", "solve_ivp")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="The engine against named peers.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all of them, about an hour")
    parser.add_argument("--model", choices=[*PROBLEMS, "all"], default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=[], help="only ours and peers whose names contain such a word")
    parser.add_argument("--largest", type=int, default=1_000_000, help="largest population of the scaling table")
    parser.add_argument("--out", type=Path, default=HERE)
    asked = parser.parse_args()
    models = list(PROBLEMS) if asked.model == "all" else [asked.model]
    absent: dict[str, str] = {}
    for part in asked.parts or PARTS:
        if part == "table":
            against_peers(models, asked.peers, asked.rounds, asked.out, absent)
        elif part == "doses":
            by_doses(models, asked.peers, asked.rounds, asked.out)
        elif part == "startup":
            startup.run(models, asked.out)
        elif part == "clinic":
            clinic.run(asked.out)
        else:
            scaling.run(models, asked.out, asked.largest)
        machine.write(asked.out / f"{part}_machine.json", absent if part == "table" else {})


def against_peers(models: list[str], words: list[str], rounds: int, out: Path, absent: dict[str, str]) -> None:
    """Write table.csv: every peer on the courses with three doses."""
    found = []
    for model in models:
        print(model)
        entries = table.prepare(PROBLEMS[model](), table.peers(words), PATIENTS[model], absent)
        table.time_rounds(entries, rounds)
        found += table.rows(model, entries)
        table.write(out / "table.csv", found)
    show(found)


def by_doses(models: list[str], words: list[str], rounds: int, out: Path) -> None:
    """Write doses.csv: some peers on courses with 1, 3, 12 and 52 doses, at the tolerances of table.csv."""
    chosen = [p for p in table.peers(words or DOSE_PEERS) if "single" not in p.name]
    found = []
    for model in models:
        for count in DOSES:
            problem = with_doses(PROBLEMS[model](), count)
            print(problem.name)
            tolerances = table.read_tolerances(out / "table.csv", model)
            entries = table.at_tolerances(problem, chosen, tolerances, FEW_PATIENTS)
            table.time_rounds(entries, rounds, shrink=max(1, count // 3))
            found += [{"doses": count, **row, "model": model} for row in table.rows(model, entries)]
            table.write(out / "doses.csv", found)
    show(found)


def show(found: list[dict]) -> None:
    for row in found:
        what = "{engine:46s} {model:12s} {0:>2} rtol {rtol:.2e} p99 {p99_error:.1e}".format(row.get("doses", ""), **row)
        print(what, "{cpu_us_per_patient:12.1f} us {ratio_to_ours:9.2f}x".format(**row))


if __name__ == "__main__":
    main()
