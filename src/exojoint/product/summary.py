"""What to show of a measured lot: a summary for a machine or a terminal, and a chart. No files are read here."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from exojoint.product.instruments.checks import bead_evidence
from exojoint.product.instruments.nta import NtaExperiment, Video
from exojoint.product.size import Floats, fit_lognormal

if TYPE_CHECKING:
    import altair as alt

CHART_BINS = 120
MAX_CURVES = 24  # more videos than this are shown as mean and band only; also keeps the chart below 5,000 points
TEXT_ROWS = 24
TEXT_WIDTH = 50


def summarise_nta(experiment: NtaExperiment) -> dict[str, Any]:
    """Summary of an experiment: plain values, ready for JSON (units stand in the keys).

    Diameters of the average distribution interpolate between true bin edges; those of each video are as printed.
    """
    size, fit = experiment.size, fit_lognormal(experiment.size)
    return {
        "file": experiment.file,
        "instrument": "NanoSight NTA",
        "software": experiment.software,
        "sample": experiment.sample.name,
        "experiment": experiment.sample.experiment,
        "captured": experiment.sample.captured,
        "diluent": experiment.sample.diluent,
        "remarks": experiment.sample.remarks,
        "videos": len(experiment.videos),
        "concentration_per_ml": experiment.concentration_per_ml,
        "standard_error_per_ml": experiment.standard_error_per_ml,
        "cv_between_videos": experiment.video_cv,
        "dilution": experiment.dilution,
        "dilution_note": "concentrations are those of the file, which are already multiplied by the dilution",
        "temperature_c": experiment.temperature_c,
        "mean_nm": size.mean,
        "mode_nm": size.mode,
        "sd_nm": size.sd,
        "d10_nm": size.d10,
        "d50_nm": size.d50,
        "d90_nm": size.d90,
        "lognormal": {"median_nm": fit.median_nm, "gsd": fit.gsd, "largest_gap": fit.largest_gap},
        "per_video": [_video_row(video) for video in experiment.videos],
        "beads": list(bead_evidence(experiment)),
        "warnings": list(experiment.warnings),
    }


def _video_row(video: Video) -> dict[str, Any]:
    return {
        "name": video.name,
        "concentration_per_ml": video.concentration_per_ml,
        **{f"{key}_nm": value for key, value in asdict(video.diameters).items()},
        "valid_tracks": video.valid_tracks,
        "temperature_c": video.temperature_c,
    }


def summary_text(experiment: NtaExperiment) -> str:
    """The summary for a person at a terminal, with a plot of the size distribution."""
    size = experiment.size
    n, cv, error = len(experiment.videos), experiment.video_cv, experiment.standard_error_per_ml
    spread = f" (SE {error:.3g}, CV between videos {100 * cv:.1f} %)" if cv is not None and error is not None else ""
    dilution = "not recorded" if experiment.dilution is None else f"{experiment.dilution:g}, already applied"
    lines = [
        f"{experiment.file}: {experiment.software}, {n} video{'s' if n > 1 else ''}",
        f"sample         {experiment.sample.name or experiment.sample.experiment or 'not named'}",
        f"concentration  {experiment.concentration_per_ml:.4g} particles/mL by NTA{spread}",
        f"dilution       {dilution}",
        f"diameter       mean {size.mean:.1f}, D10 {size.d10:.1f}, D50 {size.d50:.1f}, D90 {size.d90:.1f} nm",
        "",
        text_plot(experiment),
    ]
    beads = bead_evidence(experiment)
    lines += ["", f"CALIBRATION BEADS, not vesicles: {'; '.join(beads)}"] if beads else []
    lines += ["", *(f"warning: {warning}" for warning in experiment.warnings)] if experiment.warnings else []
    return "\n".join(lines)


def text_plot(experiment: NtaExperiment) -> str:
    """Size distribution as bars of text: diameter (nm) downwards, share of the particles to the right."""
    shown = experiment.size.rebin(_window(experiment, TEXT_ROWS))
    top = float(shown.fraction.max())
    rows = ["diameter (nm)  share of particles"]
    for low, high, share in zip(shown.edges_nm, shown.edges_nm[1:], shown.fraction, strict=False):
        bar = "#" * round(TEXT_WIDTH * float(share) / top)
        rows.append(f"{low:5.0f}-{high:<5.0f}    {100 * share:5.1f} %  {bar}".rstrip())
    return "\n".join(rows)


def size_chart(experiment: NtaExperiment) -> alt.LayerChart | alt.FacetChart:
    """Chart of the size distribution: one thin curve per video, the mean, and the band of one standard error."""
    import altair as alt  # heavy: loaded only when a chart is wanted

    edges = _window(experiment, CHART_BINS)
    curves = _densities(experiment, edges)
    centres = (edges[1:] + edges[:-1]) / 2
    mean = curves.mean(axis=1)
    n = curves.shape[1]
    error = curves.std(axis=1, ddof=1) / math.sqrt(n) if n > 1 else np.zeros_like(mean)
    summary = [
        {"d": float(d), "y": float(m), "low": float(max(m - e, 0.0)), "high": float(m + e)}
        for d, m, e in zip(centres, mean, error, strict=True)
    ]
    x = alt.X("d:Q", title="diameter (nm)", scale=alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False))
    unit = "concentration (particles per mL and nm)"
    mark = alt.Chart(alt.InlineData(values=summary))
    layers = [
        mark.mark_area(opacity=0.3, color="#1f5a92").encode(
            x=x, y=alt.Y("low:Q", title=unit, axis=alt.Axis(format=".1e")), y2="high:Q"
        ),
        mark.mark_line(color="#1f5a92", strokeWidth=2.5).encode(
            x=x, y=alt.Y("y:Q", title=unit, axis=alt.Axis(format=".1e"))
        ),
    ]
    if n <= MAX_CURVES:
        points = [
            {"d": float(d), "y": float(y), "video": video.name}
            for video, curve in zip(experiment.videos, curves.T, strict=True)
            for d, y in zip(centres, curve, strict=True)
        ]
        thin = alt.Chart(alt.InlineData(values=points)).mark_line(color="#8a8a8a", strokeWidth=0.7, opacity=0.8)
        layers.insert(0, thin.encode(x=x, y=alt.Y("y:Q", title=unit, axis=alt.Axis(format=".1e")), detail="video:N"))
    heading = alt.TitleParams(
        text=f"Size distribution: {experiment.file}", subtitle=_caption(experiment), anchor="start"
    )
    return alt.layer(*layers).properties(title=heading, width=560, height=300)


def _caption(experiment: NtaExperiment) -> list[str]:
    n = len(experiment.videos)
    curves = "Thin lines: videos. " if n <= MAX_CURVES else ""
    band = f"Line and band: mean of {n} videos and one standard error. " if n > 1 else "Line: the only video. "
    size = experiment.size
    text = [
        f"{curves}{band}{experiment.software}.",
        f"{experiment.concentration_per_ml:.3g} particles/mL by NTA; "
        f"D10 {size.d10:.0f}, D50 {size.d50:.0f}, D90 {size.d90:.0f} nm.",
    ]
    return [*text, "Calibration beads, not vesicles."] if bead_evidence(experiment) else text


def _window(experiment: NtaExperiment, bins: int) -> Floats:
    """Edges of equal whole-nanometre bins from the first particles to nearly the last ones."""
    size = experiment.size
    low, high = math.floor(0.8 * size.percentile(0.5)), 1.1 * size.percentile(99.5)
    step = max(math.ceil((high - low) / bins), experiment.bins.width_nm)
    return low + step * np.arange(math.ceil((high - low) / step) + 1, dtype=float)


def _densities(experiment: NtaExperiment, edges: Floats) -> Floats:
    """Particles per mL and nm of each video between edges, (n_bins, n_videos); what lies outside is not shown."""
    counts = experiment.bins.particles_per_ml
    below = np.vstack([np.zeros(counts.shape[1]), np.cumsum(counts, axis=0)])
    cut = np.array([np.interp(edges, experiment.bins.edges_nm, column) for column in below.T])
    densities: Floats = (np.diff(cut, axis=1) / np.diff(edges)).T
    return densities
