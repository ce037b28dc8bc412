"""Do direct and indirect evidence agree? Node-splitting, decomposition of Q, design-by-treatment interaction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from exojoint.evidence.checks import choose
from exojoint.evidence.inference import Test, chi2_test, two_sided_p
from exojoint.evidence.network.data import NetworkData
from exojoint.evidence.network.fit import (
    NetworkResult,
    generalised_least_squares,
    heterogeneity_variance,
    network,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """Direct and indirect evidence of one comparison.

    Parameters
    ----------
    first, second : str
        Effect of `first` against `second`.
    direct, indirect : (float, float)
        Estimate and standard error; nan where there is none.
    difference : (float, float)
        Direct minus indirect, and its standard error.
    p : float
        Of the difference; nan where one kind of evidence is missing.
    tau2 : float
        Between-trial variance used.
    """

    first: str
    second: str
    direct: tuple[float, float]
    indirect: tuple[float, float]
    difference: tuple[float, float]
    p: float
    tau2: float


def node_splits(result: NetworkResult, *, method: str = "node-split") -> tuple[Split, ...]:
    """Split every comparison that trials make directly into direct and indirect evidence.

    ``node-split``: trials of both treatments get an inconsistency parameter w (arms +w/2 and -w/2, so that trials with
    more arms are treated alike), tau2 is estimated anew. ``back-calculation``: direct from the trials of the pair with
    the network's tau2, indirect from ``1/v_network = 1/v_direct + 1/v_indirect``.

    Parameters
    ----------
    result : NetworkResult
        A fitted network.
    method : str
        ``node-split`` or ``back-calculation``.

    Returns
    -------
    tuple of Split
        One per direct comparison; where all evidence is direct, the indirect part is nan.

    References
    ----------
    Dias S et al. Stat Med 2010;29:932-944. White IR. Stata J 2015;15:951-985. Koenig J et al. Stat Med
    2013;32:5414-5429.
    """
    kind = choose(method, ("node-split", "back-calculation"), "method")
    data = result.data
    arms = {s: set(data.arms(s)) for s in dict.fromkeys(data.study)}
    pairs = [pair for pair in combinations(data.treatments, 2) if any(set(pair) <= names for names in arms.values())]
    split = _node_split if kind == "node-split" else _back_calculation
    return tuple(split(result, second, first) for first, second in pairs)


def _node_split(result: NetworkResult, a: str, b: str) -> Split:
    """Split a against b: an extra column for the trials that have both."""
    data = result.data
    both = np.array([{a, b} <= set(data.arms(s)) for s in data.study])
    extra = {a: 0.5, b: -0.5}
    column = np.array([extra.get(f, 0.0) - extra.get(s, 0.0) for f, s in zip(data.first, data.second, strict=True)])
    x = np.column_stack([data.design, np.where(both, column, 0.0)])
    plain = np.array([float(t == a) - float(t == b) for t in data.treatments[1:]])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        found = result.compare(a, b)
        nothing = (math.nan, math.nan)
        return Split(a, b, (found["estimate"], found["se"]), nothing, nothing, math.nan, result.tau2)
    tau2 = heterogeneity_variance(data, x, result.fit.method)
    beta, covariance = generalised_least_squares(data, x, tau2)
    rows = {"indirect": np.append(plain, 0.0), "direct": np.append(plain, 1.0), "w": np.append(0 * plain, 1.0)}
    value = {name: (float(row @ beta), math.sqrt(float(row @ covariance @ row))) for name, row in rows.items()}
    p = float(two_sided_p(value["w"][0] / value["w"][1], math.inf))
    return Split(a, b, value["direct"], value["indirect"], value["w"], p, tau2)


def _back_calculation(result: NetworkResult, a: str, b: str) -> Split:
    data = result.data
    total = result.compare(a, b)
    value, variance = total["estimate"], total["se"] ** 2
    direct, v_direct = _direct(data, a, b, result.tau2)
    nothing = (math.nan, math.nan)
    if v_direct <= variance * (1 + 1e-8):  # no indirect evidence adds anything
        return Split(a, b, (direct, math.sqrt(v_direct)), nothing, nothing, math.nan, result.tau2)
    v_indirect = 1 / (1 / variance - 1 / v_direct)
    indirect = (value / variance - direct / v_direct) * v_indirect
    difference = (direct - indirect, math.sqrt(v_direct + v_indirect))
    p = float(two_sided_p(difference[0] / difference[1], math.inf))
    return Split(a, b, (direct, math.sqrt(v_direct)), (indirect, math.sqrt(v_indirect)), difference, p, result.tau2)


def _direct(data: NetworkData, a: str, b: str, tau2: float) -> tuple[float, float]:
    """Inverse-variance mean of the contrast a - b over the trials that have both arms."""
    marginal = data.v + tau2 * data.heterogeneity_correlation
    weight_sum = weighted = 0.0
    for study in dict.fromkeys(data.study):
        if not {a, b} <= set(data.arms(study)):
            continue
        rows = [i for i, s in enumerate(data.study) if s == study]
        names = data.arms(study)
        arms = np.array([[float(data.first[i] == n) - float(data.second[i] == n) for n in names] for i in rows])
        wanted = np.array([float(n == a) - float(n == b) for n in names])
        combination = np.linalg.lstsq(arms.T, wanted, rcond=None)[0]
        variance = float(combination @ marginal[np.ix_(rows, rows)] @ combination)
        weight_sum += 1 / variance
        weighted += float(combination @ data.y[rows]) / variance
    return weighted / weight_sum, 1 / weight_sum


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Heterogeneity within designs and inconsistency between them.

    Parameters
    ----------
    total, within, between : Test
        Q of the whole network, of trials of equal design about their own means, and of the designs about the
        consistency model; all with tau2 = 0.
    interaction : Test
        Design-by-treatment interaction with a between-trial variance estimated within designs.
    tau2_within : float
        That variance.
    """

    total: Test
    within: Test
    between: Test
    interaction: Test
    tau2_within: float


