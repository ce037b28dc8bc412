"""Other ways to give the first treated arm: once, more, charge-reversed, from a gel, with more potent lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from exojoint.product.catalogue import Numbers
from exojoint.product.lot import AXES, Lot
from exojoint.treatments.treatment import load_treatment
from exojoint.workflow.plan import ArmPlan, Plan

NATIVE = "native"
# Formulation of a lot -> the treatment that gives it; its charges and release are rows of the product table.
TREATMENTS: Mapping[str, str] = {
    NATIVE: "exosome", "charge_reversed": "exosome_charge_reversed", "hydrogel_depot": "exosome_depot",
}  # fmt: skip
FACTORS = (3.0, 10.0, 100.0)  # on dose or potency: what is easy, what is a programme, what is out of reach


@dataclass(frozen=True, slots=True)
class Variant:
    """One change of the first treated arm; a variant without any change is the arm as planned.

    Attributes
    ----------
    name, title : for tables, and in words
    once : only the first administration
    dose : factor on the label dose
    potency : factor on all potencies of active lots
    formulation : surface or gel of the vesicles ("" for the scenario's)
    all_active : no lot is inactive
    """

    name: str
    title: str
    once: bool = False
    dose: float = 1.0
    potency: float = 1.0
    formulation: str = ""
    all_active: bool = False

    def arm(self, plan: Plan) -> ArmPlan:
        """The first treated arm, given in this way."""
        arm = plan.active[0]
        days = arm.arm.days[:1] if self.once else arm.arm.days
        treatment = load_treatment(TREATMENTS[self.formulation]) if self.formulation else arm.treatment
        return replace(arm, arm=replace(arm.arm, days=days), amount=arm.amount * self.dose, treatment=treatment)

    def lot(self, lot: Lot, values: Mapping[str, float]) -> Lot:
        """A lot of the scenario as this variant would fill it; `values` is the knowledge of the draw."""
        changed = replace(lot, potency={axis: self.potency * lot.potency[axis] for axis in AXES})
        if not self.formulation:
            return changed
        numbers = Numbers(values)
        return replace(
            changed,
            formulation=self.formulation,
            charge_positive=numbers[f"charge_positive_{self.formulation}"],
            charge_negative=numbers[f"charge_negative_{self.formulation}"],
            rate_release=numbers[f"k_release_{self.formulation}"],
        )


PLANNED = Variant("planned", "as planned")
ONCE = Variant("once", "one injection only", once=True)


def single(plan: Plan) -> Variant | None:
    """One administration of the same dose, or None where the plan gives no more than one."""
    return ONCE if len(plan.active[0].arm.days) > 1 else None


def variants(plan: Plan) -> tuple[Variant, ...]:
    """What else could be given instead: the arm as planned first; vesicles have the most levers.

    The list is what developers discuss: schedule, dose, potency, surface, release, and the quality of lots.
    """
    arm = plan.active[0]
    found = [PLANNED, *((ONCE,) if len(arm.arm.days) > 1 else ())]
    if arm.amount > 0.0:
        found += [Variant(f"dose_x{factor:g}", f"dose x {factor:g}", dose=factor) for factor in FACTORS]
    if not arm.gives_vesicles or plan.scenario.text.lot is None:
        return tuple(found)
    found += [Variant("all_active", "no inactive lots", all_active=True)]
    found += [Variant(f"potency_x{factor:g}", f"potency x {factor:g}", potency=factor) for factor in FACTORS]
    for formulation, title in (("charge_reversed", "charge-reversed"), ("hydrogel_depot", "released from a gel")):
        if arm.treatment.name != TREATMENTS[formulation]:
            found.append(Variant(formulation, title, formulation=formulation))
    strongest = Variant(
        "charge_reversed_x10", "charge-reversed, dose x 10, no inactive lots",
        dose=10.0, formulation="charge_reversed", all_active=True,
    )  # fmt: skip
    return (*found, strongest)
