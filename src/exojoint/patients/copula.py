"""Covariates that move together: a Gaussian copula under the population's margins, spread over phenotypes and sexes.

A phenotype (or sex) shifts the *score* of a covariate, and the scores of the whole mixture are mapped to the margin, so
the margin is the population table's and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.patients.margins import Margin, Mixture

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Covariates of the copula, in the order of its correlation matrix.
VARIABLES = ("kl", "age", "bmi", "varus", "pain_baseline", "effusion_volume")
# Covariates that a phenotype shifts, and the one that differs between the sexes.
BY_PHENOTYPE = ("bmi", "varus", "effusion_volume")
BY_SEX = ("pain_baseline",)


@dataclass(frozen=True)
class Copula:
    """Everything needed to draw covariates.

    Attributes
    ----------
    margins : covariate -> margin (latent pain, not observed)
    scores : covariate -> how its score is spread over classes
    phenotype_shares : (c,), sum 1; a single 1 when the population draws no phenotype
    women : share of women
    root : (6, 6), lower triangular root of the correlation matrix inside a class
    """

    margins: Mapping[str, Margin]
    scores: Mapping[str, Mixture]
    phenotype_shares: tuple[float, ...]
    women: float
    root: Floats


@dataclass(frozen=True)
class Draws:
    """Covariates of n patients: values by name (n,), phenotype index (n,), and who is a woman (n,)."""

    values: Mapping[str, Floats]
    phenotype: Ints
    woman: NDArray[np.bool_]


def draw(copula: Copula, stream: Stream, ids: Ints) -> Draws:
    """Covariates of the patients with these ids; each patient's are the same in any company.

    Parameters
    ----------
    copula : of the population
    stream : named stream of the population's patients
    ids : (n,)
    """
    phenotype = _pick(copula.phenotype_shares, stream.child("phenotype").uniform(ids, 1)[:, 0])
    woman = stream.child("sex").uniform(ids, 1)[:, 0] < copula.women
    independent = stream.child("covariates").normal(ids, len(VARIABLES))
    # einsum, not BLAS: the same bytes whatever the number of threads or patients.
    residual = np.einsum("ij,kj->ik", independent, copula.root)
    values = {}
    for column, name in enumerate(VARIABLES):
        member = woman.astype(np.int64) if name in BY_SEX else phenotype
        score = copula.scores[name]
        member = np.minimum(member, len(score.shares) - 1)
        values[name] = copula.margins[name].quantile(score.share_below(score.score(member, residual[:, column])))
    return Draws(values, phenotype, woman)


def _pick(shares: tuple[float, ...], u: Floats) -> Ints:
    """Class index (n,) of each uniform number."""
    return np.searchsorted(np.cumsum(shares)[:-1], u, side="right").astype(np.int64)
