"""Random effects of a multilevel or multivariate model, each a term that adds to the covariance of the effects.

A term gives every effect i a row of loadings ``l_i`` and a group; it adds ``l_i G l_j'`` to the covariance of two
effects of one group, with a small covariance matrix G that depends on the parameters of its structure.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, groups_of

Array = NDArray[np.float64]
Labels = Sequence[Hashable] | NDArray[np.generic]
STRUCTURES = ("ID", "DIAG", "CS", "HCS", "UN", "AR", "HAR", "CAR")
SERIAL = ("AR", "HAR", "CAR")
LARGEST_CORRELATION = 0.9999  # at 1 the covariance matrix is singular; the likelihood is flat from here on


@dataclass(frozen=True, slots=True)
class Term:
    """One random effect.

    Parameters
    ----------
    name : str
        Grouping factor, as the result shows it.
    group : (k,) int
        Effects of different groups are independent.
    loadings : (k, q)
        How each effect takes part in the group's q random effects.
    structure : str
        Of G: ``ID`` (one variance), ``DIAG`` (q variances), ``CS`` (one variance, one correlation), ``HCS``
        (q variances, one correlation), ``UN`` (free), ``AR`` and ``HAR`` (one or q variances, correlations
        ``rho^|i - j|`` of the i-th and j-th level), ``CAR`` (``rho^|t_i - t_j|`` of levels that are times),
        ``KNOWN`` (one variance times `known`).
    levels : tuple of str
        Names of the q random effects.
    known : (k, k) or None
        Correlation matrix of a ``KNOWN`` term.
    """

    name: str
    group: NDArray[np.int64]
    loadings: Array
    structure: str
    levels: tuple[str, ...]
    known: Array | None = None

    @property
    def size(self) -> int:
        """Number of random effects per group, q."""
        return int(self.loadings.shape[1])

    @property
    def by_cholesky(self) -> bool:
        """Whether G is parametrised by its Cholesky factor: free matrices of more than two random effects."""
        return self.structure == "UN" and self.size > 2

    @property
    def by_sd(self) -> bool:
        """Whether the parameters are standard deviations: structures with a variance for each random effect.

        A correlation times two standard deviations has finite slopes where a variance is zero; with variances as
        parameters it has not.
        """
        return self.structure in ("DIAG", "HCS", "UN", "HAR") and self.size > 1 and not self.by_cholesky

    @property
    def has_rho(self) -> bool:
        """Whether there is a correlation among the parameters (the last one)."""
        return self.size > 1 and self.structure in ("CS", "HCS", "UN", *SERIAL) and not self.by_cholesky

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters: ``sigma2.study``; ``tau.AL``, ``tau.PD`` (standard deviations), ``rho.trial``."""
        if self.by_cholesky:
            rows, columns = np.tril_indices(self.size)
            return tuple(f"cholesky.{self.name}[{i + 1},{j + 1}]" for i, j in zip(rows, columns, strict=True))
        spreads = tuple(f"tau.{level}" for level in self.levels) if self.by_sd else (f"sigma2.{self.name}",)
        return (*spreads, f"rho.{self.name}") if self.has_rho else spreads

    def start(self, sizes: Array, factor: float = 1.0, rho: float = 0.5, signs: Array | None = None) -> Array:
        """Starting values: about seven tenths of each parameter's typical size, and correlations.

        Parameters
        ----------
        sizes : (t,)
            Typical size of each parameter.
        factor : float
            Times the sizes.
        rho : float
            Correlation of every two random effects.
        signs : (q,), optional
            Of a free matrix only: correlations are ``rho signs_i signs_j``.
        """
        if self.by_cholesky:
            q = self.size
            sd = 0.7 * factor * sizes[np.cumsum(np.arange(1, q + 1)) - 1]
            lowest = -LARGEST_CORRELATION / (q - 1)
            shape = max(rho, lowest) * (1 - np.eye(q)) + np.eye(q)
            sign = np.ones(q) if signs is None else signs
            lower = np.linalg.cholesky(np.outer(sd * sign, sd * sign) * shape)
            return np.asarray(lower[np.tril_indices(q)])
        is_rho = np.array([name.startswith("rho.") for name in self.parameter_names])
        return np.asarray(np.where(is_rho, rho, 0.7 * factor * sizes))

    def bounds(self) -> list[tuple[float | None, float | None]]:
        """Bounds of each parameter; a common correlation of q effects is above ``-1/(q-1)``."""
        if self.by_cholesky:
            return [(None, None)] * len(self.parameter_names)
        lowest = -LARGEST_CORRELATION / (1 if self.structure in SERIAL else max(self.size - 1, 1))
        lowest = 1 - LARGEST_CORRELATION if self.structure == "CAR" else lowest  # a power of any real exponent
        return [(lowest, LARGEST_CORRELATION) if n.startswith("rho.") else (0.0, None) for n in self.parameter_names]

    def covariance(self, theta: Array) -> Array:
        """G at given parameters, (q, q)."""
        q = self.size
        if self.by_cholesky:
            factor = np.zeros((q, q))
            factor[np.tril_indices(q)] = theta
            return np.asarray(factor @ factor.T)
        sd = theta[:q] if self.by_sd else np.full(q, np.sqrt(max(theta[0], 0.0)))
        return np.asarray(np.outer(sd, sd) * self._correlation(theta[-1] if self.has_rho else 0.0)[0])

    def _correlation(self, rho: float) -> tuple[Array, Array]:
        """Correlation matrix of the q random effects and its derivative by rho."""
        apart = 1 - np.eye(self.size)
        if self.structure not in SERIAL:
            return np.asarray(rho * apart + np.eye(self.size)), np.asarray(apart)
        place = np.array([float(x) for x in self.levels]) if self.structure == "CAR" else np.arange(float(self.size))
        distance = np.abs(place[:, None] - place[None, :])
        slope = distance * np.power(rho, np.where(distance > 0, distance - 1, 0.0))
        return np.asarray(np.power(rho, distance)), np.asarray(slope)

    def derivatives(self, theta: Array) -> list[Array]:
        """Derivatives of G by each parameter, (q, q) each."""
        q = self.size
        if self.by_cholesky:
            return self._cholesky_derivatives(theta)
        shape, by_rho = self._correlation(theta[-1] if self.has_rho else 0.0)
        if not self.by_sd:
            found = [np.asarray(shape)]
            return [*found, theta[0] * by_rho] if self.has_rho else found
        sd, found = theta[:q], []
        for level in range(q):
            slope = np.zeros((q, q))
            slope[level, :] = slope[:, level] = shape[level] * sd
            slope[level, level] = 2 * sd[level]
            found.append(slope)
        return [*found, np.outer(sd, sd) * by_rho] if self.has_rho else found

    def _cholesky_derivatives(self, theta: Array) -> list[Array]:
        q = self.size
        factor = np.zeros((q, q))
        factor[np.tril_indices(q)] = theta
        found = []
        for i, j in zip(*np.tril_indices(q), strict=True):
            unit = np.zeros((q, q))
            unit[i, j] = 1.0
            found.append(unit @ factor.T + factor @ unit.T)
        return found

    def spread(self, small: Array, rows: NDArray[np.int64]) -> Array:
        """Put a (q, q) matrix at the pairs of effects it concerns: (b, s, s) for the blocks of `rows` (b, s)."""
        if self.known is not None:
            return np.asarray(small[0, 0] * self.known[rows[:, :, None], rows[:, None, :]])
        loadings, group = self.loadings[rows], self.group[rows]
        same = group[:, :, None] == group[:, None, :]
        return np.asarray(np.where(same, loadings @ small @ np.swapaxes(loadings, 1, 2), 0.0))


