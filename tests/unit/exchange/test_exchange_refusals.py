"""What is not supported, invalid or missing is refused by name, with its place and what to do."""

from __future__ import annotations

import builtins

import pytest

from exojoint.core.errors import InputError
from exojoint.engine.exchange.translate import parse_sbml
from exojoint.engine.exchange.write import check_sbml, write_antimony

P = '<listOfParameters><parameter id="p" value="1" constant="false"/></listOfParameters>'


def refusal(text):
    with pytest.raises(InputError) as caught:
        parse_sbml(text, "own.xml")
    return str(caught.value)


def event(files, inside="", trigger="time > 1"):
    return (
        f'{P}<listOfEvents><event id="E1" useValuesFromTriggerTime="true"><trigger initialValue="true" '
        f'persistent="true">{files.math(trigger)}</trigger>{inside}</event></listOfEvents>'
    )


def test_algebraic_rules_are_refused(files):
    text = refusal(
        files.document(f"{P}<listOfRules><algebraicRule>{files.math('p - 1')}</algebraicRule></listOfRules>")
    )
    assert "own.xml line 4, element <algebraicRule>: algebraic rules are not supported" in text
    assert "Solve it" in text


def test_delayed_events_are_refused_by_their_id(files):
    text = refusal(files.document(event(files, f"<delay>{files.math('2')}</delay>")))
    assert "event `E1`: an event with a <delay> is not supported" in text


def test_a_delay_of_zero_is_none(files):
    assert parse_sbml(files.document(event(files, f"<delay>{files.math('0')}</delay>"))).incidents


def test_fast_reactions_are_refused_by_their_id(files):
    body = (
        '<listOfCompartments><compartment id="C" size="1" constant="true"/></listOfCompartments><listOfSpecies>'
        '<species id="S" compartment="C" initialAmount="1" hasOnlySubstanceUnits="true" boundaryCondition="false" '
        'constant="false"/></listOfSpecies><listOfReactions><reaction id="R" reversible="false" fast="true">'
        '<listOfReactants><speciesReference species="S" stoichiometry="1" constant="true"/></listOfReactants>'
        f"<kineticLaw>{files.math('S')}</kineticLaw></reaction></listOfReactions>"
    )
    assert "reaction `R`: `fast` reactions are not supported" in refusal(files.document(body, 3, 1))


def test_values_of_the_past_are_refused(files):
    past = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{files.symbol("delay", "<ci>p</ci><cn>1</cn>")}</math>'
    text = refusal(files.assigned(past))
    assert "assignment rule of `x`: the symbol <csymbol> `delay` (a value of the past) is not supported" in text


def test_the_slope_of_an_assigned_quantity_is_refused(files):
    math_ = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{files.symbol("rateOf", "<ci>y</ci>")}</math>'
    body = (
        '<listOfParameters><parameter id="y" constant="false"/><parameter id="z" constant="false"/></listOfParameters>'
        f'<listOfRules><assignmentRule variable="y">{files.math("time^2")}</assignmentRule>'
        f'<assignmentRule variable="z">{math_}</assignmentRule></listOfRules>'
    )
    text = refusal(files.document(body))
    assert "rateOf" in text
    assert "'y'" in text


def test_required_packages_are_refused_by_name(files):
    text = files.document("").replace(
        "<sbml ", '<sbml xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true" '
    )
    assert "requires the package `comp`" in refusal(text)


def test_packages_that_may_be_ignored_are_ignored(files):
    namespace = 'xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1" layout:required="false"'
    text = files.document(P, 3, 1).replace("<sbml ", f"<sbml {namespace} ")
    assert parse_sbml(text).columns == ("p",)


def test_unknown_levels_are_refused_with_advice():
    text = '<?xml version="1.0"?><sbml xmlns="http://www.sbml.org/sbml/level4" level="4" version="1"><model/></sbml>'
    assert "is SBML of level 4" in refusal(text)


def test_everything_unsupported_is_told_at_once(files):
    body = (
        f"{P}<listOfRules><algebraicRule>{files.math('p - 1')}</algebraicRule></listOfRules>"
        f'<listOfEvents><event id="late" useValuesFromTriggerTime="true"><trigger initialValue="true" '
        f'persistent="true">{files.math("time > 1")}</trigger><delay>{files.math("2")}</delay></event></listOfEvents>'
    )
    assert len(refusal(files.document(body)).splitlines()) == 2


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("zz + 1", "'zz'"),
        ("f(1)", "'f'"),
        ("x + 1", "x"),
    ],
)
def test_invalid_formulas_are_refused_with_the_librarys_words(files, formula, said):
    text = refusal(files.assigned(files.math(formula)))
    assert said in text
    assert "Expected valid SBML" in text


@pytest.mark.parametrize("element", ["foo", "selector", "gcd", "determinant"])
def test_elements_outside_sbmls_mathml_are_refused(files, element):
    math_ = f'<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><{element}/><ci>p</ci></apply></math>'
    assert f"<{element}>" in refusal(files.assigned(math_))


def test_initial_values_that_depend_on_each_other_in_a_circle_are_refused(files):
    body = (
        '<listOfParameters><parameter id="a" constant="true"/><parameter id="b" constant="true"/></listOfParameters>'
        f'<listOfInitialAssignments><initialAssignment symbol="a">{files.math("b")}</initialAssignment>'
        f'<initialAssignment symbol="b">{files.math("a + 1")}</initialAssignment></listOfInitialAssignments>'
    )
    assert "ircular" in refusal(files.document(body))


def test_a_function_given_too_many_operands_is_refused(files):
    math_ = files.math("sin(1)").replace("</apply>", "<cn>2</cn></apply>")
    assert "<sin>" in refusal(files.assigned(math_)) or "arguments" in refusal(files.assigned(math_))


def test_a_state_without_value_is_refused_by_name(files):
    text = refusal(files.antimony("A -> B; k; B = 1; k = 1"))
    assert "species `A`: has no value" in text
    assert "parameter `k`: has no value" in refusal(files.antimony("x' = k; x = 1; var k"))


def test_a_model_file_without_model_is_refused(files):
    text = files.document("")
    assert "no model" in refusal(text[: text.index("<model")] + "</sbml>")


def test_explosive_function_definitions_are_stopped(files):
    functions = ["function f0(x) x*1.5 end"]
    functions += [f"function f{k}(x) f{k - 1}(x + 1) + f{k - 1}(2*x) end" for k in range(1, 40)]
    assert "formulas grow beyond" in refusal(files.antimony("; ".join([*functions, "y := f39(time)"])))


def test_a_missing_library_names_the_extra_to_install(files, monkeypatch):
    text = files.document(P)
    real = builtins.__import__

    def without(name, *args, **options):
        if name in ("libsbml", "antimony"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (lambda: parse_sbml(text), lambda: check_sbml(text), lambda: write_antimony(text)):
        with pytest.raises(InputError, match=r'pip install "exojoint\[sbml\]"'):
            call()
