"""From the text of an equation to mathematics: walks Python's own parse of it and writes MathML.

Every printed symbol and call carries the code it stands for (``data-code``), so that a test can read the mathematics
back, evaluate it and compare it with what the code computes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape

from exojoint.workflow.documentation.symbols import Kind, Vocabulary, glyph, words

WIDE = 84  # signs that fit on one line of a page; longer sums get one line per term
TRANSPARENT = ("view", "View", "zone_view", "float")  # calls that say nothing in mathematics
SHAPES: Mapping[str, str] = {"saturating": "sat", "saturating_square": "sat²", "positive_part": "pos"}
ZONE = "zone"  # the word that counts zones; printed as z
ZONE_SPACES = ("slab", "felt")  # quantities of the zone at hand; their owner is not printed
PLUS, MINUS = '<mo form="infix">+</mo>', '<mo form="infix">−</mo>'
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4  # how tightly what stands there binds


@dataclass(frozen=True, slots=True)
class Use:
    """One name that an equation reads: what it is and its full names (one per zone)."""

    kind: Kind
    names: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """Where an equation stands: the names of the model, and what local words mean.

    Parameters
    ----------
    vocabulary : Vocabulary
        States, parameters, levers.
    spaces : mapping of str to str
        Words that hold many values by name, and what these are: ``x`` holds states, ``p`` parameters, ``own_lever``
        levers, ``read`` readouts, ``signal`` quantities. They are not printed as arguments.
    constants : mapping of str to float
        Words that stand for a fixed number.
    """

    vocabulary: Vocabulary
    spaces: Mapping[str, str]
    constants: Mapping[str, float] = field(default_factory=dict)

    def within(self, spaces: Mapping[str, str]) -> Scope:
        """Return the scope with further namespaces."""
        return replace(self, spaces={**self.spaces, **spaces})

    def role(self, owner: str) -> str:
        """Return what a namespace holds; ``quantity`` for one that nobody declared."""
        return self.spaces.get(owner) or role_of(owner)


ROLES: Mapping[str, str] = {
    "x": "state", "s": "state", "own_x": "state", "p": "parameter", "q": "parameter", "own_p": "parameter",
    "lever": "lever", "own_lever": "lever", "read": "readout",
}  # fmt: skip


def role_of(word: str) -> str:
    """Return what a namespace of this name holds by the habit of the equations."""
    return ROLES.get(word, "quantity")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A symbol in the text: where it was read from (empty for a local word), its name, its zone as printed."""

    owner: str
    name: str
    index: str = ""


class UnprintableError(Exception):
    """Code that has no form in mathematics."""


def leaf(node: ast.expr, scope: Scope) -> Leaf | None:
    """Return the symbol that a node is, or None for anything composed."""
    if isinstance(node, ast.Name):
        return None if node.id in scope.spaces else Leaf("", node.id)
    if isinstance(node, ast.Attribute):
        return Leaf(_owner(node.value), node.attr)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and isinstance(node.args[1], ast.JoinedStr):
        return Leaf(_owner(node.args[0]), *zone_name(node.args[1]))
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return Leaf(_owner(node.value), key.value)
        if isinstance(key, ast.JoinedStr):
            return Leaf(_owner(node.value), *zone_name(key))
        if isinstance(node.value, ast.Name):
            return Leaf("", node.value.id, _index(key))
    return None


def _owner(node: ast.expr) -> str:
    """Text of what a value is read from; the object itself and the moment are left out."""
    text = ast.unparse(node)
    return "" if text in ("self", "at") else text.removeprefix("self.").removeprefix("at.")


def _index(key: ast.expr) -> str:
    """Printed index: a number counts from one, a zone is z."""
    if isinstance(key, ast.Constant) and isinstance(key.value, int):
        return str(key.value + 1)
    return ast.unparse(key).replace(ZONE, "z").replace(" - ", "\u2212")


def zone_name(key: ast.JoinedStr) -> tuple[str, str]:
    """Return name and printed zone of a formatted name such as ``f"collagen_{zone}"``."""
    name, index = "", ""
    for part in key.values:
        if isinstance(part, ast.Constant):
            name += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            if ast.unparse(part.value) == ZONE:
                index = "z"
            else:
                name += ast.unparse(part.value)
    return name.rstrip("_"), index


