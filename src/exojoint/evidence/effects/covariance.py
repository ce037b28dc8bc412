"""Covariance between effects that share animals or patients: one control for several arms, many outcomes of one body.

Effects that share a group are not independent; pooling them as if they were counts the shared animals twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, effects_and_variances, groups_of, require

Array = NDArray[np.float64]
# Part of the sampling variance that comes from group 2 alone, in the control's own numbers.
CONTROL_PART: dict[str, Callable[[dict[str, Array]], Array]] = {
    "MD": lambda c: c["sd2"] ** 2 / c["n2"],
    "ROM": lambda c: c["sd2"] ** 2 / (c["n2"] * c["mean2"] ** 2),
    "RR": lambda c: 1 / c["events2"] - 1 / c["n2"],
    "OR": lambda c: 1 / c["events2"] + 1 / (c["n2"] - c["events2"]),
    "RD": lambda c: c["events2"] * (c["n2"] - c["events2"]) / c["n2"] ** 3,
    "IRR": lambda c: 1 / c["events2"],
}
NEEDED = {
    "MD": ("n2", "sd2"), "ROM": ("n2", "mean2", "sd2"), "RR": ("n2", "events2"), "OR": ("n2", "events2"),
    "RD": ("n2", "events2"), "IRR": ("events2",), "SMD": ("n2",),
}  # fmt: skip


def shared_control_covariance(
    measure: str, y: ArrayLike, v: ArrayLike, shared: Sequence[Hashable] | NDArray[np.generic], **control: ArrayLike
) -> Array:
    """Return the sampling covariance matrix of comparisons that share a control group.

    Two comparisons with one control have the covariance that the control's own error causes: ``sd2^2/n2`` (MD),
    ``sd2^2/(n2 mean2^2)`` (ROM), ``1/events2 - 1/n2`` (RR), ``1/events2 + 1/(n2 - events2)`` (OR),
    ``events2 (n2 - events2)/n2^3`` (RD), ``1/events2`` (IRR), and for SMD ``1/n2 + g_i g_j / (2 N)`` with N the number
    of animals in all groups of the set (pass `n1`).

    Parameters
    ----------
    measure : str
        MD, SMD, ROM, RR, OR, RD or IRR.
    y, v : (k,)
        Effects and their sampling variances.
    shared : (k,)
        Label of the control group; rows with one label share it.
    **control : (k,)
        The control's columns ``n2``, ``mean2``, ``sd2``, ``events2`` as the measure needs; for SMD ``n1`` and ``n2``.

    Returns
    -------
    (k, k)
        With `v` on the diagonal; symmetric and positive definite.

    Raises
    ------
    InputError
        For an unknown measure, a missing column, or a covariance as large as the variances.

    References
    ----------
    Gleser LJ, Olkin I. Stochastically dependent effect sizes. In: The handbook of research synthesis, 2nd ed. 2009.
    """
    kind = choose(measure, tuple(NEEDED), "measure")
    data = columns(y=y, v=v, **control)
    needed = (*NEEDED[kind], "n1") if kind == "SMD" else NEEDED[kind]
    missing = [name for name in needed if name not in data]
    if missing:
        raise InputError(Problem("control", f"column {missing[0]} is missing", f"{', '.join(needed)} for {kind}"))
    group = groups_of(shared, data["y"].size, "shared")
    same = group[:, None] == group[None, :]
    if kind == "SMD":
        total = np.array([data["n1"][group == g].sum() + data["n2"][group == g][0] for g in group])
        part = 1 / data["n2"][:, None] + data["y"][:, None] * data["y"][None, :] / (2 * total[:, None])
    else:
        own = CONTROL_PART[kind](data)
        part = np.sqrt(own[:, None] * own[None, :])
    matrix = np.where(same, part, 0.0)
    np.fill_diagonal(matrix, data["v"])
    return checked_covariance(matrix, "shared")


def constant_correlation_covariance(
    v: ArrayLike, cluster: Sequence[Hashable] | NDArray[np.generic], rho: float,
    subcluster: Sequence[Hashable] | NDArray[np.generic] | None = None,
) -> Array:  # fmt: skip
    """Return a sampling covariance with one correlation between all effects of a cluster: ``rho sqrt(v_i v_j)``.

    Parameters
    ----------
    v : (k,)
        Sampling variances.
    cluster : (k,)
        Effects of one cluster come from the same animals or patients.
    rho : float
        Their correlation, usually assumed; vary it (0.4 to 0.8) and compare.
    subcluster : (k,), optional
        Only effects of one subcluster are correlated (e.g. one cohort of a paper).

    Returns
    -------
    (k, k)

    Raises
    ------
    InputError
        When `rho` makes the matrix impossible.

    References
    ----------
    Pustejovsky JE, Tipton E. Prev Sci 2022;23:425-438.
    """
    data = columns(v=v)["v"]
    require(~(data < 0), "v", "is negative", "a sampling variance")
    group = groups_of(cluster, data.size, "cluster")
    same = group[:, None] == group[None, :]
    if subcluster is not None:
        sub = groups_of(subcluster, data.size, "subcluster")
        same &= sub[:, None] == sub[None, :]
    matrix = np.where(same, rho * np.sqrt(data[:, None] * data[None, :]), 0.0)
    np.fill_diagonal(matrix, data)
    return checked_covariance(matrix, "rho")


def block_covariance(blocks: Sequence[ArrayLike], cluster: Sequence[Hashable] | NDArray[np.generic]) -> Array:
    """Put the reported covariance matrix of each cluster at its rows.

    Parameters
    ----------
    blocks : sequence of (k_c, k_c)
        In the order in which the clusters first appear.
    cluster : (k,)
        Cluster of each effect.

    Returns
    -------
    (k, k)

    Raises
    ------
    InputError
        When a block has another size than its cluster, or is not a covariance matrix.
    """
    labels = list(cluster)
    group = groups_of(labels, len(labels), "cluster")
    matrix = np.zeros((group.size, group.size))
    for number, given in enumerate(blocks):
        block, rows = np.atleast_2d(np.asarray(given, dtype=np.float64)), np.flatnonzero(group == number)
        if block.shape != (rows.size, rows.size):
            what = f"block {number + 1} has shape {block.shape}"
            raise InputError(Problem("blocks", what, f"({rows.size}, {rows.size}), one row per effect of the cluster"))
        matrix[np.ix_(rows, rows)] = block
    return checked_covariance(matrix, "blocks")


def split_control(n2: ArrayLike, shared: Sequence[Hashable] | NDArray[np.generic]) -> Array:
    """Divide a control group among the comparisons that share it, where no covariance can be used.

    Parameters
    ----------
    n2 : (k,)
        Size of the control.
    shared : (k,)
        Label of the control group.

    Returns
    -------
    (k,)
        Size of the control's share for each row; an approximation, the covariance is better.
    """
    size = columns(n2=n2)["n2"]
    group = groups_of(shared, size.size, "shared")
    return np.asarray(size / np.bincount(group)[group])


def checked_covariance(matrix: ArrayLike, where: str) -> Array:
    """Return a sampling covariance matrix when it is one.

    Raises
    ------
    InputError
        When it is not square, finite, symmetric and positive definite.
    """
    array = np.asarray(matrix, dtype=np.float64)
    square = array.ndim == 2 and array.shape[0] == array.shape[1] and bool(np.isfinite(array).all())
    if not square or not np.allclose(array, array.T, rtol=1e-8, atol=1e-12):
        raise InputError(Problem(where, "is not a symmetric matrix of finite numbers", "a covariance matrix"))
    effects_and_variances(np.zeros(array.shape[0]), np.diag(array))
    if float(np.linalg.eigvalsh(array / np.sqrt(np.outer(np.diag(array), np.diag(array))))[0]) <= 0:
        todo = "Lower the correlation, or check which rows share a group."
        raise InputError(Problem(where, "gives correlations that cannot all hold", "a positive definite matrix", todo))
    return array
