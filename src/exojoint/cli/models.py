"""`exojoint model`: other people's models in, ours out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exojoint.cli.printing import Json, show, words

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Exchange models: SBML in and out, Antimony out.")

ModelPath = Annotated[Path, typer.Argument(help="SBML file.", show_default=False)]


@app.command(name="import")
def import_(file: ModelPath, as_json: Json = False) -> None:
    """Read an SBML model and say what is in it, or which element is not supported."""
    from exojoint.workflow import models

    found = models.model_import(file)
    show(found.text(), found.data(), as_json)


@app.command()
def simulate(
    file: ModelPath,
    times: Annotated[str, typer.Option(help="START:STEP:END.", show_default=False)],
    out: Annotated[Path, typer.Option(help="CSV file to write.", show_default=False)],
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance.", show_default=False)] = None,
    atol: Annotated[float | None, typer.Option(help="Absolute tolerance.", show_default=False)] = None,
    ids: Annotated[list[str] | None, typer.Option(help="Ids to write, as a,b,c; all unless given.")] = None,
    amounts: Annotated[list[str] | None, typer.Option(help="Species to write as amounts, as a,b,c.")] = None,
    concentrations: Annotated[list[str] | None, typer.Option(help="Species to write as concentrations.")] = None,
    species: Annotated[
        str, typer.Option(help="The other species: model (as each says), amounts or concentrations.")
    ] = "model",
    as_json: Json = False,
) -> None:
    """Follow an SBML model and write a table: a time column, then the model's ids."""
    from exojoint.workflow import models

    done = models.model_simulate(
        file,
        times,
        out=out,
        rtol=rtol,
        atol=atol,
        species=species,
        ids=words(ids) or None,
        amounts=words(amounts),
        concentrations=words(concentrations),
    )
    show(done.text(), done.data(), as_json)


@app.command()
def export(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).", show_default=False)],
    format_: Annotated[str, typer.Option("--format", help="sbml or antimony.")] = "sbml",
    arm: Annotated[str | None, typer.Option(help="One arm; all unless given.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; the current one unless given.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Write the knee and the doses of a scenario's arms as model files, one per arm."""
    from exojoint.workflow import models_out

    done = models_out.model_export(scenario, format=format_, arm=arm, out=out)
    show(done.text(), done.data(), as_json)
