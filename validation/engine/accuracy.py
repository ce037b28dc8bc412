"""Every treatment against two independent solvers: `python -m validation.engine.accuracy` writes accuracy.csv."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import odeint

from exojoint.core.knowledge import knowledge_space
from exojoint.engine import Event, Kernel, Outcome, compile_system, solve
from exojoint.engine.certify import relative_error
from exojoint.engine.exchange.outgoing import Entry, Outgoing
from exojoint.engine.exchange.write import write_sbml
from exojoint.joint.model import load_joint
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.treatment import dispositions_for, load_treatment

Reals = NDArray[np.float64]
HERE = Path(__file__).parent
OUT_DAYS = np.array([0.5, 3.0, 10.0, 27.5, 30.0, 60.0, 101.0, 182.0, 365.0])  # none is a day of a dose
SCIPY_RTOL, RUNNER_RTOL = 1e-9, 1e-8
NOTHING = 1e-9  # share of a state's largest value that counts as nothing, as in the engine's own rule
COLUMNS = (
    "treatment", "states", "solver", "solver_rtol", "patients", "failed", "mode", "p50_error", "p99_error", "max_error",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A treatment on the knee that carries it: machine code, patients, doses."""

    name: str
    knee: Knee
    kernel: Kernel
    parameters: Reals
    state: Reals
    events: list[Event]


def cases(names: Sequence[str], n: int) -> list[Case]:
    """Return the treatments of doses.csv with n patients drawn from what is not known."""
    with (HERE / "doses.csv").open(newline="") as f:
        rows = [r for r in csv.DictReader(f) if not names or r["treatment"] in names]
    return [_case(r["treatment"], float(r["amount"]), [float(d) for d in r["days"].split()], n) for r in rows]


def _case(name: str, amount: float, days: Sequence[float], n: int) -> Case:
    knee = assemble(load_joint(), dispositions_for([name]))
    space = knowledge_space(knee.parameters)
    z = np.random.default_rng(17).standard_normal((n, space.n_axes))
    parameters = np.tile(knee.defaults(), (n, 1))
    for row, drawn in space.values(z).items():
        parameters[:, knee.parameter_names.index(row)] = drawn
    events = administer(load_treatment(name), days=days, amount=amount)
    state = np.tile(knee.initial(), (n, 1))
    return Case(name, knee, compile_system(knee.system), parameters, state, events)


def by_scipy(case: Case, row: int) -> Reals:
    """States (days, states) of one patient by LSODA, on the equations as written: no pass has touched them."""
    code, system = case.kernel.plain(), case.knee.system
    memory = np.zeros(code.rows["end"])
    n = len(system.states)
    p = memory[code.rows["p"] : code.rows["p"] + len(system.parameters)]
    u, rates = (memory[code.rows[k] : code.rows[k] + n] for k in ("y", "rates"))
    matrix = memory[code.rows["matrix"] : code.rows["matrix"] + n * n]
    address = memory.ctypes.data
    p[:] = case.parameters[row]

    def slope(_: float, y: Reals) -> Reals:
        u[:] = y
        code.rates(address, 0, 0)
        return rates.copy()

    def jacobian(_: float, y: Reals) -> Reals:
        u[:] = y
        matrix[:] = 0.0
        code.jacobian(address, 0, 0)
        return matrix.reshape(n, n).copy()

    y, start, found = case.state[row].copy(), 0.0, []
    for stop in (*sorted({float(e.day) for e in case.events} - {0.0}), OUT_DAYS[-1]):
        give(case, start, y, p)
        asked = np.array([start, *(d for d in OUT_DAYS if start < d < stop), stop])
        size = np.maximum(np.abs(y), np.abs(case.state[row]))
        atol = SCIPY_RTOL * np.maximum(size, NOTHING)
        course = odeint(
            slope, y, asked, tfirst=True, Dfun=jacobian, rtol=SCIPY_RTOL, atol=atol, h0=1e-4, mxstep=200_000
        )
        found += list(course[1:-1])
        y, start = course[-1].copy(), stop
    return np.array([*found, y])


