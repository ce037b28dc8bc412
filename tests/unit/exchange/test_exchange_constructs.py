"""Corners of the language: what files may leave out, odd names, odd sizes, old levels, and how species are read."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.table import course_csv
from exojoint.engine.exchange.translate import parse_sbml

T = np.array([0.0, 0.5, 1.0, 2.0])
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'


def parameters(**values):
    rows = (f'<parameter id="{n}" {"" if v is None else f"value={v!r}"} constant="false"/>' for n, v in values.items())
    return f"<listOfParameters>{''.join(rows)}</listOfParameters>"


def place(size='size="1"', dimensions=3, constant="true"):
    row = f'<compartment id="C" {size} spatialDimensions="{dimensions}" constant="{constant}"/>'
    return f"<listOfCompartments>{row}</listOfCompartments>"


def species(start='initialAmount="2"', amounts="true", more=""):
    return (
        f'<listOfSpecies><species id="S" compartment="C" {start} hasOnlySubstanceUnits="{amounts}" '
        f'boundaryCondition="false" constant="false" {more}/></listOfSpecies>'
    )


def loss(math, reference='stoichiometry="1" constant="true"'):
    return (
        '<listOfReactions><reaction id="R" reversible="false"><listOfReactants>'
        f'<speciesReference species="S" {reference}/>'
        f"</listOfReactants><kineticLaw>{math}</kineticLaw></reaction></listOfReactions>"
    )


def event(trigger, variable, value, options='initialValue="true" persistent="true"', early="true", more=""):
    return (
        f'<event useValuesFromTriggerTime="{early}"><trigger {options}>{trigger}</trigger>{more}'
        f'<listOfEventAssignments><eventAssignment variable="{variable}">{value}</eventAssignment>'
        "</listOfEventAssignments></event>"
    )


def listed(*events):
    return f"<listOfEvents>{''.join(events)}</listOfEvents>"


def test_an_empty_model_is_a_table_of_times(files):
    assert course_csv(simulate(parse_sbml(files.document("")), [0.0, 1.0])) == "time\n0.0\n1.0\n"


def test_a_reaction_without_anything_has_no_effect(files, follow):
    body = '<listOfReactions><reaction id="R" reversible="false"/></listOfReactions>'
    assert follow(files.document(parameters(p="1") + body), T)["R"].tolist() == [0.0] * 4


MISSING = {
    "assignment rule": '<listOfRules><assignmentRule variable="p"/></listOfRules>',
    "rate rule": '<listOfRules><rateRule variable="p"/></listOfRules>',
    "initial assignment": '<listOfInitialAssignments><initialAssignment symbol="p"/></listOfInitialAssignments>',
    "trigger": listed(event("", "p", "")),
    "function": '<listOfFunctionDefinitions><functionDefinition id="f"/></listOfFunctionDefinitions>',
}


@pytest.mark.parametrize("element", list(MISSING))
def test_an_element_without_formula_has_no_effect_and_is_mentioned(files, element):
    inside, values = MISSING[element], parameters(p="3")
    model = parse_sbml(files.document(inside + values if element == "function" else values + inside))
    assert simulate(model, T).values[:, 0].tolist() == [3.0] * 4
    assert element in model.label.remarks[0]


def test_an_assignment_of_an_event_without_formula_changes_nothing(files, follow):
    body = parameters(p="3") + listed(event(files.math("time > 0.4"), "p", ""))
    assert follow(files.document(body), T)["p"].tolist() == [3.0] * 4


def test_in_a_compartment_of_size_0_amounts_move_and_concentrations_are_infinite(files, follow):
    text = files.document(place('size="0"') + species() + loss(files.math("S")))
    np.testing.assert_allclose(follow(text, T)["S"], 2 * np.exp(-T), rtol=1e-7)
    assert np.all(np.isposinf(follow(text, T, species="concentrations")["S"]))


def test_a_compartment_that_grows_from_nothing_thins_what_was_put_into_it(files, follow):
    rule = f'<listOfRules><rateRule variable="C">{files.math("1")}</rateRule></listOfRules>'
    seen = follow(files.document(place('size="0"', constant="false") + species(amounts="false") + rule), T)
    np.testing.assert_allclose(seen["S"][1:], 2 / T[1:], rtol=1e-9)


@pytest.mark.parametrize("amounts", ["true", "false"])
def test_in_a_point_concentration_means_amount(files, follow, amounts):
    text = files.document(place("", 0) + species(amounts=amounts) + loss(files.math("0.1 * S")))
    for reading in ("model", "amounts", "concentrations"):
        np.testing.assert_allclose(follow(text, T, species=reading)["S"], 2 * np.exp(-0.1 * T), rtol=1e-7)


def test_a_species_can_be_asked_for_as_amount_or_concentration_by_name(files):
    model = parse_sbml(files.antimony("compartment C = 4; species A in C, B in C; A = 1; B = 2; k = 3"))
    course = simulate(model, [0.0], columns=["A", "B", "k"], amounts=["A"])
    assert course.values.tolist() == [[4.0, 2.0, 3.0]]
    course = simulate(model, [0.0], columns=["A", "B"], species="amounts", concentrations=["B"])
    assert course.values.tolist() == [[4.0, 2.0]]
    with pytest.raises(InputError, match="amounts `k`"):
        simulate(model, [0.0], amounts=["k"])
    with pytest.raises(InputError, match="as an amount and as a concentration"):
        simulate(model, [0.0], amounts=["A"], concentrations=["A"])


def test_a_stoichiometry_may_be_left_to_a_rule(files, follow):
    rule = f'<listOfRules><assignmentRule variable="n">{files.math("1 + time")}</assignmentRule></listOfRules>'
    body = place() + species() + rule + loss(files.math("0.5"), 'id="n" constant="false"')
    seen = follow(files.document(body), T)
    np.testing.assert_allclose(seen["S"], 2 - 0.5 * (T + T**2 / 2), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(seen["n"], 1 + T, rtol=1e-12)


def test_a_stoichiometry_without_value_is_refused_by_its_reaction(files):
    with pytest.raises(InputError, match=r"reaction `R`: no stoichiometry is given for `S`"):
        parse_sbml(files.document(place() + species() + loss(files.math("1"), 'constant="true"')))


def test_ids_may_be_words_of_other_languages(files, follow):
    values = dict.fromkeys(("time", "pi", "lambda", "exp", "nan", "true", "amount", "x"), "2")
    rule = f'<listOfRules><rateRule variable="x">{MATH}<ci> exp </ci></math></rateRule></listOfRules>'
    seen = follow(files.document(parameters(**values) + rule), T)
    np.testing.assert_allclose(seen["x"], 2 + 2 * T, rtol=1e-9)


def test_a_reaction_named_amount_hides_no_amount(files, follow):
    two = species(amounts="false").replace("</listOfSpecies>", "")
    two += species(amounts="false").replace("<listOfSpecies>", "").replace('id="S"', 'id="Q"')
    local = '<listOfLocalParameters><localParameter id="Q" value="1"/></listOfLocalParameters>'
    reaction = loss(files.math("Q") + local).replace('"R"', '"amount"')
    seen = follow(files.document(place('size="2"') + two + reaction), T)
    np.testing.assert_allclose(seen["S"], (2 - T) / 2, rtol=1e-7, atol=1e-12)
    assert seen["Q"].tolist() == [1.0] * 4


def test_a_negative_number_may_have_a_whole_parameter_as_its_power(files, follow):
    seen = follow("x' = 0.1*(x - 3)^p; x = 1; p = 2", T)
    np.testing.assert_allclose(seen["x"], 3 - 1 / (0.5 + 0.1 * T), rtol=1e-6)


@pytest.mark.parametrize(
    ("trigger", "counts"), [("time - last >= 1", [0, 1, 2, 10, 100]), ("time - last > 1", [0, 0, 1, 9, 99])]
)
def test_an_event_that_winds_itself_up_again_keeps_time(files, follow, trigger, counts):
    seen = follow(f"n = 0; last = 0; at ({trigger}): n = n + 1, last = time", [0, 1, 2, 10, 100])
    assert seen["n"].tolist() == counts


def test_an_event_may_watch_a_slope(files, follow):
    seen = follow("x' = 2*time; x = 0; w = 0; at (rateOf(x) > 1): w = time", T)
    np.testing.assert_allclose(seen["w"], [0, 0, 0.5, 0.5], atol=1e-12)


def test_an_event_that_becomes_due_twice_at_a_moment_happens_twice(files, follow):
    first = "at (time >= 1), priority=9: x = 0; at (time >= 1), priority=8: x = 1; "
    seen = follow("x = 1; n = 0; " + first + "at (time >= 1 && x > 0.5), priority=1: n = n + 1", [2])
    assert seen["n"] == 1  # computed at both triggers from n = 0
    seen = follow("x = 1; n = 0; " + first + "at (time >= 1 && x > 0.5), priority=1, fromTrigger=false: n = n + 1", [2])
    assert seen["n"] == 2


def test_events_of_one_moment_whose_order_does_not_matter_all_happen(files, follow):
    seen = follow("a = 0; b = 0; c = 0; at (time >= 1): a = 1; at (time >= 1): b = 2; at (time >= 1): c = 3", T)
    assert [seen[n].tolist() for n in "abc"] == [[0, 0, k, k] for k in (1, 2, 3)]


LEVEL_1 = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"><model name="old">
<listOfCompartments><compartment name="C" volume="2"/></listOfCompartments>
<listOfSpecies><species name="A" compartment="C" initialAmount="6"/>
<species name="B" compartment="C" initialAmount="0"/></listOfSpecies>
<listOfParameters><parameter name="p" value="1"/><parameter name="q" value="0"/></listOfParameters>
<listOfRules><parameterRule name="p" type="rate" formula="pow(p, 2) / 4"/>
<parameterRule name="q" formula="2 * p"/></listOfRules>
<listOfReactions><reaction name="R"><listOfReactants><speciesReference species="A"/></listOfReactants>
<listOfProducts><speciesReference species="B" stoichiometry="3" denominator="2"/></listOfProducts>
<kineticLaw formula="k * A * C"><listOfParameters><parameter name="k" value="0.5"/></listOfParameters></kineticLaw>
</reaction></listOfReactions></model></sbml>"""


def test_level_1_is_read_with_its_own_words(follow):
    seen = follow(LEVEL_1, T, species="amounts")
    np.testing.assert_allclose(seen["A"], 6 * np.exp(-0.5 * T), rtol=1e-7)
    np.testing.assert_allclose(seen["B"], 9 * (1 - np.exp(-0.5 * T)), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(seen["q"], 2 / (1 - T / 4), rtol=1e-7)


def test_a_delay_of_an_event_may_be_left_empty(files, follow):
    body = parameters(p="1") + listed(event(files.math("time >= 1"), "p", files.math("2"), more="<delay/>"))
    assert follow(files.document(body), T)["p"].tolist() == [1, 1, 2, 2]


def test_output_may_begin_after_the_start(follow):
    np.testing.assert_allclose(follow("x' = -x; x = 1; at (time >= 1): x = 5", [1.0, 3.0])["x"], [5, 5 * np.exp(-2)])
