"""Registry files and doses: what is said is kept, what is ambiguous says so, hostile files end in InputError."""

from __future__ import annotations

import contextlib
import json
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.evidence.figures.trends import trend_chart
from exojoint.evidence.records.load import load_studies
from exojoint.evidence.registry.classify import AXES, classify, classify_all, load_terms
from exojoint.evidence.registry.client import AnswerError, Client, RegistryError, base_address, search
from exojoint.evidence.registry.ctgov import read_ctgov, trials_of
from exojoint.evidence.registry.dose import FLAGS, parse_dose
from exojoint.evidence.registry.ictrp import read_ictrp
from exojoint.evidence.registry.read import read_registries, read_registry, registered_trials
from exojoint.evidence.registry.trends import trends
from exojoint.evidence.registry.trial import Trial, TrialText, read_count, read_date, read_phase, read_status

from .conftest import page, study

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Each case: text, first reading (low, high, unit), per, volume in mL, flags that must be there.
DOSES = [
    ("3-5 x 10e11 particles, single dose", (3e11, 5e11, "particle"), "", None, {"exponent"}),
    ("exosomes of '1 million cells/kg'", (1e6, 1e6, "cell"), "kg", None, {"cell equivalents", "per weight"}),
    ("1 million cells/kg of exosomes", (1e6, 1e6, "cell"), "kg", None, {"cell equivalents", "per weight"}),
    ("2.0*10^8 nano vesicles/3 ml", (2e8, 2e8, "particle"), "", 3.0, set()),
    ("50 ug or 20 ug of exosomes in 10 ul PBS", (50.0, 50.0, "ug"), "", 0.01, {"mass basis", "alternatives"}),
    ("5 cc", (5.0, 5.0, "mL"), "", None, {"volume only"}),
    ("150 mg", (150_000.0, 150_000.0, "ug"), "", None, {"mass basis", "large mass"}),
    ("20 \u00b5g in 10 \u03bcL", (20.0, 20.0, "ug"), "", 0.01, {"mass basis"}),
    ("5 \u00d7 10\u00b9\u00b9 particles/mL", (5e11, 5e11, "particle"), "mL", None, {"concentration"}),
    ("1x10^10 particles on days 14 and 21", (1e10, 1e10, "particle"), "", None, set()),
    ("1E11 EVs per knee", (1e11, 1e11, "particle"), "knee", None, set()),
    ("5 billion exosomes", (5e9, 5e9, "particle"), "", None, set()),
    ("40 x 10^6 MSCs", (4e7, 4e7, "cell"), "", None, set()),
    ("100,000 cells", (1e5, 1e5, "cell"), "", None, set()),
    ("1,5 ml", (1.5, 1.5, "mL"), "", None, {"volume only"}),
    ("1,500 ml", (1500.0, 1500.0, "mL"), "", None, {"decimal comma"}),
    ("2 x 108 particles", (2e8, 2e8, "particle"), "", None, {"lost superscript"}),
    ("1x10^11-5x10^11 particles", (1e11, 5e11, "particle"), "", None, set()),
    ("250 ng, one IA injection", (0.25, 0.25, "ug"), "", None, {"mass basis"}),
    ("8.0*10^8/3 ml nano vesicles", (8e8, 8e8, "particle"), "", 3.0, set()),
    ("10^9 particles", (1e9, 1e9, "particle"), "", None, set()),
    ("3 to 5 mL", (3.0, 5.0, "mL"), "", None, {"volume only"}),
]


@pytest.mark.parametrize(("text", "reading", "per", "volume", "flags"), DOSES)
def test_doses_are_read_with_their_doubts(text, reading, per, volume, flags):
    dose = parse_dose(text)[0]
    assert (dose.readings[0].low, dose.readings[0].high, dose.readings[0].unit) == pytest.approx(reading)
    assert (dose.per, dose.volume_ml) == (per, volume if volume is None else pytest.approx(volume))
    assert flags <= set(dose.flags) <= set(FLAGS)
    assert len(dose.doubts()) == len(dose.flags)


def test_an_ambiguous_exponent_has_both_readings():
    (dose,) = parse_dose("3-5 x 10e11 particles")
    assert dose.ambiguous
    assert [(r.low, r.high) for r in dose.readings] == [(3e11, 5e11), (3e12, 5e12)]
    assert "to the letter" in dose.readings[1].how


def test_levels_in_one_sentence_are_alternatives():
    assert [d.readings[0].low for d in parse_dose("2, 4 and 8 x 10^8 vesicles")] == pytest.approx([2e8, 4e8, 8e8])
    assert all("alternatives" in d.flags for d in parse_dose("50 ug/mL or 5 ug/mL"))
    assert [d.volume_ml for d in parse_dose("50 ug or 20 ug of exosomes in 10 ul PBS")] == pytest.approx([0.01, 0.01])


