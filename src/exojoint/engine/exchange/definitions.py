"""Quantities defined by other quantities, brought into the order in which they can be computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.expression import Expr

Values = Mapping[str, Expr]


@dataclass(frozen=True)
class Definition:
    """How one quantity follows from others.

    Attributes
    ----------
    where : str
        Its place in the file, for messages.
    needs : frozenset of str
        Names that ``make`` reads.
    make : callable
        Expression from the expressions of those names.
    """

    where: str
    needs: frozenset[str]
    make: Callable[[Values], Expr]


def given(where: str, value: Expr) -> Definition:
    """Return the definition of a quantity that needs no other."""
    return Definition(where, frozenset(), lambda _values: value)


def resolve(definitions: Mapping[str, Definition], wanted: Iterable[str]) -> dict[str, Expr]:
    """Return the expressions of the wanted names and of all that they need.

    Raises
    ------
    InputError
        When names depend on themselves, or a name has no definition.
    """
    done: dict[str, Expr] = {}
    open_: dict[str, None] = {}  # names under way, in order
    stack = [(name, "", False) for name in wanted]
    while stack:
        name, reader, ready = stack.pop()
        if ready:
            del open_[name]
            done[name] = definitions[name].make(done)
            continue
        if name in done:
            continue
        definition = definitions.get(name)
        if definition is None:
            raise InputError(
                Problem(
                    reader or "model",
                    f"`{name}` has no value here",
                    "an id with a value",
                    did_you_mean(name, definitions),
                )
            )
        if name in open_:
            raise _circle(name, list(open_), definition.where)
        open_[name] = None
        stack.append((name, reader, True))
        stack.extend((other, definition.where, False) for other in sorted(definition.needs) if other not in done)
    return done


def _circle(name: str, path: list[str], where: str) -> InputError:
    circle = [*path[path.index(name) :], name]
    shown = " -> ".join(circle if len(circle) <= 8 else [*circle[:4], "...", *circle[-3:]])
    return InputError(
        Problem(where, f"`{name}` is defined by itself ({shown})", "definitions that end", "Break the circle.")
    )
