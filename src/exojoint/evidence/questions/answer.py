"""Answer a question: pool where studies give numbers, else take the best published synthesis, else say so in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.estimate import Estimate, normal_estimate
from exojoint.evidence.figures.forest import ForestRow, Summary
from exojoint.evidence.multilevel.correlated import correlated_hierarchical
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.questions.adjust import adjusted, shrunk
from exojoint.evidence.questions.question import Question, Window
from exojoint.evidence.questions.rows import SYNTHESIS, Row, row_of, rows_of, select
from exojoint.evidence.questions.silence import EventBound, event_bound
from exojoint.evidence.questions.words import events_words, sentence, silence
from exojoint.evidence.records.record import Record


@dataclass(frozen=True)
class Part:
    """The answer in one time window.

    Parameters
    ----------
    window : Window
        Which.
    estimate : Estimate or None
        What we believe, after care for bias; None where the records give no number.
    naive : Estimate or None
        The same without that care, where it differs.
    rows : tuple of ForestRow
        Lines of the forest plot.
    summaries : tuple of Summary
        Pooled lines of the forest plot; empty where one published number answers.
    bound : EventBound or None
        For questions about events.
    words : str
        The answer as a sentence or two.
    """

    window: Window
    estimate: Estimate | None
    naive: Estimate | None
    rows: tuple[ForestRow, ...]
    summaries: tuple[Summary, ...] = ()
    bound: EventBound | None = None
    words: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer to a question, window by window; the first is the headline."""

    question: Question
    parts: tuple[Part, ...]
    records: tuple[str, ...]

    @property
    def estimate(self) -> Estimate | None:
        """The headline."""
        return self.parts[0].estimate

    def prior(self, index: int = 0, *, new_setting: bool = False) -> Estimate | None:
        """Return the estimate of a window as wide as its certainty asks; None where there is no number.

        Parameters
        ----------
        index : int
            Which window.
        new_setting : bool
            Whether it is for one new study or knee, so that the spread between studies joins in.
        """
        estimate, rating = self.parts[index].estimate, self.question.rules.rating
        if estimate is None:
            return None
        wide = estimate if rating is None else rating.certainty.widen(estimate)
        return wide.for_a_new_setting() if new_setting else wide


def answer(question: Question, records: Mapping[str, Record]) -> Answer:
    """Answer a question from records.

    Parameters
    ----------
    question : Question
        From `load_question` or `read_question`.
    records : mapping of id to Record
        Those of the package, and any that were imported.

    Raises
    ------
    InputError
        When the question prefers a record that does not exist.
    """
    chosen = select(question, records)
    parts = tuple(_part(question, window, chosen, records) for window in question.windows)
    return Answer(question, parts, tuple(record.id for record in chosen))


def _part(question: Question, window: Window, chosen: tuple[Record, ...], records: Mapping[str, Record]) -> Part:
    if question.measure == "events":
        return _events(window, chosen)
    rows = rows_of(question, window, chosen)
    preferred = next((row for row in rows if row.record.id == window.prefer), None)
    preferred = preferred or _named(question, window.prefer, records)
    naive_row = _named(question, window.naive, records)
    studies = [row for row in rows if row.poolable]
    if len({row.record.study for row in studies}) >= question.rules.model.min_studies:
        return _pooled(question, window, rows, studies)
    if preferred is not None and math.isfinite(preferred.effect):
        return _published(question, window, rows, preferred, naive_row)
    return Part(window, None, None, _lines(rows), words=silence(question, rows))


def _named(question: Question, name: str, records: Mapping[str, Record]) -> Row | None:
    if not name:
        return None
    if name not in records:
        todo = did_you_mean(name, records)
        raise InputError(Problem(question.name, f"record '{name}' is unknown", "an id of results.csv", todo))
    return row_of(question, records[name])


def _lines(rows: tuple[Row, ...], used: tuple[Row, ...] = (), weights: tuple[float, ...] = ()) -> tuple[ForestRow, ...]:
    """Lines of the figure: what is used, what stands beside, what is remembered; rows without numbers are left out."""
    known = [row for row in rows if math.isfinite(row.effect)]
    share = dict(zip((row.record.id for row in used), weights or (math.nan,) * len(used), strict=True))
    first = [row.line("used", share[row.record.id]) for row in used]
    beside = [row.line("beside") for row in known if row.record.id not in share and not row.recalled]
    recalled = [row.line("recalled") for row in known if row.record.id not in share and row.recalled]
    return (*first, *beside, *recalled)


