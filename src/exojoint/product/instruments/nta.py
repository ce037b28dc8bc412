"""What nanoparticle tracking analysis says about a sample: videos, bins, settings, warnings. No file format here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.product.size import SizeDistribution

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Diameters:
    """Diameters of one video as the instrument prints them (nm)."""

    mean: float
    mode: float
    sd: float
    d10: float
    d50: float
    d90: float


@dataclass(frozen=True, slots=True)
class Video:
    """One video: concentration per mL of the *undiluted* sample, diameters (nm), tracks, temperature (degree C).

    `dilution` is None where the file says "Not recorded"; the concentration is already multiplied by it.
    """

    name: str
    concentration_per_ml: float
    diameters: Diameters
    valid_tracks: int
    temperature_c: float | None
    dilution: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Size bins of an experiment.

    centres_nm : (k,), particles_per_ml : (k, n_videos) in each bin, average and standard_error : (k,) over videos
    (the error is NaN for a single video), percentiles_nm : (101, n_videos) diameters at 0 ... 100 %, or None.
    """

    centres_nm: Floats
    particles_per_ml: Floats
    average: Floats
    standard_error: Floats
    percentiles_nm: Floats | None

    @property
    def width_nm(self) -> float:
        """Width of a bin (all are equal)."""
        return float(self.centres_nm[1] - self.centres_nm[0])

    @property
    def edges_nm(self) -> Floats:
        """Edges of the bins, (k + 1,)."""
        half = self.width_nm / 2
        return np.concatenate([np.maximum(self.centres_nm - half, 0.0), self.centres_nm[-1:] + half])


@dataclass(frozen=True, slots=True)
class Sample:
    """What the operator wrote about the sample; empty where nothing was written."""

    experiment: str
    name: str
    captured: str
    diluent: str
    remarks: str

    @property
    def words(self) -> str:
        """All free text, for recognising calibration beads."""
        return " ".join((self.experiment, self.name, self.remarks))


@dataclass(frozen=True, slots=True, eq=False)
class NtaExperiment:
    """One NTA experiment: several videos of one sample.

    `settings` maps a camera or analysis setting to its value in each video. `printed` holds the averages and standard
    errors that the instrument printed, by row. `warnings` are sentences: the instrument's own, mixed settings, and
    every number that does not agree with the others.
    """

    file: str
    software: str
    sample: Sample
    videos: tuple[Video, ...]
    bins: Bins
    settings: Mapping[str, tuple[str, ...]]
    printed: Mapping[str, tuple[float, float]]
    warnings: tuple[str, ...]

    @property
    def concentrations_per_ml(self) -> Floats:
        """Concentration of each video, (n_videos,)."""
        return np.array([video.concentration_per_ml for video in self.videos])

    @property
    def concentration_per_ml(self) -> float:
        """Mean concentration over the videos, particles per mL of undiluted sample."""
        return float(self.concentrations_per_ml.mean())

    @property
    def standard_error_per_ml(self) -> float | None:
        """Sample SD over the square root of the number of videos; None for one video."""
        values = self.concentrations_per_ml
        return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None

    @property
    def video_cv(self) -> float | None:
        """Coefficient of variation of the concentration between videos; None for one video."""
        values = self.concentrations_per_ml
        return float(values.std(ddof=1) / values.mean()) if len(values) > 1 else None

    @property
    def dilution(self) -> float | None:
        """Dilution factor common to all videos; None where it was not recorded or differs. Already applied."""
        factors = {video.dilution for video in self.videos}
        return factors.pop() if len(factors) == 1 else None

    @property
    def temperature_c(self) -> float | None:
        """Mean temperature of the videos (degree C), None where it was not recorded."""
        known = [video.temperature_c for video in self.videos if video.temperature_c is not None]
        return float(np.mean(known)) if known else None

    @property
    def size(self) -> SizeDistribution:
        """Size distribution of the average over videos."""
        return SizeDistribution.from_counts(self.bins.edges_nm, self.bins.particles_per_ml.mean(axis=1))

    def video_size(self, index: int) -> SizeDistribution:
        """Size distribution of one video."""
        return SizeDistribution.from_counts(self.bins.edges_nm, self.bins.particles_per_ml[:, index])
