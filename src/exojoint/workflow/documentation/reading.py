"""Reads the functions that hold the equations and turns each statement into one printed line.

The equations are plain restricted Python: assignments to named quantities, one dictionary of rates or of lever
contributions, loops over the zones. Whatever else stands there is shown as code, so that nothing is left out silently.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from types import ModuleType

from exojoint.workflow.documentation.formulas import (
    TRANSPARENT,
    ZONE,
    Leaf,
    Printer,
    Scope,
    UnprintableError,
    Use,
    leaf,
    letters,
    role_of,
    symbol,
    zone_name,
)
from exojoint.workflow.documentation.symbols import Vocabulary, glyph, sentence

SPACE_TYPES = ("View", "Moment", "Transport", "Structure", "Mapping", "Values", "list")
SELF_SPACES = (
    "self",
    "x",
    "p",
    "lever",
    "signal",
    "noxious",
    "zones",
    "fluxes",
)  # namespaces that an object of the equations holds


@dataclass(frozen=True)
class Line:
    """One printed equation.

    Parameters
    ----------
    name : str
        What it defines, without zone.
    role : str
        ``rate`` (of a state), ``lever``, ``quantity`` or ``code``.
    left : str
        MathML of the left side; empty for code.
    right : tuple of (sign, term)
        MathML of the terms of the right side; for code one term, HTML.
    note : str
        For which zones or under which condition it holds.
    uses, calls : tuple
        Names that it reads, functions that it calls.
    code : str
        The right side as it stands in the program.
    """

    name: str
    role: str
    left: str
    right: tuple[tuple[str, str], ...]
    note: str
    uses: tuple[Use, ...]
    calls: tuple[str, ...]
    code: str


@dataclass(frozen=True)
class Function:
    """One function of the equations: where it stands, what it means, its lines.

    Parameters
    ----------
    module, name : str
        Dotted module; qualified name within it.
    summary : str
        First line of its documentation.
    lines : tuple of Line
        In the order of the program.
    calls : tuple of str
        Functions that it calls, as written.
    """

    module: str
    name: str
    summary: str
    lines: tuple[Line, ...]
    calls: tuple[str, ...]

    @property
    def title(self) -> str:
        """Heading of the function."""
        short = self.name.rpartition(".")[2]
        return "Quantities that all share" if short == "__init__" else sentence(short)

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return f"{self.module.rpartition('.')[2]}-{self.name.replace('.', '-').strip('_')}"

    @property
    def uses(self) -> tuple[Use, ...]:
        """Everything that its lines read, each once, in order."""
        return tuple(dict.fromkeys(use for line in self.lines for use in line.uses))


def read_module(module: ModuleType, vocabulary: Vocabulary, only: Iterable[str] | None = None) -> tuple[Function, ...]:
    """Read the functions of a module, methods of classes included, in the order of the file.

    Those that hold no mathematics have no lines; they may still lead to others through their calls.

    Parameters
    ----------
    module : module
        Imported module.
    vocabulary : Vocabulary
        Names of the model.
    only : iterable of str, optional
        Qualified names to read; all functions unless given.
    """
    wanted = None if only is None else set(only)
    found = []
    for name, node in _functions(ast.parse(inspect.getsource(module)).body, ""):
        if wanted is None or name in wanted:
            lines = _Reader(_scope(node, module, vocabulary), module, node.name).read(node.body)
            summary = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            if lines or only is None:
                called = (ast.unparse(item.func) for item in ast.walk(node) if isinstance(item, ast.Call))
                found.append(Function(module.__name__, name, summary, tuple(lines), tuple(dict.fromkeys(called))))
    return tuple(found)


def _functions(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _scope(node: ast.FunctionDef, module: ModuleType, vocabulary: Vocabulary) -> Scope:
    spaces = {
        argument.arg: role_of(argument.arg)
        for argument in node.args.args
        if argument.annotation is not None and ast.unparse(argument.annotation).partition("[")[0] in SPACE_TYPES
    }
    if node.args.args and node.args.args[0].arg == "self":
        spaces |= {word: role_of(word) for word in SELF_SPACES}
    constants = {name: value for name, value in vars(module).items() if name.isupper() and _is_number(value)}
    return Scope(vocabulary, spaces, constants)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass
class _Reader:
    """Walks the statements of one function; namespaces met on the way join the scope."""

    scope: Scope
    module: ModuleType
    function: str
    note: str = ""
    lines: list[Line] = field(default_factory=list)

    def read(self, body: Sequence[ast.stmt]) -> list[Line]:
        for statement in body:
            self._statement(statement)
        return self.lines

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assign(node.targets[0], node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
            self._result(node.value)
        elif isinstance(node, ast.AugAssign):
            self._assign(node.target, ast.BinOp(node.target, node.op, node.value))
        elif isinstance(node, ast.Return) and node.value is not None:
            self._result(node.value)
        elif isinstance(node, ast.For):
            self._loop(node)
        elif isinstance(node, ast.If):
            self._branch(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._appended(node.value)
        elif not isinstance(node, ast.Expr | ast.Raise | ast.Pass):
            self._code(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple):
            self._unpack(target, value)
        elif self._is_space(value):
            self._space(target, value)
        elif isinstance(value, ast.Dict | ast.DictComp) or _is_union(value):
            self._space(target, value)
            self._result(value)
        elif isinstance(value, ast.IfExp | ast.Lambda | ast.ListComp):
            self._code(ast.Assign([target], value, lineno=0))
        elif not isinstance(value, ast.List | ast.Tuple):
            found = leaf(target, self.scope)
            if found is not None and not self._same(found, value):
                entry = isinstance(target, ast.Subscript)  # of what the function will return
                self._line(Leaf("", found.name, found.index), value, given=entry)

    def _unpack(self, target: ast.Tuple, value: ast.expr) -> None:
        if isinstance(value, ast.Tuple):
            for one, own in zip(target.elts, value.elts, strict=True):
                self._assign(one, own)
            return
        known = vars(self.module).get(value.id) if isinstance(value, ast.Name) else None
        for index, one in enumerate(target.elts):
            if isinstance(known, tuple) and isinstance(one, ast.Name):
                self.scope = replace(self.scope, constants={**self.scope.constants, one.id: known[index]})
            else:
                self._space(one, value)

    def _same(self, found: Leaf, value: ast.expr) -> bool:
        """Whether a line would say that a name is itself."""
        if isinstance(value, ast.Call):
            return ast.unparse(value.func) == found.name and not value.args
        other = leaf(value, self.scope)
        return other is not None and other.name == found.name

    def _space(self, target: ast.expr, value: ast.expr) -> None:
        """Remember a namespace, and what it holds by the view it was made of."""
        word, source = ast.unparse(target).removeprefix("self."), value
        if isinstance(value, ast.Call):
            viewed = ast.unparse(value.func).rpartition(".")[2] in TRANSPARENT
            source = value.args[0] if viewed and value.args else ast.Name("")
        last = ast.unparse(source).rpartition(".")[2]
        role = self.scope.spaces.get(last) or role_of(last)
        self.scope = self.scope.within({word: role if role != "quantity" else role_of(word)})

    def _is_space(self, value: ast.expr) -> bool:
        """Whether a value is a namespace: a view, a mapping of views, what a called function returns by name."""
        if isinstance(value, ast.Call):
            last = ast.unparse(value.func).rpartition(".")[2]
            return last in TRANSPARENT or last in ("dict", "len") or last.endswith(("zones", "signals", "rates"))
        if isinstance(value, ast.Attribute | ast.Name):
            text = ast.unparse(value).removeprefix("self.")
            return text in self.scope.spaces or text in ("at.x", "at.p", "at.read")
        if isinstance(value, ast.ListComp):
            return isinstance(value.elt, ast.Name)
        if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
            return value.value.id in self.scope.spaces and isinstance(value.slice, ast.Constant | ast.Name)
        return isinstance(value, ast.GeneratorExp) or (isinstance(value, ast.DictComp) and _of_zones(value))

    def _result(self, node: ast.expr) -> None:
        """Print what a function gives: one value, a tuple, or a dictionary entry by entry."""
        if isinstance(node, ast.Call) and ast.unparse(node.func) in TRANSPARENT and len(node.args) == 1:
            node = node.args[0]
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                self._entry(key, value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self._result(node.left)
            self._result(node.right)
        elif isinstance(node, ast.DictComp):
            bound = (item for generator in node.generators for item in ast.walk(generator.target))
            self.scope = self.scope.within(
                {item.id: role_of(item.id) for item in bound if isinstance(item, ast.Name) and item.id != ZONE}
            )
            self._entry(node.key, node.value)
        elif (isinstance(node, ast.Name) and node.id in self.scope.spaces) or (
            isinstance(node, ast.ListComp | ast.GeneratorExp) and isinstance(node.elt, ast.Name)
        ):
            return
        elif isinstance(node, ast.Tuple):
            for index, value in enumerate(node.elts, start=1):
                self._line(Leaf("", self.function.strip("_"), str(index)), value)
        else:
            self._line(Leaf("", self.function.strip("_")), node)

    def _entry(self, key: ast.expr | None, value: ast.expr) -> None:
        if isinstance(key, ast.Constant):
            found = Leaf("", str(key.value))
            self._line(found, value, given=True) if not self._same(found, value) else None
        elif isinstance(key, ast.JoinedStr):
            found = Leaf("", *zone_name(key))
            if not isinstance(value, ast.Name) or found.name != "name":  # not where names are only given their zones
                self._line(found, value, given=True)
        elif isinstance(value, ast.Call):  # all entries of another function, or one dictionary per zone
            self._line(Leaf("", ast.unparse(value.func).rpartition(".")[2]), value)

    def _line(self, found: Leaf, value: ast.expr, *, given: bool = False) -> None:
        """Add one line; `given` marks an entry of what the function returns by name."""
        printer = Printer(self.scope)
        try:
            right = tuple(printer.terms(value))
        except UnprintableError:
            self._code(ast.Assign([ast.Name(found.name)], value, lineno=0))
            return
        role, left, names = self._left(found, given)
        if letters(left) == letters("".join(sign + term for sign, term in right)):
            return
        own = [Use("state", names)] if role == "rate" else []
        uses = tuple(dict.fromkeys((*own, *printer.uses)))
        code = ast.unparse(value)
        self.lines.append(Line(found.name, role, left, right, self.note, uses, tuple(printer.calls), code))

    def _left(self, found: Leaf, given: bool) -> tuple[str, str, tuple[str, ...]]:
        """Return role, left side and full names of what a line defines."""
        vocabulary = self.scope.vocabulary
        states, levers = (vocabulary.names(found.name, kind) for kind in ("state", "lever"))
        if given and states and "rates" in self.function.split("_"):
            index = found.index or ("" if found.name in states else "z")
            top = f"<mrow><mi>d</mi>{glyph(found.name, 'state').mathml('state', found.name, index)}</mrow>"
            return "rate", f"<mfrac>{top}<mrow><mi>d</mi><mi>t</mi></mrow></mfrac>", states
        if given and levers and "effects" in self.function.split("_"):
            index = found.index or ("" if found.name in levers else "z")
            return "lever", glyph(found.name, "lever").mathml("lever", found.name, index), levers
        return "quantity", symbol(found, found.name, self.scope)[0], ()

    def _loop(self, node: ast.For) -> None:
        before, self.note = self.note, "each zone z"
        names = [item.id for item in ast.walk(node.target) if isinstance(item, ast.Name)]
        if isinstance(node.iter, ast.Tuple):
            pairs = " and ".join(ast.unparse(item).strip("()") for item in node.iter.elts)
            self.note = f"({', '.join(names)}) = ({pairs.replace(' and ', ') and (')})"
        self.scope = self.scope.within({name: role_of(name) for name in names if name != ZONE})
        self.read(node.body)
        self.note = before

    def _branch(self, node: ast.If) -> None:
        before = self.note
        test = ast.unparse(node.test)
        if test.startswith("isinstance") or any(isinstance(item, ast.Raise) for item in node.body):
            return
        self.note = {"zone == 1": "superficial zone only"}.get(test, f"where {test}")
        self.read(node.body)
        self.note = before if not node.orelse else f"otherwise ({test} is not so)"
        self.read(node.orelse)
        self.note = before

    def _appended(self, node: ast.Call) -> None:
        """Print what is appended to a list as its next element."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            self._line(Leaf("", ast.unparse(node.func.value)), node.args[0])

    def _code(self, node: ast.stmt) -> None:
        text = ast.unparse(ast.fix_missing_locations(node))
        self.lines.append(Line("", "code", "", (("", escape(text)),), self.note, (), (), text))


def _of_zones(value: ast.DictComp) -> bool:
    """Whether a dictionary only collects the namespaces of the zones."""
    return not isinstance(value.key, ast.JoinedStr) and not isinstance(value.value, ast.Call | ast.BinOp)


def _is_union(value: ast.expr) -> bool:
    """Whether an expression adds entries to a dictionary."""
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) and isinstance(value.right, ast.Dict)
