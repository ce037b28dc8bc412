"""A question to the evidence: who, what, against what, measured how and when, and how bias is handled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exojoint.evidence.bias.grade import Certainty

MEASURES = ("SMD", "points", "MD", "RR", "events", "percent")
HANDLINGS = ("none", "restricted", "shrink", "selection", "pet-peese", "trim-and-fill", "averaged")


@dataclass(frozen=True, slots=True)
class Window:
    """One time window of a question.

    Parameters
    ----------
    name : str
        As a reader says it.
    days : (float, float) or None
        First and last day; None for rows of any time.
    prefer : str
        Record that answers while there are too few studies to pool; empty where there is none.
    naive : str
        Record that shows what the answer would be without care for bias.
    reason : str
        Why that record.
    """

    name: str
    days: tuple[float, float] | None = None
    prefer: str = ""
    naive: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """How studies are pooled: estimator, interval, and the least number of studies."""

    method: str = "REML"
    interval: str = "knapp-hartung"
    min_studies: int = 3


@dataclass(frozen=True, slots=True)
class Bias:
    """How bias is handled.

    Parameters
    ----------
    handling : str
        ``none``; ``restricted`` (the preferred record leaves the biased studies out); ``shrink`` (a share of the effect
        is taken for bias); of pooled studies ``selection``, ``pet-peese``, ``trim-and-fill``, ``averaged`` (over models
        of bias).
    shrink : (float, float)
        Lowest and highest share of the effect that is bias; uniform between.
    reason : str
        Why, with its source.
    facts : tuple of str
        Records, facts or works behind the reason.
    """

    handling: str = "none"
    shrink: tuple[float, float] = (0.0, 0.0)
    reason: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """From standardised differences to points of the score.

    Parameters
    ----------
    sd : float or None
        Points (0-100) of one standard deviation.
    reason : str
        Where it comes from.
    targets : tuple of str
        Calibration targets of the joint that rest on this answer.
    """

    sd: float | None = None
    reason: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silent:
    """A trial that reports "no difference" without a number: what it could have seen.

    Parameters
    ----------
    pairs : int
        Pairs of knees analysed; 0 where there is no such trial.
    power : float
        Chance to find the smallest difference that is said to be detectable.
    outcome : str
        What was compared.
    """

    pairs: int = 0
    power: float = 0.8
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """How sure the evidence makes us.

    Parameters
    ----------
    certainty : Certainty
        Level, steps, and how much it widens an estimate.
    reason : str
        Who rated it so, where the level is published; empty where the steps are ours.
    """

    certainty: Certainty
    reason: str = ""

    @property
    def text(self) -> str:
        """Level and reasons in one line."""
        return f"{self.certainty.text} ({self.reason})" if self.reason else self.certainty.text


@dataclass(frozen=True, slots=True)
class Rules:
    """How a question is answered: model, bias, scale, what silence means, and how sure the evidence makes us."""

    model: Model = field(default_factory=Model)
    bias: Bias = field(default_factory=Bias)
    scale: Scale = field(default_factory=Scale)
    silent: Silent = field(default_factory=Silent)
    rating: Rating | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Parameters
    ----------
    name : str
        File name without ending.
    words : mapping of str to str
        ``question``, ``population``, ``axis`` (title), ``left`` and ``right`` (sides of the figure).
    select : mapping of column to values
        Which records belong to it.
    measure, direction : str, int
        ``SMD``, ``points`` (0-100), ``MD``, ``RR``, ``events`` or ``percent``; +1 when more is better.
    windows : tuple of Window
        At least one.
    rules : Rules
        How it is answered.
    """

    name: str
    words: Mapping[str, str]
    select: Mapping[str, tuple[str, ...]]
    measure: str
    windows: tuple[Window, ...]
    direction: int = -1
    rules: Rules = field(default_factory=Rules)

    @property
    def title(self) -> str:
        """The question itself."""
        return self.words["question"]
