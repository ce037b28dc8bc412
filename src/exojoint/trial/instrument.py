"""What a trial reads off a knee: the instrument's scale, the noise of one reading, the latent value behind it.

An endpoint adds measurement to an observable of the joint; it holds no biology and no number of its own (those are rows
of `endpoints/endpoints.csv`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from exojoint.core.tables import Parameter, ParameterTable

Array = npt.NDArray[np.float64]
Better = Literal["lower", "higher"]

SCORE_EDGE = 1e-9  # share of the scale: keeps the odds of a score of exactly 0 or 100 finite


@dataclass(frozen=True, slots=True)
class Instrument:
    """The scale a reading is written down on.

    `grid` is the smallest step of the instrument in its own unit; 0 means that it reads continuously.
    """

    title: str
    unit: str
    lower: float
    upper: float
    grid: float
    better: Better

    def record(self, values: Array) -> Array:
        """Values as the instrument writes them: rounded to its grid, then kept inside its range (NaN stays NaN)."""
        read = values if self.grid == 0.0 else self.lower + np.round((values - self.lower) / self.grid) * self.grid
        return np.clip(read, self.lower, self.upper)

    @property
    def worse_sign(self) -> float:
        """+1 where a higher reading means a worse knee, -1 where it means a better one."""
        return 1.0 if self.better == "lower" else -1.0


@dataclass(frozen=True, slots=True)
class ScoreError:
    """Additive noise: good and bad spells that outlast a visit, and the error of one reading.

    The spell is a stationary AR(1) in continuous time: two visits that lie `lag` days apart correlate by `correlation`,
    others by `correlation ** (gap / lag)`. `spell_sign` is the direction in which a bad spell moves the score.
    """

    sd_measurement: float
    sd_visit: float = 0.0
    correlation: float = 0.0
    lag: float = 1.0
    spell_sign: float = 1.0

    def read(self, latent: Array, days: Sequence[float], spell: Array, noise: Array) -> Array:
        """Noisy values before the instrument writes them down.

        Parameters
        ----------
        latent : (n, v), instrument unit
        days : (v,) ascending
        spell, noise : (n, v) standard normal, one element per visit
        """
        values = latent + self.sd_measurement * noise
        if self.sd_visit == 0.0:
            return values
        return values + self.spell_sign * self.sd_visit * self.spells(days, spell)

    def spells(self, days: Sequence[float], normal: Array) -> Array:
        """AR(1) path of unit variance from independent normals, both (n, v)."""
        path = np.empty_like(normal)
        path[:, 0] = normal[:, 0]
        for v in range(1, normal.shape[1]):
            kept = self.correlation ** ((days[v] - days[v - 1]) / self.lag)
            path[:, v] = kept * path[:, v - 1] + np.sqrt(1.0 - kept * kept) * normal[:, v]
        return path


@dataclass(frozen=True, slots=True)
class LogError:
    """Multiplicative noise of an assay; a reading below the assay's limit is reported as the limit (left-censored)."""

    sd_log: float
    limit: float = 0.0

    def read(self, latent: Array, days: Sequence[float], spell: Array, noise: Array) -> Array:  # noqa: ARG002  one signature for every error model
        """Noisy values, (n, v), never below the limit."""
        return np.maximum(latent * np.exp(self.sd_log * noise), self.limit)


@dataclass(frozen=True, slots=True)
class OddsOfPain:
    """A score that follows pain on the odds scale with the patient's own level at baseline.

    `correlation` ties the baseline log-odds to those of pain; mean and spread at baseline are those of pain.
    `slope` is the change in the score's log-odds per change in pain's.
    """

    slope: float
    correlation: float

    def baseline(self, pain: Array, weights: Array, normal: Array) -> Array:
        """Baseline log-odds of the score for a pool of patients.

        Parameters
        ----------
        pain : (n_pool,) latent pain at baseline, 0-100
        weights : (n_pool,) weights of the pool, any scale
        normal : (n_pool,) standard normal, one per patient: the patient's own gain
        """
        odds = _log_odds(pain)
        share = weights / weights.sum()
        mean = float(share @ odds)
        spread = float(np.sqrt(share @ (odds - mean) ** 2))
        own = np.sqrt(1.0 - self.correlation**2) * spread * normal
        return np.asarray(mean + self.correlation * (odds - mean) + own)

    def path(self, pain: Array, pain_baseline: Array, baseline: Array) -> Array:
        """Score (n, v), 0-100, from pain (n, v), its baseline (n,) and the score's own baseline log-odds (n,)."""
        change = _log_odds(pain) - _log_odds(pain_baseline)[:, None]
        return np.asarray(100.0 * expit(baseline[:, None] + self.slope * change))


def _log_odds(score: Array) -> Array:
    return np.asarray(logit(np.clip(score / 100.0, SCORE_EDGE, 1.0 - SCORE_EDGE)))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: an observable of the joint as a trial records it.

    `mcid` is the smallest change *within one patient* that matters to her (None: no accepted one). `rows` are the table
    rows that the numbers came from.
    """

    name: str
    instrument: Instrument
    observable: str
    error: ScoreError | LogError
    mcid: Parameter | None = None
    follows: OddsOfPain | None = None
    rows: tuple[Parameter, ...] = ()

    def observe(self, latent: Array, days: Sequence[float], spell: Array, noise: Array) -> Array:
        """Recorded values (n, v) of latent values (n, v)."""
        return self.instrument.record(self.error.read(latent, days, spell, noise))

    def analysed(self, values: Array) -> Array:
        """Values on the scale that is analysed: logarithms for an assay, the values themselves otherwise."""
        if isinstance(self.error, ScoreError):
            return values
        return np.log(np.maximum(values, np.finfo(np.float64).tiny))

    @property
    def analysed_unit(self) -> str:
        """Unit of a difference on the analysed scale."""
        return self.instrument.unit if isinstance(self.error, ScoreError) else "log ratio"


def scale(rows: ParameterTable, name: str, *, title: str, better: Better) -> Instrument:
    """Instrument of an endpoint from its rows `lower_`, `upper_`, `grid_` (without a row: from 0, continuous)."""
    upper = rows[f"upper_{name}"]
    return Instrument(
        title, upper.unit, _value(rows, f"lower_{name}"), upper.value, _value(rows, f"grid_{name}"), better
    )


def score_error(rows: ParameterTable, name: str, *, spells: str = "", spell_sign: float = 1.0) -> ScoreError:
    """Additive error from the row `sd_measurement_` and, with spells, `sd_visit_`, `corr_visit_` and `dur_visit_`."""
    measurement = rows[f"sd_measurement_{name}"].value
    if not spells:
        return ScoreError(measurement)
    visit, correlation = rows[f"sd_visit_{name}"].value, rows[f"corr_visit_{spells}"].value
    return ScoreError(measurement, visit, correlation, rows[f"dur_visit_{spells}"].value, spell_sign)


def assay_error(rows: ParameterTable, name: str) -> LogError:
    """Multiplicative error from the rows `sd_log_` and `limit_`."""
    return LogError(rows[f"sd_log_{name}"].value, rows[f"limit_{name}"].value)


def rows_for(rows: ParameterTable, *names: str) -> tuple[Parameter, ...]:
    """Rows whose name ends with one of the given endings, in file order."""
    return tuple(row for key, row in rows.items() if any(key.endswith(f"_{name}") for name in names))


def _value(rows: ParameterTable, name: str) -> float:
    return rows[name].value if name in rows else 0.0
