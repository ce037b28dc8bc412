"""Pool effects into one: the mean over studies, how much studies differ, and what a new study would show."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import effects_and_variances, groups_of, level_of
from exojoint.evidence.estimate import Interval
from exojoint.evidence.inference import Test, t_quantile
from exojoint.evidence.pooling.fit import fit_model
from exojoint.evidence.results import PooledResult

Array = NDArray[np.float64]
FEW_STUDIES = 5  # below this the interval of the mean rests on a guess of tau2 (validation/evidence_intervals)


def pool(
    y: ArrayLike, v: ArrayLike, *, method: str = "REML", interval: str = "knapp-hartung", level: float = 0.95,
    prediction_df: str | float = "interval", tau2: float | None = None, solver: str = "exact",
    study: Sequence[Hashable] | NDArray[np.generic] | None = None,
) -> PooledResult:  # fmt: skip
    """Pool effects of independent studies.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances; rows with nan are left out with a warning.
    method : str
        Between-study variance: EE (or FE), DL, HE, HS, HSk, SJ, ML, REML, EB, PM, PMM.
    interval : str
        ``normal``, ``t`` (k-1 df), ``knapp-hartung``, or ``knapp-hartung-adhoc`` (never narrower than ``t``).
        The default is the one whose error rate held in `validation/evidence_intervals`.
    level : float
        Of all intervals.
    prediction_df : str or float
        Degrees of freedom of the prediction interval: ``interval`` (those of the confidence interval), ``normal``,
        ``k-1``, ``k-2`` (Higgins 2009), or a number.
    tau2 : float, optional
        Known between-study variance.
    solver : str
        ``exact``, or ``metafor`` to stop where R's metafor 3.8 stops, to meet values printed by it to the last digit.
    study : (k,), optional
        Study of each effect. Where one gives several, they are pooled as if independent and the warnings say so.

    Returns
    -------
    PooledResult
        With k = 1 the study itself, with identical effects a `t` interval: the warnings say so.

    Raises
    ------
    InputError
        For negative, zero or infinite variances, infinite effects, no study at all, unknown words.

    References
    ----------
    Viechtbauer W. J Educ Behav Stat 2005;30:261-293 (REML). Knapp G, Hartung J. Stat Med 2003;22:2693-2710.
    Higgins JPT, Thompson SG, Spiegelhalter DJ. J R Stat Soc A 2009;172:137-159 (prediction).

    Examples
    --------
    >>> result = pool([0.0, 1.0], [1.0, 1.0], method="EE", interval="normal")
    >>> round(result.estimate, 3), round(result.se, 4)
    (0.5, 0.7071)
    """
    level = level_of(level)
    if tau2 is not None and not (math.isfinite(tau2) and tau2 >= 0):
        raise InputError(Problem("tau2", f"{tau2} is no variance", "a finite number of at least 0"))
    y_used, v_used, used, missing = effects_and_variances(y, v)
    if study is not None:
        missing = (*missing, *_repeated(study, used))
    x = np.ones((y_used.size, 1))
    model = fit_model(
        y_used, v_used, x, ("mean",), method=method, interval=interval, level=level, tau2=tau2, solver=solver
    )
    mean = model.coefficients[0]
    prediction = prediction_interval(
        mean["estimate"], mean["se"], model.heterogeneity.tau2, df=prediction_df, df_interval=mean["df"], k=y_used.size,
        level=level,
    )  # fmt: skip
    test = Test("mean effect is 0", mean["statistic"], mean["df"], mean["p"])
    warnings = (*missing, *model.warnings, *_few(y_used.size, model.fit.method))
    ends = Interval(mean["lower"], mean["upper"], level, model.interval, mean["df"])
    return PooledResult(mean["estimate"], mean["se"], ends, prediction, test, model.heterogeneity, model.fit, warnings)


def _repeated(study: Sequence[Hashable] | NDArray[np.generic], used: NDArray[np.bool_]) -> tuple[str, ...]:
    number = groups_of(study, used.size, "study")[used]
    several = int((np.bincount(number) > 1).sum())
    if not several:
        return ()
    how = "the interval is too narrow; use `correlated_hierarchical`, or give their covariance to `multilevel`"
    return (f"{several} studies give more than one effect, pooled here as if independent: {how}",)


def _few(k: int, method: str) -> tuple[str, ...]:
    if k < 2 or k >= FEW_STUDIES or method == "EE":
        return ()
    return (f"only {k} studies: tau2 is hardly known, and neither the interval nor the prediction is reliable",)


def prediction_interval(
    estimate: float, se: float, tau2: float, *, df: str | float, df_interval: float, k: int, level: float
) -> Interval:
    """Interval for the true effect of a new study: ``estimate +- quantile sqrt(se^2 + tau2)``.

    Parameters
    ----------
    estimate, se, tau2 : float
        Mean, its standard error, between-study variance.
    df : str or float
        ``interval``, ``normal``, ``k-1``, ``k-2`` or a number.
    df_interval : float
        Degrees of freedom of the confidence interval.
    k : int
        Number of studies.
    level : float
        Of the interval.

    Raises
    ------
    InputError
        For an unknown word or degrees of freedom that are not positive.
    """
    known = {"interval": df_interval, "normal": math.inf, "z": math.inf, "k-1": float(k - 1), "k-2": float(k - 2)}
    value = known.get(df) if isinstance(df, str) else float(df)
    if value is None or (not isinstance(df, str) and not value > 0):
        expected = "interval, normal, k-1, k-2 or a number above 0"
        raise InputError(Problem("prediction_df", f"'{df}' is unknown", expected))
    label = f"prediction, {'normal' if math.isinf(value) else f't({value:g})'}"
    half = float(t_quantile(level, value)) * math.sqrt(se**2 + tau2)
    return Interval(estimate - half, estimate + half, level, label, value)
