"""diffrax: Kvaerno3 in JAX, patients side by side by vmap."""

from __future__ import annotations

import os

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, Problem, stretches
from benchmarks.engine.text import python_lines

from exojoint.engine.assemble import assemble

BATCH = 128
MOST_STATES = 40


def make(problem: Problem) -> Solve:
    if len(problem.system.states) > MOST_STATES:
        raise UnavailableError(f"compiling more than {MOST_STATES} states unrolled takes too long")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import diffrax
        import jax
        import jax.numpy as jnp
    except ImportError as error:
        raise UnavailableError(str(error)) from None
    jax.config.update("jax_enable_x64", True)
    programs = assemble(problem.system)
    steps, n = {p.name: p for p in programs.steps}, len(problem.system.states)
    source = "\n".join(
        [
            "def patient(p):\n    q = {}",
            python_lines(programs.patient),
            f"    return jnp.stack([jnp.asarray(q[i], dtype=float) for i in range({programs.layout.n_constants})])",
            f"def rates(t, u, q):\n    x = [0.0] * {n}",
            python_lines(steps["rates"]).replace("t_stage[0]", "t"),
            "    return -jnp.stack([jnp.asarray(v, dtype=jnp.float64) for v in x])",
        ]
    )
    space: dict = {"jnp": jnp, "max": jnp.maximum, "min": jnp.minimum}
    exec(source, space)
    pieces = stretches(problem)

    def one(p, y, sets, amounts, rtol):
        q, courses = space["patient"](p), []
        for i, s in enumerate(pieces):
            y = jnp.where(sets[i], amounts[i], y + amounts[i])
            control = diffrax.PIDController(rtol=rtol, atol=rtol * 1e-3 * jnp.asarray(problem.scale))
            course = diffrax.diffeqsolve(
                diffrax.ODETerm(space["rates"]), diffrax.Kvaerno3(), s.start, s.stop, 1e-4, y, q, max_steps=8192,
                saveat=diffrax.SaveAt(ts=jnp.array(s.asked)), stepsize_controller=control, throw=False,
            )  # fmt: skip
            courses.append(course.ys[: s.size])
            y = course.ys[-1]
        return jnp.concatenate(courses)

    batch = jax.jit(jax.vmap(one, in_axes=(0, 0, None, 0, None)))

    def solve(count: int, rtol: float):
        out = np.empty((count, len(DAYS), n))
        for first in range(0, count, BATCH):
            ids = np.arange(first, first + BATCH)
            p, y = problem.patients(ids)
            sets = np.zeros((len(pieces), n), dtype=bool)
            amounts = np.zeros((BATCH, len(pieces), n))
            for j in problem.jumps(p, problem.dose_days):
                i = [s.start for s in pieces].index(j.day)
                sets[i, j.column] |= j.sets
                amounts[:, i, j.column] += j.amount
            out[first : first + BATCH] = np.asarray(batch(p, y, sets, amounts, rtol))[: count - first]
        return out

    return solve


PEERS = [Peer("diffrax Kvaerno3", make, 128)]
