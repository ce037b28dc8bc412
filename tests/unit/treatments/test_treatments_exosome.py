"""Vesicles: none appear or vanish unseen, small ones get deeper, and nothing breaks where collagen grows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.joint.model import load_joint
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import load_disposition
from exojoint.treatments.exosome import size_factor

from .conftest import draw

PLACES = (
    "vesicles_depot",
    "vesicles_fluid",
    "vesicles_lining",
    "vesicles_plasma",
    *(f"vesicles_zone_{z}" for z in (1, 2, 3)),
)


def vesicle_knee(structure="default"):
    names = ("context", "exosome")
    return assemble(load_joint("human", structure), [load_disposition(name, structure) for name in names])


def values(knee, **changed):
    x = dict(zip(knee.state_names, knee.initial(), strict=True))
    p = dict(zip(knee.parameter_names, knee.defaults(), strict=True))
    return x | {k: v for k, v in changed.items() if k in x}, p | {k: v for k, v in changed.items() if k in p}


def uptake(rates, x, p, read) -> float:
    """Vesicles taken up by all cells, recovered from the cargo that appears in them (1e9 per day)."""
    cells = {
        "macrophage": p["n_macrophages"] * 0.5 * (x["m1"] + x["m2"]) + p["cells_guard"],
        "synoviocyte": p["n_synoviocytes"],
    }
    for zone in (1, 2, 3):
        tissue = p["area_cartilage"] * read[f"thickness_{zone}"]
        cells[f"chondrocyte_{zone}"] = tissue * read[f"cell_density_{zone}"] + p["cells_guard"]
    return sum(
        (rates[f"vesicles_per_{cell}"] + p["k_signal"] * x[f"vesicles_per_{cell}"]) * n / 1e9
        for cell, n in cells.items()
    )


@pytest.mark.parametrize("structure", ["default", "reference_0_1"])
def test_vesicles_are_conserved_up_to_uptake_degradation_and_plasma_loss(structure):
    knee = vesicle_knee(structure)
    rng = np.random.default_rng(11)
    for _ in range(50):
        x, p = draw(knee, rng)
        rates, _ = knee.evaluate(x, p)
        lost = p["k_vesicle_fluid"] * x["vesicles_fluid"] + p["k_vesicle_plasma"] * x["vesicles_plasma"]
        lost += sum(p["k_vesicle_matrix"] * x[f"vesicles_zone_{z}"] for z in (1, 2, 3))
        lost += uptake(rates, x, p, knee.joint.readouts(x, p))
        assert sum(rates[place] for place in PLACES) == pytest.approx(-lost, rel=1e-9)


def test_mirna_per_cell_cannot_exceed_what_was_delivered():
    knee = vesicle_knee()
    x, p = values(knee, vesicles_fluid=100.0)
    rates, _ = knee.evaluate(x, p)
    ceiling = p["mirna_per_vesicle"] * p["frac_cargo_release"]
    assert rates["mirna_per_macrophage"] == pytest.approx(ceiling * rates["vesicles_per_macrophage"])


@pytest.mark.parametrize("potency", [0.0])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_lot_without_potency_pulls_no_lever_whatever_the_mechanism(potency, share):
    knee = vesicle_knee()
    axes = {name: potency for name in knee.parameter_names if name.startswith("potency_")}
    x, p = values(knee, vesicles_per_macrophage=1e4, vesicles_per_synoviocyte=1e4, frac_protein=share, **axes)
    x |= {f"vesicles_per_chondrocyte_{z}": 1e4 for z in (1, 2, 3)} | {"mirna_per_macrophage": 1e4}
    part = knee.dispositions[1]
    pulled = part.effects(x, p, knee.joint.readouts(x, p))
    neutral = {name: lever.neutral for lever in knee.joint.levers.values() for name in lever.names}
    assert pulled == {name: neutral[name] for name in pulled}


def test_signals_saturate_below_one_and_rise_with_dose():
    knee = vesicle_knee()
    felt = []
    for vesicles in (0.0, 1e2, 1e4, 1e9):
        x, p = values(knee, vesicles_per_macrophage=vesicles)
        felt.append(knee.evaluate(x, p)[1]["signal_macrophage"])
    assert felt[0] == 0.0
    assert felt == sorted(felt)
    assert felt[-1] < 1.0


def test_half_of_the_signal_comes_at_the_half_dose():
    knee = vesicle_knee()
    x, p = values(knee, vesicles_per_macrophage=2500.0)
    assert knee.evaluate(x, p)[1]["signal_macrophage"] == pytest.approx(0.5)
    x, p = values(knee, mirna_per_macrophage=1000.0, frac_protein=0.0)
    assert knee.evaluate(x, p)[1]["signal_macrophage"] == pytest.approx(0.5)


def test_collagen_above_healthy_breaks_the_reference_but_not_the_default():
    grown = {f"collagen_{z}": 1.05 for z in (1, 2, 3)} | {"gain_damage_diffusivity": 40.0, "vesicles_fluid": 10.0}
    knee = vesicle_knee()
    rates, _ = knee.evaluate(*values(knee, **grown))
    assert all(isinstance(rate, float) and math.isfinite(rate) for rate in rates.values())
    reference = vesicle_knee("reference_0_1")
    with np.errstate(invalid="ignore"):
        rates, _ = reference.evaluate(*values(reference, **grown))
    assert math.isnan(rates["vesicles_zone_1"])


def test_uptake_from_the_pores_holds_more_in_the_superficial_zone():
    exposure = {}
    for structure in ("default", "reference_0_1"):
        knee = vesicle_knee(structure)
        x, p = values(knee, vesicles_zone_1=1.0, width_damage=0.02)
        exposure[structure] = knee.evaluate(x, p)[0]["vesicles_per_chondrocyte_1"]
    assert exposure["default"] == pytest.approx(exposure["reference_0_1"] / 0.75)


def test_size_factor_of_one_diameter_is_the_formula():
    assert size_factor([120.0], [1.0], 60.0) == pytest.approx(1 / 25)
    assert size_factor([60.0], [3.0], 60.0) == pytest.approx(2 / 4)


def test_the_median_diameter_understates_a_spread_lot():
    assert size_factor([80.0, 120.0, 160.0], [1, 2, 1], 60.0) > size_factor([120.0], [1.0], 60.0)


@pytest.mark.parametrize(
    ("diameters", "fractions", "pore"),
    [
        ([0.0], [1.0], 60.0),
        ([120.0], [0.0], 60.0),
        ([120.0], [-1.0], 60.0),
        ([120.0], [1.0], 0.0),
        ([1.0, 2.0], [1.0], 60.0),
    ],
)
def test_impossible_size_distributions_are_refused(diameters, fractions, pore):
    with pytest.raises(ValueError, match=r"size_factor wants|argument 2 is shorter"):
        size_factor(diameters, fractions, pore)