@pytest.mark.parametrize(
    "text",
    ["", "low, medium, high dose", "100000 x g for 70 min", "days 0, 7 and 14", "1e400 particles", "once weekly"],
)
def test_what_is_no_dose_gives_none(text):
    assert parse_dose(text) == ()


@given(st.text(max_size=200))
def test_any_text_gives_finite_doses(text):
    for dose in parse_dose(text):
        assert dose.readings
        assert all(0 <= r.low <= r.high < float("inf") for r in dose.readings)


@given(
    st.lists(
        st.sampled_from(
            [
                "3",
                "-",
                "x",
                "10",
                "e",
                "^",
                "11",
                " ",
                "particles",
                "ml",
                "ug",
                "/",
                "kg",
                ",",
                "million",
                "in",
                "or",
                "⁹",
                "µg",
            ]
        ),
        max_size=25,
    )
)
def test_any_pieces_of_doses_give_finite_doses(pieces):
    for dose in parse_dose("".join(pieces)):
        assert all(0 <= r.low <= r.high < float("inf") for r in dose.readings)


def test_a_book_is_no_dose():
    with pytest.raises(InputError, match="characters"):
        parse_dose("x" * 200_000)


def test_a_registry_record_is_read(write):
    (trial,) = read_ctgov(write("one.json", json.dumps(study("NCT00000001"))))
    assert (trial.id, trial.status, trial.phase, trial.date, trial.enrolment) == (
        "NCT00000001",
        "recruiting",
        "1/2",
        "2021-10",
        24,
    )
    assert trial.text.countries == ("Chile",)
    found = classify(trial)
    assert (found.role, found.product, found.source, found.route, found.indication) == (
        "treatment",
        "vesicles",
        "umbilical cord",
        "intra-articular",
        "joint",
    )
    assert [dose.text for dose in found.doses] == ["3-5 x 10e11 particles"], (
        "the placebo's 5 cc are no dose of vesicles"
    )


def test_pages_lists_and_single_records_are_read(write):
    both = [study("NCT00000001"), study("NCT00000002")]
    assert len(read_registry(write("page.json", page(both)))) == 2
    assert len(read_registry(write("list.json", json.dumps(both)))) == 2
    assert trials_of({"studies": []}, "empty") == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("{", "is not JSON"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("{}", "has no studies"),
        ('[{"protocolSection": {}}]', "study 1: has no registration number"),
        ("9" * 5000, ""),
    ],
)
def test_broken_json_is_told(write, content, message):
    with pytest.raises(InputError) as caught:
        read_registry(write("bad.json", content))
    assert message in str(caught.value)


def test_a_field_of_another_type_is_left_out_and_does_not_break(write):
    odd = study(
        "NCT00000003",
        statusModule=[1],
        designModule={"phases": "PHASE1", "enrollmentInfo": {"count": True}},
        armsInterventionsModule={"armGroups": [1, None, {"label": 3}]},
    )
    (trial,) = read_registry(write("odd.json", json.dumps(odd)))
    assert (trial.status, trial.phase, trial.date, trial.enrolment, trial.text.arms) == ("unknown", "", "", None, ())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "protocolSection",
                    "identificationModule",
                    "nctId",
                    "studies",
                    "statusModule",
                    "armsInterventionsModule",
                    "armGroups",
                    "designModule",
                    "phases",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@FUZZ
@given(value=JSON_VALUES)
def test_any_json_ends_well_or_in_an_input_error(write, value):
    with contextlib.suppress(InputError):
        classify_all(read_registry(write("any.json", json.dumps(value))))


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes_end_well_or_in_an_input_error(write, data):
    for name in ("any.json", "any.xml"):
        with contextlib.suppress(InputError):
            read_registry(write(name, data))


PORTAL = """<?xml version='1.0' encoding='UTF-8'?>
<Trials_downloaded_from_ICTRP><Trial><Internal_Number>1</Internal_Number><TrialID>ChiCTR0000000001
</TrialID><Public_title>SYNTHETIC exosomes of adipose MSC for the knee</Public_title>
<Recruitment_Status>Not Recruiting</Recruitment_Status>
<Phase>Phase 1/Phase 2</Phase><Date_registration3>20230415</Date_registration3><Source_Register>ChiCTR</Source_Register>
<Countries>China</Countries><Target_size>high:20;low:10;</Target_size><Condition>knee osteoarthritis</Condition>
<Intervention>intra-articular injection of 1 x 10^10 particles</Intervention></Trial></Trials_downloaded_from_ICTRP>"""

