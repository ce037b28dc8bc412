"""Calibrate the knee again: one command, resumable, with a page that shows every target and every unknown."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from exojoint.calibration.likelihood import likelihood, prototype_values
from exojoint.calibration.make import Order
from exojoint.calibration.make import calibrate as make
from exojoint.calibration.posterior import MADE, TARGETS, UNKNOWNS, Posterior, read_posterior
from exojoint.calibration.score import Result, count_met, misses, results
from exojoint.core.files import atomic_write, read_toml
from exojoint.evidence.targets import Target, further_targets, load_targets
from exojoint.report.palette import ARMS, GRID, INK, SOFT, theme
from exojoint.workflow.progress import progress

if TYPE_CHECKING:  # altair is loaded only when a chart is wanted
    import altair as alt

DRAWS, SEED, OUT = 512, 20261123, "calibration"
PAGE, FIGURE = "calibration.md", "targets"
POINT = "mean_point"  # the calibrated point that is judged: the mean of the draws' scores
EDGE = 1.2  # windows beyond their own width to which the figure reaches
PNG_SCALE = 2.0
INFORMATIVE = ("identified", "one-sided", "confounded")


@dataclass(frozen=True)
class Calibrated:
    """A finished calibration: where it is, and how many published results it meets."""

    folder: Path
    met: int
    of: int
    log_likelihood: Mapping[str, float]

    def text(self) -> str:
        """For a person."""
        likely = ", ".join(f"{name} {value:.1f}" for name, value in self.log_likelihood.items())
        return f"{self.met} of {self.of} published results met; log-likelihood: {likely}\n  {self.folder / PAGE}"

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return {"folder": str(self.folder), "met": self.met, "of": self.of, "log_likelihood": self.log_likelihood}


def calibrate(
    *,
    out: Path | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    threads: int | None = None,
    resume: bool = False,
) -> Calibrated:
    """Make a posterior for the tables as they are, and its page.

    Parameters
    ----------
    out : Path, optional
        Folder of the result (default: ``calibration/`` here).
    draws, seed : int
        Number of draws; everything random.
    threads : int, optional
        All cores unless given; never changes a result.
    resume : bool
        Go on with an interrupted calibration of the same tables.
    """
    folder = out if out is not None else Path(OUT)
    with progress() as tell:
        order = Order(draws, seed, threads or os.cpu_count() or 1, folder)
        make(order, resume=resume, tell=lambda done, of: tell("predictions", done, of))
    return write_page(folder)


def write_page(folder: Path) -> Calibrated:
    """Write the page and the figure of a posterior's folder, from its files."""
    table = targets_table(folder)
    judged = results(load_targets(), dict(zip(table["id"], table[POINT], strict=True)))
    chart = targets_chart(table)
    text, binary = io.StringIO(), io.BytesIO()
    chart.save(text, format="svg")
    chart.save(binary, format="png", scale_factor=PNG_SCALE)
    atomic_write(folder / f"{FIGURE}.svg", text.getvalue())
    atomic_write(folder / f"{FIGURE}.png", binary.getvalue())
    likely = log_likelihoods(folder)
    atomic_write(folder / PAGE, "\n".join(_page(folder, table, judged, likely)) + "\n")
    return Calibrated(folder, count_met(judged), len(judged), likely)


def targets_table(folder: Path) -> pl.DataFrame:
    """Return every target with its window, the published value, and what tables, prior and posterior predict."""
    by_id = {target.id: target for target in (*load_targets(), *further_targets())}
    frame = pl.read_csv(folder / TARGETS)
    prototype = prototype_values()
    return frame.with_columns(
        quantity=pl.Series([by_id[name].quantity for name in frame["id"]]),
        unit=pl.Series([by_id[name].unit for name in frame["id"]]),
        prototype=pl.Series([prototype[name] for name in frame["id"]]),
    )


def log_likelihoods(folder: Path) -> dict[str, float]:
    """Return the log-likelihood of the prototype's printed values, of the tables, and of the posterior."""
    like, printed = likelihood(), prototype_values()
    prototype = float(like.log_density(np.array([[printed[name] for name in like.ids]]))[0])
    made = read_toml(folder / MADE)["log_likelihood"]
    return {"prototype": prototype, **{name: float(made[name]) for name in ("tables", "mode", POINT, "draws_median")}}


def targets_chart(table: pl.DataFrame) -> alt.LayerChart:
    """Draw prior and posterior of every target against its window, which is the band from 0 to 1."""
    import altair as alt

    width = pl.col("hi") - pl.col("lo")
    names = ("published", "prior_q05", "prior_median", "prior_q95", "q05", "median", "q95", "prototype")
    scaled = table.with_columns(
        label=pl.col("id") + "  " + pl.col("quantity"),
        **{name: ((pl.col(name) - pl.col("lo")) / width).clip(-EDGE, 1.0 + EDGE) for name in names},
    )
    scale = alt.Scale(domain=[-EDGE, 1.0 + EDGE], nice=False)

    def across(name: str) -> alt.X:
        return alt.X(f"{name}:Q", title="predicted, on the scale of the target's window (0 to 1)", scale=scale)

    down = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=330))
    base = alt.Chart(scaled).encode(y=down)
    band = alt.Chart(pl.DataFrame({"lo": [0.0], "hi": [1.0]})).mark_rect(color=GRID, opacity=0.6)
    layers = [
        band.encode(x=across("lo"), x2="hi:Q"),
        base.mark_rule(color=SOFT, strokeWidth=1.2).encode(x=across("prior_q05"), x2="prior_q95:Q"),
        base.mark_rule(color=ARMS[0], strokeWidth=4.5).encode(x=across("q05"), x2="q95:Q"),
        base.mark_point(color=ARMS[1], shape="cross", size=45).encode(x=across("prototype")),
        base.mark_point(color=INK, shape="diamond", filled=True, size=40).encode(x=across("published")),
        base.mark_point(color=ARMS[0], shape="circle", filled=True, size=34, stroke="white").encode(x=across("median")),
    ]
    chart: alt.LayerChart = alt.layer(*layers).properties(width=430, height=alt.Step(15)).configure(**theme())
    return chart


