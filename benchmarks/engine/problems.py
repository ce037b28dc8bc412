"""What is solved: a stiff model of 25 states made for this purpose, and the real knee with an exosome course."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import stream
from exojoint.engine import Event, Kernel, System, solve, trace

Reals = NDArray[np.float64]
DAYS = np.array(
    [0.25, 1, 3, 7, 14, 21, 28.25, 29, 31, 35, 42, 49, 56.25, 57, 59, 63, 70, 84, 112, 182, 273, 365, 455, 547, 730.0]
)
DOSE_DAYS = (0.0, 28.0, 56.0)
HORIZON = 730.0


@dataclass(frozen=True)
class Jump:
    """A dose: on a day, a state is set to an amount or the amount is added to it; amounts (n,)."""

    day: float
    sets: bool
    column: int
    amount: Reals


@dataclass(frozen=True)
class Problem:
    """A system, its patients and their doses.

    Attributes
    ----------
    name : str
    system : System
    patients : callable
        ids (n,) -> parameters (n, p), states (n, s).
    jumps : callable
        (parameters, dose days) -> jumps, settings before additions.
    sizes : callable
        Problem -> typical size of every state (s,).
    dose_days : tuple of float
        Days of the doses, from 0 on.
    """

    name: str
    system: System
    patients: Callable[[NDArray[np.int64]], tuple[Reals, Reals]]
    jumps: Callable[[Reals, tuple[float, ...]], list[Jump]]
    sizes: Callable[[Problem], Reals]
    dose_days: tuple[float, ...] = DOSE_DAYS

    @cached_property
    def scale(self) -> Reals:
        """Typical size of every state; peers get absolute tolerances of rtol * 1e-3 * scale."""
        return self.sizes(self)

    def events(self, parameters: Reals) -> list[Event]:
        """Return the doses as the engine's events."""
        names = self.system.states
        jumps = self.jumps(parameters, self.dose_days)
        return [Event(j.day, "set" if j.sets else "add", names[j.column], j.amount) for j in jumps]


@dataclass(frozen=True)
class Stretch:
    """A stretch of a course without doses inside, for peers that integrate piece by piece.

    Attributes
    ----------
    start, stop : float
        Its ends.
    days : slice
        Which output days fall into it (perhaps none).
    asked : (k,) or (k + 1,)
        These days, and its end if that is not the last of them.
    """

    start: float
    stop: float
    days: slice
    asked: Reals

    @property
    def size(self) -> int:
        """Number of output days."""
        return self.days.stop - self.days.start


def stretches(problem: Problem) -> list[Stretch]:
    """Return the course between doses."""
    ends = [*problem.dose_days[1:], HORIZON]
    cut = [0, *(int(i) for i in np.searchsorted(DAYS, ends, side="right"))]
    found = []
    for start, stop, i, j in zip(problem.dose_days, ends, cut[:-1], cut[1:], strict=True):
        inside = DAYS[i:j]
        asked = inside if len(inside) and inside[-1] == stop else np.append(inside, stop)
        found.append(Stretch(start, stop, slice(i, j), asked))
    return found


def jump(y: Reals, jumps: list[Jump], day: float, row: int) -> None:
    """Apply the jumps of a day to the state of one patient, in place."""
    for j in jumps:
        if j.day == day:
            y[j.column] = j.amount[row] if j.sets else y[j.column] + j.amount[row]