SINGLE = """<?xml version="1.0"?><!DOCTYPE trials [<!ELEMENT trials (trial*)>]>
<trials><trial><main><trial_id>IRCT20000000000000N1</trial_id><reg_name>IRCT</reg_name><date_registration>05/02/2022</date_registration>
<primary_sponsor>Nobody</primary_sponsor>
<public_title>SYNTHETIC vesicles</public_title><recruitment_status>Complete</recruitment_status>
<phase>2-3</phase><target_size>40</target_size><hc_freetext>Knee osteoarthritis</hc_freetext>
<i_freetext>Intra-articular injection of 5 cc exosome of placental MSC</i_freetext></main>
<countries><country2>Iran</country2></countries><primary_outcome><prim_outcome>VAS</prim_outcome></primary_outcome></trial></trials>"""


def test_who_exports_of_both_kinds_are_read(write):
    (portal,) = read_registry(write("portal.xml", PORTAL))
    assert (portal.id, portal.status, portal.phase, portal.date, portal.enrolment) == (
        "ChiCTR0000000001",
        "running",
        "1/2",
        "2023-04-15",
        30,
    )
    (single,) = read_ictrp(write("single.xml", SINGLE))
    assert (single.id, single.registry, single.status, single.phase, single.date) == (
        "IRCT20000000000000N1",
        "IRCT",
        "completed",
        "2/3",
        "2022-02-05",
    )
    assert (single.text.countries, single.text.outcomes) == (("Iran",), ("VAS",))
    assert classify(single).source == "placenta"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<a/>", "has no trials"),
        ("<trials><trial><main/></trial></trials>", "has no registration number"),
        (
            '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/hostname">]><trials><trial><main><trial_id>&x;</trial_id></main></trial></trials>',
            "entities",
        ),
    ],
)
def test_hostile_and_empty_exports_are_refused(write, content, message):
    with pytest.raises(InputError, match=message):
        read_registry(write("x.xml", content))


def test_problems_of_several_files_come_together(write):
    with pytest.raises(InputError) as caught:
        read_registries([write("a.json", "{"), write("b.xml", "<a/>"), write("c.doc", "x")])
    assert len(caught.value.problems) == 3


def test_the_eight_registered_trials_of_the_records_are_a_seed():
    seed = registered_trials(load_studies())
    assert len(seed) == 8
    found = {item.trial.id: item for item in classify_all(seed)}
    assert len(found) == 8
    assert found["NCT05060107"].doses[0].ambiguous
    assert found["NCT05261360"].source == "synovial fluid"
    assert found["NCT04971798"].product == "secretome"
    assert {item.route for item in found.values()} == {"intra-articular"}


def test_a_trial_that_measures_vesicles_does_not_give_them():
    text = TrialText(interventions=("DIAGNOSTIC_TEST: exosome quantification in blood",), conditions=("lung cancer",))
    assert classify(Trial("N1", "", "Exosomes as biomarkers", "unknown", "", "2020", None, text)).role == "marker"
    text = TrialText(interventions=("DRUG: paracetamol",), outcomes=("plasma extracellular vesicles",))
    assert classify(Trial("N2", "", "Pain after surgery", "unknown", "", "2020", None, text)).role == "marker"
    assert classify(Trial("N3", "", "Pain", "unknown", "", "2020", None, TrialText())).role == "none"


def test_every_axis_has_terms():
    assert all(load_terms()[axis] for axis in AXES)


def test_a_trial_that_stands_in_two_files_counts_once(write):
    path = write("one.json", json.dumps(study("NCT00000001")))
    assert len(classify_all(read_registries([path, path]))) == 1


def test_trends_count_every_trial_once_and_say_what_is_outside():
    text = TrialText(interventions=("exosomes, intravenous",))
    items = classify_all(
        [
            Trial(f"N{i}", "", "", "unknown", "", date, None, text)
            for i, date in enumerate(["2014", "2020-05", "2020", "2031", ""])
        ]
    )
    found = trends(items, by="route")
    assert (found.total, found.outside, found.undated) == (3, 1, 1)
    assert found.counts["intravenous"] == (1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0)
    assert "(1 outside these years, 1 without a date)" in found.table()
    picture = trend_chart(found)
    assert "intravenous: 3" in picture.alt
    assert picture.svg().count("<title>") == 1
    with pytest.raises(InputError, match='Did you mean "route"'):
        trends(items, by="rout")
    with pytest.raises(InputError, match="is empty"):
        trends(items, years=(2024, 2014))


