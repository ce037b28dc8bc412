"""Records that belong to a question, on its measure: which are used, which stand beside, which are only remembered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from exojoint.evidence.effects import effect_sizes, variance_from_interval
from exojoint.evidence.figures.forest import ForestRow
from exojoint.evidence.questions.question import Question, Window
from exojoint.evidence.records.record import Record

ENDS = ("effect", "effect_low", "effect_high", "effect_se")
FULL = 100.0  # points of a normalised score
SYNTHESIS = "synthesis"
STUDIES = ("animal", "trial", "series")
STANDARDISED = ("SMD", "SMCC")
LEVEL = 0.95
SIDES = 1.959964  # standard errors to each side of a 95 % normal interval


@dataclass(frozen=True, slots=True)
class Row:
    """One record on the measure of a question.

    Parameters
    ----------
    record : Record
        Where it comes from.
    effect, se : float
        On the question's measure (a logarithm for RR), larger is more of the outcome; nan where unknown.
    low, high : float
        Ends of its interval as reported, converted; nan where unknown.
    how : str
        What was done to it: computed from means, scaled to 100 points, converted with an SD ...
    recalled : bool
        Whether the numbers are only remembered.
    outcome : str
        What was measured, when the question takes several outcomes.
    """

    record: Record
    effect: float
    se: float
    low: float
    high: float
    how: str = ""
    recalled: bool = False
    outcome: str = ""

    @property
    def poolable(self) -> bool:
        """Whether it is one study's effect with a variance."""
        is_study = self.record.text("kind") in STUDIES and not self.recalled
        return is_study and math.isfinite(self.effect) and math.isfinite(self.se) and self.se > 0

    def line(self, role: str, weight: float = math.nan) -> ForestRow:
        """Return the row as a line of a forest plot."""
        notes = [
            self.outcome,
            self.record.text("population") or self.record.text("instrument"),
            self.record.text("time_text"),
        ]
        k = self.record.number("k_studies")
        notes += [f"k = {k:.0f}"] if k else []
        note = ", ".join(part for part in notes if part)
        role = "recalled" if self.recalled else role
        return ForestRow(self.record.label, self.effect, self.low, self.high, weight, role, note)


def select(question: Question, records: Mapping[str, Record]) -> tuple[Record, ...]:
    """Return the records that a question asks for, whatever their time and measure."""
    return tuple(
        record
        for record in records.values()
        if all(_cell(record, column) in allowed for column, allowed in question.select.items())
    )


def _cell(record: Record, column: str) -> str:
    """A cell's words; an arm that is not told is the study's intervention."""
    return record.text(column) or (record.text("intervention") if column == "arm" else "")


def in_window(record: Record, window: Window) -> bool:
    """Whether a record was measured in a window; a record without a time only when the window has no days."""
    day = record.number("time_days")
    if window.days is None:
        return True
    return day is not None and window.days[0] <= day <= window.days[1]


def rows_of(question: Question, window: Window, records: Iterable[Record]) -> tuple[Row, ...]:
    """Return the records of a window on the question's measure; what cannot be converted has no numbers."""
    rows = (row_of(question, record) for record in records if in_window(record, window))
    several = len(question.select.get("outcome", ())) > 1
    return tuple(replace(row, outcome=row.record.text("outcome") if several else "") for row in rows)


def row_of(question: Question, record: Record) -> Row:
    """Return one record on the question's measure."""
    told = {name: record.number(name) for name in ENDS}
    recalled = told["effect"] is None and bool(record["effect"].recalled)
    if recalled:
        told = {name: _remembered(record, name) for name in ENDS}
    effect, low, high, se = (math.nan if value is None else value for value in told.values())
    measure, how = record.text("measure"), ""
    computed = _computed(question, record) if math.isnan(effect) else None
    if computed is not None:
        effect, se, measure = computed
        how = "computed from means"
    factor, conversion = _factor(question, record, measure)
    how = _words(how, conversion)
    if not math.isfinite(factor):
        return Row(record, math.nan, math.nan, math.nan, math.nan, how, recalled)
    if question.measure == "RR":
        effect, low, high = (math.log(value) if value > 0 else math.nan for value in (effect, low, high))
    se = se if math.isfinite(se) else _standard_error(low, high, record.number("level") or LEVEL)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = effect - SIDES * se, effect + SIDES * se
    ends = sorted((factor * low, factor * high)) if math.isfinite(low) else [math.nan, math.nan]
    return Row(record, factor * effect, abs(factor) * se, ends[0], ends[1], how, recalled)


def _remembered(record: Record, name: str) -> float | None:
    try:
        return float(record[name].recalled)
    except ValueError:
        return None


def _standard_error(low: float, high: float, level: float) -> float:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return math.nan
    return math.sqrt(float(variance_from_interval(low, high, level)[0]))


def _factor(question: Question, record: Record, measure: str) -> tuple[float, str]:
    """Factor from a record's measure to the question's, and what it means; nan where there is none."""
    own = record.text("direction")
    sign = -1.0 if own in ("+1", "-1") and int(own) != question.direction else 1.0
    turned = "sign turned" if sign < 0 else ""
    if measure == question.measure or (measure in STANDARDISED and question.measure == "SMD"):
        if measure == "MD" and record.text("outcome_unit") == "":
            return math.nan, "the unit is not stated"
        return sign, turned
    low, high = record.number("scale_min"), record.number("scale_max")
    sd = question.rules.scale.sd
    if measure == "MD" and low is not None and high is not None:
        points = sign * FULL / (high - low)
        if question.measure == "points":
            return points, _words(turned, "" if high - low == FULL else "scaled to 100 points")
        if question.measure == "SMD" and sd:
            return points / sd, _words(turned, f"divided by an SD of {sd:g} points")
    if measure in STANDARDISED and question.measure == "points" and sd:
        return sign * sd, _words(turned, f"times an SD of {sd:g} points")
    return math.nan, f"{measure or 'no number'} is not {question.measure}"


def _words(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _computed(question: Question, record: Record) -> tuple[float, float, str] | None:
    """Effect and standard error from group columns: a difference of two groups, or the change of one."""
    names = ("n_t", "mean_t", "sd_t", "n_c", "mean_c", "sd_c")
    given = {name: record.number(name) for name in names}
    if any(given[name] is None for name in names[:3]) or not given["sd_t"]:
        return None
    n1, mean1, sd1, n2, mean2, sd2 = (float(given[name] or 0.0) for name in names)
    if record.text("comparator_type") == "baseline":
        measure = "percent" if record.text("outcome_unit") == "percent" else "MD"
        found = effect_sizes("MN", n=n1, mean=mean1, sd=sd1)
    elif all(given[name] is not None for name in names[3:]) and sd2 > 0:
        measure = "SMD" if question.measure == "SMD" else "MD"
        found = effect_sizes(measure, n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    else:
        return None
    return float(found.y[0]), float(found.se[0]), measure