def _page(folder: Path, table: pl.DataFrame, judged: Sequence[Result], likely: Mapping[str, float]) -> list[str]:
    posterior = read_posterior(folder)
    made = read_toml(folder / MADE)
    by_id = {target.id: target for target in (*load_targets(), *further_targets())}
    return [
        "# Calibration of the knee",
        "",
        f"{made['draws']} draws from the posterior of {len(posterior.names)} unknowns, given {table.height} published "
        f"numbers of {len(judged)} results. Made by `{made['command']}`.",
        "",
        f"**{count_met(judged)} of {len(judged)} results are met** at the posterior mean. A result is met when all its "
        "parts lie inside their windows. Two pairs of results contradict each other; such a pair also counts once when "
        "neither is met but the spread between trials around the prediction covers both.",
        "",
        "| log-likelihood of | value |",
        "|---|---|",
        *(f"| {_LIKELY[name]} | {value:.1f} |" for name, value in likely.items()),
        "",
        f"![Prior and posterior of every target against its window]({FIGURE}.svg)",
        "",
        "*Every target on the scale of its own window (grey, 0 to 1). Thick blue: 90 % of the posterior, point its "
        "median; thin grey: 90 % of the prior; black diamond: published; cross: the specification's prototype. What "
        f"lies more than {EDGE:g} windows away is drawn at the edge.*",
        "",
        "## Every target",
        "",
        "| target | quantity | window | published | prototype | tables | posterior (90 %) | at the mean | inside |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_target_line(row, by_id[row["id"]]) for row in table.iter_rows(named=True)),
        "",
        "## What is not met, and why",
        "",
        *_missed(judged),
        "",
        "## What the targets say about the unknowns",
        "",
        *_classes(posterior),
    ]


_LIKELY = {
    "prototype": "the specification's prototype, as printed",
    "tables": "the tables as written",
    "mode": "the mode of the posterior",
    POINT: "the mean of the posterior",
    "draws_median": "the posterior's draws (median)",
}


def _target_line(row: Mapping[str, Any], target: Target) -> str:
    inside = "yes" if target.met_by(row[POINT]) else "**no**"
    after = f"{row['median']:.3g} ({row['q05']:.3g} to {row['q95']:.3g})"
    unit = "" if target.unit == "1" else f" ({target.unit})"
    recalled = ", recalled" if target.recalled else ""
    return (
        f"| {target.id} | {target.quantity}{unit}{recalled} | {row['lo']:g} to {row['hi']:g} | {row['published']:g} | "
        f"{row['prototype']:g} | {row['tables']:.3g} | {after} | {row[POINT]:.3g} | {inside} |"
    )


def _missed(judged: Sequence[Result]) -> list[str]:
    why = misses()
    lines = []
    for result in judged:
        if result.met:
            continue
        covered = " The spread between trials covers every number of the conflict." if result.reconciled else ""
        reason = why.get(result.id, "No reason is known.")
        lines.append(f"- **{result.id}** ({', '.join(result.outside)} outside). {reason}{covered}")
    return lines or ["Nothing."]


def _classes(posterior: Posterior) -> list[str]:
    counts = Counter(row["class"] for row in posterior.rows.values())
    informed = [row for row in posterior.rows.values() if row["class"] in INFORMATIVE]
    informed.sort(key=lambda row: -float(row["contraction"]))
    return [
        "An unknown is moved to 2 prior SDs below and above its table value. *Identified*: the fit refuses both sides "
        "(it loses 1.92 or more in log-likelihood, its own prior left out) although all others may follow. "
        "*One-sided*: it refuses one. *Confounded*: it refuses only while all others are held. *Flat*: never. "
        f"*Unread*: no target depends on it. Counts: {', '.join(f'{name} {n}' for name, n in sorted(counts.items()))}. "
        f"Every unknown is a row of `{UNKNOWNS}`.",
        "",
        "| unknown | class | prior | posterior | contraction | loss low / high | held low / high | partner |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| `{row['name']}` | {row['class']} | {row['prior_median']} ({row['prior_q05']} to {row['prior_q95']}) | "
            f"{row['median']} ({row['q05']} to {row['q95']}) {'' if row['unit'] == '1' else row['unit']} | "
            f"{float(row['contraction']):.2f} | {row['loss_low']} / {row['loss_high']} | "
            f"{row['loss_alone_low']} / {row['loss_alone_high']} | `{row['partner']}` ({row['correlation']}) |"
            for row in informed
        ),
    ]
