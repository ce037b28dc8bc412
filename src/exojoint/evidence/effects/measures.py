"""One door to all effect sizes: by the name of the measure."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from numpy.typing import ArrayLike

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.checks import MOST_ROWS_NAMED, choose, columns
from exojoint.evidence.effects import events, means, paired, single
from exojoint.evidence.effects.types import Effects

Function = Callable[..., Effects]


def _fixed(function: Function, **chosen: ArrayLike) -> Function:
    """Bind a choice, keeping the signature readable for `columns_of`."""

    def bound(**given: ArrayLike) -> Effects:
        return function(**given, **chosen)

    signature = inspect.signature(function)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in chosen]
    bound.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # read by inspect.signature
    bound.__doc__ = function.__doc__
    return bound


MEASURES: Mapping[str, Function] = MappingProxyType({
    "MD": means.mean_difference,
    "SMD": means.standardised_mean_difference,
    "SMDH": means.smd_unequal_variances,
    "SMD1": means.glass_delta,
    "ROM": means.ratio_of_means,
    "NMD": means.normalised_mean_difference,
    "MC": paired.mean_change,
    "SMCR": _fixed(paired.standardised_mean_change, by="raw"),
    "SMCC": _fixed(paired.standardised_mean_change, by="change"),
    "ROMC": paired.ratio_of_means_paired,
    "MPOR": paired.paired_odds_ratio,
    "RR": events.risk_ratio,
    "OR": events.odds_ratio,
    "RD": events.risk_difference,
    "AS": events.arcsine_difference,
    "PETO": events.peto_odds_ratio,
    "IRR": events.rate_ratio,
    "IRD": events.rate_difference,
    "PLO": _fixed(single.proportion, measure="PLO"),
    "PLN": _fixed(single.proportion, measure="PLN"),
    "PR": _fixed(single.proportion, measure="PR"),
    "PAS": _fixed(single.proportion, measure="PAS"),
    "PFT": _fixed(single.proportion, measure="PFT"),
    "IRLN": single.event_rate,
    "MN": single.single_mean,
    "COR": single.correlation,
    "ZCOR": single.fisher_z,
})  # fmt: skip


def effect_sizes(measure: str, **given: ArrayLike) -> Effects:
    """Compute effects and sampling variances of any measure.

    Parameters
    ----------
    measure : str
        A key of `MEASURES`: MD, SMD, SMDH, SMD1, ROM, NMD, MC, SMCR, SMCC, ROMC, MPOR, RR, OR, RD, AS, PETO, IRR, IRD,
        PLO, PLN, PR, PAS, PFT, IRLN, MN, COR, ZCOR.
    **given
        The columns and options of that measure's function, e.g. ``n1, mean1, sd1, n2, mean2, sd2`` for ``SMD`` and
        ``events1, n1, events2, n2`` for ``RR`` (see `columns_of`).

    Returns
    -------
    Effects
        ``y`` (k,), ``v`` (k,), scale and warnings.

    Raises
    ------
    InputError
        For an unknown measure, a missing or unknown column, and wrong rows.

    Examples
    --------
    >>> float(effect_sizes("MD", n1=8, mean1=3.0, sd1=1.0, n2=8, mean2=2.0, sd2=1.0).v[0])
    0.25
    """
    kind = choose(measure, tuple(MEASURES), "measure")
    needed, optional = columns_of(kind)
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in needed and name not in optional]
    expected = f"{', '.join(needed)}; optional: {', '.join(optional) or 'nothing'}"
    problems = [Problem(kind, f"column {name} is missing", expected) for name in missing]
    problems += [Problem(kind, f"'{n}' is unknown", expected, did_you_mean(n, (*needed, *optional))) for n in unknown]
    if problems:
        raise InputError(*problems)
    found = MEASURES[kind](**given)
    return replace(found, warnings=(*found.warnings, *_same_controls(given)))


def _same_controls(given: Mapping[str, ArrayLike]) -> tuple[str, ...]:
    """Say which rows seem to share a control group: equal size, mean and standard deviation to all digits."""
    if not all(name in given for name in ("n2", "mean2", "sd2")):
        return ()
    data = columns(n2=given["n2"], mean2=given["mean2"], sd2=given["sd2"])
    rows: dict[tuple[float, ...], list[int]] = {}
    for row, control in enumerate(zip(*(column.tolist() for column in data.values()), strict=True), start=1):
        if not any(math.isnan(number) for number in control):
            rows.setdefault(control, []).append(row)
    return tuple(
        f"rows {', '.join(map(str, same[:MOST_ROWS_NAMED]))} have one control group: if it is shared, their effects "
        "are correlated; give `shared_control_covariance` to a multilevel model, or `split_control`"
        for same in rows.values()
        if len(same) > 1
    )


def columns_of(measure: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that a measure needs, and options that it knows.

    Returns
    -------
    needed, optional : tuple of str

    Raises
    ------
    InputError
        For an unknown measure.
    """
    parameters = inspect.signature(MEASURES[choose(measure, tuple(MEASURES), "measure")]).parameters
    needed = tuple(name for name, item in parameters.items() if item.default is inspect.Parameter.empty)
    return needed, tuple(name for name in parameters if name not in needed)
