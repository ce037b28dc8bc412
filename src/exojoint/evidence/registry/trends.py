"""How many vesicle trials started each year, by route, source, phase ...: the table behind the chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.registry.classify import UNKNOWN, Classified

FIRST_YEAR, LAST_YEAR = 2014, 2024  # the span of the published survey (wang2025b)
MOST_CLASSES = 6  # more cannot be told apart in a chart; the rarer ones stand together
OTHER = "other"

AXES: Mapping[str, Callable[[Classified], str]] = {
    "route": lambda item: item.route,
    "source": lambda item: item.source,
    "indication": lambda item: item.indication,
    "product": lambda item: item.product,
    "phase": lambda item: item.trial.phase or UNKNOWN,
    "status": lambda item: item.trial.status,
    "country": lambda item: item.trial.text.countries[0] if item.trial.text.countries else UNKNOWN,
    "registry": lambda item: item.trial.registry,
}


@dataclass(frozen=True, slots=True)
class Trends:
    """Trials by year and class.

    Parameters
    ----------
    by : str
        What the classes are: ``route``, ``source`` ...
    years : tuple of int
        Every year of the span.
    counts : mapping of class to counts
        One count per year; most frequent class first.
    total : int
        Trials in the span.
    outside, undated : int
        Trials before or after the span, and without a date.
    """

    by: str
    years: tuple[int, ...]
    counts: Mapping[str, tuple[int, ...]]
    total: int
    outside: int
    undated: int

    def table(self) -> str:
        """Return the counts as text, one row per class."""
        width = max([len(name) for name in self.counts] + [len("all")])
        lines = [f"{self.by:<{width}}  " + " ".join(f"{year:>5}" for year in self.years) + "    all"]
        for name, counts in self.counts.items():
            lines.append(f"{name:<{width}}  " + " ".join(f"{count:>5}" for count in counts) + f"  {sum(counts):>5}")
        sums = [sum(counts[index] for counts in self.counts.values()) for index in range(len(self.years))]
        lines.append(f"{'all':<{width}}  " + " ".join(f"{count:>5}" for count in sums) + f"  {self.total:>5}")
        left = [f"{self.outside} outside these years"] if self.outside else []
        left += [f"{self.undated} without a date"] if self.undated else []
        return "\n".join([*lines, *([f"({', '.join(left)})"] if left else [])])


def trends(items: Sequence[Classified], by: str = "route", years: tuple[int, int] = (FIRST_YEAR, LAST_YEAR)) -> Trends:
    """Count trials by year and class.

    Parameters
    ----------
    items : sequence of Classified
        Trials, each once.
    by : str
        ``route``, ``source``, ``indication``, ``product``, ``phase``, ``status``, ``country`` or ``registry``.
    years : (first, last)
        Span, both ends included.

    Raises
    ------
    InputError
        For an unknown class, or a span that ends before it starts.
    """
    if by not in AXES:
        raise InputError(Problem("by", f"'{by[:40]}' is unknown", f"one of {', '.join(AXES)}", did_you_mean(by, AXES)))
    first, last = years
    if not 1900 <= first <= last <= 2199:
        raise InputError(Problem("years", f"the span {first} to {last} is empty", "first year <= last year"))
    dated = [item for item in items if item.trial.year is not None]
    inside = [item for item in dated if item.trial.year is not None and first <= item.trial.year <= last]
    names = _names(Counter(AXES[by](item) for item in inside))
    span = tuple(range(first, last + 1))
    counted = Counter((names[AXES[by](item)], item.trial.year) for item in inside)
    order = list(dict.fromkeys(names.values()))
    counts = {name: tuple(counted[name, year] for year in span) for name in order}
    return Trends(by, span, counts, len(inside), len(dated) - len(inside), len(items) - len(dated))


def _names(totals: Counter[str]) -> dict[str, str]:
    """Name of each class in the table: its own for the most frequent, `other` for the rest."""
    ranked = sorted(totals, key=lambda name: (name == UNKNOWN, -totals[name], name))
    own = ranked if len(ranked) <= MOST_CLASSES else [*ranked[: MOST_CLASSES - 1], *(n for n in ranked if n == UNKNOWN)]
    return {name: name if name in own else OTHER for name in ranked}
