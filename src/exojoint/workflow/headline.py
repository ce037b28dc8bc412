"""The headline as a function of what we do not know: one number per row of knowledge, with shared luck.

The same patients and the same lot luck stand behind every row, so that a difference between two rows is due to
knowledge alone. Whether a lot is active is averaged out (share of inactive lots among the released ones), so the
number is smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Kernel
from exojoint.product.catalogue import product_parameters
from exojoint.product.lot import AXES, Lot
from exojoint.workflow.draw import knowledge_of, make_lots, root
from exojoint.workflow.plan import ArmPlan, Plan
from exojoint.workflow.pool import Course, Knowledge, Pool, rest_pool, solve_course

Floats = NDArray[np.float64]

ACTIVE_LOTS = 2
CAMPAIGN = 40  # released lots from which the share of inactive ones is taken
ROWS_AT_ONCE = 256  # rows of knowledge solved together; bounds memory


@dataclass(frozen=True)
class Headline:
    """True difference from control of the first active arm in the primary endpoint at its headline day."""

    plan: Plan
    kernel: Kernel
    threads: int
    tick: Callable[[int], None]

    def __call__(self, z: Floats) -> Floats:
        """Value (k,) for rows z (k, n_axes); NaN where no patient of a row could be solved."""
        parts = [self._block(z[start : start + ROWS_AT_ONCE]) for start in range(0, len(z), ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _block(self, z: Floats) -> Floats:
        plan, luck = self.plan, root(self.plan).child("headline")
        knowledge = knowledge_of(plan, z)
        n = plan.scenario.text.simulation.patients_per_driver
        pool = rest_pool(plan, self.kernel, knowledge, [luck.child("patients")] * len(z), n, self.threads)
        arm, control = plan.active[0], plan.control
        treated = self._mean(pool, arm, luck)
        untreated = self._mean(pool, control, luck)
        self.tick(len(z))
        return _weighted(treated - untreated, pool.weights.reshape(len(z), -1))

    def _mean(self, pool: Pool, arm: ArmPlan, luck: Stream) -> Floats:
        """(k, n) outcome of each patient, averaged over lots by how often such a lot is released."""
        lots, weights = self._lots(pool, arm, luck)
        course = Course.full(arm, lots, pool.n)
        primary = self.plan.design.primary
        day = np.array([primary.headline])
        name = [primary.endpoint.observable]
        found = solve_course(self.plan, self.kernel, pool, course, luck, day, name, threads=self.threads).values[
            :, 0, 0
        ]
        values = found.reshape(len(pool.knowledge), -1, course.n_lots)
        mean: Floats = np.einsum("knl,kl->kn", values, weights)
        return mean

    def _lots(self, pool: Pool, arm: ArmPlan, luck: Stream) -> tuple[tuple[tuple[Lot, ...], ...], Floats]:
        """Active lots and one inactive lot per row, and what each weighs (k, lots)."""
        if not arm.gives_vesicles:
            return (), np.ones((len(pool.knowledge), 1))
        known: dict[tuple[float, ...], tuple[tuple[Lot, ...], float]] = {}
        names = [name for name in product_parameters() if name in pool.knowledge[0]]
        chosen, weights = [], []
        for values in pool.knowledge:
            key = tuple(values[name] for name in names)
            if key not in known:
                known[key] = self._campaign(values, luck)
            lots, inactive = known[key]
            chosen.append(lots)
            weights.append([*[(1.0 - inactive) / ACTIVE_LOTS] * ACTIVE_LOTS, inactive])
        return tuple(chosen), np.array(weights)

    def _campaign(self, values: Knowledge, luck: Stream) -> tuple[tuple[Lot, ...], float]:
        released, _ = make_lots(self.plan, values, luck.child("lots"), CAMPAIGN)
        active = [lot for lot in released if not lot.inactive]
        inactive = 1.0 - len(active) / len(released)
        if not active:
            active = list(released)
        used = [active[index % len(active)] for index in range(ACTIVE_LOTS)]
        silent = replace(used[0], potency=dict.fromkeys(AXES, 0.0), inactive=True)
        return (*used, silent), inactive


def _weighted(difference: Floats, weights: Floats) -> Floats:
    """Weighted mean over patients (k,), failed patients left out."""
    known = np.isfinite(difference)
    share = np.where(known, weights, 0.0)
    total = share.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = (share * np.where(known, difference, 0.0)).sum(axis=1) / total
    return mean