# name: value, coefficient of variation between patients (0: everybody the same). Plausible, not calibrated: a load.
PARAMETERS: dict[str, tuple[float, float]] = dict(  # noqa: C408 - a column of names reads better without quotes
    dose=(100.0, 0.0), kcl=(6.0, 0.4), ksy=(20.0, 0.3), kcs=(3.0, 0.3), kdiff=(0.8, 0.4), kback=(0.3, 0.0),
    kupt_c=(1.5, 0.3), kupt_m=(8.0, 0.3), kdeg_e=(0.5, 0.0), vmax_m=(600.0, 0.0), km_m=(60.0, 0.0), kdeg_g=(0.25, 0.35),
    half_g=(4.0, 0.3), s_il1=(30.0, 0.4), d_il1=(33.0, 0.25), s_tnf=(60.0, 0.4), d_tnf=(55.0, 0.25), s_il6=(12.0, 0.3),
    d_il6=(9.0, 0.2), s_il10=(8.0, 0.3), d_il10=(12.0, 0.2), s_tgf=(3.0, 0.3), d_tgf=(4.0, 0.2), half_i=(1.0, 0.25),
    half_10=(0.8, 0.25), half_t=(0.9, 0.2), s_mmp=(2.2, 0.4), d_mmp=(2.5, 0.0), s_ada=(2.0, 0.4), d_ada=(3.0, 0.0),
    s_tim=(1.6, 0.3), d_tim=(1.5, 0.0), kti=(40.0, 0.0), s_m=(0.12, 0.3), d_m=(0.08, 0.0), kpol=(0.5, 0.3),
    krep=(0.15, 0.3), khyp=(0.0012, 0.4), ksen=(0.0008, 0.4), kapop=(0.0006, 0.3), s_agg=(0.006, 0.3),
    d_agg=(0.012, 0.35), d_col=(0.0009, 0.45), kost=(0.0011, 0.4), s_ngf=(1.2, 0.3), d_ngf=(2.0, 0.0),
)  # fmt: skip

# state: value at day 0, typical size
STATES: dict[str, tuple[float, float]] = dict(  # noqa: C408 - as above
    esf=(0.0, 100.0), ecs=(0.0, 10.0), ecd=(0.0, 10.0), esy=(0.0, 30.0), gc=(0.0, 10.0), gm=(0.0, 30.0), il1=(0.9, 1.0),
    tnf=(0.8, 1.0), il6=(1.0, 1.0), il10=(0.4, 1.0), tgf=(0.6, 1.0), mmp=(0.5, 1.0), ada=(0.45, 1.0), tim=(0.6, 1.0),
    m1=(0.8, 1.0), m2=(0.5, 1.0), ch=(0.8, 1.0), cy=(0.12, 0.1), cs=(0.08, 0.1), agg=(0.7, 1.0), col=(0.85, 1.0),
    dmg=(0.15, 0.1), ost=(0.2, 0.3), ngf=(0.7, 1.0), pain=(4.0, 5.0),
)  # fmt: skip


def activation(x, half, n):
    return x**n / (half**n + x**n)


def inhibition(x, half, n):
    return half**n / (half**n + x**n)


