"""A user's own table: columns found or told, every wrong cell at once, and the verbs that analyse it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.evidence.extraction.effect_table import read_effects
from exojoint.evidence.extraction.sheet import read_sheet
from exojoint.workflow import evidence, evidence_records

from .conftest import page, study

FUZZ = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
EFFECTS = "study,year,yi,vi\nA,1990,0.5,0.04\nB,1995,0.2,0.02\nC,2001,0.4,0.05\nD,2010,-0.1,0.03\n"
RESULT_KEYS = {"estimate", "se", "interval", "prediction_interval", "tau2", "I2", "Q", "k", "method", "warnings"}


@pytest.fixture
def bcg(shared):
    """Thirteen trials of a vaccine (Colditz 1994): counts by group."""
    return shared / "data" / "meta" / "bcg.csv"


def test_the_reference_values_of_the_vaccine_trials_are_met(bcg):
    """REML log risk ratio -0.7145 (normal se 0.1798), tau2 0.3132 (metafor's documentation)."""
    found = evidence.pool(bcg, measure="RR", interval="normal").data()
    assert found["estimate"] == pytest.approx(-0.714532, abs=1e-5)
    assert found["se"] == pytest.approx(0.179782, abs=1e-5)
    assert found["tau2"] == pytest.approx(0.313243, abs=1e-5)
    assert found["back_transformed"]["estimate"] == pytest.approx(math.exp(-0.714532), abs=1e-5)
    assert set(found) >= RESULT_KEYS


def test_effects_with_variances_or_standard_errors_or_intervals_agree(write):
    by_variance = evidence.pool(write("v.csv", EFFECTS)).data()
    lines = [line.split(",") for line in EFFECTS.splitlines()[1:]]
    rows = [(study, float(y), math.sqrt(float(v))) for study, _year, y, v in lines]
    by_se = evidence.pool(
        write("s.csv", "study,effect,se\n" + "".join(f"{s},{y},{se!r}\n" for s, y, se in rows))
    ).data()
    ends = "".join(f"{s},{y},{y - 1.959963985 * se!r},{y + 1.959963985 * se!r}\n" for s, y, se in rows)
    by_ends = evidence.pool(write("e.csv", "study,effect,low,high\n" + ends)).data()
    assert by_se["estimate"] == pytest.approx(by_variance["estimate"])
    assert by_ends["estimate"] == pytest.approx(by_variance["estimate"], abs=1e-6)


def test_ratios_with_intervals_are_logged_and_said_to_be(write):
    table = read_effects(
        write("r.csv", "study,rr,lower,upper\nA,0.5,0.25,1.0\nB,2.0,1.0,4.0\n"), "RR", {"effect": "rr"}
    )
    assert table.y == pytest.approx([math.log(0.5), math.log(2.0)])
    assert table.scale == "log"
    assert "taken as ratios" in table.warnings[0]


def test_columns_are_told_where_names_do_not_say_them(write):
    path = write("odd.csv", "who,delta,s\nA,0.5,0.2\nB,0.1,0.3\nC,0.3,0.2\n")
    with pytest.raises(InputError) as caught:
        evidence.pool(path)
    assert "no column for effect" in str(caught.value)
    assert evidence.pool(path, columns={"study": "who", "effect": "delta", "se": "s"}).data()["k"] == 3


def test_misspelt_columns_are_suggested(write):
    with pytest.raises(InputError, match="effect=efect"):
        evidence.pool(write("typo.csv", "study,efect,se\nA,1,0.1\nB,2,0.1\n"))
    with pytest.raises(InputError, match='Did you mean "stderr"'):
        read_sheet(write("x.csv", "study,effect,stderr\nA,1,0.1\n"), {"se": "stder"})
    with pytest.raises(InputError, match='Did you mean "effect"'):
        read_sheet(write("x.csv", "study,effect,se\nA,1,0.1\n"), {"efect": "effect"})


def test_all_wrong_cells_come_at_once(write):
    path = write("bad.csv", "study,yi,vi\nA,abc,0.1\nB,0.2,x\nC,0.3,-0.1\nD,0.4,0\nE,,\n")
    with pytest.raises(InputError) as caught:
        evidence.pool(path)
    text = str(caught.value)
    for words in (
        "bad.csv row 2: yi 'abc' is not a number",
        "row 3: vi 'x' is not a number",
        "row 4: vi is -0.1",
        "row 5: vi is 0",
    ):
        assert words in text
    assert "row 6" not in text, "an empty row is left out with a warning, not refused"


def test_wrong_group_cells_are_told_with_the_row_of_the_file(write):
    path = write("g.csv", "study,n1,mean1,sd1,n2,mean2,sd2\nA,8,1,1,8,2,1\nB,,1,1,8,2,1\nC,8,1,-1,8,2,1\n")
    with pytest.raises(InputError, match=r"g\.csv row 4 sd1"):
        evidence.pool(path, measure="SMD")


def test_missing_rows_are_left_out_with_a_warning(write):
    found = evidence.pool(write("m.csv", EFFECTS + "E,2011,NA,0.1\n")).data()
    assert found["k"] == 4
    assert any("left out" in text for text in found["warnings"])
    assert found["rows"][-1]["effect"] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("study,yi,low,high\nA,1,2,1\nB,1,0,2\n", "the interval runs from 2 to 1"),
        ("study,yi,low,high\nA,5,0,2\nB,1,0,2\n", "effect 5 lies outside"),
        ("study,yi\nA,1\n", "no column for se"),
        ("study,yi,low\nA,1,0\n", "no column for high"),
        ("study,yi,vi\n", "has a header but no rows"),
    ],
)
def test_each_kind_of_fault_of_a_table_is_told(write, content, message):
    with pytest.raises(InputError) as caught:
        evidence.pool(write("t.csv", content))
    assert message in str(caught.value)


