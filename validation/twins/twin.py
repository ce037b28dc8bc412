"""A twin as its file says it: a protocol, the published values, what was assumed and what related data were fitted."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.calibration.protocol import Protocol, Readout
from exojoint.calibration.protocol_file import parse_protocol
from exojoint.core.errors import InputError, Problem, did_you_mean

TRIALS = Path(__file__).parent / "trials"
MOST_VALUES = 3  # per trial, so that no trial carries the result
KINDS = ("trial", "cohort", "animal")
GRADES = ("seen", "recalled")
TOP = ("schema", "kind", "citation", "grade", "lots", "facts", "link", "shared", "fair", "fitted", "assumed")
SD, OTHER, PAIR = "/sd", "/sd other", "/sd pair"  # readouts that a forecast needs beside the printed one


@dataclass(frozen=True, slots=True)
class Value:
    """One published result.

    Parameters
    ----------
    id : str
        ``<twin>.<what>``; the name of the protocol's readout.
    what, unit : str
        In words.
    published : float or None
        The number; None where the paper says only that there was no difference.
    half : float
        Half width of its 95 % interval; 0 where none was printed.
    null : str
        The paper's words where it prints no number.
    within : float
        For such words: how far from 0 they reach; 0: as far as significance at 5 % does not.
    grade : str
        One of `GRADES`.
    n : tuple of int
        Patients or animals of the arm, and of the arm that is taken off.
    own : mapping of str to float
        Readings and spreads by key: ``paired`` (correlation of two knees), ``animal_sd``, ``animal_cv``, scales.
    names : mapping of str to str
        Rows of the tables: ``reading``, ``discrepancy``, ``class``, ``class_study``, ``class_form``.
    """

    id: str
    what: str
    unit: str
    published: float | None
    half: float
    null: str
    within: float
    grade: str
    n: tuple[int, ...]
    own: Mapping[str, float]
    names: Mapping[str, str]


NUMBERS = (
    "paired", "animal_sd", "animal_cv", "reading_scale", "discrepancy_scale", "class_scale",
)  # fmt: skip
NAMES = ("reading", "discrepancy", "class", "class_study", "class_form")
VALUE_KEYS = (
    "id", "what", "unit", "published", "lo", "hi", "se", "sd", "null", "within", "grade", "n", *NUMBERS, *NAMES,
)  # fmt: skip


@dataclass(frozen=True)
class Twin:
    """A published trial or experiment.

    Parameters
    ----------
    name, kind, citation, grade : str
        Of the file; ``seen`` means that the numbers stood in a text that was read, ``recalled`` from memory.
    facts : tuple of str
        Fact ids that hold the published values.
    lots : bool
        Whether its vesicles came out of a lot that may be inactive.
    words : mapping of str to str
        ``fair`` (why it is a test), ``fitted`` (related numbers that were used), ``assumed``, ``shared``, ``link``.
    values : tuple of Value
        At most `MOST_VALUES`.
    protocol : Protocol
        With the readouts that a forecast needs.
    """

    name: str
    kind: str
    citation: str
    grade: str
    facts: tuple[str, ...]
    lots: bool
    words: Mapping[str, str]
    values: tuple[Value, ...]
    protocol: Protocol


def load_twins(folder: Path = TRIALS) -> tuple[Twin, ...]:
    """Read every twin of a folder, in alphabetical order.

    Raises
    ------
    InputError
        With what is wrong in a file.
    """
    return tuple(read_twin(path) for path in sorted(folder.glob("*.toml")))


def read_twin(path: Path) -> Twin:
    """Read one twin.

    Raises
    ------
    InputError
        When a key is unknown or missing, or a value has no readout.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    name = path.stem
    _check(data, (*TOP, "value", "protocol"), name)
    for key, known in (("kind", KINDS), ("grade", GRADES)):
        if data.get(key) not in known:
            raise InputError(Problem(f"{name} `{key}`", f"{data.get(key)!r}", f"one of {', '.join(known)}", "Correct."))
    values = tuple(_value(row, name, data["grade"]) for row in data["value"])
    if not 1 <= len(values) <= MOST_VALUES:
        raise InputError(Problem(name, f"has {len(values)} values", f"1 to {MOST_VALUES}", "Keep the main ones."))
    protocol = parse_protocol(data["protocol"], name, path)
    if [value.id for value in values] != [readout.id for readout in protocol.readouts]:
        raise InputError(Problem(name, "values and readouts differ", "one readout per value, in order", "Name them."))
    words = {key: str(data.get(key, "")) for key in ("fair", "fitted", "assumed", "shared", "link")}
    facts = tuple(data.get("facts", ()))
    return Twin(
        name, data["kind"], data["citation"], data["grade"], facts, bool(data.get("lots", False)), words, values,
        _with_spreads(protocol, values),
    )  # fmt: skip


def _value(row: Mapping[str, Any], name: str, grade: str) -> Value:
    where = f"{name} {row.get('id', 'value')}"
    _check(row, VALUE_KEYS, where)
    if ("published" in row) == ("null" in row):
        raise InputError(Problem(where, "needs one of `published` and `null`", "a number or words", "Correct it."))
    return Value(
        id=row["id"],
        what=row["what"],
        unit=row["unit"],
        published=float(row["published"]) if "published" in row else None,
        half=_half(row),
        null=str(row.get("null", "")),
        within=float(row.get("within", 0.0)),
        grade=str(row.get("grade", grade)),
        n=tuple(row["n"]),
        own={key: float(row[key]) for key in NUMBERS if key in row},
        names={key: str(row[key]) for key in NAMES if key in row},
    )


def _half(row: Mapping[str, Any]) -> float:
    """Half width of the printed 95 % interval, from limits, a standard error or a standard deviation."""
    normal = 1.96
    if "lo" in row:
        return (float(row["hi"]) - float(row["lo"])) / 2
    if "se" in row:
        return normal * float(row["se"])
    return normal * float(row["sd"]) / float(row["n"][0]) ** 0.5 if "sd" in row else 0.0


def _with_spreads(protocol: Protocol, values: tuple[Value, ...]) -> Protocol:
    """The protocol with the SD between patients of every value: in its arm, in the other, of the pair."""
    readouts = list(protocol.readouts)
    if protocol.people is not None:
        for value, readout in zip(values, protocol.readouts, strict=True):
            readouts.append(_spread(readout, SD, readout.arm))
            if readout.minus:
                readouts.append(_spread(readout, OTHER, readout.minus))
            if readout.minus and "paired" in value.own:
                readouts.append(dataclasses.replace(readout, id=readout.id + PAIR, summary="sd"))
    return dataclasses.replace(protocol, readouts=tuple(readouts))


def _spread(readout: Readout, suffix: str, arm: str) -> Readout:
    return dataclasses.replace(readout, id=readout.id + suffix, arm=arm, minus="", summary="sd")


def _check(row: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in row:
        if key not in known:
            todo = did_you_mean(key, known) or "Remove it."
            raise InputError(Problem(where, f"unknown key `{key[:80]}`", f"one of {', '.join(known)}", todo))
