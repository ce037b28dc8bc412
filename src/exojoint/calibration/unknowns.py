"""What is unknown in a set of experiments: one axis per uncertain row, shared between experiments and species."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.protocol import Protocol
from exojoint.core.knowledge import KnowledgeSpace, knowledge_space
from exojoint.core.tables import Parameter, ParameterTable, read_parameters
from exojoint.engine import Kernel, compile_system
from exojoint.joint.induction import load_induction
from exojoint.joint.model import load_joint
from exojoint.patients.population import patient_parameters
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.course import dispositions_for_courses
from exojoint.treatments.dispositions import administration_parameters, list_dispositions, load_disposition
from exojoint.treatments.treatment import load_treatment

Floats = NDArray[np.float64]
HUMAN, OF = "human", "__"  # rat__n_macrophages: the rat's own row of that name


@dataclass(frozen=True)
class Bench:
    """What one protocol is run on: a knee with the dispositions of its arms, as machine code."""

    knee: Knee
    kernel: Kernel


def bench(protocol: Protocol, structure: str = "") -> Bench:
    """Return the knee that a protocol needs; compiled once per set of dispositions.

    Parameters
    ----------
    structure : str
        Replaces the protocol's own.
    """
    used = structure or protocol.structure
    courses = [[load_treatment(give.treatment) for give in arm.give] for arm in protocol.arms.values()]
    parts = dispositions_for_courses(courses, structure=used)
    fed = tuple((part.name, part.feeds) for part in parts)
    return _bench(protocol.species, used, fed)


@functools.cache
def _bench(species: str, structure: str, names: tuple[tuple[str, str], ...]) -> Bench:
    parts = [dataclasses.replace(load_disposition(name, structure), feeds=feeds) for name, feeds in names]
    knee = assemble(load_joint(species, structure), parts)
    return Bench(knee, compile_system(knee.system))


@functools.cache
def reading_rows() -> ParameterTable:
    """Return the rows that only a comparison with published numbers needs: errors of instruments."""
    return read_parameters(files("exojoint.calibration") / "parameters.csv")


@dataclass(frozen=True)
class Unknowns:
    """The unknown rows behind a set of protocols.

    Parameters
    ----------
    space : KnowledgeSpace
        One axis per row. People's rows have the table's name; a row with numbers of its own in an animal is
        ``<species>__<name>`` and all other rows of an animal are people's: the same unknown.
    structure : str
        Replaces that of every protocol; empty: each its own.
    """

    space: KnowledgeSpace
    structure: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return self.space.names

    def values(self, z: Floats) -> dict[str, Floats]:
        """Values (k,) of every unknown row for scores z (k, n_axes)."""
        return self.space.values(z)


def unknowns(protocols: Sequence[Protocol], structure: str = "") -> Unknowns:
    """Collect the unknown rows that these protocols read.

    Parameters
    ----------
    structure : str
        Replaces that of every protocol; empty: each its own (they must then agree).
    """
    used = structure or protocols[0].structure
    rows: dict[str, Parameter] = {row.name: row for row in human_rows(used)}
    for protocol in protocols:
        if protocol.induction:
            rows |= load_induction(load_joint(protocol.species, used), protocol.induction).rows
        if protocol.species != HUMAN:
            rows |= {row.name: row for row in own_rows(protocol.species, bench(protocol, used).knee)}
    return Unknowns(knowledge_space(ParameterTable(rows.values())), structure)


@functools.cache
def human_rows(structure: str) -> tuple[Parameter, ...]:
    """Return the rows of the joint, of every disposition, of administration, patients and instruments, as people have.

    A row that two dispositions share comes once.
    """
    tables = [load_joint(HUMAN, structure).parameters]
    tables += [load_disposition(name, structure).parameters for name in list_dispositions()]
    tables += [administration_parameters(structure), patient_parameters(), reading_rows()]
    found: dict[str, Parameter] = {}
    for table in tables:
        found |= {name: row for name, row in table.items() if name not in found}
    return tuple(found.values())


def own_rows(species: str, knee: Knee) -> list[Parameter]:
    """Return the uncertain rows in which an animal's knee has numbers of its own, under their own names."""
    human = {row.name: row for row in human_rows(knee.joint.structure)}
    return [
        dataclasses.replace(row, name=f"{species}{OF}{name}")
        for name, row in knee.parameters.items()
        if row.uncertainty.uncertain and name in human and _differs(row, human[name])
    ]


def _differs(row: Parameter, human: Parameter) -> bool:
    return row.value != human.value or row.uncertainty != human.uncertainty


def values_in(species: str, knee: Knee, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the values that hold in a knee: an animal's own rows replace people's of the same name."""
    if species == HUMAN:
        return dict(values)
    prefix = f"{species}{OF}"
    human = {row.name: row for row in human_rows(knee.joint.structure)}
    own = {name for name, row in knee.parameters.items() if name in human and _differs(row, human[name])}
    kept = {name: value for name, value in values.items() if name not in own}
    return kept | {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
