"""What the knee predicts for published experiments, for many knowledge draws at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.protocol import Arm, People, Protocol, Subject
from exojoint.calibration.protocol_file import check_names
from exojoint.calibration.read import read_all
from exojoint.calibration.subjects import Group, rest_animal, rest_people, rest_subject
from exojoint.calibration.unknowns import HUMAN, Bench, Unknowns, bench, values_in
from exojoint.core.streams import Stream, stream
from exojoint.engine import Event, solve
from exojoint.joint.induction import induce, load_induction
from exojoint.treatments.animals import administer_to_animal
from exojoint.treatments.course import Administration, combine_administrations
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import load_treatment

Floats = NDArray[np.float64]
BATCH = 50  # draws followed at a time: bounds memory, changes no digit
SEED = 7  # of the shared luck of populations; the same people in every draw


@dataclass(frozen=True)
class Prediction:
    """What was predicted.

    Parameters
    ----------
    ids : tuple of str
        Names of the readouts.
    values : (k, n_ids) array
        One row per draw; nan where the knee failed.
    lost : mapping of str to int
        Protocol -> knees (draws times patients, over all arms) that found no rest or could not be followed.
    """

    ids: tuple[str, ...]
    values: Floats
    lost: Mapping[str, int]

    def column(self, name: str) -> Floats:
        """Return the values (k,) of one readout."""
        return np.asarray(self.values[:, self.ids.index(name)])

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which draws gave every readout, (k,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))


def predict(
    protocols: Sequence[Protocol],
    known: Unknowns,
    z: Floats,
    *,
    luck: Stream | None = None,
    threads: int = 1,
    given: Mapping[str, Floats] | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Predict every readout of some protocols for knowledge draws.

    Parameters
    ----------
    protocols : sequence of Protocol
        Readout names must differ.
    known : Unknowns
        Of `exojoint.calibration.unknowns.unknowns` for these protocols (or more).
    z : (k, n_axes) array
        Standard normal scores; a row of zeros is the tables as written.
    luck : Stream, optional
        Where populations come from; the same people meet every draw, so predictions are smooth in `z`.
    threads : int
        Results do not depend on it.
    given : mapping of str to (k,) array, optional
        Values of further parameters of the knee by name, e.g. a lot's potency; they replace those of `z`.
    tell : callable, optional
        Called with (draws done, draws).
    """
    check_names(protocols)
    chance = luck if luck is not None else stream(SEED, "calibration")
    scores = np.atleast_2d(np.asarray(z, dtype=np.float64))
    ids = tuple(readout.id for protocol in protocols for readout in protocol.readouts)
    values = np.empty((len(scores), len(ids)))
    lost = dict.fromkeys((protocol.name for protocol in protocols), 0)
    for start in range(0, len(scores), BATCH):
        rows = slice(start, min(start + BATCH, len(scores)))
        own = {name: np.asarray(value)[rows] for name, value in (given or {}).items()}
        drawn = known.values(scores[rows]) | own
        column = 0
        for protocol in protocols:
            found, failed = _run(protocol, known.structure, drawn, scores[rows].shape[0], chance, threads)
            values[rows, column : column + found.shape[1]] = found
            column += found.shape[1]
            lost[protocol.name] += failed
        if tell is not None:
            tell(rows.stop, len(scores))
    return Prediction(ids, values, lost)


def _run(
    protocol: Protocol, structure: str, drawn: Mapping[str, Floats], k: int, luck: Stream, threads: int
) -> tuple[Floats, int]:
    """Values (k, n_readouts) of one protocol, and how many knees were lost."""
    ready = bench(protocol, structure)
    values = values_in(protocol.species, ready.knee, drawn)
    rested: dict[object, Group] = {}
    courses = {}
    failed = 0
    for name, arm in protocol.arms.items():
        key = "people" if protocol.people else arm.subject.key
        if key not in rested:
            rested[key] = _rest(protocol, ready, arm.subject, protocol.people, values, k, luck, threads)
            failed += int((~rested[key].rested.settled).sum())
        group = rested[key]
        days = np.array(protocol.days(name))
        start = group.rested
        events = [*_injury(protocol, ready, group, values), *_events(protocol, arm, group, values)]
        seen = solve(ready.kernel, start.parameters, start.state, events, days, protocol.observables, threads=threads)
        failed += int((seen.outcome[start.settled] != 0).sum())
        shape = (k, group.patients, len(days), len(protocol.observables))
        courses[name] = (days, seen.values.reshape(shape), group.weights.reshape(k, group.patients))
    return read_all(protocol, courses, values, k), failed


def _rest(
    protocol: Protocol,
    ready: Bench,
    subject: Subject,
    people: People | None,
    values: Mapping[str, Floats],
    k: int,
    luck: Stream,
    threads: int,
) -> Group:
    if protocol.species != HUMAN:
        return rest_animal(ready, subject, values, k, threads)
    if people is None:
        return rest_subject(ready, subject, values, k, threads)
    return rest_people(ready, people, protocol.place, values, k, luck.child("people", protocol.name), threads)


def _injury(protocol: Protocol, ready: Bench, group: Group, values: Mapping[str, Floats]) -> Iterator[Event]:
    if not protocol.induction:
        return
    rows = load_induction(ready.knee.joint, protocol.induction).rows
    drawn: dict[str, float | Floats] = {name: group.spread(values[name]) for name in rows if name in values}
    yield from induce(ready.knee.joint, protocol.induction, group.rested, ready.knee.state_names, drawn)


def _events(protocol: Protocol, arm: Arm, group: Group, values: Mapping[str, Floats]) -> list[Event]:
    rows = {name: group.spread(values[name]) for name in administration_parameters() if name in values}
    if protocol.species == HUMAN:
        course = [
            Administration(
                load_treatment(give.treatment),
                give.days,
                give.amount,
                give.volume_ml,
                stop=give.stop,
                needle=give.needle,
            )
            for give in arm.give
        ]
        return combine_administrations(course, rows=rows)
    events: list[Event] = []
    for give in arm.give:
        treatment = load_treatment(give.treatment)
        events += administer_to_animal(
            treatment, protocol.species, days=give.days, amount=give.amount, volume_ml=give.volume_ml
        )
    return events
