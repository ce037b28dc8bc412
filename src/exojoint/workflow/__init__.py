"""The verbs, and the only room that chains the stages. See README.md beside this file."""

from exojoint.workflow.verbs import Done, LotSummary, catalogue, check, documentation, lot, report, run, trace

__all__ = ["Done", "LotSummary", "catalogue", "check", "documentation", "lot", "report", "run", "trace"]
