"""Effects with their sampling variances, as every later step takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """One effect and its sampling variance per comparison.

    Parameters
    ----------
    measure : str
        ``MD``, ``SMD``, ``RR`` ...: what the effect is.
    y : (k,)
        Effects on the scale of the analysis (log for ratios); group 1 minus group 2; nan where it cannot be computed.
    v : (k,)
        Sampling variances of `y`.
    scale : str
        ``identity``, ``log``, ``logit``, ``arcsine`` or ``fisher``: how `back` returns to the reader's scale.
    warnings : tuple of str
        What was done to a row, e.g. a continuity correction.
    """

    measure: str
    y: Array
    v: Array
    scale: str = "identity"
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of comparisons."""
        return int(self.y.size)

    @property
    def se(self) -> Array:
        """Standard errors, (k,)."""
        return np.asarray(np.sqrt(self.v))

    def back(self, values: float | Array) -> Array:
        """Return values of the analysis scale on the reader's scale: ratios, proportions, correlations."""
        return back_transform(values, self.scale)


def back_transform(values: float | Array, scale: str) -> Array:
    """Return values of the analysis scale on the reader's scale.

    Parameters
    ----------
    values : float or array
        Effects or ends of intervals.
    scale : str
        As in `Effects`.
    """
    array = np.asarray(values, dtype=np.float64)
    if scale == "log":
        return np.asarray(np.exp(array))
    if scale == "logit":
        return np.asarray(1.0 / (1.0 + np.exp(-array)))
    if scale == "arcsine":
        return np.asarray(np.sin(np.clip(array, 0.0, np.pi / 2)) ** 2)
    if scale == "fisher":
        return np.asarray(np.tanh(array))
    return array
