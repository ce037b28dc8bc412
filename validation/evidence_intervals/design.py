"""What is simulated: laboratories that test an injection on a handful of animals, or clinics on dozens of patients."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from exojoint.evidence.effects import standardised_mean_difference

STUDIES = (3, 5, 10, 28)  # 28 rat studies is what the field has; a question inside it has 3 to 10
TAUS = (0.0, 0.3, 0.8)  # SD of the true standardised effects: none, I2 about 25 %, I2 about 70 % with animal groups
EFFECTS = (0.0, 1.0, 2.0)  # true mean standardised difference; animal studies of injections report 1 to 3
GROUPS = {"animals": (5, 12), "patients": (20, 60)}  # smallest and largest group, both ends included
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of the simulation."""

    groups: str
    k: int
    tau: float
    effect: float

    @property
    def name(self) -> str:
        """The setting in words."""
        return f"{self.groups}, k {self.k}, tau {self.tau:g}, effect {self.effect:g}"


def cells() -> list[Cell]:
    """All settings, in the order of the table."""
    return [Cell(*parts) for parts in product(GROUPS, STUDIES, TAUS, EFFECTS)]


def simulate(cell: Cell, replicates: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Hedges' g and its variances by kind (``LS`` and ``AV``) from raw normal data, each (replicates, k).

    Groups of a study are of one size, drawn afresh. Means and standard deviations are those of samples, so that g is
    skewed and its usual variance grows with g: the small-study bias of standardised differences is in.
    """
    stream = np.random.default_rng([SEED, cells().index(cell)])
    shape = (replicates, cell.k)
    low, high = GROUPS[cell.groups]
    n = stream.integers(low, high + 1, shape)
    truth = stream.normal(cell.effect, cell.tau, shape) if cell.tau else np.full(shape, cell.effect)
    treated = truth + stream.normal(size=shape) / np.sqrt(n)
    control = stream.normal(size=shape) / np.sqrt(n)
    sds = [np.sqrt(stream.chisquare(n - 1) / (n - 1)) for _ in range(2)]
    columns = {"n1": n, "mean1": treated, "sd1": sds[0], "n2": n, "mean2": control, "sd2": sds[1]}
    found = standardised_mean_difference(**{name: values.ravel() for name, values in columns.items()})
    y, v = found.y.reshape(shape), found.v.reshape(shape)
    centre = (n * y).sum(axis=1) / n.sum(axis=1)  # of each meta-analysis, as ``variance="AV"`` takes it
    return y, {"LS": v, "AV": 2 / n + centre[:, None] ** 2 / (4 * n)}
