"""How vesicles stay in the knee and what their signals pull: fluid, lining, plasma, three cartilage zones, cargo.

Amounts are in 1e9 particles (NTA-equivalent), concentrations in 1e9 particles per mL, clearances in mL per day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from exojoint.joint.shapes import Value, positive_part
from exojoint.joint.views import ZONES, View, view, zone_view
from exojoint.treatments.moment import Moment

PARTICLES = 1e9  # particles per unit of a vesicle state
DIAMETER_REFERENCE = 120.0  # nm: diameter of `diffusivity_free`, at which the free factor of size is 1
SLAB = (9, 6, 120, 2)  # constants of the sub-grid closure: see `zone_transport`


def size_factor(diameters_nm: Sequence[float], fractions: Sequence[float], pore_nm: float) -> float:
    """Return how freely a lot's vesicles diffuse between collagen fibrils, relative to free ones of 120 nm.

    The mean over the size bins of (120 / d) (1 + (d / pore)^2)^-2. Taken over bins, because it falls so steeply with
    diameter that the median understates the small vesicles that do get in.

    Parameters
    ----------
    diameters_nm : sequence of float
        Centres of the size bins, above 0.
    fractions : sequence of float
        Share of the particles in each bin; rescaled to sum 1.
    pore_nm : float
        Pore size of the collagen network.

    Raises
    ------
    ValueError
        When there are no particles, or a diameter or the pore is not positive, or the lengths differ.
    """
    total = float(sum(fractions))
    if total <= 0 or pore_nm <= 0 or any(d <= 0 for d in diameters_nm) or any(f < 0 for f in fractions):
        raise ValueError("size_factor wants positive diameters, a positive pore and at least one particle")
    terms = (
        share * DIAMETER_REFERENCE / d / (1 + (d / pore_nm) ** 2) ** 2
        for d, share in zip(diameters_nm, fractions, strict=True)
    )
    return float(sum(terms)) / total


@dataclass(frozen=True, slots=True)
class Transport:
    """The rival fluxes of vesicle transport in one structure.

    Parameters
    ----------
    damage : callable
        Zone parameters, collagen -> relative rise of diffusivity by damage.
    cells : callable
        Zone parameters, cells per mL of tissue -> cells per mL of the pool that the vesicles are in.
    """

    damage: Callable[[View, Value], Value]
    cells: Callable[[View, Value], Value]


def damage_signed(_p: View, collagen: Value) -> Value:
    """Return lost collagen, negative where it exceeds the healthy level (reference_0_1)."""
    return 1 - collagen


def damage_positive(p: View, collagen: Value) -> Value:
    """Return lost collagen, never negative, so that anabolic treatment cannot turn the diffusivity negative."""
    return positive_part(1 - collagen, p.width_damage)


def cells_per_tissue(_p: View, density: Value) -> Value:
    """Return the density per mL of tissue although the pool is the pore fluid (reference_0_1)."""
    return density


def cells_per_pore(p: View, density: Value) -> Value:
    """Return the density per mL of pore fluid, the pool from which cells take up."""
    return density / p.porosity


TRANSPORT = MappingProxyType(
    {
        "default": Transport(damage_positive, cells_per_pore),
        "reference_0_1": Transport(damage_signed, cells_per_tissue),
    }
)


def zone_transport(transport: Transport, x: View, p: View, read: View) -> View:
    """Return the transport of one zone from its composition and its vesicles.

    The closure stands for diffusion with uptake in a slab of thickness h: entry conductance (D / h) sqrt(9 + phi2)
    with limits 3 D / h and D / lambda, bottom to mean ratio 1 / (1 + phi2/6 + phi2^2/120), reached share
    g / (g + phi2) with g = sqrt(9 + phi2).

    Parameters
    ----------
    transport : Transport
        Rival fluxes.
    x, p, read : namespace
        Vesicle states, parameters, and readouts of the joint, as the zone sees them.
    """
    entry, quadratic, quartic, half = SLAB
    free = p.diffusivity_free * p.size_factor * p.rel_hindrance
    diffusivity = free * (1 + p.gain_damage_diffusivity * transport.damage(p, read.collagen))
    attracted = 1 + p.gain_partition_cationic * p.charge_positive * read.aggrecan
    partition = attracted / (1 + p.gain_exclusion_anionic * p.charge_negative * read.aggrecan)
    bound = p.binding_gag * p.charge_positive * read.aggrecan
    pores = p.area_cartilage * read.thickness * p.porosity
    concentration = x.vesicles_zone / (pores * (1 + bound))
    density = transport.cells(p, read.cell_density)
    k_uptake = p.clearance_uptake * p.frac_access_chondrocyte * density * (1 + p.rel_uptake_bound * bound)
    phi2 = k_uptake * read.thickness * read.thickness / diffusivity
    slope = (entry + phi2) ** 0.5
    conductance = p.area_cartilage * p.porosity * diffusivity / read.thickness
    return View(
        {
            "partition": partition,
            "concentration": concentration,
            "entry": conductance * slope,
            "lower_half": half * conductance,
            "phi2": phi2,
            "reached": slope / (slope + phi2),
            "bottom": 1 / (1 + phi2 / quadratic + phi2 * phi2 / quartic),
            "uptake": k_uptake * concentration * pores,
            "cells": p.area_cartilage * read.thickness * read.cell_density + p.cells_guard,
        }
    )


def signal(p: View, potency: Value, vesicles: Value, mirna: Value, half: Value, reached: Value = 1) -> Value:
    """Return a signal between 0 and 1 from vesicle equivalents and delivered miRNA per cell.

    Potency shifts the dose, not the maximum. `reached` keeps saturation local: a shallow, intense exposure does not
    count as a uniform one.
    """
    protein = potency * vesicles / (reached * half + potency * vesicles)
    copies = potency * mirna / (reached * p.mirna_half + potency * mirna)
    return reached * (p.frac_protein * protein + (1 - p.frac_protein) * copies)


def _zones(transport: Transport, at: Moment) -> dict[int, View]:
    return {z: zone_transport(transport, zone_view(at.x, z), zone_view(at.p, z), zone_view(at.read, z)) for z in ZONES}


def lining_signals(x: View, p: View) -> dict[str, Value]:
    """Return the signals of macrophages and of synoviocytes (inflammation, analgesia)."""
    macrophage, fls, half = x.vesicles_per_macrophage, x.vesicles_per_synoviocyte, p.vesicles_half_lining
    return {
        "signal_macrophage": signal(p, p.potency_inflammation, macrophage, x.mirna_per_macrophage, half),
        "signal_synoviocyte": signal(p, p.potency_inflammation, fls, x.mirna_per_synoviocyte, half),
        "signal_analgesic": signal(p, p.potency_analgesic, fls, x.mirna_per_synoviocyte, half),
    }


def zone_signals(x: View, p: View, reached: Value) -> dict[str, Value]:
    """Return the signals of the chondrocytes of one zone (catabolic, anabolic, survival axis)."""
    vesicles, mirna, half = x.vesicles_per_chondrocyte, x.mirna_per_chondrocyte, p.vesicles_half_chondrocyte
    return {
        "signal_anticatabolic": signal(p, p.potency_catabolic, vesicles, mirna, half, reached),
        "signal_anabolic": signal(p, p.potency_anabolic, vesicles, mirna, half, reached),
        "signal_survival": signal(p, p.potency_survival, vesicles, mirna, half, reached),
    }


def effects(transport: Transport, at: Moment) -> dict[str, Value]:
    """Return what vesicles contribute to the levers; exactly neutral when there are none."""
    every = view(at.p)
    lining = lining_signals(view(at.x), every)
    pulled = {
        "regulatory_signal": lining["signal_macrophage"],
        "imprint_drive": lining["signal_macrophage"],
        "mediator_output": 1 - every.em_exosome_mediators * lining["signal_synoviocyte"],
        "ngf_output": 1 - every.em_exosome_ngf * lining["signal_analgesic"],
        "local_analgesia": every.em_exosome_analgesia * lining["signal_analgesic"],
    }
    for zone, slab in _zones(transport, at).items():
        own = zone_view(at.p, zone)
        felt = view(zone_signals(zone_view(at.x, zone), own, slab.reached))
        if zone == 1:
            pulled["rest_growth"] = own.gain_exosome_rest * felt.signal_anabolic
        pulled |= {
            f"catabolic_switch_{zone}": 1
            - own.frac_exosome_switch * own.em_exosome_protease * felt.signal_anticatabolic,
            f"reversion_{zone}": 1 + own.gain_exosome_reversion * felt.signal_anticatabolic,
            f"protease_output_{zone}": 1 - own.em_exosome_protease * felt.signal_anticatabolic,
            f"aggrecan_gain_{zone}": own.gain_exosome_aggrecan * felt.signal_anabolic,
            f"collagen_deposition_{zone}": own.gain_exosome_collagen * felt.signal_anabolic,
            f"cell_death_{zone}": 1 - own.em_exosome_death * felt.signal_survival,
            f"proliferation_{zone}": own.gain_exosome_proliferation * felt.signal_survival,
        }
    return pulled


def rates(transport: Transport, at: Moment) -> dict[str, Value]:
    """Return the rates of the seventeen vesicle and cargo states."""
    s, q = view(at.x), view(at.p)
    zones = _zones(transport, at)
    outside = _fluid_rates(s, q, at)
    across = _zone_fluxes(zones, s.vesicles_fluid / at.read["volume"])
    result = outside | {"vesicles_fluid": outside["vesicles_fluid"] - across[0]}
    for zone, slab in zones.items():
        own_x, own_p = zone_view(at.x, zone), zone_view(at.p, zone)
        taken = PARTICLES * slab.uptake / slab.cells
        lost = slab.uptake + own_p.k_vesicle_matrix * own_x.vesicles_zone
        result |= {
            f"vesicles_zone_{zone}": across[zone - 1] - across[zone] - lost,
            f"vesicles_per_chondrocyte_{zone}": taken - own_p.k_signal * own_x.vesicles_per_chondrocyte,
            f"mirna_per_chondrocyte_{zone}": own_p.mirna_per_vesicle * own_p.frac_cargo_release * taken
            - own_p.k_mirna * own_x.mirna_per_chondrocyte,
        }
    return result


def _zone_fluxes(zones: Mapping[int, View], fluid: Value) -> tuple[Value, Value, Value, Value]:
    """Net fluxes fluid to 1, 1 to 2, 2 to 3 (1e9 particles per day); nothing leaves the deep zone downwards."""
    one, two, three = (zones[z] for z in ZONES)
    into = one.entry * (one.partition * fluid - one.concentration)
    between = []
    for upper, lower in ((one, two), (two, three)):
        conductance = 1 / (1 / upper.lower_half + 1 / lower.entry)
        above = upper.bottom * lower.partition / upper.partition * upper.concentration
        between.append(conductance * (above - lower.concentration))
    nothing = 0 * into  # a zero with the unit of a flux
    return into, between[0], between[1], nothing


def _macrophages(p: View, at: Moment) -> Value:
    """Macrophages that take up, of both kinds."""
    return p.n_macrophages * 0.5 * (at.read["m1"] + at.read["m2"]) + p.cells_guard


def _fluid_rates(x: View, p: View, at: Moment) -> dict[str, Value]:
    """Rates outside cartilage; the flux into the superficial zone is subtracted by the caller."""
    fluid = x.vesicles_fluid / at.read["volume"]
    sieve = (
        p.frac_sieving * (1 + p.gain_sieving_inflammation * at.inflammation_pain) / (1 + p.gain_sieving_inflammation)
    )
    unsaturated = 1 / (1 + fluid / p.uptake_half)
    macrophages = _macrophages(p, at)
    reachable = p.clearance_uptake * p.frac_access_lining * fluid * unsaturated
    by_macrophages = reachable * p.rel_uptake_macrophage * macrophages
    by_synoviocytes = reachable * p.n_synoviocytes
    from_lining = p.k_lining_uptake * x.vesicles_lining
    released = p.rate_release * x.vesicles_depot
    drained = p.flow_lymph * sieve * fluid
    trapped = p.clearance_lining * (1 + p.gain_trapping_cationic * p.charge_positive) * fluid
    freed = p.k_lining_release * x.vesicles_lining / (1 + p.charge_positive)
    degraded = p.k_vesicle_fluid * x.vesicles_fluid
    per_macrophage = PARTICLES * (by_macrophages + p.frac_lining_macrophage * from_lining) / macrophages
    per_synoviocyte = PARTICLES * (by_synoviocytes + (1 - p.frac_lining_macrophage) * from_lining) / p.n_synoviocytes
    copies = p.mirna_per_vesicle * p.frac_cargo_release
    return {
        "vesicles_depot": -released,
        "vesicles_fluid": released
        + at.inflow
        - drained
        - trapped
        + freed
        - by_macrophages
        - by_synoviocytes
        - degraded,
        "vesicles_lining": trapped - freed - from_lining,
        "vesicles_plasma": drained - p.k_vesicle_plasma * x.vesicles_plasma,
        "vesicles_per_macrophage": per_macrophage - p.k_signal * x.vesicles_per_macrophage,
        "mirna_per_macrophage": copies * per_macrophage - p.k_mirna * x.mirna_per_macrophage,
        "vesicles_per_synoviocyte": per_synoviocyte - p.k_signal * x.vesicles_per_synoviocyte,
        "mirna_per_synoviocyte": copies * per_synoviocyte - p.k_mirna * x.mirna_per_synoviocyte,
    }


def observe(transport: Transport, at: Moment) -> dict[str, Value]:
    """Return the signals and what cells hold; other amounts are states and can be read by their own names."""
    x, p = view(at.x), view(at.p)
    signals = lining_signals(x, p)
    held = x.vesicles_per_macrophage * _macrophages(p, at) + x.vesicles_per_synoviocyte * p.n_synoviocytes
    for zone, slab in _zones(transport, at).items():
        held = held + zone_view(at.x, zone).vesicles_per_chondrocyte * slab.cells
        own = zone_signals(zone_view(at.x, zone), zone_view(at.p, zone), slab.reached)
        signals |= {f"{name}_{zone}": value for name, value in own.items()}
    return signals | {"vesicles_cells": held / PARTICLES}
