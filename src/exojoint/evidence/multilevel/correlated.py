"""Correlated and hierarchical effects (CHE): several effects per study, their correlation assumed, variances robust."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.evidence.checks import effects_and_variances, groups_of
from exojoint.evidence.effects.covariance import constant_correlation_covariance
from exojoint.evidence.multilevel.fit import MultilevelResult, multilevel
from exojoint.evidence.multilevel.robust import RobustResult, robust
from exojoint.evidence.multilevel.terms import intercepts
from exojoint.evidence.pooling.design import Moderators

Array = NDArray[np.float64]
ASSUMED_CORRELATION = 0.6  # middle of the range 0.4 to 0.8 that Pustejovsky and Tipton (2022) advise to try


@dataclass(frozen=True, slots=True)
class CheResult:
    """Working model and robust coefficients.

    Parameters
    ----------
    robust : RobustResult
        What to report: CR2 standard errors with Satterthwaite degrees of freedom.
    working : MultilevelResult
        The model behind the weights, with the variances between and within studies.
    rho : float
        Assumed correlation of sampling errors within a study.
    warnings : tuple of str
        Of both.
    """

    robust: RobustResult
    working: MultilevelResult
    rho: float
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> float:
        """Mean effect (first coefficient)."""
        return float(self.robust.coefficients.values[0])

    @property
    def se(self) -> float:
        """Its robust standard error."""
        return float(self.robust.coefficients.se[0])


def correlated_hierarchical(
    y: ArrayLike, v: ArrayLike, cluster: Sequence[Hashable] | NDArray[np.generic], *, rho: float = ASSUMED_CORRELATION,
    moderators: Moderators | None = None, kind: str = "CR2", average_variances: bool = False, level: float = 0.95,
) -> CheResult:  # fmt: skip
    """Pool several effects per study with an assumed correlation and a robust variance.

    Sampling errors of one study have correlation `rho`; true effects differ between studies (``sigma2.cluster``) and
    between the effects of a study (``sigma2.cluster/effect``). A wrong `rho` costs precision, not validity.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    cluster : (k,)
        Study (or laboratory) of each effect.
    rho : float
        Assumed; try 0.4 and 0.8 and report the range.
    moderators : mapping, optional
        As in `meta_regression`.
    kind : str
        As in `robust`.
    average_variances : bool
        Use each study's mean sampling variance for all its effects, as robumeta does.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        As `multilevel` and `robust`.

    References
    ----------
    Pustejovsky JE, Tipton E. Prev Sci 2022;23:425-438.
    """
    _, v_used, used, _ = effects_and_variances(y, v)
    labels = [label for label, yes in zip(list(cluster), used, strict=True) if yes]
    group = groups_of(labels, v_used.size, "cluster")
    if average_variances:
        v_used = (np.bincount(group, v_used) / np.bincount(group))[group]
    sampling = np.zeros((used.size, used.size))
    sampling[np.ix_(used, used)] = constant_correlation_covariance(v_used, labels, rho)
    np.fill_diagonal(sampling, np.where(used, np.diag(sampling), np.nan))
    terms = [intercepts([str(label) for label in cluster], "cluster")]
    if np.unique(group).size < group.size:
        terms.append(intercepts(np.arange(used.size), "cluster/effect"))
    working = multilevel(y, sampling, terms, moderators=moderators, level=level)
    found = robust(working, group, kind=kind, level=level)
    notes = (*working.warnings, *found.warnings, f"sampling errors within a study: correlation {rho:g}, assumed")
    return CheResult(found, working, rho, notes)
