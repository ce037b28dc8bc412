"""scipy's LSODA with right-hand side and exact Jacobian compiled by numba."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, Problem, Stretch, jump, stretches
from benchmarks.engine.text import python_lines
from numpy.typing import NDArray
from scipy.integrate import odeint, solve_ivp

from exojoint.engine.assemble import assemble
from exojoint.engine.plain import plain_jacobian

FIRST_STEP = 1e-4  # day; left to itself LSODA needs half the tolerance for the same error
MAX_STEPS = 100_000
_compiled: dict = {}


def numba_functions(problem: Problem):
    """Return patient(p) -> q, rates(t, y, q) -> f and jacobian(t, y, p) -> (s, s), compiled once for each system."""
    if problem.system.digest not in _compiled:
        _compiled[problem.system.digest] = _compile(problem)
    return _compiled[problem.system.digest]


def _compile(problem: Problem):
    try:
        import numba
    except ImportError:
        raise UnavailableError("numba is not installed") from None
    programs = assemble(problem.system)
    layout = programs.layout
    n, steps = layout.n_states, {p.name: p for p in programs.steps}
    source = "\n".join(
        [
            f"def patient(p):\n    q = np.empty({layout.n_constants})",
            python_lines(programs.patient),
            "    return q",
            f"def rates(t, u, q):\n    x = np.zeros({n})",
            python_lines(steps["rates"], index="{}[{}]").replace("t_stage[0]", "t"),
            "    return -x",
            f"def jacobian(t, y, p):\n    matrix = np.zeros({n * n})\n    slopes = np.empty({n})",
            python_lines(plain_jacobian(problem.system)).replace("= t[0]", "= t"),
            f"    return matrix.reshape({n}, {n})",
        ]
    )
    space: dict = {"np": np}
    exec(source, space)
    return tuple(numba.njit(space[name], error_model="numpy") for name in ("patient", "rates", "jacobian")), source


Piece = Callable[..., NDArray]  # rates, Jacobian, state, stretch, rtol, atol -> states on the days asked for


def with_solve_ivp(rates, jacobian, y, s: Stretch, rtol: float, atol: NDArray) -> NDArray:
    """scipy's present interface: a step at a time, from Python."""
    options = {"rtol": rtol, "atol": atol, "first_step": FIRST_STEP, "jac": jacobian}
    return solve_ivp(rates, (s.start, s.stop), y, method="LSODA", t_eval=s.asked, **options).y.T


def with_odeint(rates, jacobian, y, s: Stretch, rtol: float, atol: NDArray) -> NDArray:
    """scipy's former interface: the whole stretch in one call of the same Fortran."""
    options = {"rtol": rtol, "atol": atol, "h0": FIRST_STEP, "Dfun": jacobian}
    return odeint(rates, y, np.append(s.start, s.asked), tfirst=True, mxstep=MAX_STEPS, **options)[1:]


def make(piece: Piece) -> Callable[[Problem], Solve]:
    def build(problem: Problem) -> Solve:
        (patient, rates, jacobian), _ = numba_functions(problem)
        pieces = stretches(problem)

        def solve(n: int, rtol: float):
            p, y0 = problem.patients(np.arange(n))
            jumps = problem.jumps(p, problem.dose_days)
            atol = rtol * 1e-3 * problem.scale
            out = np.empty((n, len(DAYS), y0.shape[1]))
            for k in range(n):
                q, y, own = patient(p[k]), y0[k].copy(), p[k]
                for s in pieces:
                    jump(y, jumps, s.start, k)
                    course = piece(
                        lambda t, y, q=q: rates(t, y, q), lambda t, y, p=own: jacobian(t, y, p), y, s, rtol, atol
                    )
                    out[k, s.days] = course[: s.size]
                    y = course[-1].copy()
            return out

        return solve

    return build


PEERS = [
    Peer("scipy LSODA (solve_ivp), numba right-hand side", make(with_solve_ivp), 48),
    Peer("scipy LSODA (odeint), numba right-hand side", make(with_odeint), 96),
]
