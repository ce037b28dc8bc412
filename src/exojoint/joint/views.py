"""Values by name as the equations read them: ``x.il6`` for the knee, and zone numbers left out within one zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exojoint.core.errors import did_you_mean
from exojoint.joint.shapes import Value

ZONES = (1, 2, 3)  # superficial, middle, deep


@dataclass(frozen=True, slots=True)
class View:
    """Named values with attribute access.

    Parameters
    ----------
    values : mapping
        Values by name.
    suffix : str
        Zone suffix (``_2``) that the reader leaves out; a name without it is shared by all zones.
    """

    values: Mapping[str, Value]
    suffix: str = ""

    def __getattr__(self, name: str) -> Value:
        """Return the value of `name`, that of the zone first."""
        own = name + self.suffix
        if own in self.values:
            return self.values[own]
        if name in self.values:
            return self.values[name]
        raise AttributeError(f"no value `{own}`. {did_you_mean(own, self.values)}".strip())


def view(values: Mapping[str, Value]) -> View:
    """Return `values` with attribute access, so that equations read ``x.il6`` instead of ``x["il6"]``."""
    return View(values)


def zone_view(values: Mapping[str, Value], zone: int) -> View:
    """Return `values` as one zone sees them: ``collagen_2`` is ``collagen`` in zone 2, shared names stay as they are.

    Parameters
    ----------
    values : mapping
        Values by name; the names of a zone end in ``_1``, ``_2`` or ``_3``.
    zone : int
        1 superficial, 2 middle, 3 deep.
    """
    return View(values, f"_{zone}")


def by_zone(values: Mapping[int, Mapping[str, Value]]) -> dict[str, Value]:
    """Return one mapping from the zones' own: the inverse of `zone_view`."""
    return {f"{name}_{zone}": value for zone, own in values.items() for name, value in own.items()}
