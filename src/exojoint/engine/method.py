"""The integrator, written as programs.

Stages, error, step control and dense output of Rodas5P for any number of states.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from exojoint.engine.program import EACH, Builder, Program

SAFETY = 0.9  # share of the step that the error would allow; Hairer & Wanner II, section IV.7, use 0.8 to 0.9
SHRINK, GROW = 0.2, 5.0  # a step changes at most by these factors; same source
WORST_ERROR = 1e4  # scaled error from which (or from no number at all) a step shrinks by the full factor
BEST_ERROR = 1e-8  # scaled error below which growth is at its limit anyway
HALF_STEP = 2.0  # a step that would leave less than itself before the next event is halved: no tiny last step
ROUNDING = 1.0000001  # a step that ends this close to the next event ends at it
SMALLEST_STEP = 1e-12  # day; below this (or below the spacing of time) the lane gives up
SPACING = 4.4e-16  # relative spacing of time in float64, doubled
FLOOR_AT_REST = 1e-3  # states smaller than this are judged by their absolute rate when resting


@dataclass(frozen=True)
class Tableau:
    """Coefficients of a Rosenbrock method; rodas5p.toml says in which form."""

    name: str
    gamma: float
    c: tuple[float, ...]
    d: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    C: tuple[tuple[float, ...], ...]
    h: tuple[tuple[float, ...], ...]

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.c)


@cache
def rodas5p() -> Tableau:
    """Return the coefficients of Rodas5P."""
    raw = tomllib.loads(files("exojoint.engine").joinpath("rodas5p.toml").read_text(encoding="utf-8"))
    matrix = {k: tuple(tuple(row) for row in raw[k]) for k in ("a", "C", "h")}
    return Tableau(raw["name"], raw["gamma"], tuple(raw["c"]), tuple(raw["d"]), **matrix)


def method_programs(n: int, reads_time: bool) -> list[Program]:
    """Return all programs of the method for n states, in the order in which a step calls them."""
    t = rodas5p()
    stages = [_stage(t, i, n, reads_time) for i in range(1, t.stages)]
    return [_clamp(t), *stages, _finish(t, n), _control(n), _commit(n), _dense(t, n), _now(n), _settled(n)]


def _weighted(b: Builder, row: tuple[float, ...], start: int | None, factor: int | None = None) -> int:
    """Return start + factor * sum of row[j] * k_j for the current state; weights are multiplied before the loop."""
    total = start
    for j, number in enumerate(row):
        if number != 0.0:
            k = b.load(f"k{j}", EACH)
            weight = b.const(number) if factor is None else b.emit("mul", factor, b.const(number))
            term = k if number == 1.0 and factor is None else b.emit("mul", weight, k)
            total = term if total is None else b.emit("add", term, total)
    return b.const(0.0) if total is None else total


def _stage(t: Tableau, i: int, n: int, reads_time: bool) -> Program:
    """Argument of stage i, and the part of its right-hand side that needs no rates (both read the same k)."""
    b = Builder()
    previous = t.a[i - 1]
    if i > 1 and t.a[i][: i - 1] == previous[: i - 1] and t.a[i][i - 1] == 1.0:
        u = b.emit("add", b.load("u", EACH), b.load(f"k{i - 1}", EACH))
    else:
        u = _weighted(b, t.a[i][:i], b.load("y", EACH))
    b.store("u", EACH, u)
    negated = tuple(-v for v in t.C[i][:i])  # both sides of the linear system are negated
    right = _weighted(b, negated, None, b.load("rate"))
    if reads_time:
        if t.d[i] != 0.0:
            slope = b.emit("mul", b.load("step"), b.const(-t.d[i]))
            right = b.emit("add", right, b.emit("mul", slope, b.load("ft", EACH)))
        b.store("t_stage", 0, b.emit("add", b.load("t"), b.emit("mul", b.load("step"), b.const(t.c[i]))))
    b.store(f"k{i}", EACH, right)
    return b.finish(f"stage{i}", n)


def _finish(t: Tableau, n: int) -> Program:
    """New value and squared scaled error."""
    b = Builder()
    error = b.load(f"k{t.stages - 1}", EACH)
    old = b.load("y", EACH)
    new = b.emit("add", b.load("u", EACH), error)
    b.store("y_new", EACH, new)
    size = b.emit("max", b.emit("abs", old), b.emit("abs", new))
    scale = b.emit("add", b.load("absolute", EACH), b.emit("mul", b.load("rtol"), size))
    scaled = b.emit("div", error, scale)
    b.reduce("sum", "error", 0, b.emit("mul", scaled, scaled))
    return b.finish("finish", n)


def _clamp(t: Tableau) -> Program:
    """Shorten the proposal so that the lane stops exactly at its next event."""
    b = Builder()
    h, left = b.load("h"), b.emit("sub", b.load("stop"), b.load("t"))
    half = b.emit(
        "select", b.emit("lt", left, b.emit("mul", h, b.const(HALF_STEP))), b.emit("mul", left, b.const(0.5)), h
    )
    step = b.emit("select", b.emit("le", left, b.emit("mul", h, b.const(ROUNDING))), left, half)
    rate = b.emit("div", b.const(1.0), step)
    b.store("step", 0, step)
    b.store("rate", 0, rate)
    b.store("diagonal", 0, b.emit("mul", rate, b.const(1.0 / t.gamma)))
    b.store("t_stage", 0, b.load("t"))
    return b.finish("clamp")


def _control(n: int) -> Program:
    """Accept or reject, and propose the next step (order 4 of the error estimate: fourth root, no power)."""
    b = Builder()
    zero, one = b.const(0.0), b.const(1.0)
    active = b.emit("lt", zero, b.load("active"))
    raw = b.emit("sqrt", b.emit("mul", b.load("error"), b.const(1.0 / n)))
    worst = b.const(WORST_ERROR)
    error = b.emit("select", b.emit("lt", raw, worst), raw, worst)  # no number is not less: it becomes the worst error
    error = b.emit("max", error, b.const(BEST_ERROR))
    factor = b.emit("div", b.const(SAFETY), b.emit("sqrt", b.emit("sqrt", error)))
    factor = b.emit("min", b.emit("max", factor, b.const(SHRINK)), b.load("growth"))
    accepted = b.emit("and", active, b.emit("le", error, one))
    h, step, t, stop = b.load("h"), b.load("step"), b.load("t"), b.load("stop")
    ends = b.emit("eq", step, b.emit("sub", stop, t))
    t_new = b.emit("select", ends, stop, b.emit("add", t, step))
    proposal = b.emit("mul", step, factor)
    kept = b.emit("max", proposal, b.emit("min", h, b.emit("mul", step, b.const(GROW))))
    shortened = b.emit("and", accepted, b.emit("lt", step, h))
    h_next = b.emit("select", shortened, kept, proposal)
    attempts = b.emit("add", b.load("attempts"), b.load("active"))
    too_small = b.emit(
        "lt", h_next, b.emit("max", b.const(SMALLEST_STEP), b.emit("mul", b.emit("abs", t_new), b.const(SPACING)))
    )
    arrived = b.emit("and", accepted, b.emit("le", stop, t_new))
    lost = b.emit("and", b.emit("and", active, b.emit("not", arrived)), too_small)
    limit = b.emit("and", b.emit("and", active, b.emit("not", arrived)), b.emit("le", b.load("limit"), attempts))
    number = b.emit("lt", raw, b.const(float("inf")))
    why = b.emit("select", number, b.const(2.0), b.const(3.0))
    b.store("accepted", 0, b.emit("select", accepted, one, zero))
    b.store("growth", 0, b.emit("select", accepted, b.const(GROW), one))
    b.store("t_new", 0, t_new)
    b.store("t_start", 0, t)
    b.store("t", 0, b.emit("select", accepted, t_new, t))
    b.store("h", 0, b.emit("select", active, h_next, h))
    b.store("attempts", 0, attempts)
    b.store("arrived", 0, b.emit("select", arrived, one, zero))
    b.store("failed", 0, b.emit("select", lost, why, b.emit("select", limit, one, zero)))
    return b.finish("control")


def _commit(n: int) -> Program:
    """Take over the new state in the lanes that accepted it."""
    b = Builder()
    accepted = b.emit("lt", b.const(0.0), b.load("accepted"))
    old, new, absolute = b.load("y", EACH), b.load("y_new", EACH), b.load("absolute", EACH)
    y = b.emit("select", accepted, new, old)
    b.store("y", EACH, y)
    b.store("absolute", EACH, b.emit("max", b.emit("mul", b.load("rscale"), b.emit("abs", y)), absolute))
    return b.finish("commit", n)


def _dense(t: Tableau, n: int) -> Program:
    """State inside the step at theta, of order 4: one weight per stage, computed once for all states."""
    b = Builder()
    theta, one = b.load("theta"), b.const(1.0)
    rest = b.emit("sub", one, theta)
    both = b.emit("mul", theta, rest)
    value = b.emit("mul", rest, b.load("y", EACH))
    value = b.emit("add", value, b.emit("mul", theta, b.load("y_new", EACH)))
    for j in range(t.stages):
        weight = b.const(t.h[-1][j])
        for row in t.h[-2::-1]:
            weight = b.emit("add", b.const(row[j]), b.emit("mul", theta, weight))
        value = b.emit("add", value, b.emit("mul", b.emit("mul", both, weight), b.load(f"k{j}", EACH)))
    b.store("y_out", EACH, value)
    b.store("t_out", 0, b.emit("add", b.load("t_start"), b.emit("mul", theta, b.load("step"))))
    return b.finish("dense", n)


def _now(n: int) -> Program:
    """Make the current state the one that outputs are read from."""
    b = Builder()
    b.store("y_out", EACH, b.load("y", EACH))
    b.store("t_out", 0, b.load("t"))
    return b.finish("now", n)


def _settled(n: int) -> Program:
    """Count the states that still move (k0 holds the rates before it is solved.

    Watched is 0 for states that may move).
    """
    b = Builder()
    size = b.emit("max", b.emit("abs", b.load("y", EACH)), b.const(FLOOR_AT_REST))
    moves = b.emit("abs", b.load("k0", EACH))
    still = b.emit("lt", moves, b.emit("mul", b.load("resting"), size))
    b.reduce("sum", "unsettled", 0, b.emit("select", still, b.const(0.0), b.load("watched", EACH)))
    return b.finish("settled", n)
