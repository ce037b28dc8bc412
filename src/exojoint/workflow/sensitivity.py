"""The sensitivity study of a scenario: which unknowns each of its headlines depends on, with errors, resumable.

Three steps within a budget of headline runs: every unknown is moved alone to both sides (tornado), screened by Morris'
elementary effects, and those that matter get Sobol indices, together with every room and every evidence grade.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write, bounded_read
from exojoint.decision.indices import Indices, base_points, indices, mixed_points
from exojoint.decision.main_effects import star
from exojoint.decision.marginals import Marginals
from exojoint.decision.morris import Screening, matter, screen, trajectories
from exojoint.engine import compile_system
from exojoint.report.sensitivity import build_sensitivity
from exojoint.runs.digest import code_version, run_digest, table_hashes
from exojoint.runs.manifest import Engine, InputFile, Manifest, Program, Question, cpu_family, package_versions
from exojoint.runs.parquet import read_table
from exojoint.runs.store import Work, check_output, open_run
from exojoint.workflow.answer import criterion_lines, extra_units, settings
from exojoint.workflow.draw import root
from exojoint.workflow.drivers import effects_table, marginals
from exojoint.workflow.headline import Headlines, Wanted, headlines
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.plan import Plan
from exojoint.workflow.progress import Tell, progress
from exojoint.workflow.record import file_names, named_files

Floats = NDArray[np.float64]

BUDGET = 12_000  # headline runs
ROWS_PER_CHUNK = 128
SCREENED = 0.4  # share of the budget for elementary effects
PATHS = (4, 40)  # fewest and most paths of the screening
KEPT = 0.95  # share of a headline's summed squared effects that the unknowns with indices of their own hold
SINGLES = 16  # unknowns that must fit before more base points are taken
SMALLEST_BASE = 16
REST = "all others"


@dataclass(frozen=True)
class Surveyed:
    """A finished study: where it is, what leads each headline, how many runs there were and how many failed."""

    folder: Path
    leaders: Mapping[str, Sequence[tuple[str, float, float]]]
    runs: int
    failed: int
    fresh: bool

    def data(self) -> dict[str, Any]:
        """For a machine."""
        leaders = {name: [list(row) for row in rows] for name, rows in self.leaders.items()}
        return {
            "folder": str(self.folder), "fresh": self.fresh, "runs": self.runs, "failed": self.failed,
            "leaders": leaders,
        }  # fmt: skip

    def text(self) -> str:
        """For a person."""
        lines = []
        for name, rows in self.leaders.items():
            said = ", ".join(
                f"{parameter} {100 * share:.0f} % (+- {100 * error:.0f})" for parameter, share, error in rows
            )
            lines.append(f"  {name}: {said}")
        known = "" if self.fresh else " (complete already; nothing was computed)"
        head = "Share of each headline's variance that would vanish if the unknown were known:"
        tail = [f"{self.runs:,} headline runs, {self.failed:,} failed", f"Folder: {self.folder}{known}"]
        return "\n".join([head, *lines, *tail, f"Page: {self.folder / 'sensitivity.html'}"])


def sensitivity(
    scenario: Path,
    *,
    out: Path | None = None,
    budget: int = BUDGET,
    seed: int | None = None,
    threads: int | None = None,
) -> Surveyed:
    """Study what a scenario's headlines depend on.

    Parameters
    ----------
    scenario : file
    out : folder that gets the study's folder; `sensitivity` under the current directory unless given
    budget : headline runs; one run is a small pool of patients under every arm and lot
    seed : replaces the scenario's
    threads : all cores unless given; results do not depend on it

    Raises
    ------
    InputError
        With every problem of the scenario, or when the budget is too small, before anything is written.
    """
    folder = Path("sensitivity") if out is None else Path(out)
    check_output(folder)
    plan = make_plan(Path(scenario), seed=seed)
    study = Study.of(plan, budget)
    digest = _digest(plan, budget)
    with open_run(folder, digest, layout=f"{budget} runs by {ROWS_PER_CHUNK}") as work:
        if work.finished:
            return _surveyed(work.folder, False)
        place = _compute(study, work, digest, threads or os.cpu_count() or 1)
    return _surveyed(place, True)


@dataclass(frozen=True)
class Study:
    """The plan of a study: how its budget is spent.

    Attributes
    ----------
    plan : of the scenario
    wanted : headlines
    belief : independent axes of the unknowns
    budget, paths : headline runs in all; paths of the screening
    """

    plan: Plan
    wanted: tuple[Wanted, ...]
    belief: Marginals
    budget: int
    paths: int

    @classmethod
    def of(cls, plan: Plan, budget: int) -> Study:
        """Share out the budget.

        Raises
        ------
        InputError
            When it does not suffice for the smallest study.
        """
        n_axes = plan.space.n_axes
        paths = int(np.clip(SCREENED * budget // (n_axes + 1), *PATHS))
        study = cls(plan, headlines(plan), marginals(plan), budget, paths)
        groups = len(study.groups([]))
        least = 2 * n_axes + 1 + PATHS[0] * (n_axes + 1) + SMALLEST_BASE * (3 + groups)
        if budget < least:
            what = f"{budget} runs do not suffice for {n_axes} unknowns and {groups} groups"
            raise InputError(Problem("--budget", what, f"at least {least}", f"Say --budget {least} or more."))
        return study

    @property
    def left(self) -> int:
        """Runs that remain for the indices."""
        n_axes = self.plan.space.n_axes
        return self.budget - (2 * n_axes + 1) - self.paths * (n_axes + 1)

    def groups(self, singles: Sequence[int]) -> dict[tuple[str, str], list[int]]:
        """Sets of axes by (kind, name): single unknowns, what they leave over, rooms, grades."""
        names, table, owners = self.plan.space.names, self.plan.table, self.plan.owners()
        found: dict[tuple[str, str], list[int]] = {("parameter", names[axis]): [axis] for axis in singles}
        rest = [axis for axis in range(len(names)) if axis not in set(singles)]
        if rest:
            found["rest", REST] = rest
        for axis, name in enumerate(names):
            found.setdefault(("room", owners[name]), []).append(axis)
        for axis, name in enumerate(names):
            found.setdefault(("grade", table[name].grade), []).append(axis)
        return found

    def base(self) -> int:
        """Base points of the indices: the largest power of two with which the wanted number of single unknowns fits."""
        groups = len(self.groups([]))
        n = SMALLEST_BASE
        while 2 * n * (2 + SINGLES + groups) <= self.left:
            n *= 2
        return n

    def most_singles(self) -> int:
        """Single unknowns that fit beside the groups."""
        return max(1, self.left // self.base() - 2 - len(self.groups([])))


def _digest(plan: Plan, budget: int) -> str:
    content = {**plan.scenario.canonical(), "study": "sensitivity", "budget": budget}
    tables = {**table_hashes(), **{f"scenario/{name}": total for name, total in named_files(plan).items()}}
    return run_digest(content, tables, code_version(), plan.scenario.text.seed)


def _compute(study: Study, work: Work, digest: str, threads: int) -> Path:
    started = time.monotonic()
    kernel = compile_system(study.plan.knee.system)
    headline = Headlines(study.plan, kernel, study.wanted, threads, lambda _: None)
    with progress() as tell:
        tables, spent = _study(study, partial(_run, work, headline, tell))
        seconds = time.monotonic() - started
        folder = _write(study, work, digest, tables, spent)
        tell("page", 0, 1)
        build_sensitivity(folder)
    clock = {"runs": seconds, "page": time.monotonic() - started}
    work.write_timings({"seconds_since_start": clock, "host": platform.node(), "threads": threads})
    return work.finish()


Run = Callable[[str, int, Floats], Floats]


def _study(study: Study, run: Run) -> tuple[dict[str, pl.DataFrame], tuple[int, int]]:
    """All tables of the study, and the base points and single unknowns of its indices.

    Parameters
    ----------
    run : called with (what is done, number of its first chunk, knowledge rows); gives the headlines
    """
    plan, belief, luck = study.plan, study.belief, root(study.plan).child("sensitivity")
    n_axes = plan.space.n_axes
    alone = run("each unknown alone", 0, belief.scores(star(n_axes)))
    paths = trajectories(n_axes, study.paths, luck.child("paths").generator())
    first = _chunks(len(alone))
    seen = screen(paths, run("screening", first, belief.scores(paths)), luck.child("screening").generator())
    singles = matter(seen, KEPT, study.most_singles())
    sets = study.groups(singles)
    a, b = base_points(n_axes, study.base(), luck.child("base").generator())
    rows = belief.scores(mixed_points(a, b, list(sets.values())))
    values = run("variance shares", first + _chunks(len(paths)), rows)
    found = indices(values, len(sets), luck.child("indices").generator())
    tables = {
        "main_effects": effects_table(plan, study.wanted, alone, a, values[: len(a)]),
        "screening": _screening_table(study, seen, singles),
        "indices": _indices_table(study, found, sets),
        "headlines": _headlines_table(study, values[: 2 * len(a)], [alone, values], seen),
    }
    return tables, (len(a), len(singles))


def _chunks(rows: int) -> int:
    return -(-rows // ROWS_PER_CHUNK)


def _run(work: Work, headline: Headlines, tell: Tell, what: str, first: int, z: Floats) -> Floats:
    """Values (k, n_headlines) of knowledge rows z (k, n_axes), chunk by chunk; chunks that are there are not run."""
    names = [f"h{index}" for index in range(len(headline.wanted))]
    parts = []
    for index in range(_chunks(len(z))):
        tell(what, index * ROWS_PER_CHUNK, len(z))
        if not work.has_chunk(first + index):
            values = headline(z[index * ROWS_PER_CHUNK : (index + 1) * ROWS_PER_CHUNK])
            work.put_chunk(first + index, {"values": pl.DataFrame(values, schema=names)})
        parts.append(work.chunks.read_table(first + index, "values").to_numpy())
    tell(what, len(z), len(z))
    return np.concatenate(parts)


def _about(item: Wanted) -> dict[str, Any]:
    return {
        "headline": item.name, "title": item.title, "endpoint": item.endpoint, "day": item.day, "unit": item.unit,
        "variant": item.variant.name,
    }  # fmt: skip


def _screening_table(study: Study, seen: Screening, singles: Sequence[int]) -> pl.DataFrame:
    plan, owners = study.plan, study.plan.owners()
    names = plan.space.names
    frames = []
    for column, item in enumerate(study.wanted):
        own = {
            "parameter": list(names), "owner": [owners[name] for name in names],
            "grade": [plan.table[name].grade for name in names],
            "mu": seen.mu[:, column], "mu_star": seen.mu_star.value[:, column],
            "mc_error": seen.mu_star.error[:, column], "lo": seen.mu_star.low[:, column],
            "hi": seen.mu_star.high[:, column], "sigma": seen.sigma[:, column], "n": seen.n_used[:, column],
            "chosen": [axis in set(singles) for axis in range(len(names))],
        }  # fmt: skip
        frames.append(pl.DataFrame({**_about(item), **own}))
    return pl.concat(frames)


def _indices_table(study: Study, found: Indices, sets: Mapping[tuple[str, str], Sequence[int]]) -> pl.DataFrame:
    plan, owners = study.plan, study.plan.owners()
    frames = []
    for column, item in enumerate(study.wanted):
        own: dict[str, Any] = {
            "kind": [kind for kind, _ in sets], "name": [name for _, name in sets],
            "owner": [owners[name] if kind == "parameter" else "" for kind, name in sets],
            "grade": [plan.table[name].grade if kind == "parameter" else "" for kind, name in sets],
            "n_axes": [len(axes) for axes in sets.values()],
        }  # fmt: skip
        for order, measured in (("first", found.first), ("total", found.total)):
            own |= {
                order: measured.value[:, column], f"{order}_error": measured.error[:, column],
                f"{order}_lo": measured.low[:, column], f"{order}_hi": measured.high[:, column],
            }  # fmt: skip
        frames.append(pl.DataFrame({**_about(item), **own, "n": found.n_used[:, column]}))
    return pl.concat(frames)


def _headlines_table(study: Study, sample: Floats, others: Sequence[Floats], seen: Screening) -> pl.DataFrame:
    rows = []
    for column, item in enumerate(study.wanted):
        known = sample[np.isfinite(sample[:, column]), column]
        lo, hi = np.quantile(known, [0.1, 0.9]) if len(known) else (np.nan, np.nan)
        mean, sd = (float(known.mean()), float(known.std())) if len(known) else (np.nan, np.nan)
        failed = sum(int((~np.isfinite(values[:, column])).sum()) for values in others)
        runs = sum(len(values) for values in others) + seen.evaluations
        rows.append({
            **_about(item), "mean": mean, "sd": sd, "lo": float(lo), "hi": float(hi),
            "mc_error": sd / np.sqrt(max(1, len(known))), "runs": runs, "failed": failed + seen.failed,
        })  # fmt: skip
    return pl.DataFrame(rows)


UNITS: Mapping[str, str] = {"mu": "row", "mu_star": "row", "sigma": "row", "sd": "row"}


def _write(study: Study, work: Work, digest: str, tables: Mapping[str, pl.DataFrame], spent: tuple[int, int]) -> Path:
    """Tables as Parquet and as CSV, and the manifest that seals the former."""
    plan = study.plan
    for name, frame in tables.items():
        work.write_table(
            name, frame, {**extra_units(frame), **{key: UNITS[key] for key in frame.columns if key in UNITS}}
        )
        atomic_write(work.folder / f"{name}.csv", frame.write_csv())
    text = plan.scenario.text
    files = tuple(InputFile.of(Path(name), bounded_read(plan.scenario.folder / name)) for name in file_names(plan))
    source = bounded_read(plan.scenario.path).decode("utf-8", "replace")
    runs, failed = (_most(tables["headlines"], name) for name in ("runs", "failed"))
    facts = settings(plan) | {
        "arm": plan.active[0].name, "control": plan.control.name, "unknowns": plan.space.n_axes, "budget": study.budget,
        "patients": text.simulation.patients_per_driver, "paths": study.paths, "base_points": spent[0],
        "singles": spent[1], "kept": KEPT, "prior": study.belief.is_prior,
    }  # fmt: skip
    manifest = Manifest(
        digest=digest,
        question=Question(text.name, text.question, source, text.seed, files),
        program=Program(code_version(), table_hashes(), package_versions(), cpu_family()),
        engine=Engine("standard", {}, {"ok": runs - failed, "failed": failed}),
        criteria=criterion_lines(plan),
        settings=facts,
    )
    return work.seal(manifest)


LEADERS = 3


def _surveyed(folder: Path, fresh: bool) -> Surveyed:
    found = read_table(folder, "indices").filter(pl.col("kind") == "parameter").drop_nans("total")
    leaders = {}
    for (name,), rows in found.group_by(["headline"], maintain_order=True):
        best = rows.sort("total", descending=True).head(LEADERS)
        leaders[str(name)] = list(best.select("name", "total", "total_error").iter_rows())
    heads = read_table(folder, "headlines")
    return Surveyed(folder, leaders, _most(heads, "runs"), _most(heads, "failed"), fresh)


def _most(frame: pl.DataFrame, column: str) -> int:
    return max((int(value) for value in frame[column].to_list()), default=0)
