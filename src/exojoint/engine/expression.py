"""Expressions as a shared graph: two sums that read the same *are* the same node.

A node is made by plain arithmetic on other nodes. Every node carries a key that depends only on what it says, never on
when it was made, so that the same equations give the same machine code and the same digits in every process.
"""

from __future__ import annotations

import hashlib
import math
import weakref
from collections.abc import Iterable, Iterator
from typing import Final

from exojoint.core.errors import InputError, Problem
from exojoint.engine.operations import BINARY, COMMUTATIVE, INFIX, UNARY
from exojoint.engine.operations import RELATIONAL as RELATIONAL  # part of what an inspector of nodes needs
from exojoint.engine.operations import TRUTH as TRUTH

Scalar = int | float


class Expr:
    """One node: an operation on other nodes, a number, or a named symbol.

    Attributes
    ----------
    op : str
        ``symbol``, ``const``, ``time``, an arithmetic operation (``add sub mul div pow min max neg abs inv sqrt exp
        log sin cos atan floor``), a truth value (``lt le eq and or not true false``) or ``select`` (condition, then,
        else).
    args : tuple of Expr
        Operands, in order; sorted by key where order has no meaning.
    name : str
        Name of a symbol, else empty.
    value : float
        Value of a constant, else nan.
    key : bytes
        Content digest; equal for equal expressions in every process.
    """

    __slots__ = ("__weakref__", "args", "key", "name", "op", "value")

    op: str
    args: tuple[Expr, ...]
    name: str
    value: float
    key: bytes

    def __add__(self, other: Expr | Scalar) -> Expr:
        """Write a + b."""
        return add(self, as_expr(other))

    def __radd__(self, other: Scalar) -> Expr:
        """Write a number + b."""
        return add(as_expr(other), self)

    def __sub__(self, other: Expr | Scalar) -> Expr:
        """Write a - b."""
        return sub(self, as_expr(other))

    def __rsub__(self, other: Scalar) -> Expr:
        """Write a number - b."""
        return sub(as_expr(other), self)

    def __mul__(self, other: Expr | Scalar) -> Expr:
        """Write a * b."""
        return mul(self, as_expr(other))

    def __rmul__(self, other: Scalar) -> Expr:
        """Write a number * b."""
        return mul(as_expr(other), self)

    def __truediv__(self, other: Expr | Scalar) -> Expr:
        """Write a / b."""
        return div(self, as_expr(other))

    def __rtruediv__(self, other: Scalar) -> Expr:
        """Write a number / b."""
        return div(as_expr(other), self)

    def __pow__(self, other: Expr | Scalar) -> Expr:
        """Write a ** b."""
        return power(self, as_expr(other))

    def __rpow__(self, other: Scalar) -> Expr:
        """Write a number ** b."""
        return power(as_expr(other), self)

    def __neg__(self) -> Expr:
        """Write -a."""
        return neg(self)

    def __pos__(self) -> Expr:
        """Write +a."""
        return self

    def __abs__(self) -> Expr:
        """Write the size of a."""
        return absolute(self)

    def __lt__(self, other: Expr | Scalar) -> Expr:
        """Write a < b, as a condition."""
        return relation("lt", self, as_expr(other))

    def __le__(self, other: Expr | Scalar) -> Expr:
        """Write a <= b, as a condition."""
        return relation("le", self, as_expr(other))

    def __gt__(self, other: Expr | Scalar) -> Expr:
        """Write a > b, as a condition."""
        return relation("lt", as_expr(other), self)

    def __ge__(self, other: Expr | Scalar) -> Expr:
        """Write a >= b, as a condition."""
        return relation("le", as_expr(other), self)

    def __bool__(self) -> bool:
        """Refuse: a condition has no truth before the course is known."""
        raise InputError(
            Problem(
                "equations",
                "the truth of an expression is not known before it is solved",
                "a choice that both branches can follow",
                "Write where(condition, a, b) instead of if.",
            )
        )

    def __repr__(self) -> str:
        """Return the expression as text."""
        return show(self)


