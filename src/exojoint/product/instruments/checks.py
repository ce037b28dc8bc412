"""Do the numbers of an NTA experiment agree, and is it what it says it is? Everything here is a warning."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from types import MappingProxyType

import numpy as np

from exojoint.core.tables import read_table
from exojoint.product.instruments.nta import Floats, NtaExperiment

# By version of the software: which edge of a bin its percentiles are interpolated on, in bin widths from the centre.
PERCENTILE_EDGE = MappingProxyType({"NTA 3.2": -0.5, "NTA 3.4": 0.5})
MEASURED_SETTINGS = frozenset({"Temperature/C", "Viscosity/cP", "Max Jump Distance"})  # read off each video, not chosen
BEAD_WORDS = re.compile(r"bead|latex|polystyrene|microsphere|nanosphere", re.IGNORECASE)
STANDARD_WORDS = re.compile(r"std(?![a-z])|stdv|standard|calibrat", re.IGNORECASE)


@functools.cache
def _limits() -> MappingProxyType[str, float]:
    rows = read_table(files("exojoint.product.instruments") / "limits.csv", ("name", "value", "unit", "source", "note"))
    return MappingProxyType({row["name"]: float(row["value"]) for row in rows})


def limit(name: str) -> float:
    """Limit or tolerance of the readers by name (`limits.csv`: value, unit, reason)."""
    return _limits()[name]


def measurement_warnings(experiment: NtaExperiment) -> tuple[str, ...]:
    """Sentences about settings, range and every number that deviates from what the others say."""
    return (
        *_mixed_settings(experiment),
        *_range(experiment),
        *_concentrations(experiment),
        *_bin_averages(experiment),
        *_diameters(experiment),
        *_summary_columns(experiment),
    )


def bead_evidence(experiment: NtaExperiment) -> tuple[str, ...]:
    """Reasons to believe that the sample is calibration beads, strongest first; empty for vesicles.

    A word such as "bead" decides alone. A word such as "standard" and a narrow distribution decide together.
    """
    text = " ".join((experiment.file, experiment.sample.words, *(video.name for video in experiment.videos)))
    bead, standard = BEAD_WORDS.search(text), STANDARD_WORDS.search(text)
    narrow = narrow_warning(experiment)
    if bead:
        return (f"its file or sample text says '{bead.group()}'", *narrow)
    return (f"its file or sample text says '{standard.group()}'", *narrow) if standard and narrow else ()


def narrow_warning(experiment: NtaExperiment) -> tuple[str, ...]:
    """A sentence when the size distribution is as narrow as that of calibration beads."""
    span = experiment.size.span
    if span >= limit("narrow_span"):
        return ()
    return (f"(D90 - D10) / D50 is {span:.2f}: as narrow as calibration beads, vesicles are near 1",)


def _mixed_settings(experiment: NtaExperiment) -> Iterator[str]:
    mixed = {
        name: sorted(set(values), key=values.index)
        for name, values in experiment.settings.items()
        if name not in MEASURED_SETTINGS and len(set(values)) > 1
    }
    if mixed:
        said = "; ".join(f"{name} {', '.join(values)}" for name, values in mixed.items())
        yield f"videos with different settings are averaged ({said[:300]}): their spread is not repeatability"
    factors = {video.dilution for video in experiment.videos}
    if len(factors) > 1:
        yield f"videos with different dilutions are averaged ({', '.join(str(factor) for factor in factors)})"
    if factors == {None}:
        yield "the dilution was not recorded: the concentration may be that of a diluted sample"


def _range(experiment: NtaExperiment) -> Iterator[str]:
    if not experiment.software.startswith(tuple(PERCENTILE_EDGE)):
        known = " and ".join(PERCENTILE_EDGE)
        yield f"{experiment.software} was never checked on a real file ({known} were)"
    measured = max(video.concentration_per_ml / (video.dilution or 1.0) for video in experiment.videos)
    top = limit("linear_range_high")
    if measured > top:
        unless = "" if experiment.dilution is not None else ", unless the sample was diluted and nobody noted it"
        yield f"up to {measured:.3g} particles/mL in the instrument, above its linear range ({top:.0e}){unless}"


def _concentrations(experiment: NtaExperiment) -> Iterator[str]:
    sums = experiment.bins.particles_per_ml.sum(axis=0)
    stated = experiment.concentrations_per_ml
    for video, total, said in zip(experiment.videos, sums, stated, strict=True):
        if abs(total - said) > limit("tolerance_bin_sum") * max(said, 1.0):
            yield f"{video.name}: the size bins add up to {total:.4g} particles/mL, the file states {said:.4g}"


def _bin_averages(experiment: NtaExperiment) -> Iterator[str]:
    bins, tolerance = experiment.bins, limit("tolerance_bin_average")
    counts = bins.particles_per_ml
    rounding = 1e-9 * counts.max()
    yield from _bin_gap("average", bins.average, counts.mean(axis=1), tolerance + rounding, bins.centres_nm)
    if counts.shape[1] > 1:
        error = counts.std(axis=1, ddof=1) / np.sqrt(counts.shape[1])
        yield from _bin_gap("standard error", bins.standard_error, error, tolerance + rounding, bins.centres_nm)


def _bin_gap(what: str, printed: Floats, ours: Floats, tolerance: float, centres: Floats) -> Iterator[str]:
    gap = np.abs(printed - ours)
    worst = int(np.argmax(gap))
    if gap[worst] > tolerance:
        n = int(np.count_nonzero(gap > tolerance))
        yield (
            f"{n} size bins have another {what} than their videos give, "
            f"worst at {centres[worst]:g} nm: {printed[worst]:.6g} printed, {ours[worst]:.6g} computed"
        )


def _diameters(experiment: NtaExperiment) -> Iterator[str]:
    """Mean, D10, D50, D90 of each video against its bins and against its percentile table."""
    edge = next((shift for name, shift in PERCENTILE_EDGE.items() if experiment.software.startswith(name)), None)
    near = limit("tolerance_diameter") if edge is not None else limit("tolerance_diameter_unknown_version")
    shift = 0.0 if edge is None else (edge - 0.5) * experiment.bins.width_nm
    table = experiment.bins.percentiles_nm
    for index, video in enumerate(experiment.videos):
        size, said = experiment.video_size(index), video.diameters
        pairs = [("mean", said.mean, size.mean, limit("tolerance_diameter"))]
        for percent, value in ((10, said.d10), (50, said.d50), (90, said.d90)):
            pairs.append((f"D{percent}", value, size.percentile(percent) + shift, near))
            if table is not None:
                pairs.append(
                    (
                        f"D{percent} of the percentile table",
                        float(table[percent, index]),
                        value,
                        limit("tolerance_table"),
                    )
                )
        yield from _gaps(video.name, "nm", pairs)


def _summary_columns(experiment: NtaExperiment) -> Iterator[str]:
    n = len(experiment.videos)
    for row, (average, error) in experiment.printed.items():
        if row.casefold().startswith("concentration"):
            values = experiment.concentrations_per_ml
            near, near_error = limit("tolerance_average") * values.mean(), limit("tolerance_standard_error")
        else:
            values = np.array([getattr(video.diameters, row.casefold()) for video in experiment.videos])
            near, near_error = limit("tolerance_diameter"), 0.0
        yield from _gaps(f"row `{row}`", "", [("average", average, float(values.mean()), near)])
        if n > 1:
            ours = float(values.std(ddof=1) / np.sqrt(n))
            slack = near_error * ours if near_error else near
            yield from _gaps(f"row `{row}`", "", [("standard error", error, ours, slack)])


def _gaps(where: str, unit: str, pairs: Iterable[tuple[str, float, float, float]]) -> Iterator[str]:
    for what, printed, ours, tolerance in pairs:
        if abs(printed - ours) > tolerance:
            yield f"{where}: {what} {printed:.6g} {unit} printed, {ours:.6g} {unit} computed".replace("  ", " ")
