"""Verbs of the evidence room: pool, network, bias, registry, and the living records behind them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem, closest, raise_problems
from exojoint.evidence.extraction.effect_table import read_effects
from exojoint.evidence.extraction.importer import import_records
from exojoint.evidence.figures.style import WRITERS, Picture, check_path, save
from exojoint.evidence.figures.trends import trend_chart
from exojoint.evidence.questions.answer import Answer, answer
from exojoint.evidence.questions.bias_table import bias_of, figures_of
from exojoint.evidence.questions.from_table import Synthesis, bubble_of, forest_of, pool_table
from exojoint.evidence.questions.network_table import graph_of, network_of
from exojoint.evidence.questions.present import picture_of
from exojoint.evidence.questions.question_file import list_questions, load_question, read_question
from exojoint.evidence.records.load import load_records, load_studies
from exojoint.evidence.records.record import Record
from exojoint.evidence.registry.classify import classify_all
from exojoint.evidence.registry.read import read_registries, registered_trials
from exojoint.evidence.registry.trends import FIRST_YEAR, LAST_YEAR, trends
from exojoint.workflow.evidence_text import (
    answer_data,
    answer_text,
    bias_text,
    network_text,
    pooled_text,
    trial_data,
    trial_lines,
)

FEW = 12  # figures that are named one by one
TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx")


@dataclass(frozen=True)
class Evidence:
    """What the evidence says.

    Parameters
    ----------
    said : str
        For a person.
    numbers : mapping
        For a machine; plain JSON values.
    draw : function
        Draws the figures by name, the main one first; nobody waits for a figure that is not asked for.
    written : tuple of Path
        Figures that were written.
    """

    said: str
    numbers: Mapping[str, Any]
    draw: Callable[[], Mapping[str, Picture]] = dict
    written: tuple[Path, ...] = ()

    @property
    def pictures(self) -> Mapping[str, Picture]:
        """Figures by name, drawn now."""
        return self.draw()

    def text(self) -> str:
        """For a person."""
        drawn = [path for path in self.written if path.suffix.lower() in WRITERS]
        if len(drawn) > FEW:
            told = [f"Figures: {len(drawn)} files in {drawn[0].parent}"]
        else:
            told = [f"Figure: {path}" for path in drawn]
        return "\n".join([self.said, *(f"Written: {path}" for path in self.written if path not in drawn), *told])

    def data(self) -> dict[str, Any]:
        """For a machine."""
        figures = {"figures": [str(path) for path in self.written]} if self.written else {}
        return {**self.numbers, **figures}


def result(
    said: str, numbers: Mapping[str, Any], draw: Callable[[], Mapping[str, Picture]], plot: Path | None,
    figures: Path | None,
) -> Evidence:  # fmt: skip
    """Write the figures that are asked for: `plot` gets the main one, the folder `figures` all, as SVG and PNG."""
    written = []
    if plot is not None:
        check_path(Path(plot))
    pictures = draw() if plot is not None or figures is not None else {}
    if figures is not None:
        make_folder(figures)
    if plot is not None:
        if not pictures:
            raise InputError(
                Problem(str(plot), "there is nothing to draw", "an answer with numbers", "Leave --plot out.")
            )
        written.append(save(next(iter(pictures.values())), Path(plot)))
    if figures is not None:
        written += [
            save(picture, Path(figures) / f"{name}{ending}")
            for name, picture in pictures.items()
            for ending in (".svg", ".png")
        ]
    return Evidence(said, numbers, draw, tuple(written))


def make_folder(path: Path) -> None:
    """Make a folder with those above it.

    Raises
    ------
    InputError
        When a file stands in the way, or the place cannot be written.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be a folder ({error.strerror})"
        raise InputError(Problem(str(path), what, "a folder, or a name that is free", "Choose another.")) from None


def pool(
    source: str | Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None, method: str = "REML",
    interval: str = "knapp-hartung", moderators: Sequence[str] = (), cluster: str | None = None, level: float = 0.95,
    records: Sequence[Path] = (), plot: Path | None = None, figures: Path | None = None,
) -> Evidence:  # fmt: skip
    """Answer a question, or pool the effects of a table.

    Parameters
    ----------
    source : name of a question, a question file (.toml), or a table (.csv, .xlsx)
    measure : of a table: MD, SMD, RR ...; without it the table has effects with variance, se or interval
    columns : role to header, where names do not say it
    method, interval, level : as `exojoint.evidence.pooling.pool.pool`; MH, PETO and GLMM for counts of events;
        BAYES for few studies
    moderators : columns of a meta-regression
    cluster : column that makes effects depend on each other
    records : extraction sheets to add to the package's records (for a question)
    plot, figures : file for the main figure, folder for all

    Raises
    ------
    InputError
        With every problem of the question or table.
    """
    if _is_table(source):
        _refuse("--records adds to the records of a question", records=records)
        table = read_effects(Path(source), measure, columns)
        found = pool_table(table, method=method, interval=interval, moderators=moderators, cluster=cluster, level=level)
        draw = functools.partial(_table_pictures, found, Path(source).stem, tuple(moderators))
        return result(pooled_text(found.numbers), found.numbers, draw, plot, figures)
    _refuse("for a table only", measure=measure, columns=columns, moderators=moderators, cluster=cluster)
    reply = _answer(source, records)
    draw = functools.partial(_answer_pictures, reply)
    return result(answer_text(reply), answer_data(reply), draw, plot, figures)


