"""Answers of the evidence room in words for a person and in plain values for a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from exojoint.evidence.estimate import Estimate
from exojoint.evidence.questions.answer import Answer, Part
from exojoint.evidence.questions.bias_table import BiasReport
from exojoint.evidence.questions.doses import StudyDose
from exojoint.evidence.questions.network_table import NetworkReport
from exojoint.evidence.registry.classify import Classified
from exojoint.evidence.results import finite_or_none

SHOWN = 25  # lines of a list on a terminal; `data()` has all


def pooled_text(numbers: Mapping[str, Any]) -> str:
    """Say a pooled table: estimate, prediction, heterogeneity, coefficients, notes."""
    ends = numbers["interval"]
    of = f" ({numbers['estimate_of']})" if numbers["estimate_of"] else ""
    estimate = f"  estimate{of} {_number(numbers['estimate'])}, se {_number(numbers['se'])}"
    lines = [f"{numbers['method']}, k = {numbers['k']}, measure {numbers['measure']}"]
    lines.append(f"{estimate}, {_interval(ends)} [{ends['method']}]")
    if numbers.get("prediction_interval"):
        lines.append(f"  a new study: {_interval(numbers['prediction_interval'])}")
    back = numbers.get("back_transformed")
    if back:
        ratio, low, high = (_number(back[name]) for name in ("estimate", "lower", "upper"))
        lines.append(f"  on the reader's scale: {ratio} ({low} to {high})")
    spread = f"  tau2 {_number(numbers['tau2'])}, I2 {_number(numbers['I2'])} %"
    lines.append(f"{spread}, Q {_test(numbers['Q'], numbers['Q_df'], numbers['Q_p'])}")
    for name, row in (numbers["coefficients"] or {}).items():
        lines.append(f"  {name}: {_number(row['estimate'])} (se {_number(row['se'])}, p {_number(row['p'])})")
    return "\n".join([*lines, *_notes(numbers["warnings"])])


def answer_text(reply: Answer) -> str:
    """Say an answer, window by window, with the rows it rests on and those beside them."""
    lines, rating = [reply.question.title], reply.question.rules.rating
    lines += [f"  {rating.text}"] if rating is not None else []
    for index, part in enumerate(reply.parts):
        lines.append(f"  {part.window.name}: {part.words}")
        prior = reply.prior(index)
        if part.estimate is not None and prior is not None:
            lines.append(f"    {part.estimate.method}")
            wide = f", widened x{prior.sd / part.estimate.sd:.3g}" if prior.sd > part.estimate.sd else ""
            lines.append(f"    as a prior: {_number(prior.value)}, SD {_number(prior.sd)}{wide}")
        for row in part.rows:
            ends = f"{_number(row.effect)} ({_number(finite_or_none(row.low))} to {_number(finite_or_none(row.high))})"
            lines.append(f"    {row.role:<9} {row.label}: {ends} {row.note}".rstrip())
    return "\n".join([*lines, f"  records that belong to the question: {len(reply.records)}"])


def answer_line(reply: Answer) -> list[str]:
    """Say an answer in one line per window, for a list of all answers."""
    return [f"{reply.question.name}, {part.window.name}: {part.words}" for part in reply.parts]


def answer_data(reply: Answer) -> dict[str, Any]:
    """Return an answer as plain JSON values."""
    question, rating = reply.question, reply.question.rules.rating
    return {
        "schema": 1, "question": question.title, "name": question.name, "measure": question.measure,
        "direction": question.direction, "bias": question.rules.bias.handling,
        "certainty": rating.certainty.level if rating else None, "certainty_reasons": rating.text if rating else None,
        "targets": list(question.rules.scale.targets), "sd_points": question.rules.scale.sd,
        "windows": [_part(part) | {"prior": _estimate(reply.prior(i))} for i, part in enumerate(reply.parts)],
        "records": list(reply.records),
    }  # fmt: skip


def dose_data(dose: StudyDose) -> dict[str, Any]:
    """Return a study's dose as plain JSON values."""
    ends = dict(zip(("low", "median", "high"), map(finite_or_none, dose.particles), strict=True))
    words = {name: value for name, value in asdict(dose).items() if name != "particles"}
    return {**words, **ends, "flags": list(dose.flags)}


