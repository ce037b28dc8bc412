"""Laboratory animals in place of patients: healthy, of one strain, and different only in what nobody records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.streams import Stream
from exojoint.core.tables import ParameterTable
from exojoint.joint.induction import healthy_row, list_inductions
from exojoint.joint.tables import SPECIES
from exojoint.patients.achieved import SCHEMA
from exojoint.patients.balance import Balance
from exojoint.patients.effects import effect_scores, random_effects
from exojoint.patients.population import patient_parameters
from exojoint.patients.sampling import Patients

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PREFIX = "healthy_"


@dataclass(frozen=True, slots=True)
class Colony:
    """Where animals come from.

    Attributes
    ----------
    name : ``healthy_rat`` and alike, as a scenario says it
    meaning : in words
    species : of the animals
    """

    name: str
    meaning: str
    species: str


def list_colonies() -> tuple[str, ...]:
    """Names that `load_colony` accepts."""
    return tuple(PREFIX + species for species in SPECIES if list_inductions(species))


def load_colony(name: str, species: str) -> Colony:
    """Colony by name.

    Raises
    ------
    InputError
        For an unknown name, or animals of another species than the joint.
    """
    if name not in list_colonies():
        expected = f"one of {', '.join(list_colonies())}"
        raise InputError(
            Problem(f"population '{name}'", "unknown colony", expected, did_you_mean(name, list_colonies()))
        )
    if name != PREFIX + species:
        raise InputError(
            Problem(f"population '{name}'", f"the joint is of a {species}", PREFIX + species, "Correct it.")
        )
    return Colony(name, f"Healthy adult animals of one strain ({species}).", species)


def sample_animals(
    colony: Colony, table: ParameterTable, knowledge: Mapping[str, float], stream: Stream, ids: Ints
) -> Patients:
    """Animals with these ids: no record to speak of, a joint of their own each.

    Parameters
    ----------
    colony : of the animals
    table : numbers of the joint, its dispositions and its induction; rows with a coefficient of variation differ
    knowledge : value of each uncertain parameter in this draw
    stream : named stream of the animals
    ids : (n,)
    """
    ceiling = patient_parameters()["max_fraction"].value
    effects = random_effects(table, knowledge, effect_scores(table, stream, ids), ceiling)
    n = len(ids)
    unknown = np.full(n, np.nan)
    pain = np.full(n, healthy_row(colony.species, "pain").value)
    record = pl.DataFrame(
        {
            "patient": ids,
            "age": unknown,
            "sex": ["not recorded"] * n,
            "bmi": unknown,
            "kl": np.zeros(n),
            "varus": unknown,
            "phenotype": ["healthy"] * n,
            "pain_baseline": pain,
            "effusion_volume": unknown,
        }
    )
    return Patients(ids, record, effects, np.zeros(n), Balance(np.ones(n), "balanced", 0.0, 0))


def usable_animals(animals: Patients, usable: NDArray[np.bool_]) -> Patients:
    """The same animals without those whose burn-in failed; these get weight 0."""
    share = len(usable) / max(int(usable.sum()), 1)
    return replace(animals, balance=replace(animals.balance, weights=np.where(usable, share, 0.0)))


def colony_table(animals: Patients | Sequence[Patients]) -> pl.DataFrame:
    """The population table of animals: how many there are, and how alike."""
    pools = (animals,) if isinstance(animals, Patients) else tuple(animals)
    n = float(sum(len(pool.ids) for pool in pools))
    kept = float(sum((pool.weights > 0).sum() for pool in pools))
    rows = [("animals", "number", "1", None, n, kept), ("kl", "share of grade 0", "1", 1.0, 1.0, 1.0)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