def test_rare_classes_stand_together():
    routes = (
        "intravenous",
        "inhalation",
        "intra-articular",
        "topical",
        "nasal drop",
        "intrathecal",
        "intramuscular",
        "oral",
        "",
    )
    items = classify_all(
        [
            Trial(f"N{i}", "", "", "unknown", "", "2020", None, TrialText(interventions=(f"exosomes {route}",)))
            for i, route in enumerate(routes)
        ]
    )
    names = list(trends(items, by="route").counts)
    assert "other" in names
    assert "not stated" in names
    assert len(names) <= 7


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("EARLY_PHASE1", "early 1"),
        ("PHASE1 / PHASE2", "1/2"),
        ("Phase I-II", "1/2"),
        ("N/A", "none"),
        ("", ""),
        ("Phase 2 (10 patients)", "2"),
        ("0", "0"),
    ],
)
def test_phases_have_one_spelling(text, phase):
    assert read_phase(text) == phase


def test_dates_states_and_counts_have_one_spelling():
    assert [
        read_date(text) for text in ("20210405", "05/04/2021", "2021-04-05T10:00", "2021", "April", "99/99/2021")
    ] == ["2021-04-05", "2021-04-05", "2021-04-05", "2021", "", ""]
    assert [
        read_status(text) for text in ("ACTIVE_NOT_RECRUITING", "Completed", "UNKNOWN (last known RECRUITING)", "blue")
    ] == ["running", "completed", "unknown", "unknown"]
    assert [read_count(text) for text in ("40", "a:20;b:10", "many")] == [40, 30, None]


class Registry:
    """A registry that answers from a list: bytes, or an error to raise."""

    def __init__(self, *answers):
        self.answers, self.asked, self.slept = list(answers), [], []

    def __call__(self, address):
        self.asked.append(address)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer.encode() if isinstance(answer, str) else answer


def test_the_client_follows_pages_and_keeps_every_answer(tmp_path):
    registry = Registry(page([study("NCT00000001")], "next"), page([study("NCT00000002")]))
    client = Client(tmp_path / "cache", fetch=registry, sleep=registry.slept.append)
    assert [trial.id for trial in search(client, cond="knee", intr="exosomes")] == ["NCT00000001", "NCT00000002"]
    assert registry.asked[0].startswith(base_address() + "?")
    assert "pageToken=next" in registry.asked[1]
    again = Client(tmp_path / "cache", offline=True)
    assert len(search(again, cond="knee", intr="exosomes")) == 2, "stored answers need no network"


def test_the_client_waits_and_tries_again(tmp_path):
    registry = Registry(
        AnswerError("HTTP 503", again=True), AnswerError("HTTP 429", again=True, wait=7.0), page([study("NCT00000001")])
    )
    client = Client(tmp_path, fetch=registry, sleep=registry.slept.append)
    assert len(search(client, cond="knee")) == 1
    assert registry.slept == [1.0, 7.0]


def test_the_client_gives_up_with_a_reason(tmp_path):
    registry = Registry(*[AnswerError("no answer", again=True)] * 5)
    with pytest.raises(RegistryError, match=r"no answer \(attempt 5 of 5\)"):
        search(Client(tmp_path, fetch=registry, sleep=registry.slept.append), cond="knee")
    assert registry.slept == [1.0, 2.0, 4.0, 8.0]
    with pytest.raises(RegistryError, match=r"HTTP 404 \(attempt 1 of 5\)"):
        search(Client(tmp_path, fetch=Registry(AnswerError("HTTP 404", again=False))), cond="knee")


def test_an_offline_client_without_a_stored_answer_says_so(tmp_path):
    with pytest.raises(RegistryError, match="no stored answer"):
        search(Client(tmp_path, offline=True), cond="knee")


@pytest.mark.parametrize("answer", ["not json", '{"a": 1}', "[" * 50_000])
def test_an_answer_that_is_no_page_is_refused(tmp_path, answer):
    with pytest.raises(InputError):
        search(Client(tmp_path, fetch=Registry(answer)), cond="knee")
    with pytest.raises(RegistryError, match="not UTF-8"):
        search(Client(tmp_path, fetch=Registry(b"\xff\xfe")), cond="other")


def test_unknown_areas_and_empty_searches_are_refused(tmp_path):
    for areas in ({"disease": "knee"}, {"cond": ""}, {}):
        with pytest.raises(InputError):
            search(Client(tmp_path), **areas)


def test_no_host_stands_outside_the_table_of_addresses():
    folder = files("exojoint.evidence").joinpath("registry")
    for name in ("client.py", "ctgov.py", "read.py"):
        text = folder.joinpath(name).read_text(encoding="utf-8").replace("https://clinicaltrials.gov/data-api/api)", "")
        assert "clinicaltrials.gov" not in text, name
