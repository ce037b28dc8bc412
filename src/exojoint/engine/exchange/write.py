"""Write a model as SBML level 3 version 2, checked by the SBML library, and as Antimony text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from exojoint.core.errors import ExojointError
from exojoint.engine.exchange.libraries import antimony, libsbml
from exojoint.engine.exchange.mathml import MATHML, Element, math_element, shared_terms
from exojoint.engine.exchange.outgoing import Day, Entry, Outgoing, check_outgoing, days
from exojoint.engine.exchange.units_out import DIMENSIONLESS, unit_id, unit_parts
from exojoint.engine.expression import TIME, Expr, constant

CORE: Final = "http://www.sbml.org/sbml/level3/version2/core"
XHTML: Final = "http://www.w3.org/1999/xhtml"
OURS: Final = "urn:exojoint:source:1"  # of the annotation that holds sources; a name, not an address
TIME_UNIT: Final = "d"

SubElement = ElementTree.SubElement


@dataclass(frozen=True, slots=True)
class Checked:
    """What the SBML library says about a file: errors, and warnings about units."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def write_sbml(model: Outgoing) -> str:
    """Return a model as SBML text.

    States and outputs are parameters with rate and assignment rules; expressions that several equations share are
    assigned once (``term_1`` ...). What happens on a day is one event that fires when that day is reached: other tools
    report the values after it, the engine the values before it. Meanings are notes; sources are annotations.

    Raises
    ------
    InputError
        When a name or value cannot be written.
    """
    check_outgoing(model)
    system = model.system
    given = days(model)
    inside = [e for day in given for e in day.values.values()]
    outputs = {e: name for name, e in system.outputs.items() if e.args}
    names = shared_terms([*system.rates, *system.outputs.values(), *inside], outputs)
    terms = {name: e for e, name in names.items() if name not in system.outputs}
    root = Element(_tag("sbml"), {"level": "3", "version": "2"})
    top = SubElement(root, _tag("model"), {"id": model.name, "timeUnits": unit_id(TIME_UNIT)})
    _notes(top, model.notes)
    _units(top, model.entries.values())
    _quantities(top, model, terms, given)
    _rules(top, model, terms, names)
    _events(top, given, names)
    return _text(root)


def check_sbml(text: str) -> Checked:
    """Return what the SBML library finds wrong with a file (its rules without the tastes of modelling practice)."""
    library = libsbml()
    document = library.readSBMLFromString(text)
    if not document.getNumErrors(library.LIBSBML_SEV_ERROR):
        document.setConsistencyChecks(library.LIBSBML_CAT_MODELING_PRACTICE, False)
        document.checkConsistency()
    errors: list[str] = []
    warnings: list[str] = []
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        line = f"line {error.getLine()}: {error.getShortMessage()}"
        (errors if error.getSeverity() >= library.LIBSBML_SEV_ERROR else warnings).append(line)
    return Checked(tuple(errors), tuple(warnings))


def write_antimony(sbml: str) -> str:
    """Return SBML text as Antimony text, by the Antimony library.

    Raises
    ------
    ExojointError
        When the library cannot translate it.
    """
    library = antimony()
    library.clearPreviousLoads()
    try:
        if library.loadSBMLString(sbml) < 0:
            raise ExojointError(f"Antimony cannot read the model: {library.getLastError()}")
        text = library.getAntimonyString(None)
    finally:
        library.clearPreviousLoads()
    if not text:
        raise ExojointError("Antimony cannot write the model")
    return str(text)


def _tag(name: str) -> str:
    return f"{{{CORE}}}{name}"


def _text(root: Element) -> str:
    for prefix, namespace in (("", CORE), ("math", MATHML), ("xhtml", XHTML), ("exojoint", OURS)):
        ElementTree.register_namespace(prefix, namespace)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _notes(parent: Element, text: str) -> None:
    if text:
        body = SubElement(SubElement(parent, _tag("notes")), f"{{{XHTML}}}p")
        body.text = "".join(c for c in text if c.isprintable() or c == "\n")


def _sources(parent: Element, source: Iterable[str]) -> None:
    keys = [key for key in source if key]
    if keys:
        holder = SubElement(SubElement(parent, _tag("annotation")), f"{{{OURS}}}sources")
        for key in keys:
            SubElement(holder, f"{{{OURS}}}source").text = key


def _units(top: Element, entries: Iterable[Entry]) -> None:
    holder = SubElement(top, _tag("listOfUnitDefinitions"))
    for identifier, text in {unit_id(t): t for t in (TIME_UNIT, *(entry.unit for entry in entries))}.items():
        if identifier == DIMENSIONLESS:
            continue
        definition = SubElement(holder, _tag("unitDefinition"), {"id": identifier, "name": text})
        parts = SubElement(definition, _tag("listOfUnits"))
        for kind, exponent, multiplier in unit_parts(text):
            attributes = {"kind": kind, "exponent": str(exponent), "scale": "0", "multiplier": repr(multiplier)}
            SubElement(parts, _tag("unit"), attributes)


def _quantities(top: Element, model: Outgoing, terms: Mapping[str, Expr], given: Iterable[Day]) -> None:
    holder = SubElement(top, _tag("listOfParameters"))
    changed = {*model.system.states, *model.system.outputs} | {name for day in given for name in day.values}
    for name in (*model.system.states, *model.system.parameters, *model.system.outputs):
        entry = model.entries[name]
        attributes = {"id": name, "units": unit_id(entry.unit), "constant": str(name not in changed).lower()}
        if name not in model.system.outputs:
            attributes["value"] = repr(float(entry.value))
        element = SubElement(holder, _tag("parameter"), attributes)
        _notes(element, entry.meaning)
        _sources(element, entry.source)
    for name in terms:
        SubElement(holder, _tag("parameter"), {"id": name, "constant": "false"})


def _rules(top: Element, model: Outgoing, terms: Mapping[str, Expr], names: Mapping[Expr, str]) -> None:
    holder = SubElement(top, _tag("listOfRules"))
    for name, e in {**terms, **model.system.outputs}.items():
        rule = SubElement(holder, _tag("assignmentRule"), {"variable": name})
        rule.append(math_element(e, names, itself=names.get(e) == name))
    for name, e in zip(model.system.states, model.system.rates, strict=True):
        SubElement(holder, _tag("rateRule"), {"variable": name}).append(math_element(e, names))


def _events(top: Element, given: list[Day], names: Mapping[Expr, str]) -> None:
    if not given:
        return
    holder = SubElement(top, _tag("listOfEvents"))
    for number, day in enumerate(given, start=1):
        attributes = {"id": f"event_{number}", "name": f"day {day.day:g}", "useValuesFromTriggerTime": "true"}
        event = SubElement(holder, _tag("event"), attributes)
        trigger = SubElement(event, _tag("trigger"), {"initialValue": "false", "persistent": "true"})
        trigger.append(math_element(constant(day.day) <= TIME, names))
        assignments = SubElement(event, _tag("listOfEventAssignments"))
        for name, e in day.values.items():
            element = SubElement(assignments, _tag("eventAssignment"), {"variable": name})
            element.append(math_element(e, names))
