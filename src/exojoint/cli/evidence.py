"""`exojoint evidence`: what is published, pooled honestly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exojoint.cli.printing import Json, mapping, show, words

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Pool, compare and question the published evidence."
)

Measure = Annotated[str | None, typer.Option(help="MD, SMD, RR, OR ...; GEN: effects as they are.", show_default=False)]
Columns = Annotated[list[str] | None, typer.Option(help="role=header pairs, separated by commas.", show_default=False)]
Plot = Annotated[Path | None, typer.Option(help="File for the main figure (SVG, PNG).", show_default=False)]
Figures = Annotated[Path | None, typer.Option(help="Folder for all figures.", show_default=False)]
Table = Annotated[Path, typer.Argument(help="Table of studies (CSV, XLSX).", show_default=False)]


@app.command()
def pool(
    source: Annotated[str, typer.Argument(help="A question (see `questions`), a question file, or a table.")],
    measure: Measure = None,
    columns: Columns = None,
    method: Annotated[str, typer.Option(help="EE, DL, HE, HS, SJ, ML, REML, EB, PM; MH, PETO, GLMM; BAYES.")] = "REML",
    interval: Annotated[str, typer.Option(help="normal, t or knapp-hartung.")] = "knapp-hartung",
    moderators: Annotated[
        list[str] | None, typer.Option(help="Columns of a meta-regression.", show_default=False)
    ] = None,
    cluster: Annotated[str | None, typer.Option(help="Column of dependent effects.", show_default=False)] = None,
    level: Annotated[float, typer.Option(min=0.01, max=0.9999, help="Of the intervals.")] = 0.95,
    records: Annotated[
        list[Path] | None, typer.Option(help="Sheets to add to the records.", show_default=False)
    ] = None,
    plot: Plot = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Answer a living question, or pool the effects of a table."""
    from exojoint.workflow import evidence

    found = evidence.pool(
        source,
        measure=measure,
        columns=mapping(columns, "--columns"),
        method=method,
        interval=interval,
        moderators=words(moderators),
        cluster=cluster,
        level=level,
        records=records or (),
        plot=plot,
        figures=figures,
    )
    show(found.text(), found.data(), as_json)


@app.command()
def network(
    source: Table,
    measure: Measure = None,
    columns: Columns = None,
    reference: Annotated[str | None, typer.Option(help="Treatment to compare with.", show_default=False)] = None,
    method: Annotated[str, typer.Option(help="REML, ML, DL or EE.")] = "REML",
    small_is_good: Annotated[bool, typer.Option("--small-is-good", help="Lower values are better.")] = False,
    plot: Plot = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Compare several treatments at once, with inconsistency and ranking."""
    from exojoint.workflow import evidence

    found = evidence.network(
        source,
        measure=measure,
        columns=mapping(columns, "--columns"),
        reference=reference,
        method=method,
        small_is_good=small_is_good,
        plot=plot,
        figures=figures,
    )
    show(found.text(), found.data(), as_json)


@app.command()
def bias(
    source: Table,
    measure: Measure = None,
    columns: Columns = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the averaging over models of bias.")] = False,
    plot: Plot = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Ask every method about bias in a table of effects."""
    from exojoint.workflow import evidence

    given = mapping(columns, "--columns")
    found = evidence.bias(source, measure=measure, columns=given, averaged=not quick, plot=plot, figures=figures)
    show(found.text(), found.data(), as_json)


@app.command()
def registry(
    files: Annotated[list[Path] | None, typer.Argument(help="JSON or XML; none: the package's records.")] = None,
    by: Annotated[
        str, typer.Option(help="route, source, indication, product, phase, status, country, registry.")
    ] = "route",
    plot: Plot = None,
    figures: Figures = None,
    as_json: Json = False,
) -> None:
    """Classify the vesicle trials of registry files, read their doses, count them by year."""
    from exojoint.workflow import evidence

    found = evidence.registry(files or (), by=by, plot=plot, figures=figures)
    show(found.text(), found.data(), as_json)


@app.command()
def answers(
    out: Annotated[Path | None, typer.Option(help="Folder for a page with all figures.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Answer every living question, on one page with --out."""
    from exojoint.workflow import evidence_page

    found = evidence_page.answers(out)
    show(found.text(), found.data(), as_json)


@app.command()
def targets(as_json: Json = False) -> None:
    """Say where each calibration target of the joint comes from."""
    from exojoint.workflow import evidence_page

    found = evidence_page.targets_with_origins()
    show(found.text(), found.data(), as_json)


@app.command()
def doses(
    sheet: Annotated[Path | None, typer.Argument(help="Extraction sheet; none: the package's studies.")] = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Bring the doses of vesicle studies to particles, with the range that unit and wording leave."""
    from exojoint.workflow import evidence_records

    found = evidence_records.doses(sheet, plot=plot)
    show(found.text(), found.data(), as_json)


@app.command()
def risk(sheet: Table, plot: Plot = None, figures: Figures = None, as_json: Json = False) -> None:
    """Count and draw the risk of bias of a sheet's studies (SYRCLE, RoB 2)."""
    from exojoint.workflow import evidence_records

    found = evidence_records.risk(sheet, plot=plot, figures=figures)
    show(found.text(), found.data(), as_json)


@app.command()
def questions(as_json: Json = False) -> None:
    """List the living questions that `pool` answers."""
    from exojoint.workflow import evidence_records

    rows = evidence_records.questions()
    width = max((len(row["name"]) for row in rows), default=0)
    show("\n".join(f"{row['name']:<{width}}  {row['title']}" for row in rows), rows, as_json)


@app.command()
def status(
    sheet: Annotated[Path | None, typer.Argument(help="Extraction sheet; none: the package's records.")] = None,
    as_json: Json = False,
) -> None:
    """Say how far each study has been extracted."""
    from exojoint.workflow import evidence_records

    found = evidence_records.status(sheet)
    show(found.text(), found.data(), as_json)


@app.command(name="import")
def import_(
    sheet: Annotated[Path, typer.Argument(help="CSV, XLSX or RIS.")], columns: Columns = None, as_json: Json = False
) -> None:
    """Check an extraction sheet or a search export: every fault at once, and what stands twice."""
    from exojoint.workflow import evidence_records

    found = evidence_records.import_sheet(sheet, mapping(columns, "--columns"))
    show(found.text(), found.data(), as_json)


@app.command()
def template(path: Annotated[Path, typer.Argument(help="File to write.")], as_json: Json = False) -> None:
    """Write an empty extraction sheet, and beside it what its columns mean."""
    from exojoint.workflow import evidence_records

    written = evidence_records.template(path)
    show(f"Template: {written}", {"template": str(written)}, as_json)


@app.command()
def prisma(
    source: Annotated[Path | None, typer.Argument(help="Screening table or counts; none: the records.")] = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Count and draw the flow of a review (PRISMA 2020)."""
    from exojoint.workflow import evidence_records

    found = evidence_records.prisma(source, plot=plot)
    show(found.text(), found.data(), as_json)
