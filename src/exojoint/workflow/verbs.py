"""What a user can do: check, run, report, trace, lot, catalogue. The doors call these and nothing else."""

from __future__ import annotations

import io
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.files import atomic_write
from exojoint.engine import Kernel, compile_system
from exojoint.product.instruments.nanosight import read_nanosight
from exojoint.product.summary import size_chart, summarise_nta, summary_text, text_plot
from exojoint.report.build import build_report
from exojoint.runs.digest import code_version, run_digest, table_hashes
from exojoint.runs.documents import read_json
from exojoint.runs.store import Work, check_output, open_run
from exojoint.runs.trace import Trace
from exojoint.runs.trace import trace as walk
from exojoint.workflow.accuracy import certify_run, headline, manifest_entry
from exojoint.workflow.answer import make_answer
from exojoint.workflow.chunks import DRAWS_PER_CHUNK, TABLES, Tables, chunk_tables, chunks_on_cluster, draws_of
from exojoint.workflow.documentation.build import Written, write_documentation
from exojoint.workflow.drivers import find_drivers
from exojoint.workflow.listings import CATALOGUES
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.plan import Plan
from exojoint.workflow.record import named_files, write_answer

if TYPE_CHECKING:  # altair is loaded only when a chart is wanted
    import altair as alt


@dataclass(frozen=True)
class Where:
    """Who computes a run: threads of this process and, for the draws, the workers of a cluster."""

    threads: int
    cluster: str | None = None


@dataclass(frozen=True)
class Done:
    """A finished run: where it is and what it says. `fresh` is False when the folder was already there."""

    folder: Path
    verdict: Mapping[str, Any]
    fresh: bool

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return {"folder": str(self.folder), "fresh": self.fresh, "verdict": dict(self.verdict)}

    def text(self) -> str:
        """For a person: the verdict, its reasons, the headline, where to look."""
        verdict = self.verdict
        lines = [f"{verdict['scenario']}: {str(verdict['verdict']).upper()}"]
        lines += [
            f"  {'met    ' if reason['met'] else 'not met'}  {reason['criterion']}: "
            f"{reason['probability']:.2f} (+- {reason['mc_error']:.2f})"
            for reason in verdict["reasons"]
        ]
        for effect in verdict["effects"][:1]:
            true = effect["true"]
            lines.append(
                f"  {effect['id']}: true difference {true['mean']:.2f} "
                f"({true['lo']:.2f} to {true['hi']:.2f}) {effect['unit']}"
            )
        for name in ("type1", "power", "assurance"):
            rate = verdict["operating"][name]
            if rate is not None:
                lines.append(f"  {name}: {rate['value']:.3f} (+- {rate['mc_error']:.3f}, n = {rate['n']})")
        lines += [f"  note: {text}" for text in verdict["warnings"]]
        known = "" if self.fresh else " (this run was complete already; nothing was computed)"
        return "\n".join([*lines, f"Run folder: {self.folder}{known}", f"Report: {self.folder / 'report.html'}"])


def check(scenario: Path) -> Plan:
    """Check a scenario and all it names.

    Raises
    ------
    InputError
        With every problem found.
    """
    return make_plan(Path(scenario))


def run(
    scenario: Path,
    *,
    out: Path | None = None,
    seed: int | None = None,
    threads: int | None = None,
    patients: int | None = None,
    trials: int | None = None,
    keep_all: bool = False,
    cluster: str | None = None,
) -> Done:
    """Run a scenario to its verdict.

    Parameters
    ----------
    scenario : file
    out : folder that gets the run folder; `runs` under the current directory unless given
    seed, patients, trials : replace the scenario's (patients per knowledge draw; trials in all)
    threads : all cores unless given; results do not depend on it
    keep_all : keep the visits of all trials
    cluster : address of a Dask scheduler, or `local` for two processes of this machine, that follows the draws;
        results do not depend on it

    Raises
    ------
    InputError
        With every problem of the scenario, before any work is done and anything is written.
    """
    root = Path("runs") if out is None else Path(out)
    check_output(root)
    plan = make_plan(Path(scenario), seed=seed, patients=patients, trials=trials)
    where = Where(threads or os.cpu_count() or 1, cluster)
    digest = make_digest(plan, keep_all)
    draws = plan.scenario.text.simulation.knowledge_draws
    with open_run(root, digest, layout=f"{draws} draws by {DRAWS_PER_CHUNK}") as work:
        if work.finished:
            return Done(work.folder, _verdict(work.folder), False)
        folder = _compute(plan, work, digest, where, keep_all)
    return Done(folder, _verdict(folder), True)


def _verdict(folder: Path) -> dict[str, Any]:
    return dict(read_json(folder, "verdict.json"))


def make_digest(plan: Plan, keep_all: bool) -> str:
    """Name of the run that answers a plan: question, tables, code, seed, and the files it names."""
    content = {**plan.scenario.canonical(), "keep_all": keep_all}
    tables = {**table_hashes(), **{f"scenario/{name}": total for name, total in named_files(plan).items()}}
    return run_digest(content, tables, code_version(), plan.scenario.text.seed)


