"""The verbs, and the only room that chains the stages. See README.md beside this file.

A verb is loaded when it is first asked for: a question to the evidence needs no knee, no engine and no page.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exojoint.workflow.verbs import Done, LotSummary, catalogue, check, documentation, lot, report, run, trace

__all__ = ["Done", "LotSummary", "catalogue", "check", "documentation", "lot", "report", "run", "trace"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever the verb is
    """Load a verb by name (PEP 562)."""
    if name in __all__:
        return getattr(import_module("exojoint.workflow.verbs"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
