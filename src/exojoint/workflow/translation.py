"""Why an effect in rats is not one in people: the loss split into what changes between the two knees.

A rat with an induced model and a human knee differ in dose per cell, in depth, in time scale and in what drives the
disease. Each of the four is turned from rat to human in every combination (16 knees, of which 14 exist nowhere); the
loss is shared by the average over all orders (Shapley), so that no order is preferred. What publication selects comes
on top, from facts and not from the model.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.knowledge import knowledge_space
from exojoint.core.streams import Stream, stream
from exojoint.core.tables import ParameterTable, read_parameters
from exojoint.engine import Event, Kernel, compile_system, solve
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.induction import healthy_row, induce, load_induction
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.treatments.animals import animal_rows
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.exosome import PARTICLES
from exojoint.treatments.treatment import dispositions_for, load_treatment

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
DOSE, DEPTH, TIME, DRIVER = "dose per cell", "depth", "time scale", "disease driver"
FACTORS = (DOSE, DEPTH, TIME, DRIVER)
ROWS: Mapping[str, tuple[str, ...]] = {
    DOSE: (
        "n_macrophages", "n_synoviocytes", "area_cartilage", "clearance_lining", "clearance_small_solute", "flow_lymph",
        "volume_rest", "volume_inflammation",
    ),
    DEPTH: ("thickness_healthy", "rel_cell_density"),
    TIME: ("rel_turnover",),
    DRIVER: (),
}  # fmt: skip
MEANING: Mapping[str, str] = {
    DOSE: "dose and schedule over cells, volumes and clearances of the joint",
    DEPTH: "thickness of cartilage and density of its cells",
    TIME: "turnover of cells and matrix, and how long the study lasts",
    DRIVER: "induced injury in a healthy joint against slow disease in a worn one",
}
OUTCOMES: Mapping[str, str] = {
    "structure": "points of the OARSI score that treatment spares by the end of the study",
    "inflammation": "share of pro-inflammatory macrophages that treatment takes away, mean over the study",
}
HUMAN = "human"
SMALLEST = 1e-6  # benefit below which a knee counts as not helped at all; keeps the logarithm finite
LEVEL = 0.8


@dataclass(frozen=True)
class Translation:
    """The loss between an animal and man.

    Parameters
    ----------
    animal, model : str
        Species and induced model.
    steps : polars.DataFrame
        One row per outcome and step: outcome, step, meaning, factor (what is kept, 1 = nothing lost), lo, hi (80 % over
        knowledge draws).
    effects : polars.DataFrame
        Benefit by outcome in the animal, in man, and in every knee between: outcome, one column per factor (True where
        it is human), benefit, lo, hi.
    published : polars.DataFrame
        The animal's effect in points of the OARSI score: published, after shrinkage, in the model.
    n_draws : int
        Knowledge draws behind the intervals.
    """

    animal: str
    model: str
    steps: pl.DataFrame
    effects: pl.DataFrame
    published: pl.DataFrame
    n_draws: int


@functools.cache
def translation_rows() -> ParameterTable:
    """Return the numbers of the comparison: doses, schedules, horizons, the published effect."""
    return read_parameters(files("exojoint.workflow") / "translation.csv")


def translate(
    animal: str = "rat", model: str = "aclt", *, draws: int = 32, seed: int = 1, threads: int = 1
) -> Translation:
    """Split the loss of effect between an induced model in an animal and a human knee.

    Parameters
    ----------
    animal, model : str
        As in `exojoint.joint.induction.induce`.
    draws : int
        Knowledge draws; the first is the table as written.
    seed : int
        Of the draws.
    threads : int
        Results do not depend on it.

    Raises
    ------
    InputError
        When the model has no numbers for the species.
    """
    bench = _Bench.of(animal, model)
    luck = stream(seed, "translation")
    benefit, points = bench.benefits(bench.knowledge(luck, draws), threads)  # (draws, 16, outcomes), (draws,)
    return Translation(animal, model, _steps(benefit, luck), _effects(benefit), _published(points, luck), len(benefit))


@dataclass(frozen=True)
class _Bench:
    """Both knees and all that lies between them, as rows of one compiled system."""

    animal: Knee
    human: Knee
    kernel: Kernel
    model: str

    @classmethod
    def of(cls, animal: str, model: str) -> _Bench:
        load_induction(load_joint(animal), model)
        small, large = (assemble(load_joint(species), dispositions_for(["exosome"])) for species in (animal, HUMAN))
        return cls(small, large, compile_system(small.system), model)

    def knowledge(self, luck: Stream, draws: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Values (draws,) of all unknown rows of the animal, its injury included, and of man: the same unknowns."""
        injury = load_induction(self.animal.joint, self.model).rows
        spaces = [knowledge_space(self.animal.parameters.merge(injury)), knowledge_space(self.human.parameters)]
        z = luck.normal(np.arange(draws, dtype=np.int64), spaces[0].n_axes)
        z[0] = 0.0  # the table as written
        return spaces[0].values(z), spaces[1].values(z[:, : spaces[1].n_axes])

    def benefits(self, knowledge: tuple[dict[str, Floats], dict[str, Floats]], threads: int) -> tuple[Floats, Floats]:
        """Benefit (draws, 16, outcomes) of every knee, and the animal's difference in OARSI points (draws,)."""
        n = len(next(iter(knowledge[0].values())))
        masks = np.tile(combinations(), (n, 1))  # (draws * 16, 4): True where the factor is human
        small, large = (np.repeat(values, len(combinations()), axis=0) for values in self._parameters(knowledge, n))
        human = np.column_stack([masks[:, FACTORS.index(self._factor(name))] for name in self.animal.parameter_names])
        parameters = np.where(human, large, small)
        rested = self._rested(parameters, masks, threads)
        injury = {name: np.repeat(knowledge[0][name], len(combinations())) for name in self._injury_names(knowledge)}
        courses = [self._course(rested, masks, injury, treated, threads) for treated in (True, False)]
        return _benefit(courses[0], courses[1], n)

    def _injury_names(self, knowledge: tuple[dict[str, Floats], dict[str, Floats]]) -> list[str]:
        return [name for name in load_induction(self.animal.joint, self.model).rows if name in knowledge[0]]

    def _parameters(self, knowledge: tuple[dict[str, Floats], dict[str, Floats]], n: int) -> tuple[Floats, Floats]:
        found = []
        for knee, values in zip((self.animal, self.human), knowledge, strict=True):
            matrix = np.tile(knee.defaults(), (n, 1))
            for column, name in enumerate(knee.parameter_names):
                if name in values:
                    matrix[:, column] = values[name]
            found.append(matrix)
        return found[0], found[1]

    @staticmethod
    def _factor(row: str) -> str:
        """Factor that a row belongs to; rows in which the species do not differ may go with any."""
        return next((factor for factor, names in ROWS.items() if row in names), DRIVER)

    def _rested(self, parameters: Floats, masks: Flags, threads: int) -> BurnedIn:
        """Healthy animals, or worn knees, at rest in the geometry that the mask gives them."""
        rows, joint = translation_rows(), self.animal.joint
        worn = masks[:, FACTORS.index(DRIVER)]
        tone = self.animal.parameter_names.index("rel_tone")
        parameters[:, tone] *= np.where(worn, 1.0, healthy_row(joint.species, "rel_tone").value)
        state = np.tile(self.animal.initial(), (len(parameters), 1))
        state[:, : len(joint.states)] = starting_state(joint, np.where(worn, rows["translation_kl"].value, 0.0))
        pain = np.where(worn, rows["translation_pain"].value, healthy_row(joint.species, "pain").value)
        return burn_in(joint, self.kernel, parameters, state, pain, threads=threads)

    def _course(
        self, rested: BurnedIn, masks: Flags, injury: Mapping[str, Floats], treated: bool, threads: int
    ) -> tuple[Floats, Floats]:
        """Damage on the last day and mean level of inflammatory macrophages, (rows,) each."""
        worn, late = (masks[:, FACTORS.index(factor)] for factor in (DRIVER, TIME))
        events = [
            Event(np.where(worn, np.nan, event.day), event.kind, event.target, event.amount)
            for event in induce(self.animal.joint, self.model, rested, self.animal.state_names, injury)
        ]
        events += _doses(self.animal.joint.species, masks[:, FACTORS.index(DOSE)], treated)
        ends = horizons()
        days = np.unique(np.concatenate([np.arange(0.0, ends[0] + 1, 7.0), np.arange(0.0, ends[1] + 1, 28.0), ends]))
        seen = solve(
            self.kernel, rested.parameters, rested.state, events, days, ("damage_oarsi", "m1"), threads=threads
        ).values
        last = np.where(late, ends[1], ends[0])
        first = int(np.searchsorted(days, translation_rows()["translation_first_day"].value))
        at_end = seen[np.arange(len(seen)), np.searchsorted(days, last), 0]
        inside = (days[None, :] >= days[first]) & (days[None, :] <= last[:, None])
        weight = np.gradient(days)[None, :] * inside
        level = (weight * seen[:, :, 1]).sum(axis=1) / weight.sum(axis=1)
        return at_end, level


