"""Treatment files and tables: complete, checked, and honest about harm."""

from __future__ import annotations

import pytest

from exojoint.core.errors import InputError
from exojoint.joint.model import load_joint
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import SECRETED, list_dispositions, load_disposition, table
from exojoint.treatments.treatment import dispositions_for, list_treatments, load_treatment, parse_treatment

from .conftest import OF_THE_REFERENCE

GOOD = {
    "title": "Saline",
    "meaning": "Vehicle.",
    "route": "injection",
    "dispositions": ["exosome"],
    "amount": "particle",
    "volume": "2 mL",
    "expectation": "expectation_injection",
    "dose": [{"kind": "add", "target": "vesicles_fluid", "share": 1.0}],
    "irritation": {"vehicle": "irritation_vehicle"},
}
HARM = {
    "name": "flare", "probability": 0.1, "lo": 0.0, "hi": 0.2, "per": "injection", "grade": "assumed",
    "source": ["assumed"], "note": "x",
}  # fmt: skip
FIRST_RELEASE = ("exosome", "saline", "triamcinolone", "hyaluronate", "paracetamol")


def test_dispositions_of_the_reference_own_34_states_and_every_row_belongs_to_somebody():
    assert sum(len(load_disposition(name).states) for name in OF_THE_REFERENCE) == 34
    own = {dict(row.extra)["disposition"] for row in table().values()}
    assert own == {*list_dispositions(), "administration"} - {SECRETED}  # which has the exosome's rows
    assert all(state.init == 0 for name in list_dispositions() for state in load_disposition(name).states)


def test_the_treatments_of_the_first_release_are_there():
    assert set(FIRST_RELEASE) <= set(list_treatments())
    assert load_treatment("saline").dispositions == ()
    assert load_treatment("exosome").amount_unit == "particle"
    assert load_treatment("exosome").volume_ml == 2.0


def test_context_comes_with_everything_and_paracetamol_with_rescue():
    assert [part.name for part in dispositions_for(["saline"])] == ["context"]
    names = [part.name for part in dispositions_for(["exosome", "saline"], rescue=True)]
    assert names == ["context", "exosome", "paracetamol"]


def test_every_injection_has_graded_harms_with_sources():
    for name in list_treatments():
        treatment = load_treatment(name)
        if treatment.giving.route == "injection":
            harms = {harm.name: harm for harm in treatment.adverse_events}
            assert {"injection flare", "septic arthritis"} <= set(harms), name
            assert all(harm.source and harm.lo <= harm.probability <= harm.hi for harm in harms.values())


def test_living_cells_and_hyaluronate_flare_more_often_than_saline():
    flare = {
        name: next(h.probability for h in load_treatment(name).adverse_events if h.name == "injection flare")
        for name in ("saline", "hyaluronate", "msc")
    }
    assert flare["saline"] < flare["hyaluronate"] < flare["msc"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "is not a key"),
        ({"route": "inhaled"}, "one of injection, oral, procedure"),
        ({"dispositions": ["exosom"]}, 'Did you mean "exosome"'),
        ({"volume": "2 mg"}, "wrong dimension"),
        ({"expectation": "expectation_injektion"}, 'Did you mean "expectation_injection"'),
        ({"irritation": {"vehicel": "irritation_vehicle"}}, 'Did you mean "vehicle"'),
        ({"irritation": {"vehicle": "irritation_vehikel"}}, 'Did you mean "irritation_vehicle"'),
        ({"dose": [{"target": "vesicles_fluids"}]}, 'Did you mean "vesicles_fluid"'),
        ({"dose": [{"kind": "input", "target": "vesicles_fluid"}]}, "input of `vesicles_fluid`"),
        ({"dose": [{"target": "vesicles_fluid", "part": 1}]}, "is not a key"),
        ({"amount": "mg"}, "wrong dimension"),
        ({"dose": [{"target": "vesicles_fluid", "share": "1 - pores"}]}, 'Did you mean "pore"'),
        ({"adverse_events": [HARM | {"probability": 0.3}]}, "lo <= probability <= hi"),
        ({"adverse_events": [HARM | {"grade": "good"}]}, "grade or per"),
        ({"adverse_events": [{"name": "flare"}]}, "lacks probability"),
    ],
)
def test_wrong_treatment_files_are_told_where_and_why(change, message):
    with pytest.raises(InputError, match=message):
        parse_treatment("saline", GOOD | change, "saline.toml")


def test_a_right_treatment_file_is_read():
    treatment = parse_treatment("mine", GOOD | {"adverse_events": [HARM]}, "mine.toml")
    assert treatment.giving.doses[0].scale == pytest.approx(1e-9)
    assert treatment.adverse_events[0].probability == 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_treatment("exosom"), 'Did you mean "exosome"'),
        (lambda: load_disposition("kontext"), 'Did you mean "context"'),
        (lambda: load_disposition("context", "defaul"), 'Did you mean "default"'),
    ],
)
def test_unknown_names_are_told_with_a_suggestion(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_half_effect_levels_without_a_scaled_number_are_refused():
    for species in ("mouse", "rabbit"):
        for name in ("hyaluronate", "fgf18"):
            with pytest.raises(InputError, match=f"no number for .* in the species {species}"):
                assemble(load_joint(species), dispositions_for([name]))
    rat = assemble(load_joint("rat"), dispositions_for(["hyaluronate", "msc"]))
    assert rat.parameters["hyaluronate_half"].value == 0.1
    assert rat.parameters["msc_half"].value == 1.5
    assert assemble(load_joint("mouse"), dispositions_for(["exosome", "triamcinolone"])).joint.species == "mouse"
