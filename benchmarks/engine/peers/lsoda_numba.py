"""numbalsoda: LSODA in C++ with a right-hand side compiled by numba."""

from __future__ import annotations

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.peers.lsoda_scipy import numba_functions
from benchmarks.engine.problems import DAYS, Problem, stretches


def make(problem: Problem) -> Solve:
    try:
        import numba
        from numbalsoda import lsoda, lsoda_sig
    except (ImportError, OSError) as error:
        raise UnavailableError(f"numbalsoda is not installed ({error})") from None
    (patient, rates, _), _ = numba_functions(problem)
    n_states, n_constants = len(problem.system.states), len(patient(problem.patients(np.arange(1))[0][0]))

    @numba.cfunc(lsoda_sig)
    def slope(t, u, du, data):
        f = rates(t, numba.carray(u, (n_states,)), numba.carray(data, (n_constants,)))
        for i in range(n_states):
            du[i] = f[i]

    address = slope.address
    pieces = stretches(problem)
    starts, stops = (np.array([getattr(s, e) for s in pieces]) for e in ("start", "stop"))
    cuts = np.array([[s.days.start, s.days.stop] for s in pieces])

    @numba.njit
    def run(p, y0, day, sets, column, amount, rtol, atol, out):
        for k in range(len(p)):
            q, y = patient(p[k]), y0[k].copy()
            for s in range(len(starts)):
                for j in range(len(day)):
                    if day[j] == starts[s]:
                        y[column[j]] = amount[j, k] if sets[j] else y[column[j]] + amount[j, k]
                a, b = cuts[s]
                asked = np.empty(b - a + 2)
                asked[0], asked[1 : b - a + 1], asked[b - a + 1] = starts[s], DAYS[a:b], stops[s]
                last = b - a + 1 if b > a and DAYS[b - 1] == stops[s] else b - a + 2
                u, _ = lsoda(address, y, asked[:last], q, rtol=rtol, atol=atol, mxstep=200000)
                out[k, a:b] = u[1 : b - a + 1]
                y = u[-1].copy()

    def solve(n: int, rtol: float):
        p, y0 = problem.patients(np.arange(n))
        jumps = problem.jumps(p, problem.dose_days)
        table = [np.array([getattr(j, f) for j in jumps]) for f in ("day", "sets", "column", "amount")]
        out = np.empty((n, len(DAYS), n_states))
        run(p, y0, *table, rtol, rtol * 1e-3, out)  # one absolute tolerance for all states is all that it takes
        return out

    return solve


PEERS = [Peer("numbalsoda", make, 128)]
