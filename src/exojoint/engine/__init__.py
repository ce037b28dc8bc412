"""The population engine: equations in, courses of patients out. See README.md beside this file."""

from exojoint.engine.events import Event
from exojoint.engine.expression import Expr
from exojoint.engine.kernel import Kernel, compile_system
from exojoint.engine.outcome import Outcome
from exojoint.engine.solve import Trajectory, rest, solve
from exojoint.engine.system import System, trace
from exojoint.engine.triggers import Trigger

__all__ = [
    "Event",
    "Expr",
    "Kernel",
    "Outcome",
    "System",
    "Trajectory",
    "Trigger",
    "compile_system",
    "rest",
    "solve",
    "trace",
]
