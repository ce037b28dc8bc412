"""Safety of structure: how likely it is that a treatment costs cartilage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from exojoint.core.tables import Parameter, ParameterTable, read_parameters
from exojoint.trial.performance import share_error

MARGIN_ROW = "margin_harm_thickness_mftc"


@dataclass(frozen=True, slots=True)
class HarmProbability:
    """P(structural harm): share of knowledge draws whose true extra loss is worse than the margin.

    `mc_error` counts draws; `n_missing` draws had no effect to judge and are not in `n`.
    """

    value: float
    mc_error: float
    n: int
    n_missing: int
    margin: float


@cache
def safety_rows() -> ParameterTable:
    """Numbers of the safety layer, with unit, grade and source."""
    return read_parameters(files("exojoint.trial") / "safety.csv")


def harm_margin() -> Parameter:
    """Row of the margin: extra loss of cartilage thickness (mm over two years) beyond which we speak of harm."""
    return safety_rows()[MARGIN_ROW]


def structural_harm(differences: npt.ArrayLike, margin: float | None = None) -> HarmProbability:
    """Probability that thickness changes for the worse by more than the margin.

    Parameters
    ----------
    differences : (n_draws,) true difference from control in thickness change over two years, mm; negative is extra loss
    margin : mm, positive; None takes the table's row
    """
    effects = np.asarray(differences, dtype=float)
    known = effects[np.isfinite(effects)]
    limit = harm_margin().value if margin is None else margin
    n = len(known)
    share = float(np.mean(known < -limit)) if n else float("nan")
    error = share_error(int(np.sum(known < -limit)), n) if n else float("nan")
    return HarmProbability(share, error, n, len(effects) - n, limit)
