"""The driver's functions, which are plain Python, as LLVM assembly.

They use a small part of the language: whole numbers, real numbers, truth values and flat arrays; assignment, if,
while, for over a range, return, break, continue; arithmetic, comparison and calls of each other. Anything else is
refused with its place. They can be run as they stand too, and the tests do so: both ways give the same bits.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Final

from exojoint.engine.backends.writer import literal
from exojoint.engine.driver.language import ARITHMETIC, COMPARISON, ELEMENT, TYPE, Value, signature_of
from exojoint.engine.driver.memory import Job, call, claim, flush_tiny, restore
from exojoint.engine.driver.modes import mode_functions

PRIMITIVE: Final = (call, claim, flush_tiny, restore)  # written in assembly here; their Python text is a stand-in
ATTRIBUTES: Final = "attributes #0 = { nounwind }\n!0 = !{}\n"


def translate(entry: Callable[..., None], single: bool, triple: str) -> str:
    """Return LLVM assembly of a function of one job, and of all functions that it calls.

    Parameters
    ----------
    entry
        Becomes the only callable name; its argument is a block of pointers, one per field of :class:`Job`.
    single
        Whether states are kept in single precision.
    triple
        The target in LLVM's words.
    """
    found: dict[str, Callable[..., Any]] = {}
    _collect(entry, found)
    parts = [_Function(f, found, single, f is entry).text() for f in found.values()]
    return "\n\n".join([*parts, mode_functions(triple), "declare double @llvm.fabs.f64(double)", ATTRIBUTES])


def _collect(function: Callable[..., Any], found: dict[str, Callable[..., Any]]) -> None:
    found[function.__name__] = function
    for name in inspect.unwrap(function).__code__.co_names:
        inner = function.__globals__.get(name)
        if inspect.isfunction(inner) and inner not in PRIMITIVE and name not in found:
            _collect(inner, found)


class _Function:
    """One function on its way into assembly."""

    def __init__(
        self, function: Callable[..., Any], known: dict[str, Callable[..., Any]], single: bool, is_entry: bool
    ) -> None:
        self.function, self.known, self.is_entry = function, known, is_entry
        self.fields = {n: getattr(h, "__forward_arg__", str(h)) for n, h in Job.__annotations__.items()}
        self.element = ELEMENT | {"States": "float" if single else "double"}
        self.signature = signature_of(function)
        self.lines: list[str] = []
        self.places: list[str] = []
        self.variables: dict[str, Value] = {}
        self.loops: list[tuple[str, str]] = []
        self.count = 0

    def text(self) -> str:
        """Return the whole function."""
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body
        assert isinstance(tree, ast.FunctionDef)  # noqa: S101 - inspect gave the source of a function
        for name, type_ in self.signature.arguments:
            if type_ == "ptr":
                self.variables[name] = Value("job", f"%{name}")
            else:
                self.assign(name, Value(type_, f"%{name}"))
        self.block(tree.body)
        result = self.signature.result
        end = "  ret void" if result == "void" else "  unreachable"
        arguments = ", ".join(f"{t} %{n}" for n, t in self.signature.arguments)
        linkage = "" if self.is_entry else "internal "
        head = f"define {linkage}{result} @{self.function.__name__}({arguments}) #0 {{"
        return "\n".join([head, "entry:", *self.places, *self.lines, end, "}"])

    # ---- writing

    def new(self, prefix: str = "v") -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def put(self, type_: str, text: str) -> Value:
        name = f"%{self.new()}"
        self.lines.append(f"  {name} = {text}")
        return Value(type_, name)

    def label(self, name: str) -> None:
        self.lines += [f"  br label %{name}", f"{name}:"]

    def branch(self, condition: Value, yes: str, no: str) -> None:
        self.lines.append(f"  br i1 {condition.name}, label %{yes}, label %{no}")

    def start(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def refuse(self, node: ast.AST) -> TypeError:
        where = f"{self.function.__module__}.{self.function.__name__}, line {getattr(node, 'lineno', '?')}"
        return TypeError(f"{where}: {ast.unparse(node)!r} is not part of the driver's language")

    # ---- statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, s: ast.stmt) -> None:
        match s:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr(value=ast.Call() as value):
                self.expression(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target, given in zip(targets, [self.expression(v) for v in values], strict=True):
                    self.store(target, given)
            case ast.Assign(targets=[target], value=value):
                self.store(target, self.expression(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.store(target, self.expression(value))
            case ast.AugAssign(target=target, op=op, value=value):
                self.store(target, self.arithmetic(op, self.expression(target), self.expression(value), s))
            case ast.If():
                self.choice(s)
            case ast.While() | ast.For():
                self.loop(s)
            case ast.Return(value=value):
                self.leave(value)
            case ast.Break() | ast.Continue():
                begin, end = self.loops[-1]
                self.lines.append(f"  br label %{end if isinstance(s, ast.Break) else begin}")
                self.start(self.new("dead"))
            case _:
                raise self.refuse(s)

    def leave(self, value: ast.expr | None) -> None:
        result = self.signature.result
        given = "void" if value is None else f"{result} {self.cast(self.expression(value), result).name}"
        self.lines.append(f"  ret {given}")
        self.start(self.new("dead"))

    def choice(self, s: ast.If) -> None:
        yes, no, end = self.new("then"), self.new("else"), self.new("end")
        self.branch(self.truth(s.test), yes, no)
        self.start(yes)
        self.block(s.body)
        self.lines.append(f"  br label %{end}")
        self.start(no)
        self.block(s.orelse)
        self.label(end)

    def loop(self, s: ast.While | ast.For) -> None:
        begin, body, after, end = (self.new(n) for n in ("while", "body", "next", "end"))
        limit = self.range_of(s) if isinstance(s, ast.For) else None
        self.label(begin)
        if isinstance(s, ast.For) and limit is not None:
            condition = self.put("i1", f"icmp slt i64 {self.expression(s.target).name}, {limit.name}")
        else:
            condition = self.truth(s.test) if isinstance(s, ast.While) else Value("i1", "true")
        self.branch(condition, body, end)
        self.start(body)
        self.loops.append((after, end))
        self.block(s.body)
        self.loops.pop()
        self.label(after)
        if isinstance(s, ast.For):
            self.store(s.target, self.put("i64", f"add i64 {self.expression(s.target).name}, 1"))
        self.lines.append(f"  br label %{begin}")
        self.start(end)

    def range_of(self, s: ast.For) -> Value:
        """Set the counter to the start of a range; return its end."""
        match s.iter:
            case ast.Call(func=ast.Name(id="range"), args=[stop]):
                first, last = Value("i64", "0"), self.expression(stop)
            case ast.Call(func=ast.Name(id="range"), args=[start, stop]):
                first, last = self.expression(start), self.expression(stop)
            case _:
                raise self.refuse(s)
        self.store(s.target, first)
        return last

    def store(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.assign(name, value)
            case ast.Subscript(value=array, slice=index):
                self.to_array(self.expression(array), self.expression(index), value)
            case _:
                raise self.refuse(target)

    def assign(self, name: str, value: Value) -> None:
        """Give a variable a value; its type is that of its first value. Arrays and jobs only get a second name."""
        if value.type in ("array", "job"):
            self.variables[name] = value
            return
        if name not in self.variables:
            self.variables[name] = Value(value.type, f"%{name}.at")
            self.places.append(f"  %{name}.at = alloca {value.type}")
        place = self.variables[name]
        self.lines.append(f"  store {place.type} {self.cast(value, place.type).name}, ptr {place.name}")

    # ---- expressions

    def expression(self, e: ast.expr) -> Value:
        match e:
            case ast.Constant(value=bool() as value):
                return Value("i1", "true" if value else "false")
            case ast.Constant(value=int() | float() as value):
                return self.number(value)
            case ast.Name(id=name) if name in self.variables:
                v = self.variables[name]
                return v if v.type in ("array", "job") else self.put(v.type, f"load {v.type}, ptr {v.name}")
            case ast.Name(id=name) if isinstance(self.function.__globals__.get(name), int | float):
                return self.number(self.function.__globals__[name])
            case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
                return self.attribute(e, owner, attribute)
            case ast.Subscript(value=array, slice=index):
                return self.from_array(self.expression(array), self.expression(index))
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(op, self.expression(left), self.expression(right), e)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.arithmetic(ast.Sub(), Value("i64", "0"), self.expression(operand), e)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.put("i1", f"xor i1 {self.truth(operand).name}, true")
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compare(op, self.expression(left), self.expression(right), e)
            case ast.BoolOp(op=op, values=[first, *others]):
                return self.lazily(first, others, isinstance(op, ast.And))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.either(test, body, orelse)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.call(e, name, args)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="isnan"), args=[arg]):
                x = self.cast(self.expression(arg), "double")
                return self.put("i1", f"fcmp uno double {x.name}, {x.name}")
            case _:
                raise self.refuse(e)

    def number(self, value: float) -> Value:
        return Value("i64", str(value)) if isinstance(value, int) else Value("double", literal(value, "double"))

    def attribute(self, e: ast.expr, owner: str, attribute: str) -> Value:
        if owner in self.variables and self.variables[owner].type == "job":
            kind, place = self.fields[attribute], list(self.fields).index(attribute)
            at = self.put("ptr", f"getelementptr ptr, ptr {self.variables[owner].name}, i64 {place}")
            pointer = self.put("ptr", f"load ptr, ptr {at.name}, !invariant.load !0")
            return Value("array", pointer.name, self.element[kind], attribute in ("sizes", "code", "limits"))
        if owner == "np" and attribute == "nan":
            return Value("double", literal(math.nan, "double"))
        constant = getattr(self.function.__globals__.get(owner), attribute, None)
        if isinstance(constant, int | float):
            return self.number(constant)
        raise self.refuse(e)

    def truth(self, e: ast.expr) -> Value:
        return self.cast(self.expression(e), "i1")

    def cast(self, v: Value, type_: str) -> Value:
        """Convert between whole numbers, real numbers and truth values."""
        if v.type == type_:
            return v
        if type_ == "i1":
            return self.put("i1", f"icmp ne i64 {v.name}, 0" if v.type == "i64" else f"fcmp une double {v.name}, 0.0")
        if type_ == "double":
            word = {"i64": "sitofp", "i1": "uitofp"}[v.type]
            return self.put("double", f"{word} {v.type} {v.name} to double")
        return self.put("i64", f"zext i1 {v.name} to i64" if v.type == "i1" else f"fptosi double {v.name} to i64")

    def arithmetic(self, op: ast.operator, a: Value, b: Value, e: ast.AST) -> Value:
        if type(op) not in ARITHMETIC:
            raise self.refuse(e)
        whole, real = ARITHMETIC[type(op)]
        if whole and a.type == b.type == "i64":
            return self.put("i64", f"{whole} i64 {a.name}, {b.name}")
        return self.put("double", f"{real} double {self.cast(a, 'double').name}, {self.cast(b, 'double').name}")

    def compare(self, op: ast.cmpop, a: Value, b: Value, e: ast.AST) -> Value:
        if type(op) not in COMPARISON:
            raise self.refuse(e)
        whole, real = COMPARISON[type(op)]
        if a.type == b.type == "i64":
            return self.put("i1", f"icmp {whole} i64 {a.name}, {b.name}")
        return self.put("i1", f"fcmp {real} double {self.cast(a, 'double').name}, {self.cast(b, 'double').name}")

    def lazily(self, first: ast.expr, others: Sequence[ast.expr], is_and: bool) -> Value:
        """And, or: what follows is looked at only if it still matters."""
        place, end = self.hidden("i1"), self.new("end")
        self.lines.append(f"  store i1 {self.truth(first).name}, ptr {place}")
        for other in others:
            known = self.put("i1", f"load i1, ptr {place}")
            more = self.new("more")
            self.branch(known, *((more, end) if is_and else (end, more)))
            self.start(more)
            self.lines.append(f"  store i1 {self.truth(other).name}, ptr {place}")
        self.label(end)
        return self.put("i1", f"load i1, ptr {place}")

    def either(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Value:
        """One of two values; the other is not computed."""
        yes, no, end = self.new("then"), self.new("else"), self.new("end")
        self.branch(self.truth(test), yes, no)
        self.start(yes)
        a = self.expression(body)
        place = self.hidden(a.type)
        self.lines += [f"  store {a.type} {a.name}, ptr {place}", f"  br label %{end}"]
        self.start(no)
        b = self.cast(self.expression(orelse), a.type)
        self.lines.append(f"  store {a.type} {b.name}, ptr {place}")
        self.label(end)
        return self.put(a.type, f"load {a.type}, ptr {place}")

    def hidden(self, type_: str) -> str:
        place = f"%{self.new('hidden')}"
        self.places.append(f"  {place} = alloca {type_}")
        return place

    def call(self, e: ast.expr, name: str, args: Sequence[ast.expr]) -> Value:
        values = [self.expression(a) for a in args]
        if name in ("min", "max"):
            better = self.compare(ast.Lt() if name == "min" else ast.Gt(), values[1], values[0], e)
            a, b = values if values[0].type == values[1].type else [self.cast(v, "double") for v in values]
            return self.put(a.type, f"select i1 {better.name}, {b.type} {b.name}, {a.type} {a.name}")
        if name == "abs":
            return self.put("double", f"call double @llvm.fabs.f64(double {self.cast(values[0], 'double').name})")
        if name in ("int", "float"):
            return self.cast(values[0], TYPE[name])
        if name == "call":
            pointers = [self.put("ptr", f"inttoptr i64 {v.name} to ptr").name for v in values]
            self.lines.append(f"  call void {pointers[0]}({', '.join(f'ptr {p}' for p in pointers[1:])})")
            return Value("void", "")
        if name == "claim":
            return self.put("i64", f"atomicrmw add ptr {values[0].name}, i64 {values[1].name} monotonic")
        if name == "flush_tiny":
            return self.put("i64", "call i64 @flush_tiny()")
        if name == "restore":
            self.lines.append(f"  call void @restore(i64 {values[0].name})")
            return Value("void", "")
        if name not in self.known:
            raise self.refuse(e)
        return self.call_known(name, values)

    def call_known(self, name: str, values: Sequence[Value]) -> Value:
        signature = signature_of(self.known[name])
        given = [
            f"ptr {v.name}" if v.type == "job" else f"{t} {self.cast(v, t).name}"
            for v, (_, t) in zip(values, signature.arguments, strict=True)
        ]
        text = f"call {signature.result} @{name}({', '.join(given)})"
        if signature.result == "void":
            self.lines.append(f"  {text}")
            return Value("void", "")
        return self.put(signature.result, text)

    def from_array(self, array: Value, index: Value) -> Value:
        at = self.put("ptr", f"getelementptr {array.element}, ptr {array.name}, i64 {index.name}")
        fixed = ", !invariant.load !0" if array.constant else ""
        raw = self.put(array.element, f"load {array.element}, ptr {at.name}{fixed}")
        if array.element == "float":
            return self.put("double", f"fpext float {raw.name} to double")
        if array.element in ("i8", "i32"):
            return self.put("i64", f"{'zext' if array.element == 'i8' else 'sext'} {array.element} {raw.name} to i64")
        return raw

    def to_array(self, array: Value, index: Value, value: Value) -> None:
        at = self.put("ptr", f"getelementptr {array.element}, ptr {array.name}, i64 {index.name}")
        if array.element in ("double", "float"):
            value = self.cast(value, "double")
            if array.element == "float":
                value = self.put("float", f"fptrunc double {value.name} to float")
        else:
            value = self.cast(value, "i64")
            if array.element != "i64":
                value = self.put(array.element, f"trunc i64 {value.name} to {array.element}")
        self.lines.append(f"  store {array.element} {value.name}, ptr {at.name}")
