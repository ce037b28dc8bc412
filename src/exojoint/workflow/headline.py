"""Headlines as functions of what we do not know: a few numbers per row of knowledge, with shared luck.

The same patients and the same lot luck stand behind every row, so that a difference between two rows is due to
knowledge alone. Whether a lot is active is averaged out (share of inactive lots among the released ones), so the
numbers are smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Kernel
from exojoint.product.catalogue import product_parameters
from exojoint.product.lot import AXES, Lot
from exojoint.workflow.draw import knowledge_of, make_lots, root
from exojoint.workflow.plan import ArmPlan, Plan
from exojoint.workflow.pool import Course, Knowledge, Pool, rest_pool, solve_course
from exojoint.workflow.variants import PLANNED, Variant, single

Floats = NDArray[np.float64]

Made = tuple[tuple[Lot, ...], float]
"""Two active lots and an inactive one, and the share of inactive ones among the released."""

ACTIVE_LOTS = 2
CAMPAIGN = 40  # released lots from which the share of inactive ones is taken
ROWS_AT_ONCE = 128  # rows of knowledge solved together; bounds memory
SIGNALS: Mapping[str, str] = {
    "signal_macrophage": "vesicle signal in macrophages",
    "signal_anticatabolic_1": "vesicle signal in surface cartilage",
}
SIGNAL_DAYS = (1.0, 3.0, 7.0, 14.0, 21.0, 28.0)  # the four weeks after the first injection
SIGNAL_WEIGHTS = np.array([1.5, 3.0, 5.5, 7.0, 7.0, 4.0]) / 28.0  # days that each of them stands for (trapezoids)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One headline: a true difference of a variant from control, or a signal of its vesicles.

    Attributes
    ----------
    name, title : for tables, and in words
    endpoint, observable, unit : of the design (endpoint is "" for a signal)
    day : of the difference; the last day of the average for a signal
    variant : what is given
    """

    name: str
    title: str
    endpoint: str
    observable: str
    unit: str
    day: float
    variant: Variant = PLANNED

    @property
    def is_signal(self) -> bool:
        """Whether it is an average signal under treatment, not a difference from control."""
        return not self.endpoint


def headlines(plan: Plan) -> tuple[Wanted, ...]:
    """Numbers of a scenario that people look at first, the primary effect at the head.

    True difference of the first treated arm from control in each endpoint on its headline day (endpoints that follow
    another one's observable are left out), the primary one for a single administration, and the average signal of
    vesicles in the four weeks after the first injection.
    """
    arm = plan.active[0]
    found: dict[tuple[str, float], Wanted] = {}
    for item in (plan.design.primary, *plan.design.endpoints):
        observable = item.endpoint.observable
        unit = plan.knee.observables[observable].unit
        name = f"{item.name}/{item.headline:g}"
        wanted = Wanted(name, name, item.name, observable, unit, item.headline)
        found.setdefault((observable, item.headline), wanted)
    once, primary = single(plan), next(iter(found.values()))
    more = [replace(primary, name=f"{primary.name}/once", variant=once)] if once else []
    readable = plan.knee.system.readable if arm.gives_vesicles else ()
    last = arm.arm.days[0] + SIGNAL_DAYS[-1]
    signals = [
        Wanted(f"{name}/{last:g}", title, "", name, "1", last) for name, title in SIGNALS.items() if name in readable
    ]
    return (*found.values(), *more, *signals)


