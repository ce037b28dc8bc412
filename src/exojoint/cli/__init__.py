"""The command line: a thin door to the verbs of `exojoint.workflow`.

Exit codes: 0 done, 2 wrong input, 1 our fault, 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from exojoint.cli import evidence, models
from exojoint.cli.calibration import calibrate
from exojoint.cli.printing import Json, show
from exojoint.cli.sensitivity import sensitivity
from exojoint.cli.translation import translation
from exojoint.core.errors import ExojointError, InputError

EXIT_OK, EXIT_FAULT, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="exojoint",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Develop an exosome injection for knee osteoarthritis in silico: from a lot of vesicles to the verdict of a "
    "trial.\n\nExit codes: 0 done, 2 wrong input (one message per error, nothing written), 1 internal fault, "
    "130 interrupted (run again to resume).",
)

app.add_typer(evidence.app, name="evidence")
app.add_typer(models.app, name="model")
app.command()(sensitivity)
app.command()(calibrate)
app.command()(translation)

ScenarioPath = Annotated[Path, typer.Argument(help="Scenario file (TOML).", show_default=False)]
RunPath = Annotated[Path, typer.Argument(help="Run folder.", show_default=False)]


@app.command()
def run(
    scenario: ScenarioPath,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets the run folder (default: runs/ here).", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replaces the scenario's seed.", show_default=False)] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Threads (default: all cores); never changes a result.", show_default=False),
    ] = None,
    patients: Annotated[
        int | None, typer.Option(help="Virtual patients per knowledge draw.", show_default=False)
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Simulated trials in all (rounded up to full draws).", show_default=False)
    ] = None,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Keep the visits of all trials, not of the first 50.")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local",
            help="Dask scheduler that follows the draws; `local` starts two processes here. Never changes a result.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a scenario: one question in, one verdict and its report out."""
    from exojoint import workflow

    done = workflow.run(
        scenario, out=out, seed=seed, threads=threads, patients=patients, trials=trials, keep_all=keep_all,
        cluster=cluster,
    )  # fmt: skip
    show(done.text(), done.data(), as_json)


@app.command()
def check(scenario: ScenarioPath, as_json: Json = False) -> None:
    """Check a scenario and all it names; every error at once, nothing run, nothing written."""
    from exojoint import workflow

    plan = workflow.check(scenario)
    show(plan.synopsis(), plan.data(), as_json)


@app.command()
def report(run_folder: RunPath, as_json: Json = False) -> None:
    """Write the report of a run folder again."""
    from exojoint import workflow

    path = workflow.report(run_folder)
    show(f"Report: {path}", {"report": str(path)}, as_json)


@app.command()
def trace(
    run_folder: RunPath,
    number: Annotated[str, typer.Argument(help="Id of a headline number, as in verdict.json.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Walk a headline number back to draws, parameters, facts and papers."""
    from exojoint import workflow

    found = workflow.trace(run_folder, number)
    show(found.text(), found.data(), as_json)


@app.command()
def lot(
    file: Annotated[
        Path, typer.Argument(help="Instrument export (NanoSight ExperimentSummary CSV).", show_default=False)
    ],
    plot: Annotated[
        Path | None, typer.Option(help="Write the size distribution as SVG, PNG or HTML.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Read an instrument file of a lot; print its summary and size distribution."""
    from exojoint import workflow

    summary = workflow.lot(file, plot=plot)
    show(summary.text(), summary.data(), as_json)


@app.command(name="list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="sources, processes, treatments, populations, designs, endpoints, criteria or observables."
        ),
    ],
    as_json: Json = False,
) -> None:
    """List what a scenario can name."""
    from exojoint import workflow

    rows = workflow.catalogue(what)
    width = max((len(row["name"]) for row in rows), default=0)
    show("\n".join(f"{row['name']:<{width}}  {row['title']}" for row in rows), rows, as_json)


@app.command()
def docs(
    out: Annotated[Path, typer.Argument(help="Folder that gets the pages.", show_default=False)],
    run_folder: Annotated[
        Path | None,
        typer.Option("--run", help="Run folder: say which headline each number drives.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the equations, every parameter with its sources, and pictures of the knee, as pages."""
    from exojoint import workflow

    written = workflow.documentation(out, run=run_folder)
    show(written.text(), written.data(), as_json)


def _fault(error: BaseException) -> int:
    sys.stderr.write(
        f"exojoint: internal fault: {type(error).__name__}: {error}\n"
        "Please report it with the command and the scenario.\n"
    )
    return EXIT_FAULT


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns errors into one message and an exit code."""
    code: Any = EXIT_OK
    try:
        code = app(args=arguments, standalone_mode=False) or EXIT_OK
    except InputError as error:
        sys.stderr.write("\n".join(f"exojoint: {problem}" for problem in error.problems) + "\n")
        code = EXIT_INPUT
    except ExojointError as error:
        sys.stderr.write(f"exojoint: {error}\n")
        code = EXIT_FAULT
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except typer.Exit as leaving:
        code = leaving.exit_code
    except Exception as error:  # the last door: no traceback for a user
        code = _usage(error)
    if code == EXIT_INTERRUPTED:
        sys.stderr.write("exojoint: interrupted; finished chunks are kept, run the same command again to resume.\n")
    sys.exit(code)


def _usage(error: Exception) -> int:
    """Wrong words on the command line are wrong input; anything else is our fault."""
    show = getattr(error, "show", None)
    if callable(show):
        show()
        return EXIT_INPUT
    return _fault(error)


if __name__ == "__main__":
    main()
