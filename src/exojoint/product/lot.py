"""A lot of vesicles: made from a source and a process by chance and knowledge, or counted by a real instrument.

What we do not know (yields, share of inactive lots, bias of the count) comes in as one knowledge draw; how lots differ
(donor, growth, potency, count of the day) is drawn here from named streams. The two are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.product.catalogue import Numbers, Process, Source, all_parameters
from exojoint.product.instruments.checks import bead_evidence, narrow_warning
from exojoint.product.instruments.nta import NtaExperiment
from exojoint.product.manufacture import Cost, lot_cost, manufacture
from exojoint.product.release import Result, reasons, release_results
from exojoint.product.size import Floats, SizeDistribution, lognormal_size, size_factor

AXES = ("inflammation", "catabolic", "anabolic", "survival", "analgesic")
MATERIALS = ("vesicles", "beads")
# The names of a lot's chance, in the order of its row of random numbers: only ever append.
LUCK = (
    *("cells", "donor", "size", "purity", "endotoxin", "count", "inactive", "contaminated", "assay_sees", "content"),
    *("assay_inflammation", "assay_catabolic", "potency_shared", *(f"potency_{axis}" for axis in AXES)),
)
GRID_NM: Floats = np.arange(0.0, 1001.0, 5.0)  # the range of NTA, in bins five times as wide as its own
GRID_NM.setflags(write=False)
BEADS = "COUNT AND SIZE WERE MEASURED ON CALIBRATION BEADS, NOT ON VESICLES: for demonstration only"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lot:
    """What is in the vials of one lot.

    `particles_per_ml`, `particles` and `size` are as counted by `count_method`; `count_error` is the true over the
    counted number of this lot (nobody in the trial knows it). `potency` is relative to a typical active lot, by axis;
    all zero when `inactive`. `cost` is for the whole lot. `synthetic` is False only for a real instrument's count.
    """

    name: str
    source: str
    process: str
    formulation: str
    particles_per_ml: float
    particles: float
    count_method: str
    count_error: float
    size: SizeDistribution
    purity: float
    potency: Mapping[str, float]
    inactive: bool
    endotoxin_eu_per_ml: float
    charge_positive: float
    charge_negative: float
    rate_release: float
    mirna_per_vesicle: float
    results: tuple[Result, ...]
    cost: Cost
    provenance: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    material: str = "vesicles"
    synthetic: bool = True

    @property
    def release_reasons(self) -> tuple[str, ...]:
        """Why the lot is not released, one sentence per failed test; empty when it is."""
        return reasons(self.results)

    @property
    def released(self) -> bool:
        """True when every release test passed."""
        return not self.release_reasons

    def doses(self, label_particles: float) -> int:
        """Whole doses of this label in the lot."""
        return math.floor(self.particles / label_particles) if label_particles > 0 else 0

    def cost_per_dose(self, label_particles: float) -> float | None:
        """Cost of the lot over its doses (US dollars, basis in `cost.basis`); None when it holds no whole dose."""
        doses = self.doses(label_particles)
        return self.cost.total / doses if doses else None


def make_lot(source: Source, process: Process, knowledge: Mapping[str, float], stream: Stream, index: int) -> Lot:
    """Make one lot and test it for release.

    Parameters
    ----------
    source, process : Source, Process
        From `load_source` and `load_process`.
    knowledge : mapping of row name to value
        One knowledge draw of `product_parameters`; rows it does not hold take their table value.
    stream : Stream
        Stream of the lots of this draw; lot `index` depends on nothing else.
    index : int
        Number of the lot, from 0.

    Returns
    -------
    Lot
        Released or not: `released` and `release_reasons` say so.
    """
    numbers = Numbers(knowledge)
    luck = _Luck(stream, index)
    cells, donor = luck.factor(f"n_cells_{process.name}", "cells"), luck.factor(f"n_per_cell_{source.name}", "donor")
    made = manufacture(source, process, numbers, cells, donor)
    diameter = numbers[f"diameter_{source.name}"] * luck.factor(f"diameter_{source.name}", "size")
    size = lognormal_size(diameter, numbers["gsd_diameter"], GRID_NM)
    latent = _latent_potency(numbers, luck)
    inactive = luck.happens("inactive", numbers[f"p_inactive_{source.name}"])
    purity = numbers[f"purity_{process.name}"] * luck.factor(f"purity_{process.name}", "purity")
    endotoxin = numbers["endotoxin"] * luck.factor("endotoxin", "endotoxin")
    measured = {"purity": purity, "endotoxin": endotoxin, "size_window": _window_percent(size, numbers)}
    measured |= _measured(numbers, latent, inactive, luck)
    counted = numbers["ratio_mrps_nta"] if process.count_method != "nta" else 1.0
    kind = process.formulation
    return Lot(
        name=f"{source.name}-{process.name}-{index:04d}",
        source=source.name,
        process=process.name,
        formulation=kind,
        particles_per_ml=made.bulk / made.volume_ml * counted,
        particles=made.bulk * counted,
        count_method=process.count_method,
        count_error=luck.factor("rel_count", "count"),
        size=size,
        purity=purity,
        potency=dict.fromkeys(AXES, 0.0) if inactive else _of_source(source, numbers, latent),
        inactive=inactive,
        endotoxin_eu_per_ml=endotoxin,
        charge_positive=numbers[f"charge_positive_{kind}"],
        charge_negative=numbers[f"charge_negative_{kind}"],
        rate_release=numbers[f"k_release_{kind}"],
        mirna_per_vesicle=numbers["n_mirna_per_vesicle"],
        results=release_results(measured),
        cost=lot_cost(process, numbers),
        provenance=(f"simulated: {source.title}", f"simulated: {process.title}"),
    )


@dataclass(frozen=True, slots=True)
class Campaign:
    """Lots made one after the other: those that passed release, in order, and those that failed."""

    released: tuple[Lot, ...]
    failed: tuple[Lot, ...]


def make_campaign(
    source: Source, process: Process, knowledge: Mapping[str, float], stream: Stream, wanted: int, most: int = 200
) -> Campaign:
    """Make lots until `wanted` of them pass release, but never more than `most`; the failed ones are counted."""
    released: list[Lot] = []
    failed: list[Lot] = []
    for index in range(most):
        if len(released) == wanted:
            break
        lot = make_lot(source, process, knowledge, stream, index)
        (released if lot.released else failed).append(lot)
    return Campaign(tuple(released), tuple(failed))


def check_material(experiment: NtaExperiment, material: str) -> None:
    """Raise `InputError` when a measurement cannot stand for the stated material (beads said to be vesicles)."""
    if material not in MATERIALS:
        raise InputError(
            Problem("material", f"'{material}' is unknown", " or ".join(MATERIALS), "Say what was measured.")
        )
    evidence = bead_evidence(experiment)
    if material == "vesicles" and evidence:
        what = f"calibration beads cannot be a lot of vesicles: {'; '.join(evidence)}"
        todo = 'Use an export of your vesicles, or say material = "beads" (the report repeats it).'
        raise InputError(Problem(experiment.file, what, "a measurement of vesicles", todo))


def lot_from_nta(experiment: NtaExperiment, simulated: Lot, *, material: str) -> Lot:
    """Let a real count and size replace the simulated ones; everything else of the lot stays simulated.

    Parameters
    ----------
    experiment : NtaExperiment
        From `read_nanosight`.
    simulated : Lot
        From `make_lot`: potency, purity, endotoxin and cost are not in an NTA file.
    material : {"vesicles", "beads"}
        What was measured, as the user states it.

    Raises
    ------
    InputError
        The file is of calibration beads and `material` does not say so.
    """
    check_material(experiment, material)
    size = experiment.size
    measured = {result.criterion.name: result.value for result in simulated.results}
    measured["size_window"] = _window_percent(size, Numbers({}))
    concentration = experiment.concentration_per_ml
    marks = (BEADS,) if material == "beads" else narrow_warning(experiment)
    said = (f"count and size measured: {experiment.file}, {experiment.software}, {len(experiment.videos)} videos",)
    head = (BEADS, *said) if material == "beads" else said
    return replace(
        simulated,
        name=f"{simulated.name}-nta",
        particles_per_ml=concentration,
        particles=simulated.particles / simulated.particles_per_ml * concentration,
        count_method="nta",
        size=size,
        results=release_results(measured),
        provenance=(*head, *simulated.provenance),
        warnings=(*marks, *experiment.warnings),
        material=material,
        synthetic=False,
    )


def without_potency(lot: Lot) -> Lot:
    """The same vials with vesicles that do nothing: the null product of an error-rate run."""
    said = "potency set to 0: null product"
    return replace(lot, potency=dict.fromkeys(AXES, 0.0), provenance=(*lot.provenance, said))


def lot_parameters(lot: Lot, pore_nm: float) -> dict[str, float]:
    """What the joint needs to know of a lot, by the names of its `lot` parameters.

    Parameters
    ----------
    lot : Lot
        The lot.
    pore_nm : float
        Effective pore of the collagen network in this knowledge draw (nm).
    """
    return {
        **{f"potency_{axis}": lot.potency[axis] for axis in AXES},
        "size_factor": size_factor(lot.size, pore_nm),
        "charge_positive": lot.charge_positive,
        "charge_negative": lot.charge_negative,
        "rate_release": lot.rate_release,
        "mirna_per_vesicle": lot.mirna_per_vesicle,
    }


def lot_row(lot: Lot, label_particles: float | None = None) -> dict[str, str | float | bool | int | None]:
    """One row of the lots table of a run (units in the names' documentation: README of this room)."""
    per_dose = lot.cost_per_dose(label_particles) if label_particles else None
    return {
        "lot": lot.name,
        "source": lot.source,
        "process": lot.process,
        "formulation": lot.formulation,
        "material": lot.material,
        "synthetic": lot.synthetic,
        "count_method": lot.count_method,
        "particles_per_ml": lot.particles_per_ml,
        "particles": lot.particles,
        "count_error": lot.count_error,
        "d10": lot.size.d10,
        "d50": lot.size.d50,
        "d90": lot.size.d90,
        "purity": lot.purity,
        "endotoxin_eu_per_ml": lot.endotoxin_eu_per_ml,
        "inactive": lot.inactive,
        **{f"potency_{axis}": lot.potency[axis] for axis in AXES},
        "released": lot.released,
        "release_reasons": "; ".join(lot.release_reasons),
        "doses": lot.doses(label_particles) if label_particles else None,
        "cost_lot": lot.cost.total,
        "cost_per_dose": per_dose,
        "provenance": "; ".join(lot.provenance),
        "warnings": "; ".join(lot.warnings),
    }


@lru_cache(maxsize=4096)
def _chances(stream: Stream, index: int) -> Mapping[str, float]:
    """Uniform numbers of one lot; kept, because thousands of rows of knowledge are asked with the same luck."""
    return dict(zip(LUCK, stream.uniform(np.array([index]), len(LUCK))[0].tolist(), strict=True))


class _Luck:
    """All chance of one lot, by name: one row of the stream."""

    __slots__ = ("_uniform",)

    def __init__(self, stream: Stream, index: int) -> None:
        self._uniform = _chances(stream.child("lot"), index)

    def happens(self, name: str, probability: float) -> bool:
        """Whether something of this probability happens."""
        return bool(self._uniform[name] < probability)

    def normal(self, name: str) -> float:
        """Standard normal number."""
        return float(ndtri(self._uniform[name]))

    def factor(self, row: str, name: str) -> float:
        """Factor of mean 1 by which this lot differs in a row, from the row's `variability`."""
        return float(all_parameters()[row].variability.factor(np.array(self.normal(name))))


def _window_percent(size: SizeDistribution, numbers: Numbers) -> float:
    return 100 * size.share_between(numbers["diameter_release_low"], numbers["diameter_release_high"])


def _latent_potency(numbers: Numbers, luck: _Luck) -> dict[str, float]:
    """Potency the lot has if it is active, by axis: log-normal with median 1 and one part common to all axes."""
    shared, spread = numbers["corr_potency"], numbers["rel_sd_potency"]
    common = math.sqrt(shared) * luck.normal("potency_shared")
    scores = {axis: common + math.sqrt(1 - shared) * luck.normal(f"potency_{axis}") for axis in AXES}
    return {axis: math.exp(numbers[f"sd_potency_{axis}"] * spread * scores[axis]) for axis in AXES}


def _of_source(source: Source, numbers: Numbers, latent: Mapping[str, float]) -> dict[str, float]:
    """Potency against the vesicles behind the half-effect doses; release compares with the source's own standard."""
    return {axis: numbers[f"rel_potency_{axis}_{source.name}"] * latent[axis] for axis in AXES}


def _measured(numbers: Numbers, latent: Mapping[str, float], inactive: bool, luck: _Luck) -> dict[str, float]:
    """Results with chance of their own: content and potency (percent, with assay error), sterility (1 = growth)."""
    seen = inactive and luck.happens("assay_sees", numbers["p_assay_sees_inactive"])
    count_sd = numbers["cv_count_release"] / math.sqrt(numbers["n_count_preparations"])
    potency_sd = math.log1p(numbers["cv_potency_assay"]) / math.sqrt(numbers["n_potency_runs"])
    results = {
        "particle_content": 100 * math.exp(count_sd * luck.normal("content")),
        "sterility": float(luck.happens("contaminated", numbers["p_contaminated"])),
    }
    for axis in ("inflammation", "catabolic"):
        level = 0.0 if seen else latent[axis]
        results[f"potency_{axis}"] = 100 * level * math.exp(potency_sd * luck.normal(f"assay_{axis}"))
    return results