def symbol(found: Leaf, source: str, scope: Scope) -> tuple[str, Use]:
    """Return a symbol's MathML and what it uses."""
    vocabulary, index = scope.vocabulary, found.index
    kind = vocabulary.kind(found.name, scope.role(found.owner)) if found.owner else "quantity"
    names = vocabulary.names(found.name, kind)
    if names and found.name not in names and not index:
        index = "z"
    owner = found.owner.rpartition(".")[2]
    if kind == "quantity" and owner and owner not in ZONE_SPACES:
        index = ", ".join(part for part in (words(owner), index) if part)
    shown = glyph(found.name, kind)
    if not found.owner and vocabulary.known(found.name):
        shown = replace(shown, above="*")
    return shown.mathml(kind, source, index), Use(kind, names)


@dataclass
class Printer:
    """Writes one expression and notes what it uses.

    Parameters
    ----------
    scope : Scope
        Where the expression stands.
    """

    scope: Scope
    uses: list[Use] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def show(self, node: ast.expr, least: int = SUM) -> str:
        """Return the MathML of an expression, in brackets where it binds less than `least`."""
        text, binding = self._show(node)
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if binding < least else text

    def _show(self, node: ast.expr) -> tuple[str, int]:
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) != "getattr":
            return self._call(node)
        if isinstance(node, ast.Name) and node.id in self.scope.constants:
            return _number(self.scope.constants[node.id], node.id), ATOM
        found = leaf(node, self.scope)
        if found is None:
            raise UnprintableError(ast.unparse(node))
        text, use = symbol(found, ast.unparse(node), self.scope)
        self.uses.append(use)
        return text, ATOM

    def _constant(self, node: ast.Constant) -> tuple[str, int]:
        if not isinstance(node.value, int | float):
            raise UnprintableError(ast.unparse(node))
        return _number(node.value, ""), ATOM

    def _unary(self, node: ast.UnaryOp) -> tuple[str, int]:
        if not isinstance(node.op, ast.USub):
            raise UnprintableError(ast.unparse(node))
        return f"<mo>−</mo>{self.show(node.operand, PRODUCT)}", SUM

    def _binary(self, node: ast.BinOp) -> tuple[str, int]:
        if isinstance(node.op, ast.Add | ast.Sub):
            return "".join(sign + text for sign, text in self.terms(node)), SUM
        if isinstance(node.op, ast.Mult):
            return self._product(node), PRODUCT
        if isinstance(node.op, ast.Div):
            return f"<mfrac><mrow>{self.show(node.left)}</mrow><mrow>{self.show(node.right)}</mrow></mfrac>", ATOM
        if isinstance(node.op, ast.Pow):
            if isinstance(node.right, ast.Constant) and node.right.value == 0.5:
                return f"<msqrt><mrow>{self.show(node.left)}</mrow></msqrt>", ATOM
            return f"<msup><mrow>{self.show(node.left, ATOM)}</mrow><mrow>{self.show(node.right)}</mrow></msup>", POWER
        raise UnprintableError(ast.unparse(node))

    def terms(self, node: ast.expr) -> Iterator[tuple[str, str]]:
        """Yield the terms of a sum with their signs as MathML; the first sign is empty."""
        for index, (negative, term) in enumerate(_flat_sum(node)):
            sign = (MINUS if index else "<mo>−</mo>") if negative else PLUS if index else ""
            yield sign, self.show(term, PRODUCT)

    def _product(self, node: ast.BinOp) -> str:
        shown = []
        for factor, times in _repeated(_flat_product(node)):
            if times == 1:
                shown.append(self.show(factor, PRODUCT + 1))
            else:
                shown.append(f"<msup><mrow>{self.show(factor, ATOM)}</mrow><mn>{times}</mn></msup>")
        return "<mo>·</mo>".join(shown)

    def _call(self, node: ast.Call) -> tuple[str, int]:
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        if last in TRANSPARENT and len(node.args) == 1:
            return self._show(node.args[0])
        if last == "abs":
            return f"<mrow><mo>|</mo>{self.show(node.args[0])}<mo>|</mo></mrow>", ATOM
        if last in SHAPES:
            x, shape = (self.show(argument) for argument in node.args)
            inner = f"<mo>(</mo>{x}<mo>;</mo>{shape}<mo>)</mo>"
            return f'<mrow class="shape" data-shape="{last}"><mi>{SHAPES[last]}</mi>{inner}</mrow>', ATOM
        if last == "sum" and isinstance(node.args[0], ast.GeneratorExp):
            return self._zones(node.args[0]), PRODUCT
        return self._quantity(node, last), ATOM

    def _zones(self, node: ast.GeneratorExp) -> str:
        targets = (item for generator in node.generators for item in ast.walk(generator.target))
        bound = [item.id for item in targets if isinstance(item, ast.Name)]
        inner = Printer(self.scope.within({word: role_of(word) for word in bound}), self.uses, self.calls)
        body = inner.show(node.elt, PRODUCT)
        source = escape(f"sum({ast.unparse(node)})")
        index = '<munder><mo movablelimits="false">∑</mo><mi>z</mi></munder>'
        return f'<mrow class="sum" data-code="{source}">{index}{body}</mrow>'

    def _quantity(self, node: ast.Call, last: str) -> str:
        self.calls.append(ast.unparse(node.func))
        given = [argument for argument in node.args if not self._is_space(argument)]
        shown = [self.show(argument) for argument in given if not isinstance(argument, ast.Starred)]
        inside = "<mo>(</mo>" + "<mo>,</mo>".join(shown) + "<mo>)</mo>" if shown else ""
        name = f"<mi>{escape(words(last)).replace(' ', chr(160))}</mi>"
        return f'<mrow class="call" data-code="{escape(ast.unparse(node))}">{name}{inside}</mrow>'

    def _is_space(self, node: ast.expr) -> bool:
        """Whether an argument is a namespace or words for one, not a value."""
        if isinstance(node, ast.Call):
            return ast.unparse(node.func).rpartition(".")[2] in TRANSPARENT
        if isinstance(node, ast.Name | ast.Attribute):
            text = ast.unparse(node)
            return text in self.scope.spaces or text.removeprefix("self.") in self.scope.spaces
        return False


