"""Read an SBML file into plain records."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.exchange.formulas_in import formula
from exojoint.engine.exchange.guard import examine, read_safely
from exojoint.engine.exchange.libraries import libsbml
from exojoint.engine.exchange.parts import (
    NOT_GIVEN,
    Compartment,
    Document,
    Formula,
    Function,
    Happening,
    Label,
    Quantities,
    Quantity,
    Reaction,
    Rules,
    Side,
    Species,
)

Item = Any  # an object of the SBML library, which has no types
SUPPORTED: Final = "what docs/reference/exchange.md lists as supported"
SHOWN_ERRORS = 20  # messages of the library that are passed on; the rest are counted


def read_document(path: Path) -> Document:
    """Read an SBML file.

    Raises
    ------
    InputError
        When the file is no harmless SBML of level 1 to 3, breaks SBML's rules, or uses what is not supported; each
        unsupported element is named with its line.
    """
    return parse_document(read_safely(path), path.name)


def parse_document(text: str, name: str) -> Document:
    """Read SBML text; ``name`` stands for it in messages. Raises as :func:`read_document`."""
    examine(text, name)
    document = libsbml().readSBMLFromString(text)
    _refuse_invalid(document, name)
    model = document.getModel()
    if model is None:
        raise InputError(Problem(name, "holds no model", "an element <model>", "Is it a fragment?"))
    return _Reader(document, model, name).document()


def _refuse_invalid(document: Item, name: str) -> None:
    """Pass on the library's errors: of reading, then of the rules of SBML (units and style are the author's)."""
    library = libsbml()
    problems = list(_errors(document, name))
    if not problems:
        for category in (library.LIBSBML_CAT_UNITS_CONSISTENCY, library.LIBSBML_CAT_MODELING_PRACTICE):
            document.setConsistencyChecks(category, False)
        document.checkConsistency()
        problems = list(_errors(document, name))
    if problems:
        more = len(problems) - SHOWN_ERRORS
        if more > 0:
            problems = [*problems[:SHOWN_ERRORS], Problem(name, f"{more} more errors like these", "valid SBML")]
        raise InputError(*problems)


def _errors(document: Item, name: str) -> Iterator[Problem]:
    worst = libsbml().LIBSBML_SEV_ERROR
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        if error.getSeverity() >= worst:
            lines = [line.strip() for line in error.getMessage().splitlines() if line.strip()]
            detail = f" ({lines[-1]})" if lines and not lines[-1].startswith("Reference:") else ""
            what = f"{error.getShortMessage()}{detail}"
            yield Problem(f"{name} line {error.getLine()}", what, "valid SBML", f"SBML rule {error.getErrorId()}.")


class _Reader:
    """Walks through one model and keeps what is wrong, so that all of it is told at once."""

    def __init__(self, document: Item, model: Item, name: str) -> None:
        self.model, self.name = model, name
        self.level, self.version = document.getLevel(), document.getVersion()
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.references: list[Quantity] = []

    def document(self) -> Document:
        """Return the records; raise everything that is not supported at once."""
        model = self.model
        functions = dict(self._functions())
        compartments = tuple(self._compartment(c) for c in model.getListOfCompartments())
        species = tuple(self._species(s) for s in model.getListOfSpecies())
        parameters = tuple(
            Quantity(p.getId(), self.at(p, "parameter"), _given(p.isSetValue(), p.getValue()))
            for p in model.getListOfParameters()
        )
        rules = self._rules()
        reactions = tuple(self._reaction(r) for r in model.getListOfReactions())
        happenings = tuple(h for h in map(self._event, model.getListOfEvents()) if h is not None)
        if model.getNumConstraints():
            self.remarks.append("constraints are not watched")
        self._refuse_unknown(compartments, species, reactions)
        if self.problems:
            raise InputError(*self.problems)
        quantities = Quantities(compartments, species, parameters, tuple(self.references))
        title = model.getName() or model.getId() or self.name
        dialect = f"SBML L{self.level}V{self.version}"
        label = Label(self.name, title, dialect, tuple(self.remarks))
        return Document(label, functions, quantities, rules, reactions, happenings)

    def at(self, item: Item, what: str, name: str = "") -> str:
        """Return the place of an object, for messages."""
        label = name or item.getId()
        return f"{self.name} line {item.getLine()}, {what}" + (f" `{label}`" if label else "")

    def refuse(self, where: str, what: str, todo: str) -> None:
        """Note that something is not supported."""
        self.problems.append(Problem(where, what, SUPPORTED, todo))

    def formula(self, item: Item, where: str) -> Formula | None:
        """Return the formula of an object; without one (level 3 version 2 allows that) the object has no effect."""
        tree = item.getMath() if item is not None else None
        if tree is None:
            self.remarks.append(f"{where} has no formula and no effect")
            return None
        return self.tree(tree, where)

    def tree(self, tree: Item, where: str) -> Formula | None:
        """Return a formula tree as plain nodes; note what is not supported."""
        try:
            return formula(tree, where)
        except InputError as error:
            self.problems.extend(error.problems)
            return None

    def _refuse_unknown(
        self, compartments: tuple[Compartment, ...], species: tuple[Species, ...], reactions: tuple[Reaction, ...]
    ) -> None:
        """Note references that lead nowhere; the library finds most of them, but not an empty one."""
        places, names = {c.id for c in compartments}, {s.id for s in species}
        read = [(s.where, s.compartment, places) for s in species]
        read += [(r.where, side.species, names) for r in reactions for side in r.sides]
        self.problems += [
            Problem(where, f"there is no `{name}`", "the id of another element", did_you_mean(name, known))
            for where, name, known in read
            if name not in known
        ]

    def _functions(self) -> Iterator[tuple[str, Function]]:
        for item in self.model.getListOfFunctionDefinitions():
            where, body = self.at(item, "function"), item.getBody()
            if body is None:
                self.remarks.append(f"{where} has no formula and no effect")
                continue
            arguments = tuple(item.getArgument(i).getName() for i in range(item.getNumArguments()))
            found = self.tree(body, where)
            if found is not None:
                yield item.getId(), Function(arguments, found)

    def _compartment(self, item: Item) -> Compartment:
        dimensions = item.getSpatialDimensionsAsDouble()
        size = _given(item.isSetSize(), item.getSize())
        known = 3.0 if math.isnan(dimensions) else dimensions
        return Compartment(item.getId(), self.at(item, "compartment"), known, size, item.getConstant())

    def _species(self, item: Item) -> Species:
        conversion = item.getConversionFactor() if self.level > 2 else ""
        if self.level > 2 and not conversion:
            conversion = self.model.getConversionFactor()
        return Species(
            item.getId(),
            self.at(item, "species"),
            item.getCompartment(),
            _given(item.isSetInitialAmount(), item.getInitialAmount()),
            _given(item.isSetInitialConcentration(), item.getInitialConcentration()),
            item.getHasOnlySubstanceUnits(),
            not (item.getBoundaryCondition() or item.getConstant()),
            conversion,
        )

    def _rules(self) -> Rules:
        rules: dict[str, dict[str, Formula]] = {"assignment": {}, "rate": {}, "initial": {}}
        for item in self.model.getListOfRules():
            if item.isAlgebraic():
                where = self.at(item, "element <algebraicRule>", item.getIdAttribute() or item.getMetaId())
                self.refuse(
                    where, "algebraic rules are not supported", "Solve it for one quantity; use an assignment rule."
                )
                continue
            kind = "rate" if item.isRate() else "assignment"
            self._put(rules[kind], item, f"{kind} rule of", item.getVariable())
        for item in self.model.getListOfInitialAssignments():
            self._put(rules["initial"], item, "initial assignment of", item.getSymbol())
        return Rules(**rules)

    def _put(self, table: dict[str, Formula], item: Item, what: str, name: str) -> None:
        found = self.formula(item, self.at(item, what, name))
        if found is not None:
            table[name] = found

    def _reaction(self, item: Item) -> Reaction:
        where = self.at(item, "reaction")
        if item.isSetFast() and item.getFast():
            self.refuse(where, "`fast` reactions are not supported", "Make it slow, or replace it by its equilibrium.")
        law = item.getKineticLaw()
        if law is None:
            self.remarks.append(f"{where} has no kinetic law and does not proceed")
        local = {} if law is None else {p.getId(): _given(p.isSetValue(), p.getValue()) for p in _local(law)}
        sides = [self._side(s, -1, where) for s in item.getListOfReactants()]
        sides += [self._side(s, 1, where) for s in item.getListOfProducts()]
        found = None if law is None else self.formula(law, f"{where}, kinetic law")
        return Reaction(item.getId(), where, found, local, tuple(sides))

    def _side(self, item: Item, sign: int, where: str) -> Side:
        value, found = item.getStoichiometry(), None
        if self.level < 3:
            value = value / item.getDenominator() if item.getDenominator() else value
            if item.isSetStoichiometryMath():
                found = self.formula(item.getStoichiometryMath(), f"{where}, stoichiometry of `{item.getSpecies()}`")
            return Side(item.getSpecies(), sign, value, found, "")
        value = _given(item.isSetStoichiometry(), value)
        if item.getId():
            self.references.append(Quantity(item.getId(), self.at(item, "species reference"), value))
        return Side(item.getSpecies(), sign, value, None, item.getId())

    def _event(self, item: Item) -> Happening | None:
        where = self.at(item, "event")
        if item.isSetDelay() and not _is_zero(item.getDelay()):
            self.refuse(
                where, "an event with a <delay> is not supported", "Let a second event follow at the later time."
            )
        trigger = self.formula(item.getTrigger(), f"{where}, trigger")
        priority = self.formula(item.getPriority(), f"{where}, priority") if item.isSetPriority() else None
        assignments = {}
        for a in item.getListOfEventAssignments():
            found = self.formula(a, f"{where}, assignment to `{a.getVariable()}`")
            if found is not None:
                assignments[a.getVariable()] = found
        if trigger is None:
            return None
        settled = item.getTrigger()
        before = True if self.level < 3 else settled.getInitialValue()
        persistent = True if self.level < 3 else settled.getPersistent()
        early = item.getUseValuesFromTriggerTime()
        return Happening(item.getId(), where, trigger, before, persistent, early, priority, assignments)


def _local(law: Item) -> Iterator[Item]:
    return iter(law.getListOfLocalParameters() if law.getLevel() > 2 else law.getListOfParameters())


def _is_zero(delay: Item) -> bool:
    tree = delay.getMath()
    return tree is None or (tree.isNumber() and tree.getValue() == 0.0)


def _given(is_set: bool, value: float) -> float:
    return float(value) if is_set else NOT_GIVEN