def intercepts(labels: Labels, name: str = "study") -> Term:
    """Random intercept: effects with one label share a deviation of variance ``sigma2``.

    Parameters
    ----------
    labels : (k,)
        Study, laboratory, animal ...; a label of its own per effect gives the usual tau2.
    name : str
        Of the factor.
    """
    group = groups_of(labels, len(labels), name)
    return Term(name, group, np.ones((group.size, 1)), "ID", (name,))


def nested(**factors: Labels) -> tuple[Term, ...]:
    """Nested random intercepts, outermost first: ``nested(district=..., school=...)`` gives district, district/school.

    Parameters
    ----------
    **factors : (k,)
        Labels of each level; a label of an inner level counts within its outer label.
    """
    terms, path, name = [], [], ""
    for factor, labels in factors.items():
        path.append([str(label) for label in labels])
        name = f"{name}/{factor}" if name else factor
        terms.append(intercepts(list(zip(*path, strict=True)), name))
    return tuple(terms)


def structured(inner: Labels, outer: Labels, structure: str = "UN", name: str = "outer") -> Term:
    """Correlated random effects of the levels of `inner` within `outer`, e.g. outcomes within trials.

    Parameters
    ----------
    inner : (k,)
        Outcome, arm or time of each effect: which of the group's random effects it has.
    outer : (k,)
        Trial: groups are independent.
    structure : str
        ``ID``, ``DIAG``, ``CS``, ``HCS``, ``UN``, ``AR``, ``HAR`` (levels in order) or ``CAR`` (levels are times).
    name : str
        Of the outer factor.

    Raises
    ------
    InputError
        For an unknown structure or columns of different length.
    """
    kind = choose(structure, STRUCTURES, "structure")
    group = groups_of(outer, len(outer), name)
    levels = _in_order({str(label) for label in inner}, kind)
    if len(inner) != len(outer):
        raise InputError(Problem("inner", f"has {len(inner)} rows", f"{len(outer)} rows, as outer"))
    loadings = np.array([[str(label) == level for level in levels] for label in inner], dtype=np.float64)
    return Term(name, group, loadings, kind, tuple(levels))


def _in_order(labels: set[str], kind: str) -> list[str]:
    """Levels by number where all are numbers, else by letter."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        if kind == "CAR":
            raise InputError(Problem("inner", "are no times", "numbers for CAR", "Use AR for named visits.")) from None
        return sorted(labels)


def slopes(
    loadings: ArrayLike, outer: Labels, structure: str = "UN", name: str = "outer", levels: tuple[str, ...] = ()
) -> Term:
    """Random coefficients: each group of `outer` has its own slopes on the columns of `loadings`.

    Parameters
    ----------
    loadings : (k, q)
        Columns (dose, dose squared ...) whose slopes vary.
    outer : (k,)
        Study.
    structure : str
        Covariance of the q slopes.
    name, levels : str, tuple of str
        Of the outer factor and of the columns.

    Raises
    ------
    InputError
        For an unknown structure or columns of different length.
    """
    kind = choose(structure, STRUCTURES, "structure")
    array = np.asarray(loadings, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    group = groups_of(outer, array.shape[0], name)
    return Term(name, group, array, kind, levels or tuple(f"{name}[{i + 1}]" for i in range(array.shape[1])))


def known_correlation(correlation: ArrayLike, name: str = "contrast") -> Term:
    """Random effects with one variance and a known correlation matrix, e.g. 1/2 between contrasts of one trial.

    Parameters
    ----------
    correlation : (k, k)
        Symmetric, 1 on the diagonal.
    name : str
        Of the variance.
    """
    array = np.asarray(correlation, dtype=np.float64)
    k = array.shape[0]
    return Term(name, np.zeros(k, dtype=np.int64), np.ones((k, 1)), "KNOWN", (name,), array)