def _number(value: float, source: str) -> str:
    """Return a number; a power of ten as such."""
    power = f"{value:e}".partition("e")
    code = f' data-code="{escape(source)}"' if source else ""
    if float(power[0]) == 1.0 and abs(int(power[2])) > 2:
        exponent = power[2].lstrip("+0").replace("-0", "\u2212")
        return f"<msup{code}><mn>10</mn><mn>{exponent}</mn></msup>"
    return f"<mn{code}>{value:g}</mn>"


def _flat_sum(node: ast.expr) -> Iterator[tuple[bool, ast.expr]]:
    """Yield (negative, term) of a chain of + and -, as it was written from left to right."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _flat_sum(node.left)
        if isinstance(node.op, ast.Sub):
            yield True, node.right
        else:
            yield from _flat_sum(node.right)
    else:
        positive = _without_minus(node)
        yield positive is not None, positive if positive is not None else node


def _without_minus(node: ast.expr) -> ast.expr | None:
    """Return a product without the minus of its first factor, or None where there is none."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left = _without_minus(node.left)
        return None if left is None else ast.BinOp(left, node.op, node.right)
    return None


def _flat_product(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _flat_product(node.left)
        yield from _flat_product(node.right)
    else:
        yield node


def _repeated(factors: Iterator[ast.expr]) -> list[tuple[ast.expr, int]]:
    """Join neighbours that are the same: x x is x squared."""
    found: list[tuple[ast.expr, int]] = []
    for factor in factors:
        if found and ast.dump(found[-1][0]) == ast.dump(factor):
            found[-1] = (factor, found[-1][1] + 1)
        else:
            found.append((factor, 1))
    return found


def letters(markup: str) -> str:
    """Return the signs that markup shows."""
    return "".join(part.partition(">")[2] for part in markup.split("<"))
