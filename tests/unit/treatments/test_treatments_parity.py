"""Structure reference_0_1 says exactly what the specification's prototype says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from exojoint.engine import solve
from exojoint.treatments.administer import administer
from exojoint.treatments.treatment import load_treatment

from .conftest import burned_in, draw, reference_values

POINTS = 100
SEED = 20260101
RATES, COURSES = 1e-10, 1e-5
FLOOR = 1e-9
DAYS = np.arange(0.0, 183.0, 7.0)
THREE = [0.0, 28.0, 56.0]
WEEKLY = [0.0, 7.0, 14.0]
COURSE = {
    "saline": [("saline", {"days": [0.0]})],
    "exosome": [("exosome", {"days": THREE, "amount": 1e11})],
    "exosome depot": [("exosome_depot", {"days": [0.0], "amount": 1e12})],
    "steroid": [("triamcinolone", {"days": [0.0], "amount": 40.0})],
    "steroid, extended release": [("triamcinolone_er", {"days": [0.0], "amount": 32.0})],
    "hyaluronate": [("hyaluronate", {"days": WEEKLY, "amount": 48.0})],
    "cells": [("msc", {"days": [0.0], "amount": 5e7})],
    "growth factor": [("fgf18", {"days": WEEKLY, "amount": 100.0})],
    "tablets": [("nsaid", {"days": [0.0], "amount": 1.0}), ("paracetamol", {"days": [28.0], "amount": 1.0})],
    "aggrecanase inhibitor": [("adamts5_inhibitor", {"days": [0.0], "amount": 300.0})],
    "antibodies": [
        ("antibody_il1", {"days": [0.0], "amount": 0.9}),
        ("antibody_tnf", {"days": [7.0], "amount": 0.5}),
        ("antibody_ngf", {"days": [14.0], "amount": 0.9}),
    ],
    "replacement": [("replacement", {"days": [28.0], "amount": 1.0})],
    "all at once": [
        ("exosome", {"days": [0.0], "amount": 1e12}),
        ("triamcinolone", {"days": [28.0], "amount": 40.0}),
        ("hyaluronate", {"days": [56.0], "amount": 48.0}),
    ],
}


def worst_of(errors: dict[str, float]) -> str:
    return str(sorted(errors.items(), key=lambda item: -item[1])[:5])


def test_rates_equal_the_reference_at_100_random_points(parity_knee, reference):
    rng = np.random.default_rng(SEED)
    errors = dict.fromkeys(parity_knee.state_names, 0.0)
    for _ in range(POINTS):
        x, p = draw(parity_knee, rng)
        rates, _ = parity_knee.evaluate(x, p)
        q = reference_values(parity_knee, p, reference.values)
        expected = reference.module.rhs({s.symbol: x[s.name] for s in parity_knee.states}, q)
        for state in parity_knee.states:
            scale = max(abs(expected[state.symbol]), FLOOR)
            error = abs(rates[state.name] - expected[state.symbol]) / scale
            errors[state.name] = max(errors[state.name], error)
    assert len(errors) == 75
    assert max(errors.values()) < RATES, worst_of(errors)


def test_rates_equal_the_prototype_read_by_libroadrunner(parity_knee, reference, prototype):
    rng = np.random.default_rng(SEED)
    errors = dict.fromkeys(parity_knee.state_names, 0.0)
    prototype.resetToOrigin()
    for _ in range(POINTS):
        x, p = draw(parity_knee, rng)
        rates, _ = parity_knee.evaluate(x, p)
        for symbol, value in reference_values(parity_knee, p, reference.values).items():
            prototype[symbol] = value
        for state in parity_knee.states:
            prototype[state.symbol] = x[state.name]
        expected = {s.symbol: prototype[f"{s.symbol}'"] for s in parity_knee.states}
        for state in parity_knee.states:
            error = abs(rates[state.name] - expected[state.symbol]) / max(abs(expected[state.symbol]), FLOOR)
            errors[state.name] = max(errors[state.name], error)
    assert max(errors.values()) < RATES, worst_of(errors)


@pytest.mark.parametrize("name", COURSE)
def test_courses_equal_the_prototype(name, parity_knee, parity_kernel, prototype):
    patient = burned_in(parity_knee, parity_kernel)
    events = [event for given, how in COURSE[name] for event in administer(load_treatment(given), **how)]
    ours = solve(
        parity_kernel, patient.parameters, patient.state, events, DAYS, parity_knee.state_names, mode="reference"
    )
    theirs = prototype_course(prototype, parity_knee, patient, events)
    scale = np.maximum(np.abs(theirs), np.maximum(1e-3 * np.abs(theirs).max(axis=0), FLOOR))
    error = dict(zip(parity_knee.state_names, (np.abs(ours.values[0] - theirs) / scale).max(axis=0), strict=True))
    assert max(error.values()) < COURSES, worst_of(error)


def prototype_course(prototype, knee, patient, events) -> np.ndarray:
    """Course of the prototype from our burned-in patient: states at DAYS before the events of the day."""
    prototype.resetToOrigin()
    values = dict(zip(knee.parameter_names, patient.parameters[0], strict=True))
    for symbol, value in reference_values(knee, values, {}).items():
        prototype[symbol] = value
    symbols = {state.name: state.symbol for state in knee.states}
    symbols |= {name: knee.parameters[name].symbol for name in knee.system.inputs}
    for name, value in zip(knee.state_names, patient.state[0], strict=True):
        prototype[symbols[name]] = value
    prototype.timeCourseSelections = ["time", *(state.symbol for state in knee.states)]
    rows = {0.0: patient.state[0]}
    stops = sorted({float(event.day) for event in events} | {0.0, float(DAYS[-1])})
    for start, stop in itertools.pairwise(stops):
        for event in sorted(events, key=lambda event: event.kind == "add"):
            if event.day == start:
                before = prototype[symbols[event.target]] if event.kind == "add" else 0.0
                prototype[symbols[event.target]] = event.amount + before
        prototype.getIntegrator().restart(start)
        for row in prototype.simulate(times=[start, *(day for day in DAYS if start < day < stop), stop])[1:]:
            rows[float(row[0])] = np.array(row[1:])
    return np.array([rows[float(day)] for day in DAYS])
