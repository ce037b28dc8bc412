"""Every room with a verb has a command, and a command is one call of that verb."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from exojoint import cli

SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model id="decay">
<listOfCompartments><compartment id="c" size="2" constant="true" spatialDimensions="3"/></listOfCompartments>
<listOfSpecies><species id="s" compartment="c" initialAmount="4" hasOnlySubstanceUnits="true" boundaryCondition="false"
 constant="false"/></listOfSpecies><listOfParameters><parameter id="k" value="0.5" constant="true"/></listOfParameters>
<listOfReactions><reaction id="r" reversible="false"><listOfReactants><speciesReference species="s" stoichiometry="1"
 constant="true"/></listOfReactants><kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci>
<ci>s</ci></apply></math></kineticLaw></reaction></listOfReactions></model></sbml>"""


def answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that succeeds prints."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(arguments)
    said = capsys.readouterr()
    assert leaving.value.code == 0, said.err
    return said.out


def test_a_table_of_effects_is_pooled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.csv"
    path.write_text("study,yi,vi\na,0,1\nb,1,1\n", encoding="utf-8")
    arguments = ["evidence", "pool", str(path), "--columns", "effect=yi,variance=vi", "--method", "EE"]
    found = json.loads(answered([*arguments, "--interval", "normal", "--json"], capsys))
    assert found["estimate"] == pytest.approx(0.5)
    assert found["se"] == pytest.approx(0.5**0.5)
    assert found["Q"] == pytest.approx(0.5)


def test_every_living_question_is_answered_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(answered(["evidence", "questions", "--json"], capsys))
    assert {"animal_efficacy", "vesicles_pain", "saline_over_time"} <= {row["name"] for row in rows}
    assert "null" in answered(["evidence", "pool", "vesicles_pain"], capsys)


def test_the_registered_trials_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(answered(["evidence", "registry", "--json"], capsys))
    assert found["read"] >= len(found["trials"]) > 0


def test_a_mapping_without_an_equals_sign_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["evidence", "bias", str(tmp_path / "x.csv"), "--columns", "effect"])
    assert leaving.value.code == cli.EXIT_INPUT
    assert "role=header" in capsys.readouterr().err


def test_a_model_is_read_and_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("libsbml")
    path, out = tmp_path / "decay.xml", tmp_path / "decay.csv"
    path.write_text(SBML, encoding="utf-8")
    assert "decay" in answered(["model", "import", str(path)], capsys)
    answered(["model", "simulate", str(path), "--times", "0:1:4", "--out", str(out)], capsys)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [float(row["time"]) for row in rows] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert float(rows[-1]["s"]) == pytest.approx(4.0 * 2.718281828459045**-2.0, rel=1e-6)