def combinations() -> Flags:
    """Return which factors are human in each of the 16 knees, (16, 4): the animal first, man last."""
    return np.array(list(itertools.product((False, True), repeat=len(FACTORS))))


def horizons() -> tuple[float, float]:
    """Return the last day of a study in animals and in man."""
    rows = translation_rows()
    return rows["translation_last_day_animal"].value, rows["translation_last_day_human"].value


def _doses(species: str, human: Flags, treated: bool) -> list[Event]:
    """Injections of each row at the dose, volume and schedule of its dose factor."""
    rows = translation_rows()
    irritation = animal_rows(species)["irritation_vehicle"], administration_parameters()["irritation_vehicle"].value
    volume = animal_rows(species)["volume_injection"], load_treatment("exosome").volume_ml
    counts = [int(rows[f"translation_doses_{who}"].value) for who in ("animal", "human")]
    gaps = [rows[f"translation_gap_{who}"].value for who in ("animal", "human")]
    amounts = [rows[f"translation_dose_{who}"].value / PARTICLES for who in (species, HUMAN)]
    events = []
    for who, mine in enumerate((~human, human)):
        for k in range(counts[who]):
            day = np.where(mine, rows["translation_first_day"].value + k * gaps[who], np.nan)
            events.append(Event(day, "add", "volume", volume[who]))
            events.append(Event(day, "add", "irritation", irritation[who]))
            if treated:
                events.append(Event(day, "add", "vesicles_fluid", amounts[who]))
    return events


