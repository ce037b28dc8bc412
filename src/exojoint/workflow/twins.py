"""What the twins say about a run: the shipped results of published trials, and which of them test its treatments."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import polars as pl

from exojoint.report.credibility import Seen, TwinLine
from exojoint.workflow.plan import Plan

RESULTS, DOMAIN = "twins.csv", "twins_domain.csv"


@functools.cache
def twin_results() -> pl.DataFrame:
    """Return the shipped results of the twins, one row each (made by ``python -m validation.twins --ship``)."""
    return _read(RESULTS)


@functools.cache
def twin_domain() -> pl.DataFrame:
    """Return what the twins span, one row per twin and treatment given."""
    return _read(DOMAIN)


def _read(name: str) -> pl.DataFrame:
    return pl.read_csv(files("exojoint.workflow").joinpath(name).read_bytes(), infer_schema_length=None)


@dataclass(frozen=True, slots=True)
class Near:
    """Twins that give a treatment of the run to its species: names, published numbers, statements without a number."""

    names: tuple[str, ...]
    numbers: int
    statements: int


def active_treatments(plan: Plan) -> tuple[str, ...]:
    """Treatments of the run beside those of its control arm, in the order of the arms."""
    control = {treatment.name for treatment in plan.control.treatments}
    given = [treatment.name for arm in plan.active for treatment in arm.treatments]
    return tuple(dict.fromkeys(name for name in given if name not in control)) or tuple(dict.fromkeys(given))


def near(plan: Plan) -> Near:
    """Twins that test a treatment of the run in its species."""
    rows = twin_domain().filter(
        (pl.col("species") == plan.joint.species) & pl.col("treatment").is_in(active_treatments(plan))
    )
    each = rows.unique("twin", maintain_order=True)
    return Near(tuple(each["twin"]), int(each["numbers"].sum()), int(each["statements"].sum()))


def twin_lines(names: Sequence[str]) -> tuple[TwinLine, ...]:
    """Return every shipped result; `names` are the twins that count as near the run."""
    return tuple(
        TwinLine(
            row["id"],
            row["what"],
            row["unit"],
            row["grade"],
            Seen(row["published"], row["lo"], row["middle"], row["hi"], row["statement"] or "", row["probability"]),
            bool(row["agrees"]),
            row["twin"] in names,
            row["why"] or "",
        )
        for row in twin_results().iter_rows(named=True)
    )


@dataclass(frozen=True, slots=True)
class Score:
    """How a set of published numbers came out: inside their intervals, and mean interval scores."""

    name: str
    n: int
    covered: int
    score: float
    naive: float


def scores() -> list[Score]:
    """All published numbers, then each group of them."""
    numbers = twin_results().filter(pl.col("published").is_not_null())
    found = [_score("all", numbers)]
    return found + [_score(str(name), numbers.filter(pl.col("group") == name)) for name in _groups(numbers)]


def _groups(numbers: pl.DataFrame) -> list[str]:
    return numbers["group"].unique(maintain_order=True).to_list()


def _score(name: str, rows: pl.DataFrame) -> Score:
    score, naive = (float(rows[column].to_numpy().mean()) for column in ("score", "naive_score"))
    return Score(name, rows.height, int(rows["agrees"].sum()), score, naive)


def statements() -> tuple[int, int, float]:
    """Published statements of no difference: not doubtful to the model, all, and their mean probability."""
    words = twin_results().filter(pl.col("published").is_null())
    return int(words["agrees"].sum()), words.height, float(words["probability"].to_numpy().mean())


def twin_knowledge() -> str:
    """Whether the twins were predicted from the prior or the posterior."""
    return str(twin_results()["knowledge"][0])