def give(case: Case, day: float, y: Reals, p: Reals) -> None:
    """Let the events of a day act on a state and parameters: settings before additions."""
    s = case.knee.system
    for e in sorted((e for e in case.events if e.day == day), key=lambda e: e.kind == "add"):
        if e.kind == "input":
            p[s.parameters.index(e.target)] = e.amount
        else:
            k = s.states.index(e.target)
            y[k] = e.amount + (y[k] if e.kind == "add" else 0.0)


class Runner:
    """libroadrunner on the SBML that users export, later doses included; those of day 0 are in the numbers it gets."""

    def __init__(self, case: Case) -> None:
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
        s, later = case.knee.system, [e for e in case.events if e.day > 0.0]
        values = dict(zip((*s.parameters, *s.states), [*case.parameters[0], *case.state[0]], strict=True))
        entries = {k: Entry(float(values.get(k, np.nan)), "1", "") for k in (*values, *s.outputs)}
        self.model = roadrunner.RoadRunner(write_sbml(Outgoing(case.name, "", s, entries, later)))
        self.model.timeCourseSelections = ["time", *s.states]
        ids = self.model.model.getGlobalParameterIds()
        self.at = [ids.index(k) for k in (*s.parameters, *s.states)]
        integrator = self.model.getIntegrator()
        for key, value in (("stiff", True), ("maximum_num_steps", 500_000), ("relative_tolerance", RUNNER_RTOL)):
            integrator.setValue(key, value)
        integrator.setValue("absolute_tolerance", RUNNER_RTOL * 1e-4)

    def course(self, case: Case, row: int) -> Reals:
        """States (days, states) of one patient."""
        p, y = case.parameters[row].copy(), case.state[row].copy()
        give(case, 0.0, y, p)
        self.model.reset()
        self.model.model.setGlobalParameterValues(self.at, [*p, *y])
        return np.asarray(self.model.simulate(times=[0.0, *OUT_DAYS]))[1:, 1:]


def compare(case: Case, solver: str, rtol: float, exact: Reals) -> list[dict[str, object]]:
    """Return one row per mode: the engine's error against another solver's courses of the first patients."""
    n, rows = len(exact), []
    size = np.abs(exact).max(axis=(0, 1))
    for mode in ("standard", "reference"):
        course = solve(
            case.kernel, case.parameters[:n], case.state[:n], case.events, OUT_DAYS, case.knee.system.states, mode=mode
        )
        good = (course.outcome == Outcome.ok) & np.isfinite(exact).all(axis=(1, 2))
        error = relative_error(course.values[good], exact[good])
        error[np.abs(course.values[good] - exact[good]) < NOTHING * np.maximum(size, NOTHING)] = 0.0
        worst = error.reshape(int(good.sum()), -1).max(axis=1)
        p50, p99, largest = np.quantile(worst, [0.5, 0.99, 1.0])
        values = (case.name, exact.shape[2], solver, rtol, n, int((~good).sum()), mode, p50, p99, largest)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def main() -> None:
    """Compare all treatments and write the table."""
    parser = argparse.ArgumentParser(description="The engine against scipy and libroadrunner, treatment by treatment.")
    parser.add_argument("treatments", nargs="*", help="default: all of doses.csv")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--runner-patients", type=int, default=None, help="fewer for libroadrunner, the slowest")
    parser.add_argument("--out", type=Path, default=HERE / "accuracy.csv")
    asked = parser.parse_args()
    few = asked.patients if asked.runner_patients is None else asked.runner_patients
    found: list[dict[str, object]] = []
    for case in cases(asked.treatments, asked.patients):
        found += compare(case, "scipy LSODA", SCIPY_RTOL, np.array([by_scipy(case, k) for k in range(asked.patients)]))
        if few:
            runner = Runner(case)
            found += compare(case, "libroadrunner", RUNNER_RTOL, np.array([runner.course(case, k) for k in range(few)]))
        with asked.out.open("w", newline="") as f:
            writer = csv.DictWriter(f, COLUMNS)
            writer.writeheader()
            writer.writerows({k: f"{v:.2g}" if isinstance(v, float) else v for k, v in row.items()} for row in found)
        for row in found[-4:]:
            print(row, flush=True)


if __name__ == "__main__":
    main()