def _benefit(treated: tuple[Floats, Floats], vehicle: tuple[Floats, Floats], n: int) -> tuple[Floats, Floats]:
    """Benefit (n, 16, outcomes), and the animal's difference of damage (n,); draws that failed are left out."""
    spared = vehicle[0] - treated[0]
    calmed = 1.0 - treated[1] / vehicle[1]
    both = np.column_stack([spared, calmed]).reshape(n, len(combinations()), len(OUTCOMES))
    solved = both[np.isfinite(both).all(axis=(1, 2))]
    return solved, -solved[:, 0, 0]


def shapley(benefit: Floats) -> Floats:
    """Return what each factor leaves of the benefit, (n, 4), from the benefit of all 16 knees, (n, 16).

    The product over factors is the benefit in man over that in the animal, exactly.
    """
    masks = combinations()
    place = {tuple(mask): index for index, mask in enumerate(masks.tolist())}
    logs = np.log(np.maximum(benefit, SMALLEST))
    kept = np.zeros((len(benefit), len(FACTORS)))
    for order in itertools.permutations(range(len(FACTORS))):
        mask = [False] * len(FACTORS)
        for factor in order:
            before = place[tuple(mask)]
            mask[factor] = True
            kept[:, factor] += logs[:, place[tuple(mask)]] - logs[:, before]
    return np.asarray(np.exp(kept / math.factorial(len(FACTORS))))


def _band(values: Floats) -> tuple[float, float, float]:
    """Value of the table as written (the first draw), and the 80 % band over draws."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(values[0]), float(low), float(high)


def _steps(benefit: Floats, luck: Stream) -> pl.DataFrame:
    rows = []
    selected = _drawn("translation_kept_unselected", luck, len(benefit))
    for index, outcome in enumerate(OUTCOMES):
        steps = {"publication": (_band(selected), "what selective publication adds to animal studies, taken off")}
        kept = shapley(benefit[:, :, index])
        steps |= {factor: (_band(kept[:, i]), MEANING[factor]) for i, factor in enumerate(FACTORS)}
        total = np.maximum(benefit[:, -1, index], SMALLEST) / np.maximum(benefit[:, 0, index], SMALLEST)
        steps["all of the knee"] = (_band(total), "benefit in man over benefit in the animal, in the model")
        steps["all"] = (_band(total * selected), "with what publication adds")
        rows += [(outcome, step, meaning, *band) for step, (band, meaning) in steps.items()]
    return pl.DataFrame(rows, schema=["outcome", "step", "meaning", "factor", "lo", "hi"], orient="row")


def _effects(benefit: Floats) -> pl.DataFrame:
    rows = [
        (outcome, *mask, *_band(benefit[:, k, index]))
        for index, outcome in enumerate(OUTCOMES)
        for k, mask in enumerate(combinations().tolist())
    ]
    return pl.DataFrame(rows, schema=["outcome", *FACTORS, "benefit", "lo", "hi"], orient="row")


def _published(points: Floats, luck: Stream) -> pl.DataFrame:
    shown = _drawn("translation_effect_published", luck, len(points))
    kept = shown * _drawn("translation_kept_unselected", luck, len(points))
    named = {"published": shown, "after shrinkage": kept, "in the model": points}
    rows = [(name, "point", *_band(values)) for name, values in named.items()]
    return pl.DataFrame(rows, schema=["effect", "unit", "value", "lo", "hi"], orient="row")


def _drawn(name: str, luck: Stream, n: int) -> Floats:
    """Draws (n,) of a number of the comparison; the first is the table's."""
    row = translation_rows()[name]
    u = luck.child(name).uniform(np.arange(n, dtype=np.int64), 1)[:, 0]
    values = np.asarray(row.uncertainty.quantile(row.value, u), dtype=np.float64)
    values[0] = row.value
    return values
