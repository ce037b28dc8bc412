"""(Restricted) likelihood of ``y ~ N(X b, V + sum of terms)`` with its gradient and Fisher information.

Effects fall into blocks that are independent of each other (studies, laboratories). Blocks of one size are computed
together as a stack of small matrices, so that the work grows with the blocks and not with the cube of all effects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from exojoint.evidence.multilevel.terms import Term

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Model:
    """Checked data of a multilevel model.

    Parameters
    ----------
    y : (k,)
        Effects.
    v : (k, k)
        Sampling covariance.
    x : (k, p)
        Design.
    names : tuple of str
        Of its columns.
    terms : tuple of Term
        Random effects.
    restricted : bool
        REML instead of ML.
    blocks : tuple of (b, s) int
        Rows of the b independent blocks of each size s (see `independent_blocks`).
    """

    y: Array
    v: Array
    x: Array
    names: tuple[str, ...]
    terms: tuple[Term, ...]
    restricted: bool
    blocks: tuple[Rows, ...]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of all variance parameters, term by term."""
        return tuple(name for term in self.terms for name in term.parameter_names)

    def split(self, theta: Array) -> list[Array]:
        """Parameters of each term."""
        parts, start = [], 0
        for term in self.terms:
            stop = start + len(term.parameter_names)
            parts.append(theta[start:stop])
            start = stop
        return parts

    def marginal(self, theta: Array) -> Array:
        """Marginal covariance of the effects, (k, k)."""
        everything = np.arange(self.y.size)[None, :]
        total = self.v.copy()
        for term, part in zip(self.terms, self.split(theta), strict=True):
            total += term.spread(term.covariance(part), everything)[0]
        return total


def independent_blocks(v: Array, terms: tuple[Term, ...]) -> tuple[Rows, ...]:
    """Group effects that are correlated, directly or through others; stacks of blocks of equal size.

    Parameters
    ----------
    v : (k, k)
        Sampling covariance.
    terms : tuple of Term
        Random effects.
    """
    linked = v != 0
    for term in terms:
        if term.known is not None:
            linked |= term.known != 0
        else:
            linked |= term.group[:, None] == term.group[None, :]
    number, label = connected_components(csr_array(linked), directed=False)
    found: dict[int, list[Rows]] = {}
    for block in range(number):
        rows = np.flatnonzero(label == block)
        found.setdefault(rows.size, []).append(rows)
    return tuple(np.stack(rows) for _, rows in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Likelihood and generalised least squares at given variance parameters.

    Parameters
    ----------
    loglik : float
        With all constants.
    beta, covariance : (p,), (p, p)
        Coefficients and ``(X' M^-1 X)^-1``.
    residuals : (k,)
        ``y - X beta``.
    inverses : tuple of (b, s, s)
        ``M^-1``, stack by stack of the model's blocks.
    """

    loglik: float
    beta: Array
    covariance: Array
    residuals: Array
    inverses: tuple[Array, ...]


def evaluate(model: Model, theta: Array) -> Evaluation | None:
    """Evaluate the model; None where the marginal covariance is not positive definite."""
    k, p = model.x.shape
    log_det, xwx, xwy, inverses = 0.0, np.zeros((p, p)), np.zeros(p), []
    smalls = [term.covariance(part) for term, part in zip(model.terms, model.split(theta), strict=True)]
    for rows in model.blocks:
        covariance = model.v[rows[:, :, None], rows[:, None, :]]
        for term, small in zip(model.terms, smalls, strict=True):
            covariance = covariance + term.spread(small, rows)
        try:
            factor = np.linalg.cholesky(covariance)
            inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        log_det += 2.0 * float(np.log(np.diagonal(factor, axis1=1, axis2=2)).sum())
        wx = inverse @ model.x[rows]
        xwx += np.einsum("bsp,bsq->pq", model.x[rows], wx)
        xwy += np.einsum("bsp,bs->p", wx, model.y[rows])
        inverses.append(inverse)
    small_covariance = np.asarray(np.linalg.inv(xwx), dtype=np.float64)
    beta = small_covariance @ xwy
    residuals = model.y - model.x @ beta
    quadratic = sum(_form(inverse, residuals[rows]) for rows, inverse in zip(model.blocks, inverses, strict=True))
    value = -0.5 * (log_det + quadratic)
    if model.restricted:
        value += 0.5 * float(np.linalg.slogdet(small_covariance)[1] + np.linalg.slogdet(model.x.T @ model.x)[1])
    constant = 0.5 * (k - p if model.restricted else k) * math.log(2 * math.pi)
    return Evaluation(value - constant, beta, small_covariance, residuals, tuple(inverses))


def _form(matrices: Array, vectors: Array) -> float:
    return float(np.einsum("bs,bst,bt->", vectors, matrices, vectors))


def weights(model: Model, at: Evaluation) -> Array:
    """``M^-1`` as one matrix, (k, k)."""
    dense = np.zeros((model.y.size, model.y.size))
    for rows, inverse in zip(model.blocks, at.inverses, strict=True):
        dense[rows[:, :, None], rows[:, None, :]] = inverse
    return dense


def gradient(model: Model, theta: Array, at: Evaluation, information: bool = False) -> tuple[Array, Array]:
    """Gradient of the log-likelihood by the variance parameters, and (where asked) the Fisher information.

    ``dl/dt = (r' W D W r - tr(P D))/2`` and information ``tr(P D_i P D_j)/2`` with ``W = M^-1``; P is W under ML and
    ``W - W X (X'WX)^-1 X'W`` under REML, whose second part is added as small (p, p) matrices.

    Parameters
    ----------
    model : Model
    theta : (t,)
        Where.
    at : Evaluation
        The evaluation there.
    information : bool
        Whether the information is wanted; else it is zero.

    Returns
    -------
    gradient, information : (t,), (t, t)
    """
    t, p = theta.size, model.x.shape[1]
    score, matrix = np.zeros(t), np.zeros((t, t))
    first, second = np.zeros((t, p, p)), np.zeros((t, t, p, p))
    derivatives = [
        (term, small)
        for term, part in zip(model.terms, model.split(theta), strict=True)
        for small in term.derivatives(part)
    ]
    for rows, w in zip(model.blocks, at.inverses, strict=True):
        wr = np.einsum("bst,bt->bs", w, at.residuals[rows])
        wx = w @ model.x[rows]
        slopes = [term.spread(small, rows) for term, small in derivatives]
        products = [w @ d for d in slopes]
        for i in range(t):
            score[i] += 0.5 * (_form(slopes[i], wr) - float(np.einsum("bss->", products[i])))
            first[i] += np.einsum("bsp,bst,btq->pq", wx, slopes[i], wx)
            for j in range(i + 1 if information else 0):
                matrix[i, j] += 0.5 * float(np.einsum("bst,bts->", products[i], products[j]))
                if model.restricted:
                    second[i, j] += np.einsum("bsp,bst,btu,buq->pq", wx, slopes[i], products[j], wx)
    if model.restricted:
        score += 0.5 * np.einsum("pq,tqp->t", at.covariance, first)
        scaled = at.covariance @ first
        for i in range(t):
            for j in range(i + 1 if information else 0):
                matrix[i, j] += 0.5 * float(np.einsum("pq,qp->", scaled[i], scaled[j]))
                matrix[i, j] -= float(np.sum(at.covariance * second[i, j].T))
    return score, matrix + np.tril(matrix, -1).T
