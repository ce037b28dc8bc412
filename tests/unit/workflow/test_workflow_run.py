"""One question becomes one sealed folder: complete, the same on any number of threads, resumed, never half."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from exojoint import cli, workflow
from exojoint.runs.parquet import read_table, read_units
from exojoint.runs.store import is_complete
from exojoint.workflow import chunks, verbs

Cut = Callable[[Path], Path]
TABLES = (
    "draws", "trials", "visits", "patients", "performance", "curves", "trajectories", "vesicles", "dose_response",
    "population", "lots", "sensitivity", "experiments", "adverse_events", "counts",
)  # fmt: skip


def sealed(folder: Path) -> dict[str, bytes]:
    """Content of everything that the digest promises to be the same."""
    return {
        p.name: p.read_bytes()
        for p in folder.iterdir()
        if p.suffix in (".parquet", ".json") and p.name != "timings.json"
    }


def test_the_run_folder_is_complete(small_run: workflow.Done) -> None:
    folder = small_run.folder
    assert small_run.fresh
    assert is_complete(folder, folder.name)
    names = {path.name for path in folder.iterdir()}
    wanted = {"manifest.json", "verdict.json", "lineage.json", "timings.json", "report.html", "figures"}
    assert wanted | {f"{table}.parquet" for table in TABLES} <= names
    assert not list(folder.parent.glob(".partial-*"))


def test_the_verdict_is_filled_as_the_contract_says(small_run: workflow.Done) -> None:
    verdict = json.loads((small_run.folder / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["schema"] == 1
    assert verdict["run"] == small_run.folder.name
    assert verdict["verdict"] in ("go", "no-go", "learn")
    assert all(
        set(reason) == {"criterion", "threshold", "probability", "mc_error", "met"} for reason in verdict["reasons"]
    )
    first = verdict["effects"][0]
    assert first["id"] == "effects/exosome/womac_pain/182"
    assert first["true"]["lo"] <= first["true"]["mean"] <= first["true"]["hi"]
    assert first["lo"] < first["estimate"] < first["hi"]
    assert first["n_patients"] == 6 * 40
    operating = verdict["operating"]
    assert operating["type1"]["n"] == operating["power"]["n"] * 3 == 18
    shares = verdict["variance"]
    assert sum(shares["by_parameter"].values()) + shares["interactions"] == pytest.approx(1.0, abs=1e-6)
    assert sum(shares["by_grade"].values()) == pytest.approx(sum(shares["by_parameter"].values()))
    assert 0.0 < verdict["mirna"]["copies_per_cell"] < verdict["mirna"]["threshold"]
    assert verdict["accuracy"]["p99"] < 1e-3
    assert verdict["accuracy"]["n"] > 150
    certified = json.loads((small_run.folder / "manifest.json").read_text())["engine"]["accuracy"]
    assert certified["rtol"] == 1e-5
    assert certified["n"] + certified["failed"] == 200
    assert certified["p50"] <= certified["p99"] <= certified["max"] < 1e-2
    assert certified["p99"] == verdict["accuracy"]["p99"]


def test_the_true_effect_is_the_mean_over_draws(small_run: workflow.Done) -> None:
    draws = read_table(small_run.folder, "draws").filter(pl.col("effect") == "effects/exosome/womac_pain/182")
    assert draws.height == 6
    assert np.mean(draws["difference"].to_numpy()) == pytest.approx(small_run.verdict["effects"][0]["true"]["mean"])
    assert np.allclose(draws["arm_mean"] - draws["control_mean"], draws["difference"])


def test_tables_carry_units(small_run: workflow.Done) -> None:
    assert read_units(small_run.folder, "patients")["bmi"] == "kg/m2"
    assert read_units(small_run.folder, "lots")["d50"] == "nm"


def test_patients_have_the_same_pain_before_any_arm(small_run: workflow.Done) -> None:
    curves = read_table(small_run.folder, "curves").filter((pl.col("endpoint") == "womac_pain") & (pl.col("day") == 0))
    assert curves["mean"].n_unique() == 1


def test_vesicles_stay_within_the_dose(small_run: workflow.Done) -> None:
    vesicles = read_table(small_run.folder, "vesicles")
    assert vesicles["lo"].min() > -1e-6
    assert (
        vesicles["hi"].max() < 3 * 10 * 500.0
    )  # 1e9 particles: three doses of 5e11, recovered and counted within a factor of 10


def test_one_and_two_threads_give_the_same_bytes(small_run: workflow.Done, cut: Cut, tmp_path: Path) -> None:
    again = workflow.run(cut(tmp_path), out=tmp_path / "runs", threads=1)
    assert again.folder.name == small_run.folder.name
    assert sealed(again.folder) == sealed(small_run.folder)


def test_a_complete_run_is_reported_and_not_rewritten(small_run: workflow.Done, cut: Cut, tmp_path: Path) -> None:
    before = (small_run.folder / "timings.json").stat().st_mtime_ns
    again = workflow.run(cut(tmp_path), out=small_run.folder.parent, threads=2)
    assert not again.fresh
    assert "complete already" in again.text()
    assert (small_run.folder / "timings.json").stat().st_mtime_ns == before


def test_an_interrupted_run_resumes_to_the_same_bytes(
    small_run: workflow.Done,
    cut: Cut,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, calls = chunks.run_draw, []

    def interrupted(*arguments: object) -> object:
        calls.append(arguments[2])
        if len(calls) == chunks.DRAWS_PER_CHUNK + 1:
            raise KeyboardInterrupt
        return whole(*arguments)

    scenario = cut(tmp_path)
    monkeypatch.setattr(chunks, "run_draw", interrupted)
    with pytest.raises(SystemExit) as leaving:
        cli.main(["run", str(scenario), "--out", str(tmp_path / "runs")])
    assert leaving.value.code == cli.EXIT_INTERRUPTED
    assert "run the same command again" in capsys.readouterr().err
    assert not (tmp_path / "runs" / small_run.folder.name).exists()
    calls.clear()
    monkeypatch.setattr(chunks, "run_draw", lambda *arguments: (calls.append(arguments[2]), whole(*arguments))[1])
    done = workflow.run(scenario, out=tmp_path / "runs", threads=2)
    assert calls == [chunks.DRAWS_PER_CHUNK, chunks.DRAWS_PER_CHUNK + 1]
    assert sealed(done.folder) == sealed(small_run.folder)


def test_another_seed_is_another_run(small_run: workflow.Done, cut: Cut, tmp_path: Path) -> None:
    path = cut(tmp_path)
    plan = workflow.check(path)
    other = verbs.make_digest(plan, False)
    assert other == small_run.folder.name
    path.write_text(path.read_text(encoding="utf-8").replace("seed = 2", "seed = 3"), encoding="utf-8")
    assert verbs.make_digest(workflow.check(path), False) != other


def test_a_headline_is_walked_back_to_papers(small_run: workflow.Done, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["trace", str(small_run.folder), "effects/exosome/womac_pain/182", "--json"])
    assert leaving.value.code == 0
    walk = json.loads(capsys.readouterr().out)
    assert walk["headline"]["value"] == small_run.verdict["effects"][0]["true"]["mean"]
    assert (
        walk["parameters"][0]["name"]
        == max(small_run.verdict["variance"]["by_parameter"].items(), key=lambda item: item[1])[0]
    )
    assert walk["papers"]


def test_the_report_can_be_written_again(small_run: workflow.Done, tmp_path: Path) -> None:
    copy = tmp_path / small_run.folder.name
    shutil.copytree(small_run.folder, copy)
    (copy / "report.html").unlink()
    page = workflow.report(copy).read_text(encoding="utf-8")
    assert "umbilical_phase2" in page
    assert "<script src" not in page
    assert "http-equiv" not in page or "refresh" not in page


def test_an_overridden_row_reaches_the_knee(cut: Cut, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "name,value,unit,uncertainty,variability,grade,symbol,source,where,note\n"
        "k_imprint_off,0.5,1/d,fixed,none,assumed,kRoff,assumed,,\n",
        encoding="utf-8",
    )
    path = cut(tmp_path)
    path.write_text(
        path.read_text(encoding="utf-8").replace("seed =", 'parameters = "mine.csv"\nseed ='), encoding="utf-8"
    )
    plan = workflow.check(path)
    assert plan.knee.defaults()[plan.knee.parameter_names.index("k_imprint_off")] == 0.5
    assert "k_imprint_off" not in plan.space.names
    assert plan.table["k_imprint_off"].table == "mine.csv"


@pytest.mark.parametrize(
    "what", ["sources", "processes", "treatments", "populations", "designs", "endpoints", "criteria", "observables"]
)
def test_catalogues_list_names_with_titles(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["list", what, "--json"])
    assert leaving.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(row["name"] and row["title"] for row in rows)


def test_help_answers_in_half_a_second() -> None:
    """Counts imported modules instead of time: heavy libraries must not be loaded to show a help text."""
    heavy = "numpy scipy numba polars altair pint pydantic"
    code = (
        "import sys\nfrom exojoint import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({heavy!r}.split())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
