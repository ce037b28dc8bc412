"""How far a run is from what the twins have tested: species, treatment, dose, time, endpoints, people, structure."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from exojoint.patients.population import Population
from exojoint.report.credibility import Aspect
from exojoint.report.numbers import number, when
from exojoint.workflow.plan import ArmPlan, Plan
from exojoint.workflow.twins import active_treatments, twin_domain

NONE = "none"
LARGE = 1000.0  # from here on in powers of ten or with separators
TESTED_STRUCTURE = "default"
MARGINS = {
    "age": ("age.mean", "mean age (years)"),
    "bmi": ("bmi.mean", "mean body-mass index (kg/m²)"),
    "pain": ("pain_baseline.mean", "mean baseline pain (0-100)"),
    "effusion": ("effusion_volume.mean", "mean effusion (mL)"),
}


def aspects(plan: Plan) -> tuple[Aspect, ...]:
    """Return every aspect with the run's value, the twins' range, and whether the one lies in the other."""
    domain = twin_domain().filter(pl.col("species") == plan.joint.species)
    found = [_species(plan, domain), *_treatments(plan, domain), _horizon(plan, domain), *_endpoints(plan, domain)]
    if isinstance(plan.population, Population):
        found += list(_people(plan.population, domain))
    return (*found, _structure(plan))


def _species(plan: Plan, domain: pl.DataFrame) -> Aspect:
    n = domain["twin"].n_unique()
    return Aspect("species", plan.joint.species, f"{n} twins", n > 0)


def _treatments(plan: Plan, domain: pl.DataFrame) -> Iterator[Aspect]:
    for arm in plan.active:
        for name, amount, unit in _given(arm):
            if name not in active_treatments(plan):
                continue
            rows = domain.filter(pl.col("treatment") == name)
            twins = ", ".join(rows["twin"].unique(maintain_order=True)) or NONE
            yield Aspect(f"treatment of arm {arm.name}", name, twins, not rows.is_empty())
            yield _range(f"amount per administration, arm {arm.name} ({unit or '1'})", amount, rows["amount"])
            doses = float(len(arm.arm.days))
            yield _range(f"administrations, arm {arm.name}", doses, rows["doses"].cast(pl.Float64))


def _given(arm: ArmPlan) -> list[tuple[str, float, str]]:
    own = (arm.treatment.name, arm.amount, arm.treatment.amount_unit)
    return [own, *((more.treatment.name, more.amount, more.treatment.amount_unit) for more in arm.also)]


def _horizon(plan: Plan, domain: pl.DataFrame) -> Aspect:
    last, tested = max(plan.design.days), domain["last_day"].max()
    inside = isinstance(tested, int | float) and last <= tested
    shown = f"up to {when(float(tested))}" if isinstance(tested, int | float) else NONE
    return Aspect("last visit", when(last), shown, inside)


def _endpoints(plan: Plan, domain: pl.DataFrame) -> Iterator[Aspect]:
    numbers = domain.filter(pl.col("numbers") > 0)
    for name in plan.design.observables:
        twins = [row["twin"] for row in numbers.iter_rows(named=True) if name in row["endpoints"].split(";")]
        shown = f"{len(set(twins))} twins with numbers" if twins else NONE
        yield Aspect("endpoint", name, shown, bool(twins))


def _people(population: Population, domain: pl.DataFrame) -> Iterator[Aspect]:
    """The run's margins beside the range of the twins'; outside the distance is told in SDs of the twins."""
    for column, (key, name) in MARGINS.items():
        yield _range(name, population.quantities[key].value, domain.unique("twin")[column], spread=True)


def _range(name: str, value: float, tested: pl.Series, *, spread: bool = False) -> Aspect:
    known = tested.drop_nulls().cast(pl.Float64)
    if known.is_empty():
        return Aspect(name, _shown(value), NONE, False)
    values = known.to_numpy()
    low, high = float(values.min()), float(values.max())
    inside = low <= value <= high
    shown = f"{_shown(low)} to {_shown(high)}" if high > low else _shown(low)
    if not inside and spread and values.std() > 0:
        shown += f"; {number(abs(value - float(values.mean())) / float(values.std()), 2)} SDs away"
    elif not inside and min(value, low) > 0:
        shown += f"; {number(max(value / high, low / value), 2)}-fold away"
    return Aspect(name, _shown(value), shown, inside)


def _shown(value: float) -> str:
    """A count or a mean as people write it, a number of particles as a power of ten."""
    return number(value) if abs(value) >= LARGE else f"{value:.3g}"


def _structure(plan: Plan) -> Aspect:
    text = plan.scenario.text
    run = f"{text.structure}, mechanism {text.mechanism}"
    return Aspect("structure", run, TESTED_STRUCTURE, text.structure == TESTED_STRUCTURE)
