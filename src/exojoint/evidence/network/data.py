"""Contrasts of a network of trials, with the covariance that arms of one trial share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.checks import choose, columns, effects_and_variances, require
from exojoint.evidence.effects.covariance import NEEDED, checked_covariance, shared_control_covariance
from exojoint.evidence.effects.measures import MEASURES

Array = NDArray[np.float64]
Labels = Sequence[Hashable] | NDArray[np.generic]
ARM_MEASURES = tuple(NEEDED)


@dataclass(frozen=True, slots=True)
class NetworkData:
    """Contrasts between treatments, one fewer per trial than it has arms.

    Parameters
    ----------
    study : tuple of str
        Trial of each contrast, (k,).
    first, second : tuple of str
        The contrast is the effect of `first` against `second`, (k,).
    y : (k,)
        Effects.
    v : (k, k)
        Sampling covariance; contrasts of different trials are independent.
    treatments : tuple of str
        All treatments, the reference first, then in alphabetical order.
    measure : str
        What the effects are.
    warnings : tuple of str
        What was done to the data.
    """

    study: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    y: Array
    v: Array
    treatments: tuple[str, ...]
    measure: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def design(self) -> Array:
        """Consistency design, (k, T - 1): +1 for `first`, -1 for `second`, no column for the reference."""
        columns_ = self.treatments[1:]
        plus = np.array([[t == name for name in columns_] for t in self.first], dtype=np.float64)
        minus = np.array([[t == name for name in columns_] for t in self.second], dtype=np.float64)
        return np.asarray(plus - minus)

    @property
    def heterogeneity_correlation(self) -> Array:
        """Correlation of the random effects of contrasts, (k, k): 1/2 for two contrasts of a trial that share an arm.

        It follows from one variance tau2 for every contrast of a trial.
        """
        a, b, s = (np.array(column) for column in (self.first, self.second, self.study))
        shared = (a[:, None] == a).astype(float) + (b[:, None] == b) - (a[:, None] == b) - (b[:, None] == a)
        return np.asarray(np.where(s[:, None] == s, 0.5 * shared, 0.0))

    def arms(self, study: str) -> tuple[str, ...]:
        """Treatments of a trial in alphabetical order."""
        rows = [i for i, name in enumerate(self.study) if name == study]
        return tuple(sorted({self.first[i] for i in rows} | {self.second[i] for i in rows}))


def network_from_arms(
    measure: str, study: Labels, treatment: Labels, *, reference: str | None = None, **arms: ArrayLike
) -> NetworkData:
    """Build contrasts from one row per arm.

    Parameters
    ----------
    measure : str
        MD, SMD, ROM, RR, OR, RD or IRR.
    study, treatment : (rows,)
        Trial and treatment of each arm.
    reference : str, optional
        Treatment that effects are given against; the most frequent one when left out.
    **arms : (rows,)
        ``n, mean, sd`` (MD, SMD, ROM), ``n, events`` (RR, OR, RD) or ``events, time`` (IRR).

    Raises
    ------
    InputError
        For trials with one arm, a treatment twice in a trial, missing columns, or a network in pieces.
    """
    kind = choose(measure, ARM_MEASURES, "measure")
    studies, treatments = [str(s) for s in study], [str(t) for t in treatment]
    data = columns(**arms)
    length = next(iter(data.values())).size if data else 0
    if not len(studies) == len(treatments) == length:
        raise InputError(Problem("study, treatment", "differ in length from the arms", f"{length} rows each"))
    base, other = _pairs_with_base(studies, treatments)
    given = {f"{name}1": column[other] for name, column in data.items()}
    given |= {f"{name}2": column[base] for name, column in data.items()}
    effects = MEASURES[kind](**given)
    require(np.isfinite(effects.y), "arms", f"give no {kind}", "events in the trial, or another measure")
    control = {name: column for name, column in given.items() if name in (*NEEDED[kind], "n1")}
    corrected = kind in ("RR", "OR", "IRR")
    if corrected:
        zero = control["events2"] == 0
        control["events2"] = control["events2"] + np.where(zero, 0.5, 0.0)
        if "n2" in control:
            control["n2"] = control["n2"] + np.where(zero, 1.0, 0.0)
    names = [studies[i] for i in other]
    v = shared_control_covariance(kind, effects.y, effects.v, names, **control)
    first, second = ([treatments[i] for i in rows] for rows in (other, base))
    order = _treatments(first, second, reference)
    return _connected(
        NetworkData(tuple(names), tuple(first), tuple(second), effects.y, v, order, kind, effects.warnings)
    )


def _pairs_with_base(studies: list[str], treatments: list[str]) -> tuple[list[int], list[int]]:
    """Rows of the base arm (the trial's first) and of each other arm."""
    first: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    base, other, problems = [], [], []
    for i, (s, t) in enumerate(zip(studies, treatments, strict=True)):
        if (s, t) in seen:
            todo = "Combine the arms first (`combine_groups`)."
            problems.append(Problem(f"study {s}", f"treatment '{t}' stands twice", "each treatment once", todo))
        seen.add((s, t))
        if s in first:
            base.append(first[s])
            other.append(i)
        else:
            first[s] = i
    alone = set(first) - {studies[i] for i in other}
    problems += [Problem(f"study {s}", "has one arm only", "at least two arms") for s in sorted(alone)]
    if problems:
        raise InputError(*problems)
    return base, other


def network_from_contrasts(
    study: Labels, first: Labels, second: Labels, y: ArrayLike, v: ArrayLike, *, reference: str | None = None,
    measure: str = "",
) -> NetworkData:  # fmt: skip
    """Build a network from reported contrasts.

    A trial with more than two arms must come with all its pairwise contrasts, from whose variances the covariances
    follow, or `v` must be a full covariance matrix.

    Parameters
    ----------
    study, first, second : (k,)
        Trial, and the two treatments of each contrast.
    y : (k,)
        Effect of `first` against `second`.
    v : (k,) or (k, k)
        Sampling variances or covariance.
    reference : str, optional
        As in `network_from_arms`.
    measure : str
        What the effects are.

    Raises
    ------
    InputError
        For correlated contrasts without a covariance, contradictory contrasts of one trial, a network in pieces.
    """
    names = tuple(([str(item) for item in column]) for column in (study, first, second))
    given = np.asarray(v, dtype=np.float64)
    effects, variances, used, warnings = effects_and_variances(y, np.diag(given) if given.ndim == 2 else given)
    studies, ones, twos = (tuple(name for name, yes in zip(column, used, strict=True) if yes) for column in names)
    same = [s for s, a, b in zip(studies, ones, twos, strict=True) if a == b]
    if same:
        raise InputError(Problem(f"study {same[0]}", "compares a treatment with itself", "two different treatments"))
    order = _treatments(list(ones), list(twos), reference)
    if given.ndim == 2:
        matrix = checked_covariance(given[np.ix_(used, used)], "v")
        return _connected(NetworkData(studies, ones, twos, effects, matrix, order, measure, warnings))
    kept: list[int] = []
    blocks: list[Array] = []
    for s in dict.fromkeys(studies):
        rows = [i for i, name in enumerate(studies) if name == s]
        chosen, block = _one_trial(s, rows, ones, twos, effects, variances)
        kept += chosen
        blocks.append(block)
    matrix = np.zeros((len(kept), len(kept)))
    start = 0
    for block in blocks:
        stop = start + block.shape[0]
        matrix[start:stop, start:stop] = block
        start = stop
    parts = (tuple(column[i] for i in kept) for column in (studies, ones, twos))
    s_, a_, b_ = parts
    return _connected(NetworkData(s_, a_, b_, effects[kept], checked_covariance(matrix, "v"), order, measure, warnings))


def _one_trial(
    study: str, rows: list[int], ones: tuple[str, ...], twos: tuple[str, ...], y: Array, v: Array
) -> tuple[list[int], Array]:
    """Rows to keep of one trial and their covariance: ``v_ab = s_a + s_b`` is solved for the arms' variances s."""
    arms = sorted({ones[i] for i in rows} | {twos[i] for i in rows})
    if len(arms) == 2 and len(rows) == 1:
        return rows, np.array([[v[rows[0]]]])
    pairs = {frozenset((ones[i], twos[i])): i for i in rows}
    wanted = [frozenset(pair) for pair in combinations(arms, 2)]
    if len(pairs) != len(rows) or any(pair not in pairs for pair in wanted):
        what = f"has {len(arms)} arms but {len(rows)} contrasts without a covariance"
        todo = "Give all pairwise contrasts, one row per arm (`network_from_arms`), or a covariance matrix."
        raise InputError(Problem(f"study {study}", what, f"{len(wanted)} pairwise contrasts", todo))
    left = np.array([[arm in pair for arm in arms] for pair in wanted], dtype=np.float64)
    arm_variance = np.linalg.lstsq(left, np.array([v[pairs[pair]] for pair in wanted]), rcond=None)[0]
    base = ones[rows[0]]
    chosen = [i for i in rows if base in (ones[i], twos[i])]
    sign = np.array([1.0 if twos[i] == base else -1.0 for i in chosen])
    other = [arms.index(ones[i] if twos[i] == base else twos[i]) for i in chosen]
    block = np.outer(sign, sign) * (arm_variance[arms.index(base)] + np.diag(arm_variance[other]))
    _check_loops(study, rows, ones, twos, y, base, chosen, sign)
    return chosen, np.asarray(block)


def _check_loops(
    study: str, rows: list[int], ones: tuple[str, ...], twos: tuple[str, ...], y: Array, base: str, chosen: list[int],
    sign: Array,
) -> None:  # fmt: skip
    effect = {base: 0.0}
    for i, s in zip(chosen, sign, strict=True):
        effect[ones[i] if twos[i] == base else twos[i]] = float(s * y[i])
    spread = max(abs(value) for value in effect.values()) + 1e-12
    for i in rows:
        gap = abs(y[i] - (effect[ones[i]] - effect[twos[i]]))
        if gap > 0.05 * spread + 1e-6:
            what = f"its contrasts contradict each other by {gap:.3g} ({ones[i]} against {twos[i]})"
            raise InputError(Problem(f"study {study}", what, "contrasts of one trial that add up", "Check the signs."))


def _treatments(first: list[str], second: list[str], reference: str | None) -> tuple[str, ...]:
    names = sorted(set(first) | set(second))
    if reference is None:
        together = first + second
        reference = max(names, key=lambda name: (together.count(name), name))
    if reference not in names:
        todo = did_you_mean(reference, names)
        raise InputError(Problem("reference", f"'{reference}' is no treatment", f"one of {', '.join(names)}", todo))
    return (reference, *(name for name in names if name != reference))


def _connected(data: NetworkData) -> NetworkData:
    parts: list[set[str]] = [{name} for name in data.treatments]
    for a, b in zip(data.first, data.second, strict=True):
        joined = [part for part in parts if a in part or b in part]
        parts = [part for part in parts if part not in joined] + [set().union(*joined)]
    if len(parts) > 1:
        text = " | ".join(", ".join(sorted(part)) for part in parts)
        todo = "Analyse the pieces alone or add a trial that links them."
        raise InputError(Problem("network", f"falls into pieces: {text}", "treatments linked by trials", todo))
    return data
