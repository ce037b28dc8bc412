"""What the headers of a user's table mean: by their names as programs write them, and by the words in them.

``m1i`` is an alias of the table ``analysis_columns.csv``; ``Total (exp)`` is read by its words: a size, of the treated.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.tables import read_table

RATIOS = ("OR", "RR", "HR", "IRR", "ROM")
LOG = "log "
MOST_WORDS = 8  # a longer header is a sentence, not a name
LONGEST_PHRASE = 4  # words


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers of a table with what they mean.

    Parameters
    ----------
    roles : mapping of role to header
        Each role at most once.
    unclear : mapping of role to headers
        Several headers could have the role, so none has.
    """

    roles: Mapping[str, str]
    unclear: Mapping[str, tuple[str, ...]]


@functools.cache
def roles() -> Mapping[str, tuple[str, ...]]:
    """Return every role with the headers that mean it."""
    path = files("exojoint.evidence.extraction").joinpath("analysis_columns.csv")
    rows = read_table(path, ("role", "aliases", "meaning"), key="role")
    return MappingProxyType({row["role"]: (row["role"], *filter(None, row["aliases"].split(";"))) for row in rows})


@functools.cache
def _words() -> Mapping[str, tuple[tuple[str, str], ...]]:
    path = files("exojoint.evidence.extraction").joinpath("header_words.csv")
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in read_table(path, ("word", "kind", "meaning"), key=""):
        found[row["word"]] = (*found.get(row["word"], ()), (row["kind"], row["meaning"]))
    return MappingProxyType(found)


def folded(header: str) -> str:
    """Return a header in small letters with one underscore for every gap."""
    return re.sub(r"[\s.-]+", "_", header.strip().casefold())


def role_of(name: str) -> str:
    """Return the role that a word names, by itself or as an alias; empty where none or several do."""
    if name in roles():
        return name
    found = [role for role, names in roles().items() if folded(name) in names]
    return found[0] if len(found) == 1 else ""


def find_roles(headers: Iterable[str]) -> Headers:
    """Give headers their roles: by alias first, by the words in them where no alias has the role.

    Parameters
    ----------
    headers : iterable of str
        As written.
    """
    names = tuple(headers)
    known = {folded(header): header for header in reversed(names)}
    found = {role: known[alias] for role, aliases in roles().items() for alias in reversed(aliases) if alias in known}
    taken = set(found.values())
    guesses: dict[str, list[str]] = {}
    for header in names:
        role = read_header(header)[0]
        if role and role not in found and header not in taken:
            guesses.setdefault(role, []).append(header)
    clear = {role: headers[0] for role, headers in guesses.items() if len(headers) == 1}
    unclear = {role: tuple(headers) for role, headers in guesses.items() if len(headers) > 1}
    return Headers(MappingProxyType(found | clear), MappingProxyType(unclear))


@functools.lru_cache(maxsize=2048)
def read_header(header: str) -> tuple[str, str]:
    """Read the words of a header.

    Returns
    -------
    role, measure : str
        ``("sd2", "")`` for ``SD (control)``, ``("effect", "log OR")`` for ``ln OR``; empty where it cannot be read.
    """
    for pieces in _pieces(_tokens(header)):
        told = _told(pieces)
        if told[0]:
            return told
    return "", ""


def _tokens(header: str) -> tuple[str, ...]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)  # logOR, meanControl
    return tuple(re.findall(r"[a-z]+|\d+", spaced.casefold()))[: MOST_WORDS + 1]


def _pieces(tokens: Sequence[str]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield the ways to read all tokens as known words, longest phrases first; none where one is unknown."""
    if len(tokens) > MOST_WORDS:
        return
    options = []
    place = 0
    while place < len(tokens):
        for length in range(min(LONGEST_PHRASE, len(tokens) - place), 0, -1):
            known = _words().get(" ".join(tokens[place : place + length]))
            if known:
                options.append(known)
                break
        else:
            length, parts = 1, _glued(tokens[place])
            if parts is None:
                return
            options += parts
        place += length
    yield from itertools.product(*options)


def _glued(token: str) -> list[tuple[tuple[str, str], ...]] | None:
    """Split ``sdc`` into an amount and a group."""
    for length in range(len(token) - 1, 0, -1):
        first = tuple(item for item in _words().get(token[:length], ()) if item[0] == "amount")
        second = tuple(item for item in _words().get(token[length:], ()) if item[0] == "group")
        if first and second:
            return [first, second]
    return None


def _told(pieces: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Say what one reading means: an amount of a group, a spread, an end of an interval, an effect."""
    found: dict[str, list[str]] = {}
    for kind, meaning in pieces:
        found.setdefault(kind, []).append(meaning)
    found.pop("filler", None)
    effects = [meaning for meaning in found.get("effect", []) if meaning]
    measure = effects[0] if len(set(effects)) == 1 else ""
    if "log" in found and measure in RATIOS:
        measure = LOG + measure
    if set(found) in ({"amount"}, {"amount", "group"}):
        groups = set(found.get("group", [""]))
        return (found["amount"][0] + groups.pop(), "") if len(found["amount"]) == len(groups) == 1 else ("", "")
    for kind in ("spread", "end"):
        if kind in found and set(found) <= {kind, "effect", "log"} and len(found[kind]) == 1:
            return found[kind][0], measure
    if "effect" in found and set(found) <= {"effect", "log"} and len(found["effect"]) <= 2:
        return "effect", measure
    return "", ""