@dataclass(frozen=True)
class Headlines:
    """Several headlines at once: the patients are brought to rest once and solved under each variant and control."""

    plan: Plan
    kernel: Kernel
    wanted: tuple[Wanted, ...]
    threads: int
    tick: Callable[[int], None]
    campaigns: dict[tuple[bytes | float, ...], Made] = field(default_factory=dict)

    def __call__(self, z: Floats, draws: Sequence[int] | None = None) -> Floats:
        """Values (k, n_headlines) for rows z (k, n_axes); NaN where no patient of a row could be solved.

        With `draws` (k,) each row has the first patients and the lots of that knowledge draw of the run, not the luck
        that all rows share.
        """
        shared = root(self.plan).child("headline")
        luck = [shared if draws is None else root(self.plan).child("draw", draw) for draw in draws or range(len(z))]
        parts = [
            self._block(z[start : start + ROWS_AT_ONCE], luck[start : start + ROWS_AT_ONCE], shared)
            for start in range(0, len(z), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.wanted)))

    def primary(self, z: Floats) -> Floats:
        """The first headline alone, (k,)."""
        return self(z)[:, 0]

    def _block(self, z: Floats, lucks: Sequence[Stream], luck: Stream) -> Floats:
        plan = self.plan
        knowledge = knowledge_of(plan, z)
        n = plan.scenario.text.simulation.patients_per_driver
        pool = rest_pool(plan, self.kernel, knowledge, [own.child("patients") for own in lucks], n, self.threads)
        weights = pool.weights.reshape(len(z), -1)
        made = [self._campaign(values, own) for values, own in zip(pool.knowledge, lucks, strict=True)]
        untreated = self._means(pool, plan.control, None, [w for w in self.wanted if not w.is_signal], luck, made)
        found = np.full((len(z), len(self.wanted)), np.nan)
        for variant in dict.fromkeys(item.variant for item in self.wanted):
            mine = [item for item in self.wanted if item.variant == variant]
            treated = self._means(pool, variant.arm(plan), variant, mine, luck, made)
            for item in mine:
                base = 0.0 if item.is_signal else untreated[item.observable, item.day]
                found[:, self.wanted.index(item)] = _weighted(treated[item.observable, item.day] - base, weights)
        self.tick(len(z))
        return found

    def _means(
        self,
        pool: Pool,
        arm: ArmPlan,
        variant: Variant | None,
        items: Sequence[Wanted],
        luck: Stream,
        made: Sequence[Made],
    ) -> dict[tuple[str, float], Floats]:
        """(k, n) outcome of each patient by observable and day, averaged over lots by how often one is released."""
        if not items:
            return {}
        lots, weights = _lots(pool, arm, variant or PLANNED, made)
        days = np.unique([day for item in items for day in _days(item, arm)])
        names = list(dict.fromkeys(item.observable for item in items))
        course = Course.full(arm, lots, pool.n)
        solved = solve_course(self.plan, self.kernel, pool, course, luck, days, names, threads=self.threads).values
        values = solved.reshape(len(pool.knowledge), -1, course.n_lots, *solved.shape[1:])
        each = np.einsum("knldo,kl->kndo", values, weights)
        found = {}
        for item in items:
            at = np.searchsorted(days, _days(item, arm))
            share = SIGNAL_WEIGHTS if item.is_signal else np.ones(1)
            found[item.observable, item.day] = each[..., at, names.index(item.observable)] @ share
        return found

    def _campaign(self, values: Knowledge, luck: Stream) -> Made:
        """Lots of one row of knowledge, made once for rows that agree in all that a lot depends on."""
        if self.plan.scenario.text.lot is None:
            return (), 0.0
        key: tuple[bytes | float, ...] = (luck.key, *(values[name] for name in product_parameters() if name in values))
        if key not in self.campaigns:
            self.campaigns[key] = self._made(values, luck)
        return self.campaigns[key]

    def _made(self, values: Knowledge, luck: Stream) -> Made:
        released, failed = make_lots(self.plan, values, luck.child("lots"), CAMPAIGN)
        made = released or failed  # where no lot passes release, the number speaks of lots that failed
        active = [lot for lot in made if not lot.inactive]
        inactive = 1.0 - len(active) / len(made)
        if not active:
            active = list(made)
        used = [active[index % len(active)] for index in range(ACTIVE_LOTS)]
        silent = replace(used[0], potency=dict.fromkeys(AXES, 0.0), inactive=True)
        return (*used, silent), inactive


def _lots(
    pool: Pool, arm: ArmPlan, variant: Variant, made: Sequence[Made]
) -> tuple[tuple[tuple[Lot, ...], ...], Floats]:
    """Active lots and one inactive lot per row, and what each weighs (k, lots)."""
    if not arm.gives_vesicles:
        return (), np.ones((len(pool.knowledge), 1))
    chosen, weights = [], []
    for values, (lots, inactive) in zip(pool.knowledge, made, strict=True):
        share = 0.0 if variant.all_active else inactive
        chosen.append(tuple(variant.lot(lot, values) for lot in lots))
        weights.append([*[(1.0 - share) / ACTIVE_LOTS] * ACTIVE_LOTS, share])
    return tuple(chosen), np.array(weights)


def _days(item: Wanted, arm: ArmPlan) -> list[float]:
    return [arm.arm.days[0] + day for day in SIGNAL_DAYS] if item.is_signal else [item.day]


def _weighted(difference: Floats, weights: Floats) -> Floats:
    """Weighted mean over patients (k,), failed patients left out."""
    known = np.isfinite(difference)
    share = np.where(known, weights, 0.0)
    total = share.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = (share * np.where(known, difference, 0.0)).sum(axis=1) / total
    return mean
