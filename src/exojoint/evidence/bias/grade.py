"""Certainty of a body of evidence after GRADE, each step down with its reason, and how much it widens an estimate."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib.resources import files

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import read_table
from exojoint.evidence.checks import choose
from exojoint.evidence.estimate import Estimate
from exojoint.evidence.results import PooledResult

DOMAINS = ("risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias")
UPGRADES = ("large effect", "dose-response", "opposing confounding")
STARTS = {"randomised": "high", "animal": "high", "observational": "low"}
MOST_STEPS = 2  # GRADE's own limit per domain
I2_SERIOUS, I2_VERY_SERIOUS = 50.0, 75.0  # Cochrane Handbook 10.10.2: 50-90 % may be substantial, 75-100 % considerable
HIGH_RISK_SHARE = 0.5  # of studies: beyond it the body's weight rests on studies at high risk


@dataclass(frozen=True, slots=True)
class Step:
    """One change of certainty.

    Parameters
    ----------
    domain : str
        One of `DOMAINS` or `UPGRADES`.
    levels : int
        -2 to 2; 0 records that the domain was looked at and why nothing changed.
    reason : str
        One sentence.
    """

    domain: str
    levels: int
    reason: str


@dataclass(frozen=True, slots=True)
class Certainty:
    """Certainty of a body of evidence.

    Parameters
    ----------
    level : str
        ``high``, ``moderate``, ``low``, ``very low``.
    start : str
        Level before any step.
    steps : tuple of Step
        All domains that were judged.
    widening : float
        Factor on the estimate's standard deviation.
    """

    level: str
    start: str
    steps: tuple[Step, ...]
    widening: float

    @property
    def text(self) -> str:
        """One line: level and the reasons for every step."""
        said = "; ".join(f"{step.levels:+d} {step.domain}: {step.reason}" for step in self.steps if step.levels)
        return f"{self.level} certainty" + (f" ({said})" if said else "")

    def widen(self, estimate: Estimate) -> Estimate:
        """Return the estimate with the standard deviation that its certainty leaves, said in its method."""
        return estimate if self.widening == 1.0 else estimate.widened(self.widening, f"GRADE {self.text}")


@functools.cache
def levels() -> dict[str, tuple[int, float]]:
    """Rank and widening of each level, from ``grade_levels.csv``."""
    path = files("exojoint.evidence.bias").joinpath("grade_levels.csv")
    rows = read_table(path, ("name", "level", "widening", "source", "note"))
    return {row["name"]: (int(row["level"]), float(row["widening"])) for row in rows}


def grade(start: str, steps: tuple[Step, ...]) -> Certainty:
    """Add up the steps of all domains.

    Parameters
    ----------
    start : str
        ``randomised``, ``animal`` (controlled experiments) or ``observational``.
    steps : tuple of Step
        At most one per domain; reasons are required.

    Raises
    ------
    InputError
        For unknown domains, steps beyond two, a domain twice, a missing reason.

    References
    ----------
    Guyatt GH et al. BMJ 2008;336:924-926. Hooijmans CR et al. PLoS One 2018;13:e0187271 (animal evidence).
    """
    begin = STARTS[choose(start, tuple(STARTS), "start")]
    problems, seen = [], set()
    for step in steps:
        limit = (-MOST_STEPS, 0) if step.domain in DOMAINS else (0, MOST_STEPS)
        if step.domain not in (*DOMAINS, *UPGRADES):
            problems.append(Problem("grade", f"domain '{step.domain}' is unknown", ", ".join((*DOMAINS, *UPGRADES))))
        elif not limit[0] <= step.levels <= limit[1]:
            problems.append(Problem(f"grade {step.domain}", f"{step.levels:+d} levels", f"{limit[0]} to {limit[1]}"))
        if step.domain in seen:
            problems.append(Problem(f"grade {step.domain}", "stands twice", "one step per domain"))
        if not step.reason.strip():
            problems.append(Problem(f"grade {step.domain}", "has no reason", "one sentence"))
        seen.add(step.domain)
    if problems:
        raise InputError(*problems)
    rank = levels()[begin][0] + sum(step.levels for step in steps)
    names = {value[0]: name for name, value in levels().items()}
    level = names[min(max(rank, 1), 4)]
    return Certainty(level, begin, steps, levels()[level][1])


@dataclass(frozen=True, slots=True)
class Body:
    """What is known about a body of evidence beside its pooled effect.

    Parameters
    ----------
    start : str
        As in `grade`.
    share_high_risk : float
        Share of studies (or of weight) at high risk of bias.
    important_difference : float
        Smallest effect that matters, on the effect's scale, positive.
    animals_for_humans : bool
        Whether animal evidence answers a human question.
    bias_suspected : str
        Why publication bias is suspected; empty when it is not.
    upgrades : tuple of Step
        Reasons to rate up.
    """

    start: str
    share_high_risk: float
    important_difference: float
    animals_for_humans: bool = False
    bias_suspected: str = ""
    upgrades: tuple[Step, ...] = field(default=())


def grade_body(result: PooledResult, body: Body) -> Certainty:
    """Rate a pooled effect by fixed rules, each with its reason; use `grade` itself where a rule does not fit.

    Risk of bias: -1 when a study in two is at high risk. Inconsistency: -1 from I2 50 %, -2 from 75 % when the
    prediction interval also covers both harm and benefit. Indirectness: -1 for animals answering a human question.
    Imprecision: -1 when the interval contains both no effect and an important one, -2 when it contains important
    effects of both signs. Publication bias: -1 when suspected.

    Parameters
    ----------
    result : PooledResult
        From `pool`.
    body : Body
        The rest.

    Raises
    ------
    InputError
        When the important difference is not positive or the share is none.
    """
    if not body.important_difference > 0 or not 0 <= body.share_high_risk <= 1:
        raise InputError(
            Problem("body", "has a difference or a share out of range", "difference > 0, share from 0 to 1")
        )
    risky = body.share_high_risk >= HIGH_RISK_SHARE
    steps = (
        Step("risk of bias", -1 if risky else 0, f"{100 * body.share_high_risk:.0f} % of studies at high risk"),
        _inconsistency(result),
        Step("indirectness", -1 if body.animals_for_humans else 0,
             "animals answer a question about people" if body.animals_for_humans else "the question's own species"),
        _imprecision(result, body.important_difference),
        Step("publication bias", -1 if body.bias_suspected else 0, body.bias_suspected or "not suspected"),
        *body.upgrades,
    )  # fmt: skip
    return grade(body.start, steps)


def _inconsistency(result: PooledResult) -> Step:
    both = result.prediction.lower < 0 < result.prediction.upper
    down = 0
    if result.i2 >= I2_SERIOUS:
        down = -2 if result.i2 >= I2_VERY_SERIOUS and both else -1
    wide = "the prediction interval covers benefit and harm" if both else "the prediction interval has one sign"
    return Step("inconsistency", down, f"I2 {result.i2:.0f} %, {wide}")


def _imprecision(result: PooledResult, important: float) -> Step:
    low, high = result.lower, result.upper
    ends = f"interval {low:.3g} to {high:.3g}, important from {important:.3g}"
    if low <= -important and high >= important:
        return Step("imprecision", -2, f"{ends}: important benefit and harm both possible")
    if low < 0 < high and (low <= -important or high >= important):
        return Step("imprecision", -1, f"{ends}: no effect and an important one both possible")
    return Step("imprecision", 0, ends)
