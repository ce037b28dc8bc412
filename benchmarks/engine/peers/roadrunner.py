"""libroadrunner: SBML compiled in memory, integrated by CVODE."""

from __future__ import annotations

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, Problem, jump, stretches
from benchmarks.engine.text import infix


def antimony_of(problem: Problem) -> str:
    s = problem.system
    lines = ["model peer", *(f"{p} = 1.0;" for p in s.parameters), *(f"{y} = 0.0;" for y in s.states)]
    return "\n".join([*lines, *(f"{y}' = {infix(e)};" for y, e in zip(s.states, s.rates, strict=True)), "end"])


def make(problem: Problem) -> Solve:
    try:
        import antimony
        import roadrunner
    except ImportError as error:
        raise UnavailableError(str(error)) from None
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(antimony_of(problem)) < 0:
        raise UnavailableError(antimony.getLastError())
    r = roadrunner.RoadRunner(antimony.getSBMLString("peer"))
    s = problem.system
    r.timeCourseSelections = ["time", *s.states]
    ids = r.model.getGlobalParameterIds()
    p_at, y_at = [ids.index(n) for n in s.parameters], [ids.index(n) for n in s.states]
    integrator = r.getIntegrator()
    integrator.setValue("stiff", True)
    integrator.setValue("maximum_num_steps", 200000)

    def solve(n: int, rtol: float):
        p, y0 = problem.patients(np.arange(n))
        jumps = problem.jumps(p, tuple(q.start for q in stretches()))
        integrator.setValue("relative_tolerance", rtol)
        integrator.setValue("absolute_tolerance", rtol * 1e-3 * float(np.median(problem.scale)))
        out = np.empty((n, len(DAYS), len(s.states)))
        for k in range(n):
            r.reset()
            r.model.setGlobalParameterValues(p_at, p[k])
            y = y0[k].copy()
            for q in stretches():
                jump(y, jumps, q.start, k)
                r.model.setGlobalParameterValues(y_at, y)
                days = DAYS[q.days]
                asked = [q.start, *days] + ([] if days[-1] == q.stop else [q.stop])
                course = np.asarray(r.simulate(times=asked))
                out[k, q.days] = course[1 : len(days) + 1, 1:]
                y = course[-1, 1:].copy()
        return out

    return solve


PEERS = [Peer("libroadrunner", make, 48, 24)]
