"""`exojoint sensitivity`: what a scenario's headlines depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exojoint.cli.printing import Json, show


def sensitivity(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets the study (default: sensitivity/ here).", show_default=False)
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="Headline runs in all.")] = 12_000,
    seed: Annotated[int | None, typer.Option(help="Replaces the scenario's seed.", show_default=False)] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads (default: all cores); never changes a result.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find what the headlines depend on: screening, then Sobol indices; tornado, heat map, tables and a page."""
    from exojoint.workflow.sensitivity import sensitivity as study

    done = study(scenario, out=out, budget=budget, seed=seed, threads=threads)
    show(done.text(), done.data(), as_json)
