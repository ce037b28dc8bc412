"""Names without zone numbers, so that one zone function serves the three depth zones of cartilage."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from exojoint.joint.shapes import Value

ZONES = (1, 2, 3)  # superficial, middle, deep


def view(values: Mapping[str, Value]) -> SimpleNamespace:
    """Return `values` with attribute access, so that equations read ``x.il6`` instead of ``x["il6"]``."""
    return SimpleNamespace(**values)


def zone_view(values: Mapping[str, Value], zone: int) -> SimpleNamespace:
    """Return `values` as one zone sees them: ``collagen_2`` is ``collagen`` in zone 2, shared names stay as they are.

    Parameters
    ----------
    values : mapping
        Values by name; the names of a zone end in ``_1``, ``_2`` or ``_3``.
    zone : int
        1 superficial, 2 middle, 3 deep.
    """
    suffix = f"_{zone}"
    others = tuple(f"_{other}" for other in ZONES if other != zone)
    return SimpleNamespace(
        **{name.removesuffix(suffix): value for name, value in values.items() if not name.endswith(others)}
    )


def by_zone(values: Mapping[int, Mapping[str, Value]]) -> dict[str, Value]:
    """Return one mapping from the zones' own: the inverse of `zone_view`."""
    return {f"{name}_{zone}": value for zone, own in values.items() for name, value in own.items()}