def _table_pictures(found: Synthesis, title: str, moderators: tuple[str, ...]) -> dict[str, Picture]:
    pictures = {"forest": forest_of(found, title)}
    if len(moderators) == 1 and found.coefficients is not None and found.coefficients.names[1:] == moderators:
        pictures["bubble"] = bubble_of(found, moderators[0], title)
    return pictures


def _refuse(expected: str, **given: object) -> None:
    raise_problems(Problem(f"--{name}", "does not apply", expected, "Leave it out.") for name, v in given.items() if v)


def _is_table(source: str | Path) -> bool:
    name = str(source)
    if name in list_questions() or name.lower().endswith(".toml"):
        return False
    if Path(name).suffix.lower() in TABLE_ENDINGS or Path(name).exists():
        return True
    near = closest(name, list_questions())
    todo = f'Did you mean "{near}"?' if near else f"Questions: {', '.join(list_questions())}."
    raise InputError(
        Problem("source", f"'{name[:80]}' is neither a question nor a file", "a question or a table", todo)
    )


def _answer(source: str | Path, sheets: Sequence[Path]) -> Answer:
    question = read_question(Path(source)) if str(source).lower().endswith(".toml") else load_question(str(source))
    known: dict[str, Record] = dict(load_records())
    for sheet in sheets:
        known |= import_records(Path(sheet)).records
    return answer(question, known)


def _answer_pictures(reply: Answer) -> dict[str, Picture]:
    drawn = {
        f"{reply.question.name}_{i}" if i else reply.question.name: picture_of(reply, i)
        for i in range(len(reply.parts))
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def network(
    source: Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None, reference: str | None = None,
    method: str = "REML", small_is_good: bool = False, plot: Path | None = None, figures: Path | None = None,
) -> Evidence:  # fmt: skip
    """Compare several treatments at once from a table of arms or contrasts.

    Raises
    ------
    InputError
        As `exojoint.evidence.questions.network_table.network_of`.
    """
    report = network_of(
        Path(source), measure=measure, columns=columns, reference=reference, method=method, small_is_good=small_is_good
    )
    return result(
        network_text(report), report.numbers, lambda: {"network": graph_of(report, Path(source).stem)}, plot, figures
    )


def bias(
    source: Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None, averaged: bool = True,
    plot: Path | None = None, figures: Path | None = None,
) -> Evidence:  # fmt: skip
    """Ask every method about bias in a table of effects.

    Parameters
    ----------
    source, measure, columns : as in `pool`
    averaged : average over models of bias too, which takes seconds
    plot, figures : file for the funnel plot, folder for all figures

    Raises
    ------
    InputError
        With every problem of the table.
    """
    report = bias_of(read_effects(Path(source), measure, columns), averaged=averaged)
    numbers = {"schema": 1, "measure": report.table.measure, "naive": report.pooled.to_dict(), **report.methods}
    return result(bias_text(report), numbers, functools.partial(figures_of, report, Path(source).stem), plot, figures)


def registry(
    files: Sequence[Path] = (), *, by: str = "route", years: tuple[int, int] | None = None, plot: Path | None = None,
    figures: Path | None = None,
) -> Evidence:  # fmt: skip
    """Read registry files, classify the vesicle trials in them, read their doses, count them by year.

    Parameters
    ----------
    files : .json (ClinicalTrials.gov) and .xml (ICTRP, IRCT); without any, the trials of the package's records
    by : route, source, indication, product, phase, status, country or registry
    years : first and last year; 2014 to 2024 unless given

    Raises
    ------
    InputError
        With every problem of every file.
    """
    trials = read_registries([Path(file) for file in files]) if files else registered_trials(load_studies())
    items = classify_all(trials)
    counted = trends(items, by, years or (FIRST_YEAR, LAST_YEAR))
    lines = [f"{len(trials)} trials read, {len(items)} give vesicles", counted.table(), *trial_lines(items)]
    table = {
        "by": by,
        "years": list(counted.years),
        "counts": {name: list(row) for name, row in counted.counts.items()},
    }
    numbers = {"schema": 1, "read": len(trials), "trials": [trial_data(item) for item in items], "trends": table}
    return result("\n".join(lines), numbers, lambda: {"trends": trend_chart(counted)}, plot, figures)
