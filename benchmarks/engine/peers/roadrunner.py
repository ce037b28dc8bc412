"""libroadrunner: our own SBML export compiled in memory, integrated by CVODE."""

from __future__ import annotations

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, Problem, jump, stretches

from exojoint.engine.exchange.outgoing import Entry, Outgoing
from exojoint.engine.exchange.write import write_sbml


def sbml_of(problem: Problem) -> str:
    """Return the problem as the SBML that users export: shared expressions are assigned once."""
    s = problem.system
    p, y = problem.patients(np.arange(1))
    values = dict(zip((*s.parameters, *s.states), np.concatenate([p[0], y[0]]), strict=True))
    entries = {name: Entry(float(values.get(name, np.nan)), "1", "") for name in (*values, *s.outputs)}
    return write_sbml(Outgoing("peer", "", s, entries))


def make(problem: Problem) -> Solve:
    try:
        import roadrunner
    except ImportError as error:
        raise UnavailableError(str(error)) from None
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    r = roadrunner.RoadRunner(sbml_of(problem))
    s = problem.system
    r.timeCourseSelections = ["time", *s.states]
    ids = r.model.getGlobalParameterIds()
    p_at, y_at = [ids.index(n) for n in s.parameters], [ids.index(n) for n in s.states]
    integrator = r.getIntegrator()
    integrator.setValue("stiff", True)
    integrator.setValue("maximum_num_steps", 200000)
    pieces = stretches(problem)

    def solve(n: int, rtol: float):
        p, y0 = problem.patients(np.arange(n))
        jumps = problem.jumps(p, problem.dose_days)
        integrator.setValue("relative_tolerance", rtol)
        integrator.setValue("absolute_tolerance", rtol * 1e-3 * float(np.median(problem.scale)))
        out = np.empty((n, len(DAYS), len(s.states)))
        for k in range(n):
            r.reset()
            r.model.setGlobalParameterValues(p_at, p[k])
            y = y0[k].copy()
            for q in pieces:
                jump(y, jumps, q.start, k)
                r.model.setGlobalParameterValues(y_at, y)
                # its clock starts at 0 in every stretch: at day 56 its first steps would be lost in rounding
                course = np.asarray(r.simulate(times=[0.0, *(q.asked - q.start)]))
                out[k, q.days] = course[1 : q.size + 1, 1:]
                y = course[-1, 1:].copy()
        return out

    return solve


PEERS = [Peer("libroadrunner", make, 48)]
