"""Every wrong input gets one clear message, exit code 2, no traceback, and nothing is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exojoint import cli

GOOD = Path(__file__).resolve().parents[3] / "scenarios" / "umbilical_phase2.toml"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of the message of a command that must be refused."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(arguments)
    said = capsys.readouterr()
    assert leaving.value.code == cli.EXIT_INPUT, said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    return said.err.strip().splitlines()


def scenario(place: Path, old: str, new: str) -> Path:
    """The main scenario with one piece of text replaced."""
    text = GOOD.read_text(encoding="utf-8")
    assert old in text
    path = place / "mine.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


WRONG = {
    "unknown treatment": (
        'treatment = "exosome"', 'treatment = "exosom"',
        ["arm 'exosome'", "'exosom' is not a treatment", 'Did you mean "exosome"?'],
    ),
    "unknown key": (
        'species = "human"', 'speces = "human"',
        ["key 'speces'", "not known", 'Did you mean "species"?'],
    ),
    "unknown key in an arm": ("control = true", "contol = true", ["arms[1].contol", 'Did you mean "control"?']),
    "negative dose": (
        'dose = "5e11 particles"', 'dose = "-5e11 particles"',
        ["arm 'exosome', key 'dose'", "negative", "0 or more"],
    ),
    "missing unit": ('dose = "5e11 particles"', 'dose = "5e11"', ["arm 'exosome', key 'dose'", "unit"]),
    "unit of the wrong dimension": (
        'dose = "5e11 particles"', 'dose = "5 mg"',
        ["arm 'exosome', key 'dose'", "particle"],
    ),
    "volume of the wrong dimension": ('volume = "4 mL"', 'volume = "4 mg"', ["arms[0].volume", "mL"]),
    "a dose before day 0": ("days = [0, 28, 56]", "days = [-7, 28, 56]", ["days[0]", "before randomisation"]),
    "unknown population": (
        "kl2_3_symptomatic", "kl2_3_symptomatik",
        ["kl2_3_symptomatik", 'Did you mean "kl2_3_symptomatic"?'],
    ),
    "unknown design": ("parallel_2y", "paralel_2y", ["paralel_2y", 'Did you mean "parallel_2y"?']),
    "unknown criteria": ("phase2_default", "phase2_defalt", ["phase2_defalt", 'Did you mean "phase2_default"?']),
    "unknown source": ('source = "umbilical_cord"', 'source = "umbilical"', ["umbilical", "umbilical_cord"]),
    "unknown mechanism": (
        'mechanism = "membrane"', 'mechanism = "membran"',
        ["key 'mechanism'", 'Did you mean "membrane"?'],
    ),
    "text where a number belongs": ("n = 100", 'n = "100"', ["arms[0].n", "integer"]),
    "no control": ("control = true", "control = false", ["key 'arms'", "exactly one control"]),
    "dose for saline": (
        'treatment = "saline"', 'treatment = "saline"\ndose = "1 mg"',
        ["arm 'saline', key 'dose'", "no active amount"],
    ),
    "another schema": ("schema = 1", "schema = 2", ["key 'schema'", "schema = 1"]),
    "broken toml": ("[lot]", "[lot", ["mine.toml"]),
}  # fmt: skip


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_scenario_is_refused_in_words(
    name: str, command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, expected = WRONG[name]
    path = scenario(place, old, new)
    before = sorted(place.rglob("*"))
    lines = refused([command, str(path)], capsys)
    assert all(line.startswith("exojoint: ") for line in lines), lines
    for words in expected:
        assert words in "\n".join(lines), lines
    assert sorted(place.rglob("*")) == before


def test_one_arm_only_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.read_text(encoding="utf-8")
    first, second = text.split("[[arms]]")[1:]
    path = place / "mine.toml"
    path.write_text(text.replace("[[arms]]" + first, ""), encoding="utf-8")
    assert second
    lines = refused(["check", str(path)], capsys)
    assert "there is one arm only" in lines[0]


def test_all_errors_come_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scenario(place, 'treatment = "exosome"', 'treatment = "exosom"')
    text = path.read_text(encoding="utf-8").replace("parallel_2y", "paralel").replace("umbilical_cord", "umbilical")
    path.write_text(text, encoding="utf-8")
    assert len(refused(["check", str(path)], capsys)) == 3


def test_a_visit_before_day_0_is_refused(place: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = (root / "src/exojoint/trial/designs/parallel_2y.toml").read_text(encoding="utf-8")
    (place / "early.toml").write_text(design.replace("days = [0, 7,", "days = [-7, 7,"), encoding="utf-8")
    lines = refused(["check", str(scenario(place, '"parallel_2y"', '"early.toml"'))], capsys)
    assert "early.toml" in lines[0]
    assert "day" in lines[0]


def test_a_parameter_row_with_an_unknown_grade_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mine.csv").write_text(
        "name,value,unit,uncertainty,variability,grade,symbol,source,where,note\n"
        "k_imprint_off,0.03,1/d,lognormal(0.5),none,asumed,kRoff,assumed,,\n",
        encoding="utf-8",
    )
    path = scenario(place, "seed = ", 'parameters = "mine.csv"\nseed = ')
    lines = refused(["check", str(path)], capsys)
    assert "mine.csv row 2 `k_imprint_off`" in lines[0]
    assert 'Did you mean "assumed"?' in lines[0]


def test_a_parameter_of_no_table_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mine.csv").write_text(
        "name,value,unit,uncertainty,variability,grade,symbol,source,where,note\n"
        "k_imprint_of,0.03,1/d,lognormal(0.5),none,assumed,kRoff,assumed,,\n",
        encoding="utf-8",
    )
    lines = refused(["check", str(scenario(place, "seed = ", 'parameters = "mine.csv"\nseed = '))], capsys)
    assert 'Did you mean "k_imprint_off"?' in lines[0]


def test_criteria_for_an_endpoint_that_is_not_measured_are_refused(
    place: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    criteria = (root / "src/exojoint/decision/criteria/phase2_default.toml").read_text(encoding="utf-8")
    (place / "mine_criteria.toml").write_text(criteria.replace('day = "26 week"', 'day = "183 day"'), encoding="utf-8")
    lines = refused(["check", str(scenario(place, '"phase2_default"', '"mine_criteria.toml"'))], capsys)
    assert "womac_pain at day 183" in lines[0]


def test_an_output_below_a_file_is_refused_before_any_work(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "file").write_text("mine", encoding="utf-8")
    lines = refused(["run", str(GOOD), "--out", "file/runs"], capsys)
    assert "is a file" in lines[0]
    assert (place / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "empty": b"",
        "truncated": b"NTA Experiment Summary File\r\nCreated with NTA 3.4\r\n\r\n[Experiment Details]\r\n",
        "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        "utf16": "NTA Experiment Summary File\r\n".encode("utf-16"),
        "text": b"hello",
    }.items(),
)
def test_an_instrument_file_that_is_none_is_refused(
    name: str, content: bytes, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / f"{name}.csv").write_bytes(content)
    assert len(refused(["lot", f"{name}.csv"], capsys)) == 1
    path = scenario(place, "lots_per_trial = 3", f'lots_per_trial = 3\nnta = "{name}.csv"')
    assert f"{name}.csv" in refused(["check", str(path)], capsys)[0]


def test_three_gigabytes_of_zeros_are_refused_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (place / "zeros.csv").open("wb") as file:
        file.truncate(3_000_000_000)
    assert "zeros.csv" in refused(["lot", "zeros.csv"], capsys)[0]


def test_beads_are_refused_as_a_lot_unless_said(place: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(shared / "data/nta/nanosight_3.4_beads_100nm.csv", place / "beads.csv")
    path = scenario(place, "lots_per_trial = 3", 'lots_per_trial = 3\nnta = "beads.csv"')
    assert "beads" in refused(["check", str(path)], capsys)[0]
    path.write_text(
        path.read_text(encoding="utf-8").replace("[[arms]]", 'material = "beads"\n\n[[arms]]', 1), encoding="utf-8"
    )
    with pytest.raises(SystemExit) as leaving:
        cli.main(["check", str(path)])
    assert leaving.value.code == 0


@pytest.mark.parametrize(
    "arguments", [["runn"], ["run"], ["check", "no.toml"], ["trace", ".", "x"], ["list", "treatment"], ["report", "."]]
)
def test_wrong_words_are_wrong_input(arguments: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(arguments, capsys)
