"""The two kinds of spread a number can have: what we do not know, and how patients differ.

Uncertainty is a distribution about the table's value and shrinks with data; variability is a factor between patients
and does not. Both are written in a table cell and read here; neither is ever evaluated as code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, expit, logit, ndtr, ndtri

from exojoint.core.errors import InputError, Problem, did_you_mean

Array = NDArray[np.float64]

DEFAULT_CONCENTRATION = 50.0  # Dirichlet concentration where a table gives none (specification, section 19 item 4)
CENTRE_TOLERANCE = 0.01  # a beta or uniform row's value is its median to within this probability (tables round values)
NUMBER_OF_ARGUMENTS = {
    "fixed": 0, "normal": 1, "lognormal": 1, "logitnormal": 1, "uniform": 0, "beta": 2, "dirichlet": 1,
    "covariate": 0, "input": 0, "lot": 0, "switch": 0,
}  # fmt: skip
UNCERTAIN = frozenset({"normal", "lognormal", "logitnormal", "uniform", "beta", "dirichlet"})
GRAMMAR = (
    "fixed, normal(s), lognormal(s), logitnormal(s), beta(a, b), uniform [lo, hi], dirichlet(group, n), "
    "an optional [lo, hi], or covariate, input, lot, switch"
)
VARIABILITY_GRAMMAR = "none, cv(x), cv(x, group) or covariate"
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
CELL = re.compile(
    r"\s*(?P<kind>[A-Za-z]+)\s*(?:\((?P<arguments>[^()\[\]]*)\))?\s*(?:\[(?P<lower>[^,\]]+),(?P<upper>[^,\]]+)\])?\s*"
)


@dataclass(frozen=True, slots=True)
class Distribution:
    """What we do not know about a number.

    Parameters
    ----------
    kind : str
        A word of the grammar, e.g. ``lognormal``.
    arguments : tuple of float
        Log-SD, SD, beta's two counts, or a Dirichlet concentration.
    group : str
        Set of weights a ``dirichlet`` row belongs to; else empty.
    lower, upper : float or None
        Truncation. ``uniform`` always has both.
    """

    kind: str
    arguments: tuple[float, ...] = ()
    group: str = ""
    lower: float | None = None
    upper: float | None = None

    @property
    def uncertain(self) -> bool:
        """Whether knowledge draws vary this number."""
        return self.kind in UNCERTAIN

    def quantile(self, centre: float, u: Array) -> Array:
        """Return the value below which a share `u` of our belief lies.

        A truncated distribution is cut on each side of its median separately, so that the median, which is the table's
        value, stays where it is; cutting the whole at once would move it away from the nearer bound.

        Parameters
        ----------
        centre : float
            The table's value: the median of ``normal``, ``lognormal`` and ``logitnormal``; ``beta`` and ``uniform``
            ignore it.
        u : array
            Probabilities in (0, 1).

        Returns
        -------
        array
            Same shape as `u`.

        Raises
        ------
        ValueError
            For ``dirichlet``: a weight has no distribution without its group (see `exojoint.core.knowledge`).
        """
        u = np.asarray(u, dtype=np.float64)
        if self.kind == "dirichlet":
            raise ValueError("a dirichlet weight is drawn with its group: use exojoint.core.knowledge")
        if not self.uncertain:
            return np.full_like(u, centre)
        cut_low = 0.0 if self.lower is None else self._cumulative(centre, self.lower)
        cut_high = 1.0 if self.upper is None else self._cumulative(centre, self.upper)
        # u = 1/2 stays the median; each half is squeezed into what its own bound leaves of it.
        below = cut_low + (0.5 - cut_low) * 2.0 * u
        above = 0.5 + (cut_high - 0.5) * (2.0 * u - 1.0)
        drawn = self._quantile(centre, np.where(u < 0.5, below, above))
        return np.clip(drawn, self.lower, self.upper) if self.lower is not None or self.upper is not None else drawn

    def problem(self, value: float) -> tuple[str, str] | None:
        """Say what is wrong between this distribution and a row's value: (what, expected), or None."""
        if self.kind in ("lognormal", "dirichlet") and value <= 0:
            return f"value {value:g} cannot be {self.kind}", "a value above 0"
        if self.kind == "logitnormal" and not 0 < value < 1:
            return f"value {value:g} cannot be logitnormal", "a value between 0 and 1"
        if (self.lower is not None and value < self.lower) or (self.upper is not None and value > self.upper):
            return f"value {value:g} lies outside [{self.lower:g}, {self.upper:g}]", "a value inside its bounds"
        if self.kind in ("beta", "uniform") and abs(self._cumulative(value, value) - 0.5) > CENTRE_TOLERANCE:
            median = float(self.quantile(value, np.array(0.5)))
            return f"value {value:g} is not the median of its {self.kind} uncertainty", f"value {median:.4g}"
        return None

    def _quantile(self, centre: float, u: Array) -> Array:
        result: Array
        if self.kind == "uniform":
            lower, upper = self._bounds()
            result = lower + (upper - lower) * u
        elif self.kind == "beta":
            result = betaincinv(self.arguments[0], self.arguments[1], u)
        elif self.kind == "normal":
            result = centre + self.arguments[0] * ndtri(u)
        elif self.kind == "lognormal":
            result = centre * np.exp(self.arguments[0] * ndtri(u))
        else:
            result = expit(logit(centre) + self.arguments[0] * ndtri(u))
        return result

    def _cumulative(self, centre: float, x: float) -> float:
        if self.kind == "uniform":
            lower, upper = self._bounds()
            return float(np.clip((x - lower) / (upper - lower), 0.0, 1.0))
        if self.kind == "beta":
            return float(betainc(self.arguments[0], self.arguments[1], min(max(x, 0.0), 1.0)))
        if self.kind == "normal":
            return float(ndtr((x - centre) / self.arguments[0]))
        if self.kind == "lognormal":
            return float(ndtr(math.log(x / centre) / self.arguments[0])) if x > 0 else 0.0
        if not 0 < x < 1:
            return 0.0 if x <= 0 else 1.0
        return float(ndtr((logit(x) - logit(centre)) / self.arguments[0]))

    def _bounds(self) -> tuple[float, float]:
        if self.lower is None or self.upper is None:
            raise ValueError("a uniform distribution has two bounds")
        return self.lower, self.upper