def equations(x: Mapping, p: Mapping) -> tuple[dict, dict]:
    """Exosomes in fluid, cartilage and synovium; cargo; cytokines; proteases; macrophages; cells; matrix; pain."""
    up_m = p["vmax_m"] * x["esy"] / (p["km_m"] + x["esy"]) * (x["m1"] + x["m2"])
    up_c = p["kupt_c"] * (x["ecs"] + x["ecd"])
    block_c, block_m = inhibition(x["gc"], p["half_g"], 2), inhibition(x["gm"], p["half_g"], 2)
    signal_c, signal_m = activation(x["gc"], p["half_g"], 2), activation(x["gm"], p["half_g"], 2)
    il1, tnf = activation(x["il1"], p["half_i"], 2), activation(x["tnf"], p["half_i"], 2)
    il10, tgf = activation(x["il10"], p["half_10"], 2), activation(x["tgf"], p["half_t"], 2)
    damp = inhibition(x["il10"], p["half_10"], 2)
    inflamed = (il1 + tnf) / 2
    living = x["ch"] + x["cy"] / 2
    mmp, ada = x["mmp"] / (1 + 2 * x["tim"]), x["ada"] / (1 + 2 * x["tim"])
    wear = p["d_col"] * mmp * (2 - x["agg"] / (x["agg"] + 0.5))
    to_m2 = p["krep"] * x["m1"] * (il10 + 2 * signal_m)
    to_m1 = p["kpol"] * x["m2"] * tnf / 4
    to_hyp = p["khyp"] * inflamed * (2 - signal_c) * x["ch"]
    from_hyp = p["khyp"] * signal_c * x["cy"]
    to_sen = p["ksen"] * il1 * block_c * x["ch"]
    rates = {
        "esf": -(p["kcl"] + p["ksy"] + p["kcs"]) * x["esf"] + p["kback"] * (x["ecs"] + x["esy"]),
        "ecs": p["kcs"] * x["esf"] - (p["kback"] + p["kdiff"] + p["kdeg_e"] + p["kupt_c"]) * x["ecs"]
        + p["kdiff"] * x["ecd"],
        "ecd": p["kdiff"] * (x["ecs"] - x["ecd"]) - (p["kdeg_e"] + p["kupt_c"]) * x["ecd"],
        "esy": p["ksy"] * x["esf"] - (p["kback"] + p["kdeg_e"]) * x["esy"] - p["kupt_m"] / 8 * up_m / 10,
        "gc": up_c * living - p["kdeg_g"] * x["gc"],
        "gm": up_m / 10 - p["kdeg_g"] * 2 * x["gm"],
        "il1": p["s_il1"] * (0.2 + x["m1"] * damp * block_m + x["cs"] / 2 + x["dmg"] * inflamed)
        - p["d_il1"] * x["il1"],
        "tnf": p["s_tnf"] * (0.1 + x["m1"] * damp * block_m * (0.5 + il1)) - p["d_tnf"] * x["tnf"],
        "il6": p["s_il6"] * (0.1 + inflamed * block_c + x["cs"] / 2) - p["d_il6"] * x["il6"],
        "il10": p["s_il10"] * (0.1 + x["m2"] * (1 + signal_m) + activation(x["il6"], p["half_10"], 3) / 4)
        - p["d_il10"] * x["il10"],
        "tgf": p["s_tgf"] * (0.2 + x["m2"] + x["ch"] * signal_c) - p["d_tgf"] * x["tgf"],
        "mmp": p["s_mmp"] * (0.05 + inflamed * block_c * living + 2 * x["cy"] + x["cs"])
        * inhibition(x["tgf"], p["half_t"], 2) * 2 - p["d_mmp"] * x["mmp"] - p["kti"] / 100 * x["mmp"] * x["tim"],
        "ada": p["s_ada"] * (0.05 + inflamed * block_c * living + activation(x["il6"], p["half_i"], 2) * x["cs"])
        - p["d_ada"] * x["ada"] - p["kti"] / 100 * x["ada"] * x["tim"],
        "tim": p["s_tim"] * (0.2 + tgf * living) - p["d_tim"] * x["tim"]
        - p["kti"] / 200 * (x["mmp"] + x["ada"]) * x["tim"],
        "m1": p["s_m"] * (1 + 2 * x["dmg"] + x["ngf"] / 2) - p["d_m"] * x["m1"] - to_m2 + to_m1,
        "m2": to_m2 - to_m1 - p["d_m"] * x["m2"],
        "ch": from_hyp - to_hyp - to_sen - p["kapop"] * inflamed * x["ch"],
        "cy": to_hyp - from_hyp - 2 * p["kapop"] * x["cy"],
        "cs": to_sen - p["kapop"] * x["cs"] * (1 + x["m2"]),
        "agg": p["s_agg"] * living * (0.5 + tgf) - p["d_agg"] * (ada + mmp / 4) * x["agg"],
        "col": p["s_agg"] / 60 * living * tgf * (1 - x["col"]) - wear * x["col"],
        "dmg": wear * (1 - x["dmg"]) + p["d_col"] / 2 * (1 - x["col"]) * (1 - x["dmg"]),
        "ost": p["kost"] * (x["tgf"] * (0.25 + x["dmg"]) + x["il6"] / 4) * (1 - x["ost"] / 3),
        "ngf": p["s_ngf"] * (0.2 + inflamed + tgf / 4) * damp * 2 - p["d_ngf"] * x["ngf"],
        "pain": 0.3 * (10 * (activation(x["ngf"], p["half_i"], 2) * 0.6 + x["dmg"] / 5
                             + activation(x["ost"], p["half_i"], 4) / 5) - x["pain"]),
    }  # fmt: skip
    return rates, {}


