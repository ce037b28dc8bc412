"""`exojoint translation`: why an effect in animals is not one in people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exojoint.cli.printing import Json, show


def translation(
    animal: Annotated[str, typer.Argument(help="rat, mouse or rabbit.")] = "rat",
    model: Annotated[str, typer.Argument(help="Induced model: aclt, dmm, mia, aclt_acute.")] = "aclt",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report (default: translation/ here).", show_default=False)
    ] = None,
    draws: Annotated[int, typer.Option(min=2, max=10_000, help="Knowledge draws behind the bands.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads (default: all cores); never changes a result.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Split the loss from animal to man: dose, depth, time, disease, publication; vesicles by depth in each species."""
    from exojoint.workflow.translation_report import translation as report

    done = report(animal, model, out=out, draws=draws, seed=seed, threads=threads)
    show(done.text(), done.data(), as_json)
