"""Small models of our own, written as Antimony or as SBML elements, and another engine that reads them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml

libsbml = pytest.importorskip("libsbml", reason="the extra `sbml` is not installed")
antimony = pytest.importorskip("antimony", reason="the extra `sbml` is not installed")

MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
SYMBOLS = "http://www.sbml.org/sbml/symbols/"
NAMESPACES = {
    (3, 2): "http://www.sbml.org/sbml/level3/version2/core",
    (3, 1): "http://www.sbml.org/sbml/level3/version1/core",
    (2, 4): "http://www.sbml.org/sbml/level2/version4",
    (2, 1): "http://www.sbml.org/sbml/level2",
}


class Files:
    """Makes SBML text."""

    def antimony(self, text):
        """SBML of an Antimony model."""
        assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
        sbml = antimony.getSBMLString(None)
        antimony.clearPreviousLoads()
        return sbml

    def document(self, body, level=3, version=2, attributes=""):
        """SBML around the elements of a model."""
        head = f'<sbml xmlns="{NAMESPACES[level, version]}" level="{level}" version="{version}">'
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<model id="own" {attributes}>\n{body}\n</model></sbml>'

    def math(self, infix):
        """MathML of a formula in the library's notation."""
        tree = libsbml.parseL3Formula(infix)
        assert tree is not None, libsbml.getLastParseL3Error()
        text = libsbml.writeMathMLToString(tree)
        return text[text.index("<math") :]

    def assigned(self, math, level=3, version=2):
        """A model whose parameter `x` follows a formula given as MathML."""
        parameters = (
            '<listOfParameters><parameter id="x" constant="false"/><parameter id="p" value="2" constant="true"/>'
        )
        rule = f'<listOfRules><assignmentRule variable="x">{math}</assignmentRule></listOfRules>'
        return self.document(f"{parameters}</listOfParameters>{rule}", level, version)

    def symbol(self, name, inside=""):
        """A csymbol, applied to something if given."""
        mark = f'<csymbol encoding="text" definitionURL="{SYMBOLS}{name}">{name}</csymbol>'
        return f"<apply>{mark}{inside}</apply>" if inside else mark

    def downgraded(self, sbml, level, version):
        """The same model in an older dialect, by the library's converter."""
        document = libsbml.readSBMLFromString(sbml)
        assert document.setLevelAndVersion(level, version, False), document.getErrorLog().toString()
        return libsbml.writeSBMLToString(document)


@pytest.fixture(scope="session")
def files():
    return Files()


@pytest.fixture(scope="session")
def follow(files):
    """Course of a model (Antimony or SBML text) by column."""

    def run(text, times, **options):
        model = parse_sbml(text if text.lstrip().startswith("<") else files.antimony(text))
        course = simulate(model, times, **options)
        return dict(zip(course.names, course.values.T, strict=True))

    return run


PEER = """
import json, sys
import roadrunner
asked = json.load(sys.stdin)
roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
options = roadrunner.Config
options.setValue(options.LLVM_BACKEND, options.LLJIT)
options.setValue(options.LLJIT_OPTIMIZATION_LEVEL, options.NONE)  # its compiler takes longer than its integrator
other = roadrunner.RoadRunner(asked["sbml"])
other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-10, 1e-14
other.timeCourseSelections = asked["columns"]
json.dump([list(map(float, row)) for row in other.simulate(times=asked["times"])], sys.stdout)
"""


@pytest.fixture(scope="session")
def peer(files):
    """The same from libroadrunner, with tight tolerances."""
    if importlib.util.find_spec("roadrunner") is None:
        pytest.skip("the extra `check` (libroadrunner) is not installed")

    def run(text, times, names):
        sbml = text if text.lstrip().startswith("<") else files.antimony(text)
        model = libsbml.readSBMLFromString(sbml).getModel()
        chosen = ["time", *(selection(model, name) for name in names)]
        asked = json.dumps({"sbml": sbml, "times": list(map(float, times)), "columns": chosen})
        # A process of its own: its compiler and ours do not always bear each other in one.
        done = subprocess.run([sys.executable, "-c", PEER], input=asked, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
        return np.array(json.loads(done.stdout))[:, 1:]

    def selection(model, name):
        species = model.getSpecies(name)
        return f"[{name}]" if species is not None and not species.getHasOnlySubstanceUnits() else name

    return run
