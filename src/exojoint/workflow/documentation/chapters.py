"""Which functions hold the equations, sorted into chapters: one per tissue of the joint, one per disposition."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import FunctionType, ModuleType

from exojoint import joint as joint_package
from exojoint.core.tables import Parameter
from exojoint.joint import model
from exojoint.joint.model import JointModel, load_joint
from exojoint.joint.tables import STRUCTURES, State
from exojoint.treatments.dispositions import Disposition, list_dispositions, load_disposition
from exojoint.workflow.documentation.reading import Function, read_module
from exojoint.workflow.documentation.symbols import Vocabulary, words

DEFAULT = "default"  # the structure that a scenario has unless it names another
ORDER = ("mechanics", "cartilage", "synovium", "bone", "pain", "observation", "shapes")  # as a reader walks the knee
MODEL = ("JointModel.readouts", "_Knee.__init__", "_Knee.fluxes_of_fragments", "_Knee.rates", "_Knee.observables")
TITLES: Mapping[str, str] = {
    "model": "The knee as a whole",
    "mechanics": "Load and what carries it",
    "cartilage": "Cartilage, one zone three times",
    "synovium": "Synovium and its fluid",
    "bone": "Bone below the cartilage",
    "pain": "Nerves and pain",
    "observation": "What could be measured",
    "shapes": "Three shapes of which everything is made",
}


@dataclass(frozen=True, slots=True)
class Rival:
    """A flux that each structure has its own function for."""

    flux: str
    structure: str
    function: str


@dataclass(frozen=True)
class Chapter:
    """One page of equations.

    Parameters
    ----------
    name, title, intro : str
        Short name (part of the file name), heading, first sentence.
    room : str
        ``joint`` or ``treatments``.
    functions : tuple of Function
        In the order of the program.
    states : tuple of str
        States that a disposition owns; empty for the joint.
    rivals : tuple of Rival
        Fluxes of which each structure has its own.
    same_as : str
        Chapter whose equations these states obey as well; empty where the chapter has its own.
    """

    name: str
    title: str
    intro: str
    room: str
    functions: tuple[Function, ...]
    states: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
    same_as: str = ""

    @property
    def file(self) -> str:
        """Name of the page."""
        return f"equations_{self.name}.html"


@dataclass(frozen=True)
class Book:
    """All equations of the knee and of every disposition.

    Parameters
    ----------
    joint : JointModel
        Human knee in the default structure.
    dispositions : tuple of Disposition
        All of them, by name.
    states : tuple of State
        Of the joint, then of the dispositions, in any structure.
    parameters : mapping of str to Parameter
        Rows that equations of any structure read; values of the default one.
    vocabulary : Vocabulary
        Every name.
    chapters : tuple of Chapter
        Joint first.
    """

    joint: JointModel
    dispositions: tuple[Disposition, ...]
    states: tuple[State, ...]
    parameters: Mapping[str, Parameter]
    vocabulary: Vocabulary
    chapters: tuple[Chapter, ...]

    def places(self) -> dict[str, str]:
        """Return the address of every function by its name without underscore (the first of a name wins)."""
        found: dict[str, str] = {}
        for chapter in self.chapters:
            for function in chapter.functions:
                short = function.name.rpartition(".")[2].strip("_")
                found.setdefault(short, f"{chapter.file}#{function.anchor}")
        return found


@functools.cache
def load_book() -> Book:
    """Read all equations, those of every structure."""
    joints = [load_joint("human", structure) for structure in STRUCTURES]
    parts = [[load_disposition(name, structure) for structure in STRUCTURES] for name in list_dispositions()]
    every: list[JointModel | Disposition] = [*joints, *(part for own in parts for part in own)]
    levers = [name for joint in joints for lever in joint.levers.values() for name in lever.names]
    states = {state.name: state for item in every for state in item.states}
    rows = {name: row for item in reversed(every) for name, row in item.parameters.items()}
    vocabulary = Vocabulary.of(states, rows, levers)
    chapters = (*_joint_chapters(vocabulary), *(_disposition_chapter(own, vocabulary) for own in parts))
    written = tuple(chapter for chapter in chapters if chapter.functions or chapter.same_as)
    first = tuple(own[STRUCTURES.index(DEFAULT)] for own in parts)
    return Book(joints[STRUCTURES.index(DEFAULT)], first, tuple(states.values()), rows, vocabulary, written)


def _joint_chapters(vocabulary: Vocabulary) -> Iterator[Chapter]:
    functions = read_module(model, vocabulary, MODEL)
    yield Chapter("model", TITLES["model"], _first_line(model), "joint", functions, rivals=tuple(_rivals(model)))
    modules = {item.name: item for item in pkgutil.iter_modules(joint_package.__path__)}
    known = [name for name in ORDER if name in modules]
    others = sorted(name for name in modules if name not in ORDER)
    for name in (*known, *others):
        module = importlib.import_module(f"{joint_package.__name__}.{name}")
        wanted = [function for function, value in vars(module).items() if _is_equation(value, module)]
        if wanted:
            title = TITLES.get(name, name.capitalize())
            yield Chapter(name, title, _first_line(module), "joint", read_module(module, vocabulary, wanted))


def _is_equation(value: object, module: ModuleType) -> bool:
    """Whether a name of a joint's module is a function of views or values."""
    if not inspect.isfunction(value) or value.__module__ != module.__name__:
        return False
    kinds = set(map(str, inspect.get_annotations(value).values()))
    return bool(kinds) and kinds <= {"View", "Value", "dict[str, Value]", "list[View]", "tuple[Value, Value]"}


