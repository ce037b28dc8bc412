"""`exojoint calibrate`: learn from the published experiments again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exojoint.cli.printing import Json, show


def calibrate(
    out: Annotated[
        Path | None, typer.Option(help="Folder of the result (default: calibration/ here).", show_default=False)
    ] = None,
    draws: Annotated[int, typer.Option(min=16, max=100_000, help="Posterior draws.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Everything random.")] = 20261123,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads (default: all cores); never changes a result.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted calibration.")] = False,
    as_json: Json = False,
) -> None:
    """Calibrate the knee to the published experiments: posterior draws, tables and a page."""
    from exojoint.workflow.calibration import calibrate as make

    done = make(out=out, draws=draws, seed=seed, threads=threads, resume=resume)
    show(done.text(), done.data(), as_json)