def test_a_ratio_that_is_negative_beside_an_interval_is_refused(write):
    with pytest.raises(InputError, match="a ratio is zero or negative"):
        evidence.pool(write("t.csv", "study,rr,low,high\nA,-0.1,-0.2,0.3\nB,1,0.5,2\n"), measure="RR")


def test_moderators_make_a_regression_with_a_bubble_plot(bcg, tmp_path):
    found = evidence.pool(bcg, measure="RR", moderators=["ablat"], interval="normal", figures=tmp_path / "figures")
    slope = found.data()["coefficients"]["ablat"]
    assert slope["estimate"] == pytest.approx(-0.0291, abs=1e-4)
    assert {path.name for path in found.written} == {"forest.svg", "forest.png", "bubble.svg", "bubble.png"}
    words = evidence.pool(bcg, measure="RR", moderators=["alloc"]).data()
    assert len(words["coefficients"]) == 3, "words are factors"
    with pytest.raises(InputError, match='Did you mean "ablat"'):
        evidence.pool(bcg, measure="RR", moderators=["ablatt"])


def test_a_cluster_gives_robust_errors(shared):
    found = evidence.pool(shared / "data" / "meta" / "konstantopoulos2011.csv", cluster="district").data()
    assert found["clusters"] == 11
    assert found["method"].endswith("CR2")
    assert set(found) >= RESULT_KEYS
    assert found["interval"]["df"] < 11


def test_counts_pool_without_variances(bcg):
    assert evidence.pool(bcg, measure="RR", method="MH").data()["estimate"] == pytest.approx(-0.4537, abs=1e-4)
    assert evidence.pool(bcg, measure="OR", method="PETO").data()["k"] == 13


def test_counts_are_needed_where_a_method_pools_counts(write):
    with pytest.raises(InputError, match="counts of events for MH"):
        evidence.pool(write("v.csv", EFFECTS), method="MH")


def test_bias_asks_every_method_and_draws(bcg, tmp_path):
    found = evidence.bias(bcg, measure="RR", figures=tmp_path)
    data = found.data()
    assert {
        "naive",
        "egger",
        "rank_test",
        "trim_and_fill",
        "pet_peese",
        "selection_model",
        "excess_significance",
        "fail_safe_n",
    } <= set(data)
    assert data["egger"]["p"] == pytest.approx(0.1887, abs=1e-3)
    assert {"funnel.svg", "baujat.svg", "cumulative.svg"} <= {path.name for path in found.written}
    assert "trim_and_fill" in found.text()
    json.dumps(data)


def test_the_variant_for_standardised_differences_is_used_where_sizes_are_known(shared):
    data = evidence.bias(shared / "data" / "meta" / "normand1999.csv", measure="SMD").data()
    assert data["egger"]["predictor"] == "smd"


def test_methods_that_cannot_answer_say_why(write):
    data = evidence.bias(write("two.csv", "study,yi,vi\nA,0.5,0.04\nB,0.2,0.02\n")).data()
    assert "at least three studies" in data["egger"]["problem"]
    assert "problem" in data["trim_and_fill"]


