"""This engine, called as anybody calls it."""

from __future__ import annotations

import numpy as np
from benchmarks.engine.peers import Peer, Solve
from benchmarks.engine.problems import DAYS, Problem

from exojoint.engine import compile_system
from exojoint.engine import solve as engine_solve


def make(mode: str, lanes: int | None = None):
    def build(problem: Problem) -> Solve:
        kernel = compile_system(problem.system, lanes=lanes)
        kept: dict[int, tuple] = {}

        def solve(n: int, rtol: float):
            if n not in kept:
                p, y = problem.patients(np.arange(n))
                kept[n] = p, y, problem.events(p)
            p, y, events = kept[n]
            return engine_solve(kernel, p, y, events, DAYS, problem.system.states, mode=mode, rtol=rtol).values

        return solve

    return build


PEERS = [
    Peer("exojoint", make("standard"), 1024),
    Peer("exojoint, single precision", make("screen"), 1024),
]
