"""Do small studies show larger effects? Regression and rank tests, and the estimate for a study without error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, effects_and_variances, level_of
from exojoint.evidence.inference import Coefficients, Test, two_sided_p
from exojoint.evidence.pooling.fit import fit_model

Array = NDArray[np.float64]
MODELS = ("lm", "mixed")
PREDICTORS = ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv", "smd")
FEW_STUDIES = 10  # Cochrane Handbook, section 13.3.5.4: tests for asymmetry say nothing with fewer
EXACT_UP_TO = 50  # studies without ties: exact distribution of Kendall's tau, else its normal approximation


@dataclass(frozen=True, slots=True)
class SmallStudyResult:
    """Regression of effects on a measure of study size.

    Parameters
    ----------
    coefficients : Coefficients
        Intercept and slope.
    test : Test
        That the slope is zero: no small-study effect.
    predictor, model : str
        What stands for size, and the error model.
    tau2 : float
        Residual between-study variance (``mixed``) or 0.
    dispersion : float
        Residual variance in units of the sampling variances (``lm``).
    warnings : tuple of str
        What a reader must know.
    """

    coefficients: Coefficients
    test: Test
    predictor: str
    model: str
    tau2: float
    dispersion: float
    warnings: tuple[str, ...] = ()

    @property
    def limit(self) -> float:
        """Effect at predictor 0: for ``sei``, ``vi``, ``ninv`` and ``sqrtninv`` that of an infinitely large study."""
        return float(self.coefficients.values[0])

    @property
    def slope(self) -> float:
        """Change of the effect per unit of the predictor."""
        return float(self.coefficients.values[1])


def egger_test(
    y: ArrayLike, v: ArrayLike, *, model: str = "lm", predictor: str = "sei", n: ArrayLike | None = None,
    n1: ArrayLike | None = None, n2: ArrayLike | None = None, method: str = "REML", level: float = 0.95,
) -> SmallStudyResult:  # fmt: skip
    """Regression test for funnel-plot asymmetry (Egger and its variants).

    ``lm``: weighted least squares with weights 1/v and a multiplicative dispersion (the classical test; t with k - 2).
    ``mixed``: meta-regression with a between-study variance (z).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    model : str
        ``lm`` or ``mixed``.
    predictor : str
        ``sei`` standard error, ``vi`` variance, ``ni`` size, ``ninv`` 1/n, ``sqrtni``, ``sqrtninv``, or ``smd``:
        ``sqrt(1/n1 + 1/n2)``, for standardised differences, whose standard error contains the effect itself, so that
        the classical test finds asymmetry where there is none.
    n, n1, n2 : (k,), optional
        Study or group sizes, as the predictor needs.
    method : str
        Of tau2, for ``mixed``.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        For fewer than three studies, a predictor that does not vary, or missing sizes.

    References
    ----------
    Egger M et al. BMJ 1997;315:629-634. Sterne JAC, Egger M. Publication bias in meta-analysis. 2005, chapter 6.
    Pustejovsky JE, Rodgers MA. Res Synth Methods 2019;10:57-71 (SMD).
    """
    kind, by = choose(model, MODELS, "model"), choose(predictor, PREDICTORS, "predictor")
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    k = y_used.size
    if k < 3:
        raise InputError(Problem("effects", f"{k} studies", "at least three studies for a regression on their size"))
    size = _predictor(by, v_used, used, n, n1, n2)
    if float(np.ptp(size)) <= 1e-12 * float(np.abs(size).max()):
        raise InputError(Problem("predictor", "all studies have the same size", "studies that differ in size"))
    x, names = np.column_stack([np.ones(k), size]), ("limit", "slope")
    level = level_of(level)
    if kind == "lm":
        fit = fit_model(y_used, v_used, x, names, method="EE", interval="knapp-hartung", level=level)
        dispersion = fit.heterogeneity.h2
    else:
        fit = fit_model(y_used, v_used, x, names, method=method, interval="normal", level=level)
        dispersion = 1.0
    slope = fit.coefficients["slope"]
    test = Test(f"asymmetry ({kind}, {by})", slope["statistic"], slope["df"], slope["p"])
    few = (f"{k} studies: tests for asymmetry need at least {FEW_STUDIES}",) if k < FEW_STUDIES else ()
    notes = (*warnings, *fit.warnings, *few)
    return SmallStudyResult(fit.coefficients, test, by, kind, fit.heterogeneity.tau2, dispersion, notes)


def _predictor(
    by: str, v: Array, used: NDArray[np.bool_], n: ArrayLike | None, n1: ArrayLike | None, n2: ArrayLike | None
) -> Array:
    if by in ("sei", "vi"):
        return np.sqrt(v) if by == "sei" else v
    groups = columns(n1=n1, n2=n2)
    if by == "smd":
        if len(groups) < 2:
            raise InputError(Problem("n1, n2", "are missing", "the sizes of both groups for the predictor smd"))
        return np.asarray(np.sqrt(1 / groups["n1"] + 1 / groups["n2"])[used])
    if n is None and len(groups) < 2:
        raise InputError(Problem("n", "is missing", f"study sizes for the predictor {by}"))
    size = (groups["n1"] + groups["n2"] if n is None else columns(n=n)["n"])[used]
    return np.asarray({"ni": size, "ninv": 1 / size, "sqrtni": np.sqrt(size), "sqrtninv": 1 / np.sqrt(size)}[by])


def begg_test(y: ArrayLike, v: ArrayLike) -> Test:
    """Rank correlation test for asymmetry: Kendall's tau of standardised effects and variances.

    Standardised: ``(y - m)/sqrt(v - 1/sum(1/v))`` with the inverse-variance mean m. Exact without ties (k < 50).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.

    Returns
    -------
    Test
        ``statistic`` is tau; df is the number of studies.

    Raises
    ------
    InputError
        For fewer than three studies or wrong rows.

    References
    ----------
    Begg CB, Mazumdar M. Biometrics 1994;50:1088-1101.
    """
    y_used, v_used, _, _ = effects_and_variances(y, v)
    k = y_used.size
    if k < 3:
        raise InputError(Problem("effects", f"{k} studies", "at least three studies for a rank test"))
    w = 1 / v_used
    standardised = (y_used - w @ y_used / w.sum()) / np.sqrt(v_used - 1 / w.sum())
    ties = np.unique(standardised).size < k or np.unique(v_used).size < k
    exact = not ties and k < EXACT_UP_TO
    found = kendalltau(standardised, v_used, method="exact" if exact else "asymptotic")
    return Test("rank correlation (Begg)", float(found.statistic), float(k), float(found.pvalue))


@dataclass(frozen=True, slots=True)
class PetPeese:
    """Effect of a study without error, by regression on its standard error (PET) or variance (PEESE).

    Parameters
    ----------
    pet, peese : SmallStudyResult
        Both regressions.
    chosen : str
        ``PET`` or ``PEESE``.
    warnings : tuple of str
        What a reader must know.
    """

    pet: SmallStudyResult
    peese: SmallStudyResult
    chosen: str
    warnings: tuple[str, ...] = ()

    @property
    def effect(self) -> dict[str, float]:
        """Estimate, se, interval and p of the chosen intercept."""
        return (self.pet if self.chosen == "PET" else self.peese).coefficients["limit"]

    @property
    def estimate(self) -> float:
        """Effect at zero error."""
        return self.effect["estimate"]


def pet_peese(
    y: ArrayLike, v: ArrayLike, *, model: str = "lm", alpha: float = 0.05, direction: str = "observed",
    n1: ArrayLike | None = None, n2: ArrayLike | None = None, level: float = 0.95,
) -> PetPeese:  # fmt: skip
    """Conditional PET-PEESE: PEESE where PET's intercept differs from zero, else PET.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    model : str
        As in `egger_test`.
    alpha : float
        One-sided level at which PET's intercept counts as an effect.
    direction : str
        ``greater``, ``less`` or ``observed`` (the sign of the inverse-variance mean).
    n1, n2 : (k,), optional
        Group sizes; with them PET uses ``sqrt(1/n1 + 1/n2)`` and PEESE its square, as standardised differences need.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        As `egger_test`.

    References
    ----------
    Stanley TD, Doucouliagos H. Res Synth Methods 2014;5:60-78.
    """
    side = choose(direction, ("greater", "less", "observed"), "direction")
    pet = egger_test(y, v, model=model, predictor="sei" if n1 is None else "smd", n1=n1, n2=n2, level=level)
    peese = _peese(y, v, model, n1, n2, level)
    y_used, v_used, _, _ = effects_and_variances(y, v)
    sign = {"greater": 1.0, "less": -1.0}.get(side, math.copysign(1.0, float((y_used / v_used).sum())))
    limit = pet.coefficients["limit"]
    one_sided = 0.5 * float(two_sided_p(limit["statistic"], limit["df"]))
    one_sided = one_sided if sign * limit["statistic"] > 0 else 1 - one_sided
    return PetPeese(pet, peese, "PEESE" if one_sided < alpha else "PET", pet.warnings)


def _peese(
    y: ArrayLike, v: ArrayLike, model: str, n1: ArrayLike | None, n2: ArrayLike | None, level: float
) -> SmallStudyResult:
    if n1 is None:
        return egger_test(y, v, model=model, predictor="vi", level=level)
    sizes = columns(n1=n1, n2=n2)
    # 1/n1 + 1/n2 is the inverse of this size.
    harmonic = 1 / (1 / sizes["n1"] + 1 / sizes["n2"])
    return egger_test(y, v, model=model, predictor="ninv", n=harmonic, level=level)
