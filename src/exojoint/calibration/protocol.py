"""A published experiment as data: who, what was given, what was read; one small file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

VALUES = ("level", "change", "percent_change", "risk_percent", "half_life")
SUMMARIES = ("mean", "sd", "band", "quantile")


@dataclass(frozen=True, slots=True)
class Subject:
    """One set patient or animal.

    Parameters
    ----------
    kl : float
        Kellgren-Lawrence grade, 0 to 4 (people; animals start healthy).
    pain : float
        Latent baseline pain, 0-100 (people).
    tone : float or None
        Synovial tone; None: that of the grade. In animals a factor on the healthy tone.
    set : mapping of str to float
        Further parameters of the knee by name, ``bmi_target`` and ``varus`` among them.
    """

    kl: float = 2.5
    pain: float = 50.0
    tone: float | None = None
    set: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells two subjects apart."""
        return self.kl, self.pain, self.tone, tuple(sorted(self.set.items()))


@dataclass(frozen=True, slots=True)
class People:
    """A sample of a population instead of one set patient.

    Parameters
    ----------
    name : str
        Of `exojoint.patients.population.load_population`, or a file beside the protocol.
    patients : int
        How many stand for the population.
    change : mapping
        Keys that replace those of the population's file: a published Table 1 on top of a usual population.
    """

    name: str
    patients: int
    change: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Give:
    """One treatment in an arm's course; as `exojoint.treatments.course.Administration`, by name."""

    treatment: str
    days: tuple[float, ...]
    amount: float = 0.0
    volume_ml: float | None = None
    stop: float | None = None
    needle: bool = True


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: who, and what is given (nothing: untreated)."""

    name: str
    subject: Subject
    give: tuple[Give, ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """One number of the experiment.

    Parameters
    ----------
    id : str
        Its name, e.g. of a calibration target.
    observable : tuple of str
        Observables or states; several are added up.
    days : tuple of float
        Days of reading; several are averaged (a half-life takes the first and the last).
    arm : str
        Where it is read.
    minus, over : str
        Arm whose value is taken off, or divides; empty for none.
    value : str
        What is read in one patient, one of `VALUES`; a change is from day 0, ``risk_percent`` reads a hazard.
    summary : str
        What is said of several patients: one of `SUMMARIES`.
    band : tuple of float
        For ``band``: mean of the patients between these two ranks (0 lowest); for ``quantile``: one rank.
    noise : tuple of str
        For ``sd`` and ``band``: rows whose values are SDs of the reading of one value; they add in quadrature.
    scale : float
        Factor at the end: units.
    """

    id: str
    observable: tuple[str, ...]
    days: tuple[float, ...]
    arm: str
    minus: str = ""
    over: str = ""
    value: str = "level"
    summary: str = "mean"
    band: tuple[float, ...] = ()
    noise: tuple[str, ...] = ()
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Protocol:
    """One experiment.

    Parameters
    ----------
    name : str
        Of the file.
    title, note : str
        In words; what was taken to stand for what.
    source : tuple of str
        Keys of ``references.bib`` or fact ids.
    species, structure : str
        As in `exojoint.joint.model.load_joint`; a run may ask for another structure.
    induction : str
        What makes animals ill; empty for none.
    people : People or None
        A population; None where the arms' subjects are set.
    arms : mapping of str to Arm
        By name.
    readouts : tuple of Readout
        What is predicted.
    place : Path or Traversable
        Folder of the file, where a population of its own would stand.
    """

    name: str
    title: str
    note: str
    source: tuple[str, ...]
    species: str
    structure: str
    induction: str
    people: People | None
    arms: Mapping[str, Arm]
    readouts: tuple[Readout, ...]
    place: Path | Traversable

    def days(self, arm: str) -> tuple[float, ...]:
        """Days on which an arm is read, day 0 included, ascending."""
        wanted = {0.0}
        for readout in self.readouts:
            if arm in (readout.arm, readout.minus, readout.over):
                wanted |= set(readout.days)
        return tuple(sorted(wanted))

    @property
    def observables(self) -> tuple[str, ...]:
        """Everything that is read in any arm."""
        return tuple(dict.fromkeys(name for readout in self.readouts for name in readout.observable))
