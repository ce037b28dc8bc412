"""All that the report reads: the documents and tables of one run folder, checked, nothing else on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from exojoint.core.errors import InputError, Problem
from exojoint.report.credibility import Credibility, read_credibility
from exojoint.runs.lineage import LINEAGE, Lineage, read_lineage
from exojoint.runs.manifest import Manifest, read_manifest
from exojoint.runs.parquet import has_table, read_table, read_units
from exojoint.runs.store import is_complete
from exojoint.runs.verdict import Effect, VerdictFile, read_verdict

TABLES = (
    "draws", "trials", "performance", "curves", "trajectories", "vesicles", "dose_response", "population", "lots",
    "adverse_events", "main_effects", "alternatives", "turning", "experiments",
)  # fmt: skip
"""Tables that the report shows. Patients and visits are in the run for other readers."""

SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class RunData:
    """One run, read.

    Parameters
    ----------
    manifest, verdict, lineage
        Documents; `lineage` is None when the run has none.
    tables
        Frames by table name; a table that the run lacks is not there.
    lot_units
        Units of the columns of the table of lots.
    intact
        Whether all sealed files still have their checksums.
    credibility
        How far the model may be believed for this question; None in runs without it.
    """

    manifest: Manifest
    verdict: VerdictFile
    lineage: Lineage | None
    tables: Mapping[str, pl.DataFrame]
    lot_units: Mapping[str, str]
    intact: bool
    credibility: Credibility | None = None

    def table(self, name: str) -> pl.DataFrame | None:
        """A table that has rows, or None."""
        frame = self.tables.get(name)
        return frame if frame is not None and not frame.is_empty() else None

    @property
    def primary(self) -> Effect | None:
        """The effect that the verdict is about: its first."""
        return self.verdict.effects[0] if self.verdict.effects else None

    @property
    def heads(self) -> tuple[Effect, ...]:
        """The first effect of each arm and endpoint: what the page speaks of; its table has all visits."""
        first: dict[tuple[str, str], Effect] = {}
        for effect in self.verdict.effects:
            first.setdefault((effect.arm, effect.endpoint), effect)
        return tuple(first.values())

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms of the run: treated ones first, then controls."""
        treated = [effect.arm for effect in self.verdict.effects]
        controls = [effect.control for effect in self.verdict.effects]
        curves = self.table("curves")
        drawn = [] if curves is None else curves["arm"].unique(maintain_order=True).to_list()
        return tuple(dict.fromkeys([*treated, *(arm for arm in drawn if arm not in controls), *controls]))

    @property
    def synthetic(self) -> bool:
        """Whether any input is synthetic: a lot that says so, or a warning that does."""
        lots = self.table("lots")
        marked = lots is not None and SYNTHETIC in lots.columns and bool(lots[SYNTHETIC].any())
        return marked or any(SYNTHETIC in warning.lower() for warning in self.verdict.warnings)


def load_run(folder: Path) -> RunData:
    """Read a run folder.

    Raises
    ------
    InputError
        When the folder is missing, a link, or its documents or tables cannot be read.
    """
    if folder.is_symlink() or not folder.is_dir():
        todo = "Give the folder that `exojoint run` named."
        raise InputError(Problem(str(folder), "this is not a run folder", "a folder with manifest.json", todo))
    manifest = read_manifest(folder)
    tables = {name: read_table(folder, name) for name in TABLES if has_table(folder, name)}
    return RunData(
        manifest,
        read_verdict(folder),
        read_lineage(folder) if (folder / LINEAGE).exists() else None,
        tables,
        read_units(folder, "lots") if "lots" in tables else {},
        is_complete(folder, manifest.digest),
        read_credibility(folder),
    )
