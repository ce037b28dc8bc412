"""Raise a lever and look at the first derivative of the burned-in reference knee: every direct sign, all 28 levers."""

from __future__ import annotations

import pytest

from exojoint.joint.levers import neutral
from exojoint.treatments.administer import administer
from exojoint.treatments.treatment import load_treatment

ZONE_ROWS = {
    "catabolic_switch": ("catabolic", "healthy"),
    "reversion": ("healthy", "catabolic"),
    "proliferation": ("healthy", ""),
    "cell_death": ("", "healthy catabolic"),
    "protease_output": ("mmp13 adamts5", ""),
    "aggrecan_gain": ("aggrecan", ""),
    "aggrecan_synthesis": ("aggrecan", ""),
    "aggrecanase_activity": ("fragments", "aggrecan"),
    "collagen_loss": ("fragments", "collagen"),
    "collagen_deposition": ("collagen", ""),
}
CYTOKINE_UP = (
    "catabolic mmp13 adamts5 m1 synovitis marrow_lesion sensitisation_peripheral sensitisation_central "
    "replacement_hazard"
)
CYTOKINE_DOWN = "healthy aggrecan rest_of_joint"
PAINFUL = "sensitisation_peripheral sensitisation_central replacement_hazard"
KNEE_ROWS = {
    "rest_growth": ("rest_of_joint", ""),
    "rest_loss": ("", "rest_of_joint"),
    "friction": ("catabolic m1 fragments", "healthy collagen rest_of_joint"),
    "load": ("catabolic m1 fragments marrow_lesion sclerosis osteophytes", "healthy collagen rest_of_joint"),
    "weight_change": ("bmi", ""),
    "il1_free": (f"{CYTOKINE_UP} il6 ngf", CYTOKINE_DOWN),
    "tnf_free": (CYTOKINE_UP, f"{CYTOKINE_DOWN} m2"),
    "ngf_free": (PAINFUL, ""),
    "macrophage_drive": ("m1", ""),
    "m2_recruitment": ("m2", ""),
    "regulatory_signal": ("m2 il10", "m1"),
    "imprint_drive": ("imprint", ""),
    "mediator_output": (f"il1b tnf il6 catabolic mmp13 adamts5 m1 marrow_lesion {PAINFUL}", CYTOKINE_DOWN),
    "ngf_output": ("ngf", ""),
    "prostaglandin_output": (PAINFUL, ""),
    "pain_transmission": ("replacement_hazard", ""),
    "local_analgesia": ("", "replacement_hazard"),
    "hazard_gate": ("replacement_hazard", ""),
}
ZONAL = ("healthy", "catabolic", "senescent", "mmp13", "adamts5", "aggrecan", "collagen")
STEP = 1e-3


def names(words: str, zones: tuple[int, ...]) -> set[str]:
    """Full state names: a zonal word stands for the zones that the lever reaches."""
    full = set()
    for word in words.split():
        full |= {f"{word}_{zone}" for zone in zones} if word in ZONAL else {word}
    return full


def moved(bench, lever: str, step: float) -> dict[str, float]:
    """Change of every rate when a lever is raised, with activity blind to pain (direct effects only)."""
    joint = bench.knee.joint
    x, p = bench.values(bench.rest())
    p = p | {"gain_activity_pain": 0.0}
    still = neutral(joint.levers)
    before, after = joint.rates(x, p, still), joint.rates(x, p, still | {lever: still[lever] + step})
    return {name: after[name] - before[name] for name in before}


def check(changes: dict[str, float], up: set[str], down: set[str]) -> None:
    assert all(changes[name] > 0 for name in up), {name: changes[name] for name in up if changes[name] <= 0}
    assert all(changes[name] < 0 for name in down), {name: changes[name] for name in down if changes[name] >= 0}


