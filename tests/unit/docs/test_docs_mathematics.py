"""The printed mathematics is read back and must have the value of the code it was printed from."""

from __future__ import annotations

import ast
import hashlib
import math
import xml.etree.ElementTree as ET

import pytest

from exojoint.joint import shapes
from exojoint.workflow.documentation.formulas import SHAPES, TRANSPARENT, Printer, Scope
from exojoint.workflow.documentation.symbols import Vocabulary

ZONES = 3  # a printed sum over z has that many terms


def chance(text: str) -> float:
    """A number between 0.5 and 1.5 that belongs to a symbol."""
    return 0.5 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


class Code:
    """Values of expressions as the program says them; a word or a call is one number of its own."""

    def __init__(self, constants):
        self.constants = constants

    def value(self, node):
        if isinstance(node, ast.Constant):
            return float(node.value)
        if isinstance(node, ast.UnaryOp):
            return -self.value(node.operand)
        if isinstance(node, ast.BinOp):
            a, b = self.value(node.left), self.value(node.right)
            return {
                ast.Add: lambda: a + b,
                ast.Sub: lambda: a - b,
                ast.Mult: lambda: a * b,
                ast.Div: lambda: a / b,
                ast.Pow: lambda: a**b,
            }[type(node.op)]()
        if isinstance(node, ast.Call):
            return self.call(node)
        text = ast.unparse(node)
        return self.constants.get(text, chance(text))

    def call(self, node):
        last = ast.unparse(node.func).rpartition(".")[2]
        if last in TRANSPARENT and len(node.args) == 1:
            return self.value(node.args[0])
        if last == "abs":
            return abs(self.value(node.args[0]))
        if last in SHAPES:
            return getattr(shapes, last)(*map(self.value, node.args))
        if last == "sum" and isinstance(node.args[0], ast.GeneratorExp):
            return ZONES * self.value(node.args[0].elt)
        return chance(ast.unparse(node))


class Print:
    """Values of MathML: a small parser of sums and products with the usual binding."""

    def __init__(self, constants):
        self.constants = constants

    def value(self, markup):
        self.tokens, self.at = list(self.flat(ET.fromstring(f"<mrow>{markup}</mrow>"))), 0  # noqa: S314  # our own text
        result = self.sum()
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return result

    def flat(self, element):
        """Numbers and signs of a row, inner rows without meaning of their own dissolved."""
        for child in element:
            kind = child.get("class", "")
            if child.tag == "mo":
                yield child.text
            elif kind == "sum":
                yield ZONES * self.group(list(child)[1:])
            elif kind == "shape":
                yield self.shape(child)
            elif child.get("data-code") is not None:
                code = child.get("data-code")
                yield self.constants.get(code, chance(code))
            elif child.tag == "mn":
                yield float(child.text.replace("−", "-"))
            elif child.tag == "mfrac":
                yield self.group([child[0]]) / self.group([child[1]])
            elif child.tag == "msup":
                yield self.group([child[0]]) ** self.group([child[1]])
            elif child.tag == "msqrt":
                yield math.sqrt(self.group([child[0]]))
            else:
                assert child.tag == "mrow", child.tag
                yield from self.flat(child)

    def group(self, elements):
        row = ET.Element("mrow")
        row.extend(elements)
        return Print(self.constants).value(ET.tostring(row, encoding="unicode"))

    def shape(self, element):
        inside = list(element)[2:-1]
        split = next(i for i, item in enumerate(inside) if item.tag == "mo" and item.text == ";")
        return getattr(shapes, element.get("data-shape"))(self.group(inside[:split]), self.group(inside[split + 1 :]))

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def sum(self):
        sign = 1.0
        if self.peek() == "−":
            self.at, sign = self.at + 1, -1.0
        total = sign * self.product()
        while self.peek() in ("+", "−"):
            sign = 1.0 if self.peek() == "+" else -1.0
            self.at += 1
            total += sign * self.product()
        return total

    def product(self):
        total = self.atom()
        while self.peek() == "·":
            self.at += 1
            total *= self.atom()
        return total

    def atom(self):
        piece = self.peek()
        self.at += 1
        if piece in ("(", "|"):
            inner = self.sum()
            assert self.peek() == {"(": ")", "|": "|"}[piece]
            self.at += 1
            return abs(inner) if piece == "|" else inner
        assert isinstance(piece, float), piece
        return piece