def test_a_network_of_arms_is_fitted_and_drawn(shared, tmp_path):
    path = shared / "data" / "meta" / "senn2013.csv"
    columns = {"n": "ni", "mean": "mi", "sd": "sdi"}
    found = evidence.network(
        path, measure="MD", columns=columns, reference="placebo", small_is_good=True, plot=tmp_path / "net.svg"
    )
    data = found.data()
    assert data["reference"] == "placebo"
    assert data["effects"]["rosiglitazone"]["estimate"] == pytest.approx(-1.23, abs=0.02)
    assert next(iter(data["p_scores"])) == "rosiglitazone"
    assert (tmp_path / "net.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "inconsistency between designs" in found.text()
    json.dumps(data)


def test_a_network_of_contrasts_is_fitted(write):
    text = "study,treat1,treat2,effect,se\nA,x,p,0.5,0.1\nB,y,p,0.3,0.1\nC,x,y,0.1,0.2\n"
    data = evidence.network(write("c.csv", text), reference="p").data()
    assert set(data["effects"]) == {"x", "y"}


@pytest.mark.parametrize(
    ("content", "measure", "message"),
    [
        ("effect,se\n1,2\n", None, "no column for study"),
        ("study,effect,se\nA,1,2\n", None, "no column for treatment"),
        ("study,treatment,n,mean,sd\nA,x,5,1,1\nA,p,5,1,1\n", None, "measure: is not given"),
        ("study,treatment,n,mean\nA,x,5,1\nA,p,5,1\n", "MD", "no column for sd"),
        ("study,treatment,n,mean,sd\nA,x,5,1,\nA,p,5,1,1\n", "MD", "has no n, mean, sd"),
        ("study,treatment,n,mean,sd\nA,x,5,1,1\n", "MD", "one arm only"),
    ],
)
def test_broken_networks_are_told(write, content, measure, message):
    with pytest.raises(InputError, match=message):
        evidence.network(write("n.csv", content), measure=measure)


def test_a_question_by_name_and_a_misspelt_one(tmp_path):
    found = evidence.pool("hyaluronate_pain", plot=tmp_path / "ha.png")
    data = found.data()
    assert data["windows"][0]["estimate"]["value"] == pytest.approx(-0.08)
    assert data["windows"][0]["naive"]["value"] == pytest.approx(-0.40)
    assert (tmp_path / "ha.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match='Did you mean "hyaluronate_pain"'):
        evidence.pool("hyaluronate_pian")
    json.dumps(data)


def test_every_answer_reads_as_text_and_as_json():
    for row in evidence_records.questions():
        found = evidence.pool(row["name"])
        assert row["title"] in found.text()
        json.dumps(found.data(), allow_nan=False)


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing to draw"):
        evidence.pool("vesicles_pain", plot=tmp_path / "x.svg")
    with pytest.raises(InputError, match="is not a picture"):
        evidence.pool("prp_pain", plot=tmp_path / "x.gif")


def test_the_registry_verb_reads_the_seed_and_files(write, tmp_path):
    seed = evidence.registry(by="source", plot=tmp_path / "t.svg")
    assert seed.data()["read"] == 8
    assert "10e11 particles (?)" in seed.text()
    found = evidence.registry([write("p.json", page([study("NCT00000001")]))], years=(2020, 2022)).data()
    assert found["trends"]["counts"] == {"intra-articular": [0, 1, 0]}
    assert found["trials"][0]["doses"][0]["readings"][0]["low"] == 3e11
    json.dumps(found, allow_nan=False)


def test_status_import_template_and_flow_are_verbs(write, tmp_path, sheet):
    assert evidence_records.status().data()["counts"]["poolable"] == 33
    target = evidence_records.template(tmp_path / "sheet.csv")
    assert target.with_name("sheet-columns.csv").is_file()
    text = "\n".join(",".join(row) for row in sheet)
    found = evidence_records.import_sheet(write("mine.csv", text))
    assert found.data()["read"] == 2
    assert evidence_records.status(write("mine.csv", text)).data()["counts"] == {"poolable": 2}
    ris = "TY  - JOUR\nTI  - Something about the knee\nDO  - 10.1001/jama.2021.19415\nER  - \n"
    twice = evidence_records.import_sheet(write("s.ris", ris)).data()["duplicates"]
    assert [item["kept"] for item in twice] == ["bennell2021"]
    flow = evidence_records.prisma(plot=tmp_path / "flow.svg")
    assert flow.data()["studies"] == 55


@FUZZ
@given(text=st.text(max_size=200))
def test_any_text_as_a_table_of_effects_ends_well_or_in_an_input_error(write, text):
    path = write("any.csv", text.encode("utf-8", "surrogatepass"))
    for measure in (None, "RR", "SMD"):
        try:
            read_effects(path, measure)
        except InputError:
            continue


CELL = st.one_of(
    st.sampled_from(["0", "1", "-1", "1e300", "1e-300", "NA", "", "5", "0.5", "nan"]),
    st.floats(allow_nan=False).map(repr),
)


@FUZZ
@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=6))
def test_any_numbers_in_any_analysis_end_well_or_in_an_input_error(write, rows):
    groups = "n1,mean1,sd1,n2,mean2,sd2\n" + "\n".join(",".join(row) for row in rows)
    plain = "effect,variance,low,high,x,y\n" + "\n".join(",".join(row) for row in rows)
    for path, measure in (
        (write("g.csv", groups), "SMD"),
        (write("g.csv", groups), "MD"),
        (write("e.csv", plain), None),
    ):
        try:
            with np.errstate(all="ignore"):
                table = read_effects(path, measure)
        except InputError:
            continue
        assert table.y.shape == table.v.shape


