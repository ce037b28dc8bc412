"""Numbers as registries write them: one spelling of marks, powers of ten in all their forms, lists and ranges."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

WORDS = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "mio": 1e6, "mln": 1e6,
    "billion": 1e9, "bn": 1e9, "trillion": 1e12,
}  # fmt: skip
DIGITS = {
    "a half": "0.5", "half a": "0.5", "half": "0.5", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
FRACTIONS = {"½": "5", "¼": "25", "¾": "75"}
MARKS = {
    "μ": "u", "µ": "u", "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-",
    "×": "x", "·": "x", "⋅": "x", "∙": "x", "•": "x", "✕": "x", "⨯": "x", "\u0445": "x",
    "˄": "^", "ˆ": "^", "’": "'", "`": "'",
    "\u200b": "", "\ufeff": "",
}  # fmt: skip
SUPER, PLAIN = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+"
SUPERSCRIPTS = str.maketrans(SUPER, PLAIN)
THOUSANDS = r"\d{1,3}(?:(?:,\d{3})+|(?:'\d{3})+|(?:\.\d{3}){2,5}|(?: \d{3}){2,5}| 000)(?:\.\d{1,6})?(?![\d'])"
PLAIN_NUMBER = rf"(?:{THOUSANDS}|\d{{1,15}}(?:[.,]\d{{1,6}})?)"
WORD = rf"(?:{'|'.join(WORDS)})"
END = r"(?!\d|[.,]\d)"
VALUE = re.compile(
    rf"(?<![\w.,^])(?<!\d')(?:"
    rf"10\s?\^\s?(?P<bare>[+-]?\d{{1,2}}){END}"
    rf"|(?P<mantissa>{PLAIN_NUMBER})"
    rf"(?:(?P<science>[eE][+-]?\d{{1,3}}){END}"
    rf"|\s{{0,3}}[x*]\s{{0,3}}10\s?(?P<mark>\^|[eE])?\s?(?P<exponent>[+-]?\d{{1,2}}){END})?)"
    rf"(?P<words>(?:\s{{0,2}}{WORD}s?\b\.?){{0,2}})",
    re.IGNORECASE,
)
DOUBTFUL_COMMA = re.compile(r"[1-9]\d{0,2},(?!000)\d{3}")  # 1,500 may be 1.5; 100,000 is no decimal
LOST = re.compile(r"10(?:[5-9]|1[0-4])")  # 109 particles: 10^9, or a hundred and nine


@dataclass(frozen=True, slots=True)
class Value:
    """One number in a text.

    Parameters
    ----------
    start, end : int
        Where it stands.
    mantissa : float
        Before the power; 1 for a bare power.
    written : str
        The mantissa as written.
    exponent : int or None
        Power of ten; None where there is none.
    mark : str
        How the power is marked: ``^``, ``e`` (after ten: ambiguous), ``science``, ``lost`` or nothing.
    factor : float
        Of words such as million.
    """

    start: int
    end: int
    mantissa: float
    written: str
    exponent: int | None
    mark: str
    factor: float

    @property
    def scaled(self) -> bool:
        """Whether a power or a word stands with it."""
        return self.exponent is not None or self.factor != 1.0

    @property
    def amount(self) -> float:
        """As most authors mean it; infinite where no amount is that large."""
        try:
            return self.mantissa * self.factor * 10.0 ** (self.exponent or 0)
        except OverflowError:
            return math.inf


def value_at(found: re.Match[str]) -> Value:
    """Return the number of a match of `VALUE`."""
    words = re.findall(WORD, found["words"], re.IGNORECASE)
    factor = math.prod(WORDS[word.casefold()] for word in words)
    if found["bare"] is not None:
        return Value(found.start(), found.end(), 1.0, "", int(found["bare"]), "^", factor)
    written = found["mantissa"]
    exponent, mark = None, ""
    if found["science"]:
        exponent = int(found["science"][1:])
        mark = "e" if written == "10" and found["science"][1].isdigit() else "science"
        if mark == "e":  # 10e11 without a number before it
            return Value(found.start(), found.end(), 1.0, "", exponent, "e", factor)
    elif found["exponent"] is not None:
        exponent = int(found["exponent"])
        mark = {"^": "^", None: "lost"}.get(found["mark"], "e")
    return Value(found.start(), found.end(), decimal(written), written, exponent, mark, factor)


def decimal(text: str) -> float:
    """Read a number; a single comma before other than three digits separates decimals."""
    if re.fullmatch(THOUSANDS, text):
        dots = text.count(".")
        whole = text.replace(".", "") if dots > 1 else text
        return float(re.sub("[, ']", "", whole))
    return float(text.replace(",", "."))


SPELLINGS = (  # what is written, how it is read
    (r"(?<![\d.])(\d{1,3}(?:\.\d{1,3})?)\s?(?:\u00b1|\+/-)\s?\d{1,6}(?:\.\d{1,6})?", r"~\1"),
    (r"\((~?\d[\d.]{0,8})\)\s?(?=[x*]\s?10)", r"\1 "),
    (r"(?<![\d.])(\d)\.10\^", r"\1 x 10^"),
    (r"(?<!\d)10\s?\*\*\s?(?=[+-]?\d)", "10^"),
    (r"(?<!\d)10\s?(?:to the (?:power (?:of )?)?|exp\.? ?|\^\s?\(|\(\^?)\s?([+-]?\d{1,2})(?:th)?\b\)?", r"10^\1"),
    (r"(?<=\d)_(?=\d{3}(?!\d))", ""),
    (r"(?<=\d)\s?c\.\s?c\.?(?!\w)", " cc"),
    (r"(?<=[a-z])\s(ml|kg|ul|l)\s?\^?-1(?!\d)", r"/\1"),
    (r"(?<=\d)m(?=\s(?:cells|particles|exosomes|vesicles|evs|mscs)\b)", " million"),
    (r"(?<=\d)k(?=\s(?:cells|particles|exosomes|vesicles|evs|mscs)\b)", " thousand"),
)
SHARE = re.compile(r"(?<![\d/.,])([13])/([234])(?=\s?(?:m?l|cc|mg|ug)\b)", re.IGNORECASE)
COUNTED = re.compile(rf"\b({'|'.join(DIGITS)})\b(?=\s(?:{WORD}|ml|cc|mg|ug|mcg|vials?|ampoules?)\b)", re.IGNORECASE)


def plain(text: str) -> str:
    """Return a text with one spelling: carets for superscripts, u for micro, one dash, one cross, digits for words."""
    text = re.sub(rf"(?<=[\dA-Za-z])([{SUPER}]+)", lambda found: "^" + found[1].translate(SUPERSCRIPTS), text)
    for mark, digits in FRACTIONS.items():
        text = re.sub(rf"(\d?)\s?{mark}", rf"\g<1>.{digits}", text)
        text = re.sub(rf"(?<!\d)\.{digits}(?!\d)", f"0.{digits}", text)
    text = re.sub(r"(?<=[A-Za-z])\s?[·⋅∙]\s?(?=[A-Za-z])", " ", text)  # particles·mL-1
    for mark, word in MARKS.items():
        text = text.replace(mark, word)
    text = "".join(_letter(letter) for letter in text)
    for pattern, word in SPELLINGS:
        text = re.sub(pattern, word, text, flags=re.IGNORECASE)
    text = SHARE.sub(_share, text)
    return COUNTED.sub(lambda found: DIGITS[found[1].casefold()], text)


def _letter(letter: str) -> str:
    if letter.isascii():
        return " " if letter in "\t\r\n" else letter
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if letter.isspace():
        return " "
    folded = unicodedata.normalize("NFKC", letter)
    return folded if len(folded) == 1 else letter


def _share(found: re.Match[str]) -> str:
    share = int(found[1]) / int(found[2])
    return f"{share:.4g}" if share < 1 else found[0]
