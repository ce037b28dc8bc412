"""How a name of the model looks in print: states as words, parameters as a letter with its words below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Literal

Kind = Literal["state", "parameter", "lever", "readout", "quantity"]

ZONES = ("_1", "_2", "_3")  # endings of superficial, middle and deep zone
# Prefix grammar of the house, as letters.
LETTERS: Mapping[str, str] = {
    "k": "k", "s": "s", "w": "w", "frac": "f", "gain": "g", "em": "E", "rel": "r", "n": "N", "p": "p", "sd": "σ",
    "cv": "cv", "day": "t", "dur": "τ", "max": "max", "vmax": "max", "clearance": "CL", "flow": "Q", "width": "ε",
    "switch": "χ", "slope": "b", "potency": "P", "charge": "q", "dose": "dose", "sat": "s", "rate": "rate",
}  # fmt: skip
SPELLING: Mapping[str, str] = {
    "il1": "IL‑1", "il1b": "IL‑1β", "il6": "IL‑6", "il10": "IL‑10", "tnf": "TNF", "ngf": "NGF", "mmp13": "MMP13",
    "adamts5": "ADAMTS5", "m1": "M1", "m2": "M2", "bmi": "BMI", "fls": "FLS", "mirna": "miRNA", "args": "ARGS",
    "jsw": "JSW", "nrs": "NRS", "koos": "KOOS", "womac": "WOMAC", "oarsi": "OARSI", "fgf18": "FGF18", "msc": "MSC",
    "nsaid": "NSAID", "gag": "GAG", "mftc": "MFTC", "tftj": "TFTJ", "bml": "BML", "sf": "SF", "kl": "KL", "ctx": "CTX",
    "ii": "II", "ps": "PS", "phi2": "φ²", "mankin": "Mankin", "prp": "PRP",
}  # fmt: skip


def words(name: str) -> str:
    """Return a name as words: ``sf_il6`` is "SF IL‑6"."""
    return " ".join(SPELLING.get(part, part) for part in name.strip("_").split("_") if part)


def sentence(name: str) -> str:
    """Return a name as the words of a heading, the first one with a capital letter."""
    text = words(name)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Glyph:
    """A printed symbol: ``base`` with ``below`` (subscript words) and ``above`` (superscript)."""

    base: str
    below: str = ""
    above: str = ""

    def mathml(self, kind: Kind, source: str, index: str = "") -> str:
        """Return the symbol as MathML; `source` is the text of the code it stands for, `index` a zone."""
        below = ", ".join(part for part in (self.below, index) if part)
        shown = self.base.replace(" ", "\u00a0")  # a symbol of several words never breaks
        letter = f"<mi>{escape(shown)}</mi>"
        if below and self.above:
            inner = f"<msubsup>{letter}{_text(below)}{_text(self.above)}</msubsup>"
        elif below:
            inner = f"<msub>{letter}{_text(below)}</msub>"
        elif self.above:
            inner = f"<msup>{letter}{_text(self.above)}</msup>"
        else:
            inner = letter
        return f'<mrow class="{kind}" data-code="{escape(source)}">{inner}</mrow>'

    def html(self) -> str:
        """Return the symbol as HTML, for tables."""
        above = f"<sup>{escape(self.above)}</sup>" if self.above else ""
        below = f"<sub>{escape(self.below)}</sub>" if self.below else ""
        return f"<i>{escape(self.base)}</i>{below}{above}"


def _text(shown: str) -> str:
    return f"<mtext>{escape(shown)}</mtext>"


def glyph(name: str, kind: Kind) -> Glyph:
    """Return the symbol of a name without its zone."""
    if kind == "lever":
        return Glyph("L", words(name))
    if kind != "parameter":
        return Glyph(words(name))
    if name.endswith("_half_sq"):
        return Glyph("K", words(name.removesuffix("_half_sq")), "2")
    if name.endswith("_half"):
        return Glyph("K", words(name.removesuffix("_half")))
    above = ""
    if name.endswith("_ref"):
        name, above = name.removesuffix("_ref"), "ref"
    first, _, rest = name.partition("_")
    if rest and first in LETTERS:
        return Glyph(LETTERS[first], words(rest), above)
    return Glyph(words(name), "", above)


def row_glyph(name: str) -> Glyph:
    """Return the symbol of a row; that of a zone carries its number."""
    plain = without_zone(name)
    found = glyph(plain, "parameter")
    zone = name.removeprefix(plain).strip("_")
    return replace(found, below=", ".join(part for part in (found.below, zone) if part))


@dataclass(frozen=True)
class Vocabulary:
    """The names of one model: which are states, parameters, levers.

    Parameters
    ----------
    states, parameters, levers : frozenset of str
        Full names; those of a zone end in ``_1``, ``_2``, ``_3``.
    """

    states: frozenset[str]
    parameters: frozenset[str]
    levers: frozenset[str]

    @classmethod
    def of(cls, states: Iterable[str], parameters: Iterable[str], levers: Iterable[str]) -> Vocabulary:
        """Collect names of any iterables."""
        return cls(frozenset(states), frozenset(parameters), frozenset(levers))

    def kind(self, name: str, role: str) -> Kind:
        """Return what a name is that was read from a namespace of this role."""
        if role == "lever":
            return "lever"
        if role == "readout":
            return "readout"
        if role == "quantity":
            return "quantity"
        if self.full(name, self.parameters):
            return "parameter"
        return "state" if self.full(name, self.states) else "quantity"

    def known(self, name: str) -> bool:
        """Return whether a state or parameter has this name."""
        return bool(self.full(name, self.states) or self.full(name, self.parameters))

    def full(self, name: str, known: frozenset[str]) -> tuple[str, ...]:
        """Return the full names behind a name as one zone says it: ``collagen`` is ``collagen_1``, ``_2``, ``_3``."""
        if name in known:
            return (name,)
        return tuple(name + zone for zone in ZONES if name + zone in known)

    def names(self, name: str, kind: Kind) -> tuple[str, ...]:
        """Return the full names of a state, parameter or lever; nothing for what has no row."""
        known = {"state": self.states, "parameter": self.parameters, "lever": self.levers}
        return self.full(name, known[kind]) if kind in known else ()


def without_zone(name: str) -> str:
    """Return a name without the ending of its zone."""
    return re.sub(r"_[123]$", "", name)
