"""The words that equations may use beyond + - * / and powers."""

from __future__ import annotations

from exojoint.engine.expression import (
    FALSE,
    TIME,
    TRUE,
    Expr,
    Scalar,
    as_expr,
    extreme,
    logical,
    relation,
    unary,
    where,
)

__all__ = [
    "FALSE", "TIME", "TRUE", "atan", "both", "cos", "either", "equal", "exp", "floor", "log", "maximum", "minimum",
    "negate", "sin", "sqrt", "where",
]  # fmt: skip


def exp(a: Expr | Scalar) -> Expr:
    """Return e to the power a."""
    return unary("exp", as_expr(a))


def log(a: Expr | Scalar) -> Expr:
    """Return the natural logarithm (not a number below zero)."""
    return unary("log", as_expr(a))


def sqrt(a: Expr | Scalar) -> Expr:
    """Return the square root (not a number below zero)."""
    return unary("sqrt", as_expr(a))


def sin(a: Expr | Scalar) -> Expr:
    """Return the sine of an angle in radian."""
    return unary("sin", as_expr(a))


def cos(a: Expr | Scalar) -> Expr:
    """Return the cosine of an angle in radian."""
    return unary("cos", as_expr(a))


def atan(a: Expr | Scalar) -> Expr:
    """Return the angle in radian whose tangent is a."""
    return unary("atan", as_expr(a))


def floor(a: Expr | Scalar) -> Expr:
    """Return the largest whole number not above a (its derivative is taken as zero)."""
    return unary("floor", as_expr(a))


def minimum(a: Expr | Scalar, b: Expr | Scalar) -> Expr:
    """Return the smaller of two."""
    return extreme("min", as_expr(a), as_expr(b))


def maximum(a: Expr | Scalar, b: Expr | Scalar) -> Expr:
    """Return the larger of two."""
    return extreme("max", as_expr(a), as_expr(b))


def equal(a: Expr | Scalar, b: Expr | Scalar) -> Expr:
    """Return whether two values are the same (a truth node for where)."""
    return relation("eq", as_expr(a), as_expr(b))


def both(a: Expr, b: Expr) -> Expr:
    """Return whether both conditions hold."""
    return logical("and", a, b)


def either(a: Expr, b: Expr) -> Expr:
    """Return whether at least one condition holds."""
    return logical("or", a, b)


def negate(a: Expr) -> Expr:
    """Return whether the condition does not hold."""
    return logical("not", a)