def benchmark_model() -> Problem:
    """The model of 25 states, 46 parameters (35 varied log-normally), 3 doses, 2 years."""
    base = np.array([v for v, _ in PARAMETERS.values()])
    spread = np.sqrt(np.log1p(np.array([c for _, c in PARAMETERS.values()]) ** 2))
    start = np.array([v for v, _ in STATES.values()])
    luck = stream(0, "benchmark", "patients")

    def patients(ids: NDArray[np.int64]) -> tuple[Reals, Reals]:
        return base * np.exp(spread * luck.normal(ids, len(base))), np.repeat(start[None], len(ids), 0)

    def jumps(p: Reals, days: tuple[float, ...]) -> list[Jump]:
        return [Jump(d, False, 0, p[:, 0].copy()) for d in days]

    system = trace(list(STATES), list(PARAMETERS), [], equations)
    return Problem("benchmark25", system, patients, jumps, lambda _: np.array([s for _, s in STATES.values()]))


def knee_model() -> Problem:
    """The real knee with exosomes and expectation: 3 injections of 1e11 vesicles, 2 years, rate constants varied."""
    from exojoint.joint.model import load_joint
    from exojoint.treatments.administer import administer
    from exojoint.treatments.assemble import assemble
    from exojoint.treatments.treatment import dispositions_for, load_treatment

    knee = assemble(load_joint(), dispositions_for(["exosome", "saline"]))
    base, start, names = knee.defaults(), knee.initial(), list(knee.system.states)
    spread = np.where([n.startswith(("k_", "s_", "cl_")) for n in knee.system.parameters], 0.25, 0.0)
    luck = stream(0, "benchmark", "knees")

    def patients(ids: NDArray[np.int64]) -> tuple[Reals, Reals]:
        return base * np.exp(spread * luck.normal(ids, len(base))), np.repeat(start[None], len(ids), 0)

    def jumps(p: Reals, days: tuple[float, ...]) -> list[Jump]:
        given = administer(load_treatment("exosome"), days=list(days), amount=1e11)
        found = [Jump(e.day, e.kind == "set", names.index(e.target), np.full(len(p), e.amount)) for e in given]
        return sorted(found, key=lambda j: not j.sets)

    return Problem("knee", knee.system, patients, jumps, _sizes)


def _sizes(problem: Problem) -> Reals:
    """Largest value of every state in a few patients."""
    from exojoint.engine import compile_system

    p, y = problem.patients(np.arange(16))
    kernel = compile_system(problem.system)
    course = solve(kernel, p, y, problem.events(p), DAYS, problem.system.states)
    largest = np.nanmax(np.abs(course.values), axis=(0, 1))
    return np.maximum(largest, 1e-9)


def with_doses(problem: Problem, count: int) -> Problem:
    """Return a problem with another number of doses: monthly up to twelve, else spread weekly."""
    apart = 28.0 if count <= 12 else 7.0
    return replace(problem, name=f"{problem.name}, {count} doses", dose_days=tuple(apart * i for i in range(count)))


PROBLEMS: dict[str, Callable[[], Problem]] = {"benchmark25": benchmark_model, "knee": knee_model}


def reference(problem: Problem, kernel: Kernel, n: int) -> Reals:
    """Courses of the first n patients at a relative tolerance of 1e-11."""
    p, y = problem.patients(np.arange(n))
    return solve(kernel, p, y, problem.events(p), DAYS, problem.system.states, rtol=1e-11).values
