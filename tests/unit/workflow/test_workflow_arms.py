"""An arm may hold several treatments: together, one after the other, tablets that stop; what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import compile_system
from exojoint.workflow.draw import latent_outcomes, run_draw
from exojoint.workflow.giving import Dosing, give
from exojoint.workflow.lookup import make_plan

MORE = """
[[arms]]
name = "steroid then exosome"
treatment = "exosome"
dose = "5e11 particles"
days = [28, 56]
n = 30

[[arms.also]]
treatment = "triamcinolone"
dose = "40 mg"
days = [0]

[[arms]]
name = "exosome with hyaluronate"
treatment = "exosome"
dose = "5e11 particles"
days = [0, 28, 56]
n = 30

[[arms.also]]
treatment = "hyaluronate"
dose = "48 mg"
days = [0, 28, 56]
needle = false
"""
TABLETS = """
[[arms.also]]
treatment = "paracetamol"
dose = "1"
days = [0]
stop = 84
"""


@pytest.fixture
def scenario(checkout: Path, tmp_path: Path):
    """Writes the main scenario with further arms and a little simulation."""
    text = (checkout / "scenarios" / "umbilical_phase2.toml").read_text(encoding="utf-8")
    text = text.replace("patients_per_draw = 200", "patients_per_draw = 24")
    text = text.replace("trials_per_draw = 20", "trials_per_draw = 2").replace("n = 100", "n = 30")

    def write(more: str) -> Path:
        path = tmp_path / "arms.toml"
        path.write_text(text.replace("[simulation]", more + "\n[simulation]"), encoding="utf-8")
        return path

    return write


def test_a_sequence_and_a_combination_are_solved_and_do_what_their_members_do(scenario) -> None:
    plan = make_plan(scenario(MORE))
    assert "40 mg of Triamcinolone acetonide" in plan.synopsis()
    kernel = compile_system(plan.knee.system)
    latent, _ = latent_outcomes(plan, kernel, 0, 2)
    pain = latent.endpoints.index("womac_pain")
    week4 = latent.days.index(28.0)
    relief = {
        arm: float(np.nanmean(values[:, :, week4, pain] - values[:, :, 0, pain]))
        for arm, values in latent.values.items()
    }
    assert relief["steroid then exosome"] < relief["saline"] - 1, "the steroid works before the first vesicles"
    assert relief["exosome with hyaluronate"] < relief["exosome"]
    harms = run_draw(plan, kernel, 0, 2, 0).tables["adverse_events"]
    rows = harms.filter(event="injection flare")
    per_patient = dict(zip(rows["arm"], rows["n_injections"] / rows["n"], strict=True))
    assert per_patient["steroid then exosome"] == pytest.approx(3.0, abs=0.3), "one of steroid, two of vesicles"


def test_the_order_of_treatments_in_an_arm_has_no_meaning(scenario) -> None:
    arm = make_plan(scenario(MORE + TABLETS)).arms[-1]
    swapped = type(arm)(arm.arm, arm.treatment, arm.amount, arm.volume_ml, arm.also[::-1])
    doses = [Dosing(arm.arm.days, arm.amount)]

    def events(of):
        return sorted((float(e.day), e.kind, e.target, float(e.amount)) for e in give(of, doses))

    assert events(arm) == events(swapped)
    assert any((day, kind, amount) == (84.0, "input", 0.0) for day, kind, _, amount in events(arm))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'treatment = "hyaluronate"\ndose = "48 mg"',
            'treatment = "exosome_gel"\ndose = "1e11 particles"',
            "own treatm",
        ),
        ("needle = false", "stop = 90", "cannot be stopped"),
        ("needle = false", "stop = 0", "stops on day 0"),
        ("needle = false", "neddle = false", "neddle"),
        ('dose = "40 mg"\n', "", "dose is missing"),
        ('dose = "40 mg"\ndays = [0]', 'dose = "40 mg"\ndays = [9000]', "after the last visit"),
        ('treatment = "triamcinolone"', 'treatment = "triamcinolon"', "Did you mean"),
    ],
)
def test_what_cannot_be_is_refused_by_name(old: str, new: str, message: str, scenario) -> None:
    assert MORE.count(old) == 1
    with pytest.raises(InputError, match=message):
        make_plan(scenario(MORE.replace(old, new)))
