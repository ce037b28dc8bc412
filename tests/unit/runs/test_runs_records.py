"""Manifest, verdict and lineage: written, read back, checked; a number is walked back to its papers."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest

from exojoint.core.errors import InputError
from exojoint.core.references import Reference
from exojoint.runs.chain import citations, make_lineage
from exojoint.runs.lineage import check_lineage, read_lineage, write_lineage
from exojoint.runs.manifest import cpu_family, package_versions, read_manifest, write_manifest
from exojoint.runs.migrations import migrate
from exojoint.runs.trace import trace
from exojoint.runs.verdict import Interval, Rate, Reason, read_verdict, write_verdict

CONTRACT = {
    "schema",
    "run",
    "scenario",
    "verdict",
    "reasons",
    "effects",
    "operating",
    "variance",
    "mirna",
    "lots",
    "accuracy",
    "warnings",
}
EFFECT = {
    "id",
    "arm",
    "control",
    "endpoint",
    "day",
    "unit",
    "estimand",
    "true",
    "estimate",
    "lo",
    "hi",
    "level",
    "mc_error",
    "n_patients",
    "n_failed",
}


@pytest.fixture
def lineage(verdict):
    def row(name, grade, source):
        return SimpleNamespace(
            name=name, value=1.0, unit="relative", grade=grade, table="parameters.csv", row=2, note="", source=source
        )

    parameters = {
        "other": row("other", "derived", ("ghost",)),
        "uptake": row("uptake", "in_vitro", ("EV001", "smith2020")),
        "potency": row("potency", "assumed", ("assumed",)),
    }
    fact = {
        "quantity": "uptake",
        "value": "3",
        "unit": "1/day",
        "citation": "Synthetic A, J Test",
        "year": "2020",
        "doi_or_pmid": "10.0/x",
        "url": "https://example.org/x",
        "verified": "seen",
    }
    references = {
        "smith2020": Reference(
            "smith2020", "article", {"author": "Smith, A", "title": "T", "year": "2020", "doi": "10.0/y"}
        )
    }
    shares = {verdict.effects[0].id: {"potency": 0.7, "uptake": 0.2}}
    return make_lineage(verdict, 64, parameters, shares, {"EV001": fact}, references)


def test_verdict_json_has_exactly_the_keys_of_the_contract(tmp_path, verdict):
    write_verdict(tmp_path, verdict)
    data = json.loads((tmp_path / "verdict.json").read_text())
    assert set(data) == CONTRACT
    assert set(data["effects"][0]) == EFFECT
    assert data["schema"] == 1
    assert data["effects"][0]["day"] == 182
    assert data["mirna"] == {"copies_per_cell": 3.0, "threshold": 1000.0}
    assert read_verdict(tmp_path) == verdict


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "maybe"}, "key 'verdict'"),
        ({"surprise": 1}, "key 'surprise'"),
        ({"run": 5}, "key 'run'"),
        ({"reasons": [{"criterion": "x"}]}, r"key 'reasons\[0\].threshold'"),
        ({"schema": 2}, "newer than this program"),
        ({"schema": "1"}, "not a schema number"),
        ({"schema": 0}, "not a schema number"),
    ],
)
def test_a_wrong_verdict_names_the_key(tmp_path, verdict, change, message):
    write_verdict(tmp_path, verdict)
    data = json.loads((tmp_path / "verdict.json").read_text()) | change
    (tmp_path / "verdict.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        read_verdict(tmp_path)


def test_a_verdict_that_contradicts_itself_is_refused_with_all_contradictions(tmp_path, verdict):
    effect = verdict.effects[0]
    wrong = dataclasses.replace(
        verdict,
        reasons=(Reason("x", 0.8, 1.2, 0.0, True),),
        operating=dataclasses.replace(verdict.operating, power=Rate(-0.1, 0, 1)),
        effects=(
            dataclasses.replace(effect, id="effects/else", true=Interval(0, 1, -1), level=80.0),
            dataclasses.replace(effect, n_failed=300),
            effect,
        ),
    )
    with pytest.raises(InputError) as caught:
        write_verdict(tmp_path, wrong)
    text = str(caught.value)
    for part in (
        "reasons[0].probability",
        "operating.power.value",
        "effects[0].id",
        "lower limit",
        "effects[0].level",
        "more failed",
        "effects[2].id",
    ):
        assert part in text
    assert not (tmp_path / "verdict.json").exists()


def test_a_verdict_with_a_number_that_is_not_finite_is_not_written(tmp_path, verdict):
    wrong = dataclasses.replace(verdict, mirna=dataclasses.replace(verdict.mirna, copies_per_cell=float("nan")))
    with pytest.raises(ValueError, match="JSON"):
        write_verdict(tmp_path, wrong)


def test_the_manifest_comes_back_and_knows_no_folder_of_the_machine(tmp_path, manifest):
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert manifest.question.files[0].name == "b.csv"


def test_an_older_schema_is_migrated_step_by_step():
    steps = {"x.json": {1: lambda data: data | {"b": data["a"] + 1}, 2: lambda data: data | {"c": data["b"] + 1}}}
    assert migrate("x.json", {"schema": 1, "a": 1}, 3, "x", steps) == {"schema": 3, "a": 1, "b": 2, "c": 3}
    with pytest.raises(InputError, match="no longer be read"):
        migrate("x.json", {"schema": 1}, 2, "x", {})
    with pytest.raises(InputError, match="not a schema number"):
        migrate("x.json", {}, 2, "x", {})


def test_the_processor_family_is_named_from_its_flags(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("vendor_id\t: GenuineTest\nflags\t\t: sse2 avx2 avx512f\n")
    assert cpu_family(info).endswith("GenuineTest avx512f")
    assert cpu_family(tmp_path / "none")


def test_versions_name_python_and_what_is_installed():
    versions = package_versions(("numpy", "no-such-package"))
    assert set(versions) == {"python", "numpy"}


def test_lineage_comes_back_and_parameters_stand_by_share(tmp_path, lineage, verdict):
    write_lineage(tmp_path, lineage)
    assert read_lineage(tmp_path) == lineage
    assert lineage.headlines[0].parameters == ("potency", "uptake", "other")
    assert [item.id for item in lineage.headlines] == [
        verdict.effects[0].id,
        "operating/type1",
        "operating/power",
        "operating/assurance",
        "reasons/0",
        "mirna/copies_per_cell",
    ]
    assert [item.key for item in citations(lineage)] == ["smith2020", "10.0/x"]


def test_a_number_is_walked_back_to_its_papers(tmp_path, lineage, verdict):
    write_lineage(tmp_path, lineage)
    found = trace(tmp_path, verdict.effects[0].id)
    text = found.text()
    for part in (
        "-3 point",
        "64 knowledge draws",
        "draws.parquet",
        "70.0 % of the variance",
        "[assumed]",
        "Synthetic A, J Test 2020",
        "https://doi.org/10.0/y",
        "no further record",
    ):
        assert part in text, part
    assert text.index("potency") < text.index("uptake = 1")
    assert "and 2 more" in found.text(shown=1)
    data = found.data()
    assert json.loads(json.dumps(data))["headline"]["value"] == -3.0
    assert {item["key"] for item in data["sources"]} == {"EV001", "smith2020", "assumed", "ghost"}


def test_an_unknown_number_gets_the_list_and_a_suggestion(tmp_path, lineage):
    write_lineage(tmp_path, lineage)
    with pytest.raises(InputError) as caught:
        trace(tmp_path, "operating/powr")
    assert 'Did you mean "operating/power"?' in str(caught.value)
    assert "effects/exosome/womac_pain/182" in str(caught.value)


def test_a_chain_with_a_missing_link_is_refused(lineage):
    broken = dataclasses.replace(lineage, papers=(), headlines=(*lineage.headlines, lineage.headlines[0]))
    with pytest.raises(InputError) as caught:
        check_lineage(broken, "x")
    assert "source 'EV001'" in str(caught.value)
    assert "stands there twice" in str(caught.value)