def _part(part: Part) -> dict[str, Any]:
    rows = [{key: _finite(value) for key, value in asdict(row).items()} for row in part.rows]
    return {
        "window": part.window.name, "words": part.words, "estimate": _estimate(part.estimate),
        "naive": _estimate(part.naive), "events": asdict(part.bound) if part.bound else None, "rows": rows,
    }  # fmt: skip


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON value
    return finite_or_none(value) if isinstance(value, float) else value


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    ends = estimate.interval()
    return {
        "value": estimate.value, "sd": estimate.sd, "lower": ends.lower, "upper": ends.upper, "level": ends.level,
        "between_study_sd": estimate.between_study_sd, "rows_used": list(estimate.rows_used), "method": estimate.method,
    }  # fmt: skip


def network_text(report: NetworkReport) -> str:
    """Say a network: effects against the reference, P-scores, heterogeneity, inconsistency."""
    numbers = report.numbers
    lines = [f"Network, {numbers['method']}, {numbers['k']} studies, against {numbers['reference']}:"]
    for name, row in numbers["effects"].items():
        ends = f"{_number(row['estimate'])} ({_number(row['lower'])} to {_number(row['upper'])})"
        lines.append(f"  {name}: {ends}, P-score {numbers['p_scores'][name]:.2f}")
    lines.append(f"  tau2 {_number(numbers['tau2'])}, Q {_test(numbers['Q'], numbers['Q_df'], numbers['Q_p'])}")
    between = numbers["inconsistency"]
    lines.append(f"  inconsistency between designs: Q {_test(between['Q'], between['df'], between['p'])}")
    return "\n".join([*lines, *_notes(numbers["warnings"])])


def bias_text(report: BiasReport) -> str:
    """Say what each method finds, or why it cannot answer."""
    pooled = report.pooled
    lines = [f"Bias, {pooled.k} studies, pooled {pooled.estimate:.3g} ({pooled.lower:.3g} to {pooled.upper:.3g})"]
    for name, found in report.methods.items():
        if "problem" in found:
            lines.append(f"  {name}: {found['problem']}")
            continue
        told = [f"{key} {_value(value)}" for key, value in found.items() if key != "warnings"]
        lines += [f"  {name}: {', '.join(told)}", *_notes(found.get("warnings", ()))]
    return "\n".join(lines)


def _value(value: Any) -> str:  # noqa: ANN401  any JSON value
    if isinstance(value, dict):
        return " ".join(f"{key} {_value(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return _number(value) if isinstance(value, float) or value is None else str(value)


def trial_lines(items: Sequence[Classified]) -> list[str]:
    """One line per trial: number, date, classes, doses; a question mark where a dose has two readings."""
    lines = []
    for item in items[:SHOWN]:
        doses = "; ".join(f"{dose.text}{' (?)' if dose.ambiguous else ''}" for dose in item.doses) or "no dose"
        classes = f"{item.source}, {item.route}, {item.indication}"
        lines.append(f"  {item.trial.id}  {item.trial.date or '-':<10} {classes}: {doses}")
    return lines + ([f"  and {len(items) - SHOWN} more"] if len(items) > SHOWN else [])


def trial_data(item: Classified) -> dict[str, Any]:
    """Return a classified trial as plain JSON values."""
    trial = item.trial
    doses = [
        {
            "text": dose.text, "per": dose.per, "volume_ml": dose.volume_ml, "flags": list(dose.flags),
            "doubts": list(dose.doubts()), "readings": [asdict(reading) for reading in dose.readings],
        }
        for dose in item.doses
    ]  # fmt: skip
    return {
        "id": trial.id, "registry": trial.registry, "title": trial.title, "status": trial.status, "phase": trial.phase,
        "date": trial.date, "enrolment": trial.enrolment, "countries": list(trial.text.countries), "doses": doses,
        "product": item.product, "source": item.source, "route": item.route, "indication": item.indication,
    }  # fmt: skip


def _notes(warnings: Sequence[str]) -> list[str]:
    return [f"  note: {text}" for text in warnings]


def _test(statistic: float | None, df: float | None, p: float | None) -> str:
    return f"{_number(statistic)} (df {_number(df)}, p {_number(p)})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value + 0.0:.4g}"  # never "-0"


def _interval(ends: Mapping[str, Any]) -> str:
    return f"{100 * ends['level']:g} % {_number(ends['lower'])} to {_number(ends['upper'])}"