_NODES: weakref.WeakValueDictionary[bytes, Expr] = weakref.WeakValueDictionary()


def node(op: str, args: tuple[Expr, ...] = (), name: str = "", value: float = math.nan) -> Expr:
    """Return the one node that says this, making it on first use."""
    if op in COMMUTATIVE and args[1].key < args[0].key:
        args = (args[1], args[0])
    digest = hashlib.blake2b(op.encode(), digest_size=16)
    if args:
        for a in args:
            digest.update(a.key)
    else:
        digest.update(name.encode() if op == "symbol" else value.hex().encode())
    key = digest.digest()
    found = _NODES.get(key)
    if found is not None:
        return found
    e = object.__new__(Expr)
    e.op, e.args, e.name, e.value, e.key = op, args, name, value, key
    _NODES[key] = e
    return e


def symbol(name: str) -> Expr:
    """Return the node of a named state, parameter or input."""
    return node("symbol", name=name)


def constant(value: Scalar) -> Expr:
    """Return the node of a number (minus zero is zero)."""
    return node("const", value=float(value) + 0.0)


def as_expr(value: Expr | Scalar) -> Expr:
    """Return the value as a node; anything but an expression or a number is refused."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, (int, float)):
        return constant(value)
    raise InputError(
        Problem(
            "equations",
            f"{type(value).__name__} {value!r} met in arithmetic",
            "an expression, an int or a float",
            "Turn arrays and strings into single numbers before the equations read them.",
        )
    )


ZERO: Final = constant(0.0)
ONE: Final = constant(1.0)
TIME: Final = node("time", value=0.0)
TRUE: Final = node("true", value=1.0)
FALSE: Final = node("false", value=0.0)


def is_const(e: Expr, value: float | None = None) -> bool:
    """Return whether the node is a number (and this one, if given)."""
    return e.op == "const" and (value is None or e.value == value)


def _fold(op: str, a: Expr, b: Expr) -> Expr | None:
    """Return the value of an operation on two numbers, or None when it is not finite or not two numbers."""
    if a.op != "const" or b.op != "const":
        return None
    try:
        v = BINARY[op](a.value, b.value)
    except (ArithmeticError, ValueError):
        return None
    return constant(v) if isinstance(v, float) and math.isfinite(v) else None


def add(a: Expr, b: Expr) -> Expr:
    """Return a + b; zeros vanish and a negative term becomes a difference."""
    folded = _fold("add", a, b)
    if folded is not None:
        return folded
    if is_const(a, 0.0):
        return b
    if is_const(b, 0.0):
        return a
    if b.op == "neg":
        return sub(a, b.args[0])
    if a.op == "neg":
        return sub(b, a.args[0])
    return node("add", (a, b))


def sub(a: Expr, b: Expr) -> Expr:
    """Return a - b; zeros vanish, equal terms cancel."""
    folded = _fold("sub", a, b)
    if folded is not None:
        return folded
    if is_const(b, 0.0):
        return a
    if a is b:
        return ZERO
    if is_const(a, 0.0):
        return neg(b)
    if b.op == "neg":
        return add(a, b.args[0])
    if a.op == "neg":
        return neg(add(a.args[0], b))
    return node("sub", (a, b))


def neg(a: Expr) -> Expr:
    """Return -a; two signs cancel and a difference is turned round."""
    if a.op == "const":
        return constant(-a.value)
    if a.op == "neg":
        return a.args[0]
    if a.op == "sub":
        return sub(a.args[1], a.args[0])
    return node("neg", (a,))


def mul(a: Expr, b: Expr) -> Expr:
    """Return a * b; ones vanish, a zero wins, signs move out of the product."""
    folded = _fold("mul", a, b)
    if folded is not None:
        return folded
    for x, y in ((a, b), (b, a)):
        if is_const(x, 0.0):
            return ZERO
        if is_const(x, 1.0):
            return y
        if is_const(x, -1.0):
            return neg(y)
        if x.op == "neg":
            return neg(mul(x.args[0], y))
    return node("mul", (a, b))


def div(a: Expr, b: Expr) -> Expr:
    """Return a / b; a zero numerator wins, signs move out."""
    folded = _fold("div", a, b)
    if folded is not None:
        return folded
    if is_const(a, 0.0) and not is_const(b, 0.0):
        return ZERO
    if is_const(b, 1.0):
        return a
    if a.op == "neg":
        return neg(div(a.args[0], b))
    if b.op == "neg":
        return neg(div(a, b.args[0]))
    return node("div", (a, b))


def power(a: Expr, b: Expr) -> Expr:
    """Return a ** b. A negative base with a non-integer exponent is not a number."""
    folded = _fold("pow", a, b)
    if folded is not None:
        return folded
    if is_const(b, 0.0) or is_const(a, 1.0):
        return ONE
    if is_const(b, 1.0):
        return a
    if is_const(b, 0.5):
        return unary("sqrt", a)
    return node("pow", (a, b))


def unary(op: str, a: Expr) -> Expr:
    """Return a function of one operand (a key of UNARY other than neg); numbers are evaluated at once."""
    if a.op == "const":
        try:
            return constant(UNARY[op](a.value))
        except (ArithmeticError, ValueError):
            pass
    return node(op, (a,))


def absolute(a: Expr) -> Expr:
    """Return the size of a without its sign."""
    return unary("abs", a.args[0] if a.op == "neg" else a)


def extreme(op: str, a: Expr, b: Expr) -> Expr:
    """Return the smaller (``min``) or larger (``max``) of two."""
    folded = _fold(op, a, b)
    return folded if folded is not None else a if a is b else node(op, (a, b))


def relation(op: str, a: Expr, b: Expr) -> Expr:
    """Return whether a is less than (``lt``), at most (``le``) or equal to (``eq``) b, as a truth node."""
    if a.op == "const" and b.op == "const":
        return TRUE if RELATIONAL[op](a.value, b.value) else FALSE
    return node(op, (a, b))


def logical(op: str, *args: Expr) -> Expr:
    """Return ``and``, ``or`` of two truth nodes or ``not`` of one; known truths vanish."""
    if op == "not":
        (a,) = args
        if a.op in ("true", "false"):
            return FALSE if a is TRUE else TRUE
        return a.args[0] if a.op == "not" else node("not", (a,))
    a, b = args
    absorbing, neutral = (FALSE, TRUE) if op == "and" else (TRUE, FALSE)
    if absorbing in (a, b):
        return absorbing
    if a is neutral or a is b:
        return b
    return a if b is neutral else node(op, (a, b))


def where(condition: Expr, then: Expr | Scalar, otherwise: Expr | Scalar) -> Expr:
    """Return one of two expressions by a truth node. Both are evaluated; only one counts."""
    if condition.op not in TRUTH:
        raise InputError(
            Problem(
                "equations",
                f"where() met the number {condition!r} as its condition",
                "a comparison such as x < 1",
                "Compare with a number.",
            )
        )
    a, b = as_expr(then), as_expr(otherwise)
    if condition is TRUE or a is b:
        return a
    return b if condition is FALSE else node("select", (condition, a, b))


def walk(roots: Iterable[Expr]) -> Iterator[Expr]:
    """Yield every node below the roots once, operands before the operation, in an order fixed by the equations."""
    seen: set[Expr] = set()
    for root in roots:
        stack: list[tuple[Expr, bool]] = [(root, False)]
        while stack:
            e, ready = stack.pop()
            if e in seen:
                continue
            if ready or not e.args:
                seen.add(e)
                yield e
                continue
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(e.args) if a not in seen)


def symbols_of(roots: Iterable[Expr]) -> set[str]:
    """Return the names of all symbols that the roots read."""
    return {e.name for e in walk(roots) if e.op == "symbol"}


def show(e: Expr) -> str:
    """Return the expression as fully bracketed text, for messages."""
    if e.op == "symbol":
        return e.name
    if e.op == "const":
        return repr(e.value)
    if e.op in INFIX:
        return f"({show(e.args[0])} {INFIX[e.op]} {show(e.args[1])})"
    return f"{e.op}({', '.join(show(a) for a in e.args)})" if e.args else e.op