@dataclass(frozen=True, slots=True)
class Variability:
    """How patients differ in a number.

    Parameters
    ----------
    cv : float
        Coefficient of variation of the factor between patients; 0 when all are alike.
    group : str
        Rows of one group share one factor; empty for a row of its own.
    covariate : bool
        The patient's own record gives the number.
    """

    cv: float = 0.0
    group: str = ""
    covariate: bool = False

    def factor(self, z: Array) -> Array:
        """Turn standard normal scores into log-normal factors of mean 1 and coefficient of variation `cv`.

        Parameters
        ----------
        z : array
            Standard normal scores, one per patient.

        Returns
        -------
        array
            Positive factors, same shape.
        """
        variance = math.log1p(self.cv**2)
        factors: Array = np.exp(math.sqrt(variance) * np.asarray(z, dtype=np.float64) - 0.5 * variance)
        return factors


def parse_distribution(text: str, where: str) -> Distribution:
    """Read the ``uncertainty`` cell of a table.

    Raises
    ------
    InputError
        When the cell is not in the grammar; the message suggests the nearest word.
    """
    match = CELL.fullmatch(text[:200])
    kind = match["kind"] if match else text
    if match is None or kind not in NUMBER_OF_ARGUMENTS:
        todo = did_you_mean(kind, NUMBER_OF_ARGUMENTS)
        raise InputError(Problem(where, f"uncertainty '{text[:80]}' is unknown", GRAMMAR, todo))

    def refuse(what: str) -> InputError:
        return InputError(Problem(where, f"uncertainty '{text[:80]}' {what}", GRAMMAR, "Correct the cell."))

    words = [word.strip() for word in match["arguments"].split(",")] if match["arguments"] is not None else []
    group = ""
    if kind == "dirichlet":
        if not words or not WORD.fullmatch(words[0]):
            raise refuse("names no group")
        group, words = words[0], words[1:] or [str(DEFAULT_CONCENTRATION)]
    arguments = _positive_numbers(words, refuse)
    if len(arguments) != NUMBER_OF_ARGUMENTS[kind]:
        raise refuse(f"has {len(arguments)} numbers instead of {NUMBER_OF_ARGUMENTS[kind]}")
    lower, upper = (_number(match[name], refuse) if match[name] else None for name in ("lower", "upper"))
    if lower is not None and upper is not None and not lower < upper:
        raise refuse("has bounds in the wrong order")
    if kind == "uniform" and lower is None:
        raise refuse("has no bounds")
    if lower is not None and (kind not in UNCERTAIN or kind == "dirichlet"):
        raise refuse("cannot have bounds")
    return Distribution(kind, arguments, group, lower, upper)


def parse_variability(text: str, where: str) -> Variability:
    """Read the ``variability`` cell of a table.

    Raises
    ------
    InputError
        When the cell is not in the grammar; the message suggests the nearest word.
    """

    def refuse(what: str, todo: str) -> InputError:
        return InputError(Problem(where, f"variability '{text[:80]}' {what}", VARIABILITY_GRAMMAR, todo))

    match = CELL.fullmatch(text[:200])
    words = [word.strip() for word in match["arguments"].split(",")] if match and match["arguments"] is not None else []
    kind = match["kind"] if match and match["lower"] is None else ""
    if kind in ("none", "covariate") and not words:
        return Variability(covariate=kind == "covariate")
    if kind != "cv" or not 1 <= len(words) <= 2:
        raise refuse("is unknown", did_you_mean(kind, ("none", "cv", "covariate")) or "Correct the cell.")
    group = words[1] if len(words) == 2 else ""
    if len(words) == 2 and not WORD.fullmatch(group):
        raise refuse("has a group that is no name", "Name groups with letters, digits and underscores.")
    (cv,) = _positive_numbers(words[:1], lambda what: refuse(what, "Correct the cell."))
    return Variability(cv=cv, group=group)


def _positive_numbers(words: list[str], refuse: Callable[[str], InputError]) -> tuple[float, ...]:
    numbers = tuple(_number(word, refuse) for word in words)
    if any(number <= 0 for number in numbers):
        raise refuse("has a number that is not above 0")
    return numbers


def _number(text: str, refuse: Callable[[str], InputError]) -> float:
    try:
        number = float(text)
    except ValueError:
        raise refuse(f"has '{text.strip()[:40]}' where a number belongs") from None
    if not math.isfinite(number):
        raise refuse("has a number that is not finite")
    return number
