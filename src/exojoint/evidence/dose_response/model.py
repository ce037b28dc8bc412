"""The mixed model behind a dose-response curve of given shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exojoint.evidence.dose_response.curves import Curve
from exojoint.evidence.dose_response.result import loadings_of
from exojoint.evidence.dose_response.studies import DoseStudy
from exojoint.evidence.multilevel.likelihood import Model, independent_blocks
from exojoint.evidence.multilevel.optimise import Optimum, maximise
from exojoint.evidence.multilevel.terms import Term, slopes

Array = NDArray[np.float64]


def stacked(studies: Sequence[DoseStudy], curve: Curve, shape: Array) -> tuple[Array, Term]:
    """Loadings of all contrasts of all studies, and the random term of amplitudes that vary between studies."""
    x = np.vstack([loadings_of(curve, study.dose, study.reference_dose, shape) for study in studies])
    outer = np.repeat(np.arange(len(studies)), [study.y.size for study in studies])
    return x, slopes(x, outer, "UN", "study", curve.amplitudes)


def fit_mixed(
    curve: Curve, y: Array, v: Array, x: Array, term: Term, method: str, start: Array | None = None
) -> tuple[Optimum, Model]:
    """Maximise the mixed model of given loadings; ``EE`` has no random term. `start` is a point near the top."""
    terms = () if method == "EE" else (term,)
    blocks = independent_blocks(v, (term,))
    model = Model(y, v, x, curve.amplitudes, terms, method == "REML", blocks)
    return maximise(model, start=start), model


def spread_of(model: Model, theta: Array) -> dict[str, float]:
    """Between-study variances and correlations of the amplitudes."""
    if not model.terms:
        return {}
    g = model.terms[0].covariance(theta)
    levels = model.terms[0].levels
    found = {f"tau2.{level}": float(g[i, i]) for i, level in enumerate(levels)}
    for i in range(len(levels)):
        for j in range(i):
            root = math.sqrt(g[i, i] * g[j, j])
            found[f"rho.{levels[j]},{levels[i]}"] = float(g[i, j] / root) if root > 0 else math.nan
    return found