def _disposition_chapter(own: Sequence[Disposition], vocabulary: Vocabulary) -> Chapter:
    """Equations of a disposition in all structures: its own functions and whatever they call in their file."""
    part = own[0]
    states = tuple(dict.fromkeys(state.name for item in own for state in item.states))
    if part.shares:
        intro = f"A second instance of the disposition {words(part.shares)}, with states of its own."
        return Chapter(part.name, _title(part), intro, "treatments", (), states, same_as=part.shares)
    heads = list(dict.fromkeys(head for item in own for head in _heads(item)))
    found: list[Function] = []
    rivals: list[Rival] = []
    for module in dict.fromkeys(inspect.getmodule(head) for head in heads):
        if module is not None:
            every = {item.name: item for item in read_module(module, vocabulary)}
            choices = list(_rivals(module))
            names = _followed([head.__name__ for head in heads if head.__module__ == module.__name__], every, choices)
            found += [item for name, item in every.items() if name in names and item.lines]
            rivals += [rival for rival in choices if rival.function in names]
    intro = _first_line(inspect.getmodule(heads[0])) if heads else ""
    return Chapter(part.name, _title(part), intro, "treatments", tuple(found), states, tuple(rivals))


def _heads(part: Disposition) -> Iterator[FunctionType]:
    """Yield the functions that a disposition is made of, those left out aside."""
    for item in fields(part.equations):
        function = getattr(part.equations, item.name)
        if callable(function) and function is not item.default:
            yield _plain(function)


def _title(part: Disposition) -> str:
    return f"Disposition: {words(part.name)}"


def _followed(heads: Sequence[str], every: Mapping[str, Function], rivals: Sequence[Rival]) -> set[str]:
    """Names of the functions that some functions lead to through their calls, rival fluxes included."""
    left, found = list(heads), set[str]()
    while left:
        name = left.pop()
        if name in every and name not in found:
            found.add(name)
            called = {call.rpartition(".")[2] for call in every[name].calls}
            left += sorted(called) + [rival.function for rival in rivals if rival.flux in called]
    return found


def _plain(function: Callable[..., object]) -> FunctionType:
    """Return the function behind one whose first arguments are given."""
    while isinstance(function, functools.partial):
        function = function.func
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} has no text to print")
    return function


def _rivals(module: ModuleType) -> Iterator[Rival]:
    """Yield the fluxes that a module chooses by the name of the structure."""
    for value in vars(module).values():
        if isinstance(value, Mapping) and value and set(value) <= set(STRUCTURES):
            for structure, chosen in value.items():
                for item in fields(chosen) if is_dataclass(chosen) else ():
                    function = getattr(chosen, item.name)
                    if callable(function):
                        yield Rival(item.name, structure, function.__name__)


def _first_line(module: ModuleType | None) -> str:
    """Return the first paragraph of a module's documentation."""
    return " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split())
