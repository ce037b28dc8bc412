"""A network of treatments from a user's table: one row per arm, or one row per contrast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.evidence.checks import choose
from exojoint.evidence.extraction.effect_table import read_effects
from exojoint.evidence.extraction.reported import LOGGED
from exojoint.evidence.extraction.sheet import Sheet, read_sheet
from exojoint.evidence.figures.network import network_graph
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.network import NetworkData, NetworkResult, league_table, network, p_scores
from exojoint.evidence.network.consistency import Split, decompose, node_splits
from exojoint.evidence.network.data import network_from_arms, network_from_contrasts
from exojoint.evidence.results import Test, finite_or_none

ARM_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "MD": ("n", "mean", "sd"), "SMD": ("n", "mean", "sd"), "ROM": ("n", "mean", "sd"), "RR": ("n", "events"),
    "OR": ("n", "events"), "RD": ("n", "events"),
}  # fmt: skip
EXPECTED = "`treatment` with n, mean, sd or n, events per arm; or `first`, `second`, an effect and its variance or se"


@dataclass(frozen=True)
class NetworkReport:
    """A fitted network.

    Parameters
    ----------
    numbers : mapping of str to value
        Ready for JSON: league table, P-scores, tau2, Q, inconsistency.
    result : NetworkResult
        The fit.
    sizes : mapping of treatment to number
        Participants, or contrasts where sizes are not given.
    """

    numbers: Mapping[str, Any]
    result: NetworkResult
    sizes: Mapping[str, float]


def network_of(
    path: Path, *, measure: str | None = None, columns: Mapping[str, str] | None = None, reference: str | None = None,
    method: str = "REML", small_is_good: bool = False,
) -> NetworkReport:  # fmt: skip
    """Fit a network from a table.

    Parameters
    ----------
    path : Path
        CSV or XLSX: one row per arm (``study, treatment`` with ``n, mean, sd`` or ``n, events``), or one per contrast
        (``study, first, second, effect`` with ``variance`` or ``se``).
    measure : str, optional
        MD, SMD, ROM, RR, OR or RD; needed for arms.
    columns : mapping of role to header, optional
        As in `read_sheet`.
    reference : str, optional
        Treatment that effects are given against.
    method : str
        ``REML``, ``ML``, ``DL`` or ``EE``.
    small_is_good : bool
        Whether smaller is better, as for pain.

    Raises
    ------
    InputError
        With every wrong cell; for missing columns, networks in pieces, arms alone.
    """
    sheet = read_sheet(path, columns)
    if "study" not in sheet.roles:
        raise InputError(Problem(f"{sheet.grid.name} row 1", "no column for study", EXPECTED, "Say study=HEADER."))
    if "treatment" in sheet.roles:
        data, sizes = _from_arms(sheet, measure, reference)
    elif "first" in sheet.roles and "second" in sheet.roles:
        data, sizes = _from_contrasts(path, sheet, measure, columns, reference)
    else:
        raise InputError(
            Problem(f"{sheet.grid.name} row 1", "no column for treatment", EXPECTED, "Say treatment=HEADER.")
        )
    fit = network(data, method=method)
    return NetworkReport(_numbers(fit, small_is_good), fit, sizes)


def _from_arms(sheet: Sheet, measure: str | None, reference: str | None) -> tuple[NetworkData, dict[str, float]]:
    if measure is None:
        raise InputError(Problem("measure", "is not given", f"one of {', '.join(ARM_COLUMNS)}", "Say --measure MD."))
    kind = choose(measure, tuple(ARM_COLUMNS), "measure")
    missing = [name for name in ARM_COLUMNS[kind] if name not in sheet.roles]
    raise_problems(
        Problem(f"{sheet.grid.name} row 1", f"no column for {name}", EXPECTED, f"Say {name}=HEADER.")
        for name in missing
    )
    problems: list[Problem] = []
    arms = {name: sheet.numbers(sheet.roles[name], problems) for name in ARM_COLUMNS[kind]}
    for (number, _cells), *row in zip(sheet.grid.rows, *arms.values(), strict=True):
        if not np.all(np.isfinite(row)) and not problems:
            problems.append(
                Problem(sheet.grid.at(number), f"has no {', '.join(arms)}", "a whole arm", "Fill or drop it.")
            )
    raise_problems(problems)
    treatments = sheet.words(sheet.roles["treatment"])
    data = network_from_arms(kind, sheet.words(sheet.roles["study"]), treatments, reference=reference, **arms)
    sizes: Counter[str] = Counter()
    for treatment, n in zip(treatments, arms["n"].tolist(), strict=True):
        sizes[treatment] += round(n)
    return data, {name: float(size) for name, size in sizes.items()}


def _from_contrasts(
    path: Path, sheet: Sheet, measure: str | None, columns: Mapping[str, str] | None, reference: str | None
) -> tuple[NetworkData, dict[str, float]]:
    table = read_effects(path, None, columns)
    first, second = (sheet.words(sheet.roles[role]) for role in ("first", "second"))
    studies = sheet.words(sheet.roles["study"])
    data = network_from_contrasts(studies, first, second, table.y, table.v, reference=reference, measure=measure or "")
    return data, {name: float(count) for name, count in Counter([*first, *second]).items()}


def _numbers(fit: NetworkResult, small_is_good: bool) -> dict[str, Any]:
    scores = p_scores(fit, small_is_good=small_is_good)
    reference = fit.treatments[0]
    effects = {name: _plain(fit.compare(name, reference)) for name in fit.treatments[1:]}
    interaction = decompose(fit.data).interaction
    ranked = dict(sorted(scores.items(), key=lambda item: -item[1]))
    return {
        "schema": 1, "reference": reference, "effects": effects, "p_scores": ranked,
        "league": [_words(row) for row in league_table(fit)],
        "node_splits": [_split(item) for item in node_splits(fit)],
        "tau2": finite_or_none(fit.tau2), "I2": finite_or_none(fit.i2), "Q": finite_or_none(fit.q.statistic),
        "Q_df": fit.q.df, "Q_p": finite_or_none(fit.q.p), "k": len(set(fit.data.study)), "method": fit.fit.method,
        "measure": fit.data.measure, "scale": "log" if fit.data.measure in LOGGED else "identity",
        "inconsistency": _pieces(interaction), "warnings": list(fit.warnings),
    }  # fmt: skip


def _pieces(test: Test) -> dict[str, float | None]:
    return {"Q": finite_or_none(test.statistic), "df": test.df, "p": finite_or_none(test.p)}


def _split(split: Split) -> dict[str, Any]:
    pairs = {name: _pair(getattr(split, name)) for name in ("direct", "indirect", "difference")}
    return {"first": split.first, "second": split.second, **pairs, "p": finite_or_none(split.p)}


def _words(row: Mapping[str, object]) -> dict[str, object]:
    return {key: finite_or_none(value) if isinstance(value, float) else value for key, value in row.items()}


def _pair(pair: tuple[float, float]) -> dict[str, float | None]:
    return {"estimate": finite_or_none(pair[0]), "se": finite_or_none(pair[1])}


def _plain(found: Mapping[str, float]) -> dict[str, float | None]:
    return {name: finite_or_none(value) for name, value in found.items()}


def graph_of(report: NetworkReport, title: str) -> Picture:
    """Draw who was compared with whom."""
    data = report.result.data
    studies: dict[tuple[str, str], set[str]] = {}
    for study in dict.fromkeys(data.study):
        arms = data.arms(study)
        for i, one in enumerate(arms):
            for other in arms[i + 1 :]:
                studies.setdefault((one, other), set()).add(study)
    edges = {pair: float(len(found)) for pair, found in studies.items()}
    return network_graph({name: report.sizes.get(name, 1.0) for name in data.treatments}, edges, title=title)
