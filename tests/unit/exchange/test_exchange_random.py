"""Random models of everything that is supported, followed by us and by another simulator."""

from __future__ import annotations

import random

import numpy as np
import pytest

from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml

SEEDS = range(30)
T = np.linspace(0.0, 10.0, 41)
FUNCTIONS = {
    "sat": ("x, y", "x / (y + x)"),
    "hill": ("x, y", "x^2 / (y^2 + x^2)"),
    "deep": ("x", "sat(x, 1 + x)"),
}


def yes(truth):
    return str(bool(truth)).lower()


class Draw:
    """One random model; its parts as SBML elements.

    Two constructs on which the other simulator leaves the specification are not drawn: a concentration with a rate rule
    in a compartment with an assignment rule (it follows the amount), and simultaneous events of one priority (nobody
    knows their order).
    """

    def __init__(self, files, seed):
        self.rng, self.files = random.Random(seed), files  # noqa: S311  # for models, not for secrets
        self.rules, self.initial, self.settable = [], [], []
        self.places = dict(self.place(k) for k in range(self.rng.randint(1, 3)))
        self.parameters = dict(self.parameter(k) for k in range(self.rng.randint(1, 4)))
        self.species = dict(self.one_species(k) for k in range(self.rng.randint(1, 5)))
        self.references = {}
        self.reactions = [self.reaction(k) for k in range(self.rng.randint(0, 4))]
        self.events = [self.event(k) for k in range(self.rng.randint(0, 3))] if self.settable else []

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self, low, high):
        return f"{self.rng.uniform(low, high):.4g}"

    def place(self, k):
        name, kind = f"C{k}", self.pick("constant", "constant", "free", "rate", "assigned")
        if kind == "rate":
            self.rules.append(("rate", name, self.pick(f"{self.number(-0.04, 0.1)} * {name}", self.number(0, 0.1))))
        elif kind == "assigned":
            self.rules.append(("assignment", name, f"{self.number(1, 4)} + 0.2 * sin({self.number(0.2, 1)} * time)"))
        if kind in ("free", "rate"):
            self.settable.append(name)
        dimensions = self.pick(3, 3, 2, 1)
        element = f'<compartment id="{name}" size="{self.number(0.3, 4)}" spatialDimensions="{dimensions}"'
        return name, (kind, f'{element} constant="{yes(kind == "constant")}"/>')

    def parameter(self, k):
        name, kind = f"k{k}", self.pick("constant", "constant", "free", "rate", "assigned", "initial")
        switch = f"time < {self.number(1, 9)}"
        if kind == "rate":
            slopes = (
                f"-{self.number(0.01, 0.3)} * {name}",
                f"piecewise({self.number(0, 0.2)}, {switch}, -0.03 * {name})",
            )
            self.rules.append(("rate", name, self.pick(*slopes)))
        elif kind == "assigned":
            values = "1 + 0.5 * sin(time)", f"piecewise(0.6, {switch}, {self.number(0.1, 1)})", "max(0.3, time / 10)"
            self.rules.append(("assignment", name, self.pick(*values)))
        elif kind == "initial":
            self.initial.append((name, f"{self.number(0.1, 1)} * C0"))
        if kind in ("free", "rate"):
            self.settable.append(name)
        constant = yes(kind in ("constant", "initial"))
        return name, (kind, f'<parameter id="{name}" value="{self.number(0.1, 1.5)}" constant="{constant}"/>')

    def one_species(self, k):
        name, place, amount = f"S{k}", self.pick(*self.places), self.pick(True, False)
        kinds = ["free"] * 4 + ["boundary", "constant", "assigned", "initial"]
        kind = self.pick(*kinds, *(["rate"] if amount or self.places[place][0] != "assigned" else []))
        if kind == "rate":
            self.rules.append(("rate", name, f"{self.number(-0.3, 0.1)} * {name} + {self.number(0, 0.3)}"))
        elif kind == "assigned":
            self.rules.append(("assignment", name, f"{self.number(1, 3)} + sin(time) * {self.number(0, 1)}"))
        elif kind == "initial":
            self.initial.append((name, f"{self.number(0.5, 3)} * {self.pick(*self.parameters)}"))
        if kind not in ("constant", "assigned"):
            self.settable.append(name)
        start = f'{self.pick("initialAmount", "initialConcentration")}="{self.number(0.5, 6)}"'
        factors = [n for n, (what, _text) in self.parameters.items() if what == "constant"]
        factor = self.pick("", "", "", *(f' conversionFactor="{n}"' for n in factors))
        outside = yes(kind in ("boundary", "constant", "rate", "assigned"))
        element = f'<species id="{name}" compartment="{place}" {start} hasOnlySubstanceUnits="{yes(amount)}"{factor}'
        return name, (kind, f'{element} boundaryCondition="{outside}" constant="{yes(kind == "constant")}"/>')

    def factor(self):
        k, other = self.pick(*self.parameters), self.pick(*self.species)
        switch = f"piecewise(1, {other} > {self.number(0.5, 3)}, {self.number(0.1, 0.9)})"
        shapes = f"1 / (1 + {other})", switch, "(1 + 0.3 * sin(time))", f"hill({other}, 2)", f"deep({other})", "1"
        return f"{k} * {self.pick(*shapes)}"

    def reaction(self, k):
        movable = [n for n, (kind, _text) in self.species.items() if kind in ("free", "boundary", "initial")]
        left = self.rng.sample(movable, min(len(movable), self.pick(0, 1, 1, 2)))
        rest = [n for n in movable if n not in left]
        right = self.rng.sample(rest, min(len(rest), self.pick(0, 1, 1, 2)))
        law = " * ".join([self.factor(), *(self.pick(n, f"{n} / (1 + {n})") for n in left)])
        law = f"kl * {law} * {self.pick(*self.places)}" if self.pick(True, False) else law
        law = f"0.5 * ({law} - 0.1 * {right[0]})" if right and self.pick(True, False) else law
        text = f'<reaction id="R{k}" reversible="true">'
        for tag, group in (("Reactants", left), ("Products", right)):
            if group:
                text += f"<listOf{tag}>{''.join(self.reference(n) for n in group)}</listOf{tag}>"
        others = [n for n in self.species if n not in (*left, *right) and n in law]
        if others:
            text += "<listOfModifiers>" + "".join(f'<modifierSpeciesReference species="{n}"/>' for n in others)
            text += "</listOfModifiers>"
        local = '<listOfLocalParameters><localParameter id="kl" value="0.7"/></listOfLocalParameters>'
        text += f"<kineticLaw>{self.files.math(law)}{local}</kineticLaw></reaction>"
        return text if left or right else ""

    def reference(self, species):
        amount, name = self.pick("1", "1", "2", "0.5"), f"n{len(self.references)}"
        if self.pick(True, True, True, False):
            return f'<speciesReference species="{species}" stoichiometry="{amount}" constant="true"/>'
        kind = self.references[name] = self.pick("free", "assigned", "rate", "initial")
        if kind == "assigned":
            self.rules.append(("assignment", name, "1 + 0.5 * sin(time)"))
        elif kind == "rate":
            self.rules.append(("rate", name, "0.05"))
        elif kind == "initial":
            self.initial.append((name, f"2 * {self.pick(*self.parameters)}"))
        if kind in ("free", "rate"):
            self.settable.append(name)
        return f'<speciesReference id="{name}" species="{species}" stoichiometry="{amount}" constant="false"/>'

    def event(self, k):
        read = [*self.species, *self.parameters]
        trigger = self.pick(
            f"time > {self.number(0.3, 9.5)}",
            f"time >= {self.number(0.3, 9.5)}",
            f"{self.pick(*self.species)} < {self.number(0.3, 3)}",
            f"and(time > {self.number(1, 5)}, {self.pick(*read)} > {self.number(0.2, 2)})",
            "sin(time) > 0.5",
            f"{self.pick(*read)} > {self.pick(*read)}",
        )
        targets = self.rng.sample(self.settable, min(len(self.settable), self.pick(1, 1, 2)))
        values = [(n, self.pick(self.number(0.5, 3), f"0.5 * {n} + 0.4", f"{self.pick(*read)} * 0.5")) for n in targets]
        sets = "".join(f'<eventAssignment variable="{n}">{self.files.math(e)}</eventAssignment>' for n, e in values)
        before, persistent, early = (yes(self.pick(True, False)) for _ in range(3))
        return (
            f'<event id="E{k}" useValuesFromTriggerTime="{early}"><trigger initialValue="{before}" '
            f'persistent="{persistent}">{self.files.math(trigger)}</trigger><priority>{self.files.math(str(k + 1))}'
            f"</priority><listOfEventAssignments>{sets}</listOfEventAssignments></event>"
        )

    def text(self):
        def listed(name, elements):
            inside = "".join(elements)
            return f"<listOf{name}>{inside}</listOf{name}>" if inside else ""

        math = self.files.math
        functions = [
            f'<functionDefinition id="{n}">{math(f"lambda({a}, {e})")}</functionDefinition>'
            for n, (a, e) in FUNCTIONS.items()
        ]
        self.rng.shuffle(self.rules)
        initial = [f'<initialAssignment symbol="{n}">{math(e)}</initialAssignment>' for n, e in self.initial]
        rules = [f'<{kind}Rule variable="{n}">{math(e)}</{kind}Rule>' for kind, n, e in self.rules]
        body = [
            listed("FunctionDefinitions", functions),
            listed("Compartments", (text for _kind, text in self.places.values())),
            listed("Species", (text for _kind, text in self.species.values())),
            listed("Parameters", (text for _kind, text in self.parameters.values())),
            listed("InitialAssignments", initial),
            listed("Rules", rules),
            listed("Reactions", self.reactions),
            listed("Events", self.events),
        ]
        return self.files.document("\n".join(body))


@pytest.mark.parametrize("seed", SEEDS)
def test_another_simulator_follows_a_random_model_alike(files, peer, seed):
    draw = Draw(files, seed)
    model = parse_sbml(draw.text())
    names = [n for n in model.columns if n not in draw.references]
    seen = simulate(model, T, columns=names).values
    other = peer(draw.text(), T, names)
    np.testing.assert_allclose(seen, other, rtol=1e-5, atol=1e-8)
