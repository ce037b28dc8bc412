"""The population engine: equations in, courses of patients out. See README.md beside this file."""

from exojoint.engine.certify import Certificate, certify
from exojoint.engine.events import Event
from exojoint.engine.expression import Expr
from exojoint.engine.gradient import Gradient, gradient
from exojoint.engine.kernel import Kernel, compile_system
from exojoint.engine.outcome import Outcome
from exojoint.engine.population import Population, population
from exojoint.engine.solve import Trajectory, rest, solve
from exojoint.engine.system import System, trace
from exojoint.engine.triggers import Trigger

__all__ = [
    "Certificate",
    "Event",
    "Expr",
    "Gradient",
    "Kernel",
    "Outcome",
    "Population",
    "System",
    "Trajectory",
    "Trigger",
    "certify",
    "compile_system",
    "gradient",
    "population",
    "rest",
    "solve",
    "trace",
]