def constants_of(function, book):
    import importlib

    found = {
        n: float(v) for n, v in vars(importlib.import_module(function.module)).items() if isinstance(v, int | float)
    }
    slab = getattr(importlib.import_module(function.module), "SLAB", ())
    return found | dict(zip(("entry", "quadratic", "quartic", "half"), map(float, slab), strict=False))


def lines(book):
    for chapter in book.chapters:
        for function in chapter.functions:
            for line in function.lines:
                if line.role != "code":
                    yield chapter, function, line


def test_every_printed_equation_has_the_value_of_the_code(book):
    wrong, n = [], 0
    for chapter, function, line in lines(book):
        constants = constants_of(function, book)
        wanted = Code(constants).value(ast.parse(line.code, mode="eval").body)
        printed = Print(constants).value("".join(sign + f"<mrow>{term}</mrow>" for sign, term in line.right))
        n += 1
        if not math.isclose(wanted, printed, rel_tol=1e-12):
            wrong.append(f"{chapter.name}, {function.name}, {line.name}: {line.code}")
    assert not wrong, "\n".join(["", *wrong])
    assert n > 300


PRINTED = [
    "a - (b - c)", "a - (b + c) * d", "(a + b) * (c - d)", "a / b / c", "a / (b / c)", "-a * b + c", "-(a + b)",
    "a * -b", "(a + b) ** 2", "a ** 2 ** 2", "(-a) ** 2", "(a / b) ** 2", "(a + b) ** 0.5", "a * a * b", "a * (b * c)",
    "2 - -a",
    "abs(a - b) * c", "saturating(a + b, c) * 1e-3", "sum(q.a + x.b for x, q in zones) * c", "1e9 * (a - 1) / (b + 1)",
]  # fmt: skip


@pytest.mark.parametrize("text", PRINTED)
def test_brackets_stand_where_they_are_needed(text):
    node = ast.parse(text, mode="eval").body
    printer = Printer(Scope(Vocabulary.of((), (), ()), {}))
    shown = "".join(sign + f"<mrow>{term}</mrow>" for sign, term in printer.terms(node))
    assert Print({}).value(shown) == pytest.approx(Code({}).value(node), rel=1e-13)


def test_a_wrong_bracket_would_be_noticed():
    node = ast.parse("a - (b - c)", mode="eval").body
    printer = Printer(Scope(Vocabulary.of((), (), ()), {}))
    shown = (
        "".join(sign + term for sign, term in printer.terms(node)).replace("<mo>(</mo>", "").replace("<mo>)</mo>", "")
    )
    assert Print({}).value(shown) != pytest.approx(Code({}).value(node))


def test_hardly_anything_of_the_equations_is_left_as_code(book):
    every = [line for chapter in book.chapters for function in chapter.functions for line in function.lines]
    code = [line.code for line in every if line.role == "code"]
    assert len(code) <= 3, "teach formulas.py or reading.py these statements:\n" + "\n".join(code)


def test_lines_say_what_they_read(book):
    every = {
        (function.name, line.name, line.role): {name for use in line.uses for name in use.names}
        for _chapter, function, line in lines(book)
    }
    assert {"k_m1_loss", "k_m1_switch", "m1"} <= every["synovium_rates", "m1", "rate"]
    assert {"k_collagenase_1", "k_collagenase_2", "k_collagenase_3"} <= every["collagen_flux", "cut", "quantity"]
    assert {"em_exosome_ngf"} <= every["effects", "ngf_output", "lever"]