def test_few_or_rare_events_have_their_own_methods(shared):
    bcg = shared / "data" / "meta" / "bcg.csv"
    exact = evidence.pool(bcg, measure="OR", method="GLMM").data()
    usual = evidence.pool(bcg, measure="OR", method="ML", interval="normal").data()
    assert exact["estimate"] == pytest.approx(usual["estimate"], abs=0.02)
    with pytest.raises(InputError, match="'RR' has no GLMM"):
        evidence.pool(bcg, measure="RR", method="GLMM")
    believed = evidence.pool(bcg, measure="OR", method="BAYES").data()
    assert believed["estimate"] == pytest.approx(usual["estimate"], abs=0.05)
    assert believed["probability_above_0"] < 0.01
    assert believed["I2"] is None
    json.dumps(believed, allow_nan=False)


def test_shares_of_one_group_are_pooled_as_counts(write):
    table = write("one.csv", "study,events,n\nA,3,40\nB,5,60\nC,0,20\n")
    data = evidence.pool(table, measure="PLO", method="GLMM").data()
    assert data["estimate"] == pytest.approx(math.log(8 / 112), abs=0.05)


def test_two_studies_are_believed_rather_than_estimated(write):
    table = write("two.csv", "study,yi,vi\nA,-0.5,0.04\nB,-0.2,0.05\n")
    data = evidence.pool(table, method="BAYES").data()
    assert any("tau is what its prior says" in text for text in data["warnings"])
    assert any("standardised differences" in text for text in data["warnings"])


def test_averaging_over_models_is_one_more_opinion(write):
    rows = "".join(f"S{i},{-0.3 - 0.05 * i},{0.02 + 0.02 * i}\n" for i in range(6))
    data = evidence.bias(write("six.csv", "study,yi,vi\n" + rows)).data()["model_averaging"]
    assert -0.7 < data["estimate"] <= 0.0
    assert 0 < data["p_bias"] < 1
    assert "model_averaging" not in evidence.bias(write("six.csv", "study,yi,vi\n" + rows), averaged=False).data()


RISK = """study_id,kind,arm,outcome,comparator,direction,verified,rob_tool,rob_1,rob_2,rob_3,rob_4,rob_5
made1,trial,msc_ev,pain,saline,-1,seen,RoB 2,low,low,low,low,low
made1,trial,msc_ev,function,saline,1,seen,RoB 2,low,low,low,low,low
made2,trial,msc_ev,pain,saline,-1,seen,RoB 2,low,some concerns,low,high,low
made3,trial,msc_ev,pain,saline,-1,seen,,,,,,
"""


def test_risk_of_bias_of_a_sheet_is_counted_and_drawn(write, tmp_path):
    found = evidence_records.risk(write("risk.csv", RISK), figures=tmp_path / "f")
    data = found.data()["RoB 2"]
    assert data["items"]["overall"] == {"low": 1, "high": 1}
    assert set(data["studies"]) == {"made1", "made2"}
    assert (tmp_path / "f" / "risk_rob2.svg").exists()
    assert "RoB 2, 2 studies" in found.text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("RoB 2,low,some", ",low,some", "judgements without a tool"),
        ("some concerns", "unclear", "'unclear' is unknown"),
    ],
)
def test_judgements_that_do_not_fit_their_tool_are_told(write, old, new, message):
    with pytest.raises(InputError) as caught:
        evidence_records.risk(write("risk.csv", RISK.replace(old, new)))
    assert message in str(caught.value)


def test_a_sheet_without_judgements_has_nothing_to_draw(write):
    text = "\n".join(line for line in RISK.splitlines() if not line.startswith(("made1", "made2")))
    with pytest.raises(InputError, match="has no judgements"):
        evidence_records.risk(write("risk.csv", text + "\n"))