def _published(question: Question, window: Window, rows: tuple[Row, ...], row: Row, naive_row: Row | None) -> Part:
    """One published number answers, because the syntheses share trials and must not be pooled with each other."""
    if not math.isfinite(row.se):
        words = f"{row.record.label} reports {row.effect:.2f} without an interval: no estimate can rest on it."
        return Part(window, None, None, _lines(rows, (row,)), words=words)
    source = f"{row.record.label} ({row.record.id})"
    tau = _between(row)
    said = [f"published: {source}", row.how, window.reason]
    said += [] if math.isfinite(tau) else ["spread between studies not reported: 0 is a floor"]
    method = "; ".join(part for part in said if part)
    whole = normal_estimate(row.effect, row.se, tau if math.isfinite(tau) else 0.0, (row.record.id,), method)
    naive = None
    if naive_row is not None and math.isfinite(naive_row.effect):
        se = naive_row.se if math.isfinite(naive_row.se) else 0.0
        label = f"published: {naive_row.record.label} ({naive_row.record.id})"
        naive = normal_estimate(naive_row.effect, se, 0.0, (naive_row.record.id,), label)
    estimate = whole
    if question.rules.bias.handling == "shrink":
        naive, estimate = whole, shrunk(whole, question.rules.bias)
    extra_rows = (
        (naive_row,) if naive_row is not None and naive_row.record.id not in {r.record.id for r in rows} else ()
    )
    lines = _lines((*rows, *extra_rows), (row,))
    if estimate is not whole:
        ends = estimate.interval()
        extra = ForestRow("adjusted for bias", estimate.value, ends.lower, ends.upper, role="adjusted")
        lines = (lines[0], extra, *lines[1:])
    return Part(window, estimate, naive, lines, words=sentence(question, estimate, naive))


def _between(row: Row) -> float:
    """Between-study SD from I2 and k of a synthesis, taking all studies as equally precise: ``tau^2 = I2 k se^2``."""
    i2, k = row.record.number("i2_percent"), row.record.number("k_studies")
    if row.record.text("kind") != SYNTHESIS or i2 is None or k is None:
        return math.nan
    return math.sqrt(i2 / 100.0 * k) * row.se


def _pooled(question: Question, window: Window, rows: tuple[Row, ...], studies: list[Row]) -> Part:
    """Pool study-level rows; several rows of one study get a robust variance."""
    y, v = np.array([row.effect for row in studies]), np.array([row.se**2 for row in studies])
    names = [row.record.study for row in studies]
    used = tuple(row.record.id for row in studies)
    model = question.rules.model
    result = pool(y, v, method=model.method, interval=model.interval)
    estimate = result.to_estimate(used, question.measure)
    if len(set(names)) < len(names):
        che = correlated_hierarchical(y, v, names)
        sd = (che.robust.coefficients.upper[0] - che.robust.coefficients.lower[0]) / (2 * 1.959964)
        method = f"{question.measure}; correlated effects, robust variance; {'; '.join(che.warnings)}"
        estimate = normal_estimate(che.estimate, float(sd), math.sqrt(result.tau2), used, method)
    corrected = adjusted(question, y, v, estimate)
    weights = 1 / (v + result.tau2)
    lines = _lines(rows, tuple(studies), tuple((100 * weights / weights.sum()).tolist()))
    label = f"{result.fit.method}, {result.interval.method}"
    summary = Summary(label, result.estimate, result.interval, result.prediction)
    naive = None if corrected is estimate else estimate
    return Part(window, corrected, naive, lines, (summary,), words=sentence(question, corrected, naive))


def _events(window: Window, chosen: tuple[Record, ...]) -> Part:
    """Count events over studies: an exact bound, and the rule of three where nothing happened."""
    counted = [record for record in chosen if record.number("events_t") is not None and record.number("n_t")]
    if not counted:
        return Part(window, None, None, (), words="No study counts these events.")
    events = int(sum(record.number("events_t") or 0 for record in counted))
    n = int(sum(record.number("n_t") or 0 for record in counted))
    bound = event_bound(events, n)
    lines = []
    for record in counted:
        own = event_bound(int(record.number("events_t") or 0), int(record.number("n_t") or 0))
        share = 100.0 * own.events / own.n
        lines.append(ForestRow(record.label, share, 100 * own.lower, 100 * own.upper, note=f"{own.events} of {own.n}"))
    total = f"all ({events} of {n})"
    lines.append(ForestRow(total, 100.0 * events / n, 100 * bound.lower, 100 * bound.upper, role="total"))
    return Part(window, None, None, tuple(lines), bound=bound, words=events_words(bound, len(counted)))