def decompose(data: NetworkData, *, method: str = "DL") -> Decomposition:
    """Split Q into heterogeneity within designs and inconsistency between designs.

    A design is a set of treatments compared in a trial. The interaction model gives each design its own effects; the
    test asks whether these fit one consistent set.

    Parameters
    ----------
    data : NetworkData
        The contrasts.
    method : str
        Estimator of the variance within designs: ``DL``, ``REML``, ``ML``, ``EE``.

    References
    ----------
    Higgins JPT et al. Res Synth Methods 2012;3:98-110. Krahn U, Binder H, Koenig J. BMC Med Res Methodol 2013;13:35.
    """
    free = _free_design(data)
    total = network(data, method="EE").q
    beta, _ = generalised_least_squares(data, free, 0.0)
    residual = data.y - free @ beta
    within_q = float(residual @ np.linalg.solve(data.v, residual))
    df_within = data.y.size - free.shape[1]
    within = chi2_test("heterogeneity within designs", within_q, df_within)
    between = chi2_test("inconsistency between designs", total.statistic - within_q, total.df - df_within)
    tau2 = heterogeneity_variance(data, free, method)
    return Decomposition(total, within, between, _interaction(data, free, tau2, total.df - df_within), tau2)


def _free_design(data: NetworkData) -> Array:
    """One column per design and contrast of it: every design has effects of its own."""
    blocks: dict[tuple[str, ...], list[int]] = {}
    for i, study in enumerate(data.study):
        blocks.setdefault(data.arms(study), []).append(i)
    columns = []
    for arms, rows in blocks.items():
        for arm in arms[1:]:
            column = np.zeros(data.y.size)
            for i in rows:
                column[i] = float(data.first[i] == arm) - float(data.second[i] == arm)
            columns.append(column)
    return np.column_stack(columns)


def _interaction(data: NetworkData, free: Array, tau2: float, df: float) -> Test:
    """Wald test that the designs' own effects satisfy consistency."""
    beta, covariance = generalised_least_squares(data, free, tau2)
    consistent = np.linalg.lstsq(free, data.design, rcond=None)[0]  # designs' effects as functions of the treatments'
    weight = np.linalg.inv(covariance)
    wx = weight @ consistent
    residual = beta - consistent @ np.linalg.solve(consistent.T @ wx, wx.T @ beta)
    return chi2_test("design-by-treatment interaction", float(residual @ weight @ residual), df)