def _compute(plan: Plan, work: Work, digest: str, where: Where, keep_all: bool) -> Path:
    started, threads = time.monotonic(), where.threads
    clock: dict[str, float] = {}
    with _progress() as tell:
        kernel = compile_system(plan.knee.system)
        clock["plan_and_compile"] = time.monotonic() - started
        _draws(plan, kernel, work, keep_all, where, tell)
        clock["draws"] = time.monotonic() - started
        gathered = {name: work.gather(name) for name in TABLES}
        drivers = find_drivers(plan, kernel, threads, partial(tell, "what drives the verdict"), gathered["draws"])
        certificate = certify_run(plan, kernel, threads)
        clock["sensitivity"] = time.monotonic() - started
        answer = make_answer(plan, digest, gathered, drivers, headline(certificate))
        folder = write_answer(plan, work, digest, answer, manifest_entry(certificate))
        tell("report", 0, 1)
        build_report(folder)
        clock["report"] = time.monotonic() - started
    work.write_timings({"seconds_since_start": clock, "host": platform.node(), **asdict(where)})
    return work.finish()


def _draws(plan: Plan, kernel: Kernel, work: Work, keep_all: bool, where: Where, tell: Tell) -> None:
    """Compute the chunks that are not there yet; each survives an interruption from the moment it is put."""
    draws = plan.scenario.text.simulation.knowledge_draws
    chunks = range(-(-draws // DRAWS_PER_CHUNK))
    missing = [chunk for chunk in chunks if not work.has_chunk(chunk)]
    done = draws - sum(len(draws_of(chunk, draws)) for chunk in missing)
    tell("knowledge draws", done, draws)
    found = (
        chunks_on_cluster(plan, kernel, missing, keep_all, where.cluster)
        if where.cluster is not None
        else _chunks_here(plan, kernel, missing, keep_all, where.threads, partial(tell, "knowledge draws"))
    )
    for chunk, tables in found:
        work.put_chunk(chunk, tables)
        done += len(draws_of(chunk, draws))
        tell("knowledge draws", done, draws)


def _chunks_here(
    plan: Plan, kernel: Kernel, chunks: Sequence[int], keep_all: bool, threads: int, tell: Callable[[int, int], None]
) -> Iterator[tuple[int, Tables]]:
    draws = plan.scenario.text.simulation.knowledge_draws

    def told(draw: int) -> None:
        tell(draw + 1, draws)

    for chunk in chunks:
        yield chunk, chunk_tables(plan, kernel, chunk, keep_all, threads, told)


Tell = Any  # callable (what, done, of); see _progress


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar with the time left on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    tasks: dict[str, Any] = {}

    def tell(what: str, done: int, of: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=of)
        bar.update(tasks[what], completed=done, total=of)

    with bar:
        yield tell


def documentation(folder: Path, *, run: Path | None = None) -> Written:
    """Write equations, parameters with their sources, and pictures of the knee as pages.

    Raises
    ------
    InputError
        When the folder is a file, or `run` is not a whole run folder.
    """
    return write_documentation(Path(folder), None if run is None else Path(run))


def report(run_folder: Path) -> Path:
    """Write the report of a run folder again.

    Raises
    ------
    InputError
        When it is not a whole run folder.
    """
    return build_report(Path(run_folder))


def trace(run_folder: Path, number: str) -> Trace:
    """Walk a headline number back to draws, parameters, facts and papers.

    Raises
    ------
    InputError
        When the run has no such number.
    """
    return walk(Path(run_folder), number)


@dataclass(frozen=True)
class LotSummary:
    """What an instrument file says of a lot."""

    said: str
    summary: Mapping[str, Any]

    def text(self) -> str:
        """For a person, with a size distribution drawn in characters."""
        return self.said

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return dict(self.summary)


def lot(file: Path, *, plot: Path | None = None) -> LotSummary:
    """Read an instrument file; `plot` writes its size distribution as SVG, PNG or HTML.

    Raises
    ------
    InputError
        When the file is not a readable export, or the plot's ending is unknown.
    """
    if plot is not None and plot.suffix.lower() not in CHART_WRITERS:
        raise InputError(
            Problem(
                str(plot),
                f"ending {plot.suffix!r} is not a picture",
                "one of .svg, .png, .html",
                "Choose another --plot.",
            )
        )
    experiment = read_nanosight(Path(file))
    said = "\n".join([summary_text(experiment), "", text_plot(experiment)])
    if plot is not None:
        _save_chart(size_chart(experiment), plot)
        said += f"\nPlot: {plot}"
    return LotSummary(said, summarise_nta(experiment))


CHART_WRITERS = (".svg", ".png", ".html")


def _save_chart(chart: alt.LayerChart | alt.FacetChart, path: Path) -> None:
    """Write a chart in one step; HTML carries its scripts inside."""
    kind = path.suffix.lower()
    if kind == ".png":
        binary = io.BytesIO()
        chart.save(binary, format="png", scale_factor=2)
        atomic_write(path, binary.getvalue())
        return
    text = io.StringIO()
    if kind == ".html":
        chart.save(text, format="html", inline=True)
    else:
        chart.save(text, format="svg")
    atomic_write(path, text.getvalue())


def catalogue(what: str) -> list[dict[str, str]]:
    """Names and titles of one catalogue.

    Raises
    ------
    InputError
        For an unknown catalogue.
    """
    if what not in CATALOGUES:
        todo = did_you_mean(what, CATALOGUES) or "Use one of them."
        raise InputError(Problem("list", f"there is no catalogue {what!r}", f"one of {', '.join(CATALOGUES)}", todo))
    return CATALOGUES[what]()
