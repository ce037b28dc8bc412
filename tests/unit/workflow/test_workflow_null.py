"""Null first: a product that does nothing must win as often as the design says, before anybody reads a power."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exojoint import workflow
from exojoint.engine import compile_system
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.estimate import analyse
from exojoint.trial.null import primary_only
from exojoint.workflow.draw import latent_outcomes, root

TRIALS = 2000
SOLVER_NOISE = 0.01  # points of WOMAC pain; two arms without a difference take different integration steps


def test_two_thousand_null_trials_win_as_often_as_stated(checkout: Path) -> None:
    """`null.toml`, fixed seed, two-sided 5 %: observed 4.0-6.0 % (2,000 trials have a standard error of 0.5 %)."""
    plan = workflow.check(checkout / "scenarios" / "null.toml")
    kernel = compile_system(plan.knee.system)
    simulation = plan.scenario.text.simulation
    sizes = {arm.name: arm.arm.n for arm in plan.arms}
    design = primary_only(plan.design)
    won = []
    for draw in range(simulation.knowledge_draws):
        latent, rescue = latent_outcomes(plan, kernel, draw, threads=2)
        active, control = (latent.values[arm.name] for arm in plan.arms)
        assert np.nanmax(np.abs(active[..., 0] - control[..., 0])) < SOLVER_NOISE
        luck = root(plan).child("draw", draw).child("trials")
        batch = simulate_trials(design, latent, rescue, luck, simulation.trials_per_draw, sizes, 3)
        rows = analyse(design, batch, (design.primary.name,), threads=2)
        won += rows.filter(rows["day"] == design.primary.headline)["p"].to_list()
    assert len(won) == TRIALS
    assert 0.040 <= np.mean(np.array(won) < design.alpha) <= 0.060
