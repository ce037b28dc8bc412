"""Three-address code to LLVM assembly: one vector instruction per operation, one patient per vector lane.

Products are fused into sums by name (``llvm.fma``), never by a licence to reorder. The digits of a patient therefore
do not depend on the number of lanes or on the compiler's mood, only on whether the processor can fuse at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exojoint.engine.backends.elementary import ELEMENTARY, emit_elementary
from exojoint.engine.backends.writer import BINARY, Writer, splat, vector
from exojoint.engine.program import EACH, FUSED, REDUCTIONS, Op, Program
from exojoint.engine.slots import CONTROL

UNROLL: Final = 4  # rows per turn of a loop: the counter and the jump cost as much as two operations
CACHE_LINE: Final = 64  # bytes; rows never need a larger alignment
DOUBLE_PROGRAMS: Final = ("clamp", "control", "patient")  # clock, step control and hoisting keep double precision
FLIPPED: Final = {"lt": "olt", "le": "ole", "eq": "oeq"}
INTRINSIC: Final = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "sin": "sin", "cos": "cos", "atan": "atan"}


@dataclass(frozen=True)
class Shape:
    """What a lane looks like on this machine.

    Attributes
    ----------
    lanes : int
        Patients side by side.
    single : bool
        Whether states are kept in single precision.
    fused : bool
        Whether the processor multiplies and adds in one operation.
    """

    lanes: int
    single: bool = False
    fused: bool = True

    @property
    def element(self) -> str:
        """LLVM type of one state value."""
        return "float" if self.single else "double"

    @property
    def itemsize(self) -> int:
        """Bytes of one state value."""
        return 4 if self.single else 8


@dataclass(frozen=True)
class _Array:
    """Where the rows of one array are.

    Pointer, bytes to the first row, element type, lanes side by side, bytes per row.
    """

    pointer: str
    offset: int
    element: str
    lanes: int
    pitch: int


def module_text(programs: Sequence[Program], rows: Mapping[str, int], shape: Shape) -> str:
    """Return the LLVM assembly of programs.

    Parameters
    ----------
    programs
        Each becomes a function of its name.
    rows
        First row of every array in the working memory.
    shape
        Lanes and precision.
    """
    parts = [_function(p, rows, shape) for p in programs]
    declared = sorted({d for _, ds in parts for d in ds})
    width = shape.lanes * shape.itemsize * 8
    # Some processors prefer half their register width; the lanes were measured, so the full width is asked for.
    attributes = f'attributes #0 = {{ nounwind "prefer-vector-width"="{width}" "min-legal-vector-width"="{width}" }}'
    return "\n\n".join([*(text for text, _ in parts), "\n".join(declared), attributes, ""])


def _arrays(program: Program, rows: Mapping[str, int], shape: Shape) -> dict[str, _Array]:
    """Return the place of every array that a program may name."""
    double_pitch, pitch = 8 * shape.lanes, shape.itemsize * shape.lanes
    if program.name == "patient":
        return {"p": _Array("%x", 0, "double", 1, 8), "q": _Array("%w", rows["q"] * pitch, shape.element, 1, pitch)}
    table = {n: _Array("%c", i * double_pitch, "double", shape.lanes, double_pitch) for i, n in enumerate(CONTROL)}
    table |= {n: _Array("%w", r * pitch, shape.element, shape.lanes, pitch) for n, r in rows.items()}
    return table | {"x": _Array("%x", 0, shape.element, shape.lanes, pitch)}


def _function(program: Program, rows: Mapping[str, int], shape: Shape) -> tuple[str, set[str]]:
    """Return one function ``void name(working memory, control, x)`` and the declarations that it needs."""
    lanes = 1 if program.name == "patient" else shape.lanes
    w = Writer("double" if program.name in DOUBLE_PROGRAMS else shape.element, lanes, shape.fused)
    arrays = _arrays(program, rows, shape)
    body = _loop(program, arrays, w) if program.turns else _straight(program, arrays, w)
    head = f"define void @{program.name}(ptr noalias %w, ptr noalias %c, ptr noalias %x) #0 {{"
    return "\n".join([head, "entry:", *body, "  ret void", "}"]), w.declared


def _straight(program: Program, arrays: dict[str, _Array], w: Writer) -> list[str]:
    names: list[str] = []
    for o in program.ops:
        names.append(_operation(o, [names[a] for a in o.args], arrays, w))
    return w.lines


def _loop(program: Program, arrays: dict[str, _Array], w: Writer) -> list[str]:
    """What stays the same is computed once before the loop; reductions are carried in registers; four rows per turn."""
    moving = program.moving()
    names = [""] * len(program.ops)
    for k, o in enumerate(program.ops):
        if not moving[k]:
            names[k] = _operation(o, [names[a] for a in o.args], arrays, w)
    before, w.lines = w.lines, []
    sums = [k for k, o in enumerate(program.ops) if o.op in REDUCTIONS]
    carried = {k: f"%sum{k}" for k in sums}
    whole = program.turns - program.turns % UNROLL
    totals = dict(carried)
    for row in range(UNROLL):
        w.row = f"%i{row}"
        w.put_as(w.row, f"add i64 %i, {row}")
        _turn(program, moving, names, totals, arrays, w)
    body, w.lines = w.lines, []
    ends = totals if whole else dict.fromkeys(sums, w.number(0.0))
    totals = dict(ends)
    for row in range(whole, program.turns):
        w.row = str(row)
        _turn(program, moving, names, totals, arrays, w)
    for k in sums:
        _store(program.ops[k], totals[k], arrays, w)
    if not whole:
        return [*before, *w.lines]
    zero = w.number(0.0)
    phis = [f"  {carried[k]} = phi {w.type} [{zero}, %entry], [{ends[k]}, %loop]" for k in sums]
    head = ["  br label %loop", "loop:", "  %i = phi i64 [0, %entry], [%next, %loop]", *phis]
    tail = [
        f"  %next = add i64 %i, {UNROLL}",
        f"  %more = icmp ult i64 %next, {whole}",
        "  br i1 %more, label %loop, label %exit",
    ]
    return [*before, *head, *body, *tail, "exit:", *w.lines]


def _turn(
    program: Program, moving: list[bool], names: list[str], totals: dict[int, str], arrays: dict[str, _Array], w: Writer
) -> None:
    """Append one turn of a loop for the row that the writer is at."""
    for k, o in enumerate(program.ops):
        if not moving[k]:
            continue
        args = [names[a] for a in o.args]
        if o.op in REDUCTIONS:
            totals[k] = w.binary("add", totals[k], args[0])
        else:
            names[k] = _operation(o, args, arrays, w)


def _operation(o: Op, a: Sequence[str], arrays: dict[str, _Array], w: Writer) -> str:
    """Append one operation; return the name of its value (empty for a store)."""
    if o.op == "load":
        return _load(o, arrays, w)
    if o.op == "store":
        _store(o, a[0], arrays, w)
        return ""
    if o.op == "const":
        return w.number(o.value)
    if o.op in BINARY:
        return w.binary(o.op, a[0], a[1])
    if o.op in FUSED:
        return _fused(o.op, a, w)
    if o.op in INTRINSIC:
        return w.call(INTRINSIC[o.op], a[0])
    if o.op in ELEMENTARY:
        return emit_elementary(w, o.op, a)
    if o.op in ("min", "max"):
        return w.select(w.compare("olt" if o.op == "min" else "ogt", a[0], a[1]), a[0], a[1])
    if o.op == "neg":
        return w.negative(a[0])
    if o.op == "inv":
        return w.reciprocal(a[0])
    if o.op == "select":
        return w.select(a[0], a[1], a[2])
    return _condition(o.op, a, w)


def _fused(op: str, a: Sequence[str], w: Writer) -> str:
    if op == "fma":
        return w.fma(a[0], a[1], a[2])
    if op == "fnma":
        return w.fma(w.negative(a[0]), a[1], a[2]) if w.fused else w.binary("sub", a[2], w.binary("mul", a[0], a[1]))
    return w.fma(a[0], a[1], w.negative(a[2])) if w.fused else w.binary("sub", w.binary("mul", a[0], a[1]), a[2])


def _condition(op: str, a: Sequence[str], w: Writer) -> str:
    if op in FLIPPED:
        return w.compare(FLIPPED[op], a[0], a[1])
    if op == "not":
        return w.put(f"xor {w.truth_type} {a[0]}, {splat('i1', w.lanes, 'true')}")
    if op in ("and", "or"):
        return w.put(f"{op} {w.truth_type} {a[0]}, {a[1]}")
    if op in ("true", "false"):
        return splat("i1", w.lanes, op)
    raise ValueError(f"the vector back end has no operation {op}")


def _address(o: Op, array: _Array, w: Writer) -> str:
    if o.row == EACH and w.row.startswith("%"):
        moved = w.put(f"mul i64 {w.row}, {array.pitch}")
        start = w.put(f"getelementptr i8, ptr {array.pointer}, i64 {array.offset}")
        return w.put(f"getelementptr i8, ptr {start}, i64 {moved}")
    row = int(w.row) if o.row == EACH else o.row
    offset = array.offset + row * array.pitch
    return w.put(f"getelementptr i8, ptr {array.pointer}, i64 {offset}") if offset else array.pointer


def _align(array: _Array) -> int:
    size = 4 if array.element == "float" else 8
    return min(CACHE_LINE, size * array.lanes)


def _load(o: Op, arrays: dict[str, _Array], w: Writer) -> str:
    array = arrays[o.array]
    stored = vector(array.element, array.lanes)
    value = w.put(f"load {stored}, ptr {_address(o, array, w)}, align {_align(array)}")
    if array.element == w.element:
        return value
    return w.put(f"{'fptrunc' if w.element == 'float' else 'fpext'} {stored} {value} to {w.type}")


def _store(o: Op, value: str, arrays: dict[str, _Array], w: Writer) -> None:
    array = arrays[o.array]
    stored = vector(array.element, array.lanes)
    if array.element != w.element:
        value = w.put(f"{'fptrunc' if array.element == 'float' else 'fpext'} {w.type} {value} to {stored}")
    w.lines.append(f"  store {stored} {value}, ptr {_address(o, array, w)}, align {_align(array)}")
