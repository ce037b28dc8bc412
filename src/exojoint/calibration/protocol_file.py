"""Read protocols: TOML in, `Protocol` out, every wrong key at once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exojoint.calibration.protocol import SUMMARIES, VALUES, Arm, Give, People, Protocol, Readout, Subject
from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.joint.tables import SPECIES, STRUCTURES

SCHEMA = 1
TOP = (
    "schema", "title", "note", "source", "species", "structure", "induction", "subject", "population", "arm", "readout",
)  # fmt: skip


@functools.cache
def list_protocols() -> tuple[str, ...]:
    """Names of the project's own protocols, those of the calibration targets."""
    folder = files("exojoint.calibration") / "protocols"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


@functools.cache
def load_protocols() -> tuple[Protocol, ...]:
    """Return the project's own protocols."""
    folder = files("exojoint.calibration") / "protocols"
    return tuple(read_protocol(folder / f"{name}.toml") for name in list_protocols())


def read_protocol(path: Path | Traversable) -> Protocol:
    """Read one protocol.

    Raises
    ------
    InputError
        With every wrong key, naming file and key.
    """
    return parse_protocol(read_toml(path), path.name.removesuffix(".toml"), path)


def parse_protocol(data: Mapping[str, Any], name: str, path: Path | Traversable) -> Protocol:
    """Return a protocol from the text of its file.

    Parameters
    ----------
    data : mapping
        As TOML gives it.
    name : str
        Of the protocol.
    path : Path or Traversable
        Of its file, for messages and for a population that stands beside it.

    Raises
    ------
    InputError
        With every wrong key.
    """
    problems = _unknown(data, TOP, name)
    for key in ("schema", "title", "species", "arm", "readout"):
        if key not in data:
            problems.append(Problem(name, f"`{key}` is missing", "this key", "Add it."))
    problems += _choice(data.get("species", "human"), SPECIES, f"{name} `species`")
    problems += _choice(data.get("structure", "default"), STRUCTURES, f"{name} `structure`")
    if data.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem(f"{name} `schema`", f"{data['schema']!r} is unknown", f"{SCHEMA}", "Correct it."))
    raise_problems(problems)
    usual = _build(Subject, data.get("subject", {}), f"{name} [subject]", problems)
    arms = [_arm(row, usual, f"{name} [[arm]] {k + 1}", problems) for k, row in enumerate(data["arm"])]
    people = _build(People, data["population"], f"{name} [population]", problems) if "population" in data else None
    readouts = [_readout(row, f"{name} [[readout]] {k + 1}", problems) for k, row in enumerate(data["readout"])]
    raise_problems(problems)
    found = {arm.name: arm for arm in arms if arm is not None}
    kept = tuple(readout for readout in readouts if readout is not None)
    raise_problems(_dangling(kept, found, name))
    words = {key: str(data.get(key, "")) for key in ("title", "note", "induction")}
    return Protocol(
        name=name,
        source=tuple(data.get("source", ())),
        species=data["species"],
        structure=data.get("structure", "default"),
        people=people,
        arms=MappingProxyType(found),
        readouts=kept,
        place=path.parent if isinstance(path, Path) else files("exojoint.calibration") / "protocols",
        **words,
    )


def _arm(row: Mapping[str, Any], usual: Subject | None, where: str, problems: list[Problem]) -> Arm | None:
    problems += _unknown(row, ("name", "subject", "give"), where)
    own = dict(row.get("subject", {}))
    if usual is not None and "set" in own:
        own["set"] = {**usual.set, **own["set"]}
    subject = _build(Subject, own, where, problems, base=usual)
    gives = [_build(Give, give, f"{where} give {k + 1}", problems) for k, give in enumerate(row.get("give", ()))]
    if "name" not in row:
        problems.append(Problem(where, "has no name", "name = ...", "Name the arm."))
    if subject is None or "name" not in row:
        return None
    return Arm(str(row["name"]), subject, tuple(give for give in gives if give is not None))


def _readout(row: Mapping[str, Any], where: str, problems: list[Problem]) -> Readout | None:
    data = dict(row)
    if isinstance(data.get("observable"), str):
        data["observable"] = [data["observable"]]
    if isinstance(data.get("noise"), str):
        data["noise"] = [data["noise"]]
    if "day" in data:
        data["days"] = [data.pop("day")]
    problems += _choice(data.get("value", "level"), VALUES, f"{where} `value`")
    problems += _choice(data.get("summary", "mean"), SUMMARIES, f"{where} `summary`")
    if data.get("minus") and data.get("over"):
        problems.append(Problem(where, "has both minus and over", "one of them", "Leave one out."))
    built: Readout | None = _build(Readout, data, where, problems)
    return built


def _build(kind: Any, data: Any, where: str, problems: list[Problem], base: Any = None) -> Any:  # noqa: ANN401
    """Build a frozen dataclass from a table, lists as tuples; None with notes when a key is wrong."""
    if not isinstance(data, Mapping):
        problems.append(Problem(where, "is not a table", "a table of keys", "Check the brackets."))
        return None
    fields = {field.name: field for field in dataclasses.fields(kind)}
    wrong = _unknown(data, tuple(fields), where)
    required = [name for name, field in fields.items() if _needed(field) and name not in data]
    wrong += [Problem(where, f"`{name}` is missing", "this key", "Add it.") for name in required if base is None]
    problems += wrong
    if wrong:
        return None
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    given |= {name: MappingProxyType(dict(value)) for name, value in given.items() if isinstance(value, Mapping)}
    return dataclasses.replace(base, **given) if base is not None else kind(**given)


def _needed(field: Any) -> bool:  # noqa: ANN401  a dataclass field of any type
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unknown(data: Mapping[str, Any], known: Sequence[str], where: str) -> list[Problem]:
    expected = f"one of {', '.join(known)}"
    return [
        Problem(where, f"unknown key `{key[:80]}`", expected, did_you_mean(key, known) or "Remove it.")
        for key in data
        if key not in known
    ]


def _choice(word: object, known: Sequence[str], where: str) -> list[Problem]:
    if word in known:
        return []
    return [Problem(where, f"{word!r} is unknown", f"one of {', '.join(known)}", did_you_mean(str(word), known))]


def _dangling(readouts: Sequence[Readout], arms: Mapping[str, Arm], name: str) -> list[Problem]:
    problems = []
    for readout in readouts:
        for arm in filter(None, (readout.arm, readout.minus, readout.over)):
            if arm not in arms:
                where, expected = f"{name} readout `{readout.id}`", f"one of {', '.join(arms)}"
                problems.append(Problem(where, f"no arm `{arm}`", expected, did_you_mean(arm, arms)))
        if not readout.days:
            problems.append(Problem(f"{name} readout `{readout.id}`", "has no day", "day or days", "Add one."))
    return problems


def check_names(protocols: Sequence[Protocol]) -> None:
    """Refuse readouts that share a name.

    Raises
    ------
    InputError
        Naming each of them.
    """
    seen: dict[str, str] = {}
    problems = []
    for protocol in protocols:
        for readout in protocol.readouts:
            if readout.id in seen:
                where = f"{protocol.name} readout `{readout.id}`"
                problems.append(Problem(where, f"is in {seen[readout.id]} too", "one place", "Rename one."))
            seen[readout.id] = protocol.name
    if problems:
        raise InputError(*problems)
