"""scipy's LSODA with right-hand side and exact Jacobian compiled by numba."""

from __future__ import annotations

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, Problem, jump, stretches
from benchmarks.engine.text import python_lines

from exojoint.engine.assemble import assemble
from exojoint.engine.plain import plain_jacobian


def numba_functions(problem: Problem):
    """Return patient(p) -> q, rates(t, y, q) -> f and jacobian(t, y, p) -> (s, s), compiled."""
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


def make(problem: Problem) -> Solve:
    from scipy.integrate import solve_ivp

    (patient, rates, jacobian), _ = numba_functions(problem)

    def solve(n: int, rtol: float):
        p, y0 = problem.patients(np.arange(n))
        jumps = problem.jumps(p, tuple(s.start for s in stretches()))
        out = np.empty((n, len(DAYS), y0.shape[1]))
        for k in range(n):
            q, y = patient(p[k]), y0[k].copy()
            for s in stretches():
                jump(y, jumps, s.start, k)
                days = DAYS[s.days]
                asked = days if days[-1] == s.stop else np.append(days, s.stop)
                course = solve_ivp(
                    lambda t, y, q=q: rates(t, y, q), (s.start, s.stop), y, method="LSODA", t_eval=asked, rtol=rtol,
                    atol=rtol * 1e-3 * problem.scale, first_step=1e-4, jac=lambda t, y, k=k: jacobian(t, y, p[k]),
                )  # fmt: skip
                out[k, s.days] = course.y.T[: len(days)]
                y = course.y[:, -1].copy()
        return out

    return solve


PEERS = [Peer("scipy LSODA, numba right-hand side", make, 16, 8)]
