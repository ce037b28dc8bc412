"""Predict the twins and write their qualification report: ``python -m validation.twins``."""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl
from validation.twins.forecast import forecast
from validation.twins.judge import domain, judged, summarise
from validation.twins.knowledge import KINDS, draw
from validation.twins.naive import load_classes
from validation.twins.report import load_reasons, rounded, verdicts, write_report
from validation.twins.twin import load_twins

from exojoint.core.streams import stream

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "src" / "exojoint" / "workflow"
SEED, DRAWS = 20260101, 300


def run(draws: int = DRAWS, kind: str = KINDS[0], threads: int = 1) -> tuple[pl.DataFrame, str]:
    """Predict and judge every twin; gives the table and the kind of knowledge that was used."""
    twins, classes, luck = load_twins(), load_classes(), stream(SEED, "twins")
    knowledge = draw(kind, twins, draws, luck)
    rows = []
    for twin in twins:
        found = forecast(twin, knowledge.known, knowledge.z, knowledge.weights, luck.child(twin.name), threads)
        rows += [judged(twin, value, found[value.id], classes) for value in twin.values]
    table = pl.DataFrame(rows, infer_schema_length=None)
    return table.with_columns(knowledge=pl.lit(knowledge.kind)), knowledge.kind


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m validation.twins", description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="knowledge draws (default %(default)s)")
    parser.add_argument("--knowledge", choices=KINDS, default=KINDS[0], help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="results do not depend on it")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the report")
    parser.add_argument("--ship", action="store_true", help="also renew the tables that reports of runs show")
    given = parser.parse_args()
    table, kind = run(given.draws, given.knowledge, given.threads)
    write_report(given.out, load_twins(), table, kind)
    if given.ship:
        why = pl.DataFrame(list(load_reasons().items()), schema={"id": pl.String, "why": pl.String}, orient="row")
        rounded(table).join(why, on="id", how="left", maintain_order="left").write_csv(SHIPPED / "twins.csv")
        domain(load_twins()).write_csv(SHIPPED / "twins_domain.csv")
    print("\n".join(verdicts(summarise(table, "all"))))


if __name__ == "__main__":
    main()