@pytest.mark.parametrize("zone", [1, 2, 3])
@pytest.mark.parametrize("lever", ZONE_ROWS)
def test_zone_levers_move_what_they_should(lever, zone, bench):
    changes = moved(bench, f"{lever}_{zone}", STEP)
    up, down = (names(words, (zone,)) for words in ZONE_ROWS[lever])
    check(changes, up, down)
    others = {name for name in changes if name.endswith(tuple(f"_{z}" for z in (1, 2, 3) if z != zone))}
    assert all(changes[name] == 0 for name in others)


@pytest.mark.parametrize("lever", KNEE_ROWS)
def test_knee_levers_move_what_they_should(lever, bench):
    up, down = (names(words, (1, 2, 3)) for words in KNEE_ROWS[lever])
    check(moved(bench, lever, STEP), up, down)


@pytest.mark.parametrize("lever", ["macrophage_drive", "m2_recruitment", "imprint_drive", "rest_growth", "hazard_gate"])
def test_narrow_levers_move_nothing_else(lever, bench):
    up, down = (names(words, (1, 2, 3)) for words in KNEE_ROWS[lever])
    changes = moved(bench, lever, STEP)
    assert {name for name, change in changes.items() if change} == up | down


def test_friction_leaves_bone_alone_and_load_does_not(bench):
    friction, load = moved(bench, "friction", STEP), moved(bench, "load", STEP)
    assert friction["sclerosis"] == friction["marrow_lesion"] == friction["osteophytes"] == 0
    assert load["sclerosis"] > 0


def test_less_pain_means_more_load_unless_activity_is_blind_to_pain(bench):
    joint = bench.knee.joint
    x, p = bench.values(bench.rest())
    still = neutral(joint.levers)
    relieved = still | {"pain_transmission": 0.5}
    loads = joint.rates(x, p, relieved)["marrow_lesion"] - joint.rates(x, p, still)["marrow_lesion"]
    blind = p | {"gain_activity_pain": 0.0}
    assert loads > 0
    assert joint.rates(x, blind, relieved)["marrow_lesion"] == joint.rates(x, blind, still)["marrow_lesion"]


GIVEN = {"paracetamol": 1.0, "hyaluronate": 48.0, "exosome": 1e12}
TISSUE = ("thickness_column", "marrow_lesion", "sclerosis", "osteophytes", "synovitis", "fragments", "womac_pain")


def after_a_year(bench, name: str, **parameters: float) -> dict[str, float]:
    """What a treatment changes within a year, against the same events without an amount."""
    patient = bench.rest(**parameters)
    seen = {}
    for amount in (GIVEN[name], 0.0):
        given = administer(load_treatment(name), days=[0.0, 28.0, 56.0], amount=amount, context=False)
        seen[amount] = bench.follow(patient, given, [70.0, 365.0], TISSUE, mode="reference").values[0]
    early, late = seen[GIVEN[name]] - seen[0.0]
    return dict(zip(TISSUE, late, strict=True)) | {"womac_pain": early[-1], "synovitis": early[4]}


def test_an_analgesic_costs_a_little_structure_through_activity_and_none_without_it(bench):
    active, blind = (after_a_year(bench, "paracetamol", gain_activity_pain=gain) for gain in (0.1, 0.0))
    assert active["womac_pain"] < 0
    assert active["thickness_column"] < 0
    assert active["marrow_lesion"] > 0
    assert active["sclerosis"] > 0
    tissue = [name for name in TISSUE if name != "womac_pain"]
    assert all(abs(blind[name]) < 1e-3 * abs(active[name]) for name in tissue if active[name])


def test_less_friction_spares_cartilage_indirectly_calms_the_lining_and_leaves_bone_to_inflammation(bench):
    changed = after_a_year(bench, "hyaluronate", gain_activity_pain=0.0)
    assert changed["womac_pain"] < 0
    assert changed["thickness_column"] > 0
    assert changed["fragments"] < 0
    assert changed["synovitis"] < 0


def test_a_calmer_lining_spares_cartilage_and_bone(bench):
    changed = after_a_year(bench, "exosome", gain_activity_pain=0.0)
    assert changed["womac_pain"] < 0
    assert changed["synovitis"] < 0
    assert changed["thickness_column"] > 0
    assert changed["osteophytes"] < 0
