"""A system's programs as source text for the peers, so that everybody evaluates the same optimised equations."""

from __future__ import annotations

from exojoint.engine.program import EACH, Op, Program

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def _arithmetic(o: Op, a: list[str], number: str = "{}") -> str:
    match o.op:
        case "const":
            return number.format(repr(o.value))
        case "neg":
            return f"-{a[0]}"
        case "inv":
            return f"{number.format('1.0')}/{a[0]}"
        case "fma":
            return f"{a[0]}*{a[1]}+{a[2]}"
        case "fnma":
            return f"{a[2]}-{a[0]}*{a[1]}"
        case "fms":
            return f"{a[0]}*{a[1]}-{a[2]}"
        case _ if o.op in INFIX:
            return f"{a[0]}{INFIX[o.op]}{a[1]}"
    raise ValueError(f"no text for {o.op}")


def python_lines(program: Program, index: str = "{}[{}]", indent: str = "    ") -> str:
    """Return straight-line code as Python statements on arrays named as in the program."""
    lines, names = [], []
    for k, o in enumerate(program.ops):
        a = [names[i] for i in o.args]
        names.append(f"v{k}")
        if o.op == "store":
            lines.append(f"{index.format(o.array, o.row)} = {a[0]}")
        elif o.op == "load":
            lines.append(f"v{k} = {index.format(o.array, o.row)}")
        elif o.op == "sqrt":
            lines.append(f"v{k} = {a[0]}**0.5")
        elif o.op in ("abs", "max", "min"):
            lines.append(f"v{k} = {o.op}({', '.join(a)})")
        else:
            lines.append(f"v{k} = {_arithmetic(o, a)}")
    return "\n".join(indent + line for line in lines)


def cpp_function(program: Program, arrays: dict[str, str], type_: str) -> str:
    """Return a program as a C++ function of working memory, control rows and one more pointer."""
    head = f"static NI void {program.name}(V*__restrict w, V*__restrict c, V*__restrict x)"
    before, body, after = [], [], []
    names: list[str] = []
    moving = program.moving() if program.turns else [False] * len(program.ops)
    for k, o in enumerate(program.ops):
        a = [names[i] for i in o.args]
        names.append(f"v{k}")
        to = body if moving[k] else before
        if o.op == "load":
            to.append(f"const {type_} v{k}={_place(o, arrays)};")
        elif o.op == "store":
            to.append(f"{_place(o, arrays)}={a[0]};")
        elif o.op == "sum":
            before.append(f"{type_} s{k}={{}};")
            body.append(f"s{k}+={a[0]};")
            after.append(f"{_place(o, arrays)}=s{k};")
        else:
            to.append(_cpp_line(o, a, k, type_))
    loop = f"for(long i=0;i<{program.turns};i++){{\n" + "\n".join(body) + "\n}\n" if program.turns else "\n".join(body)
    return head + "{\n" + "\n".join(before) + "\n" + loop + "\n".join(after) + "\n}\n"


def _cpp_line(o: Op, a: list[str], k: int, type_: str) -> str:
    compare = {"lt": "<", "le": "<=", "eq": "=="}
    logic = {"and": "&", "or": "|"}
    if o.op in compare:
        return f"const M v{k}={a[0]}{compare[o.op]}{a[1]};"
    if o.op in logic:
        return f"const M v{k}={a[0]}{logic[o.op]}{a[1]};"
    if o.op == "not":
        return f"const M v{k}=~{a[0]};"
    if o.op == "select":
        return f"const {type_} v{k}={a[0]}?{a[1]}:{a[2]};"
    if o.op == "abs":
        return f"const {type_} v{k}={a[0]}<0?-{a[0]}:{a[0]};"
    if o.op in ("min", "max"):
        return f"const {type_} v{k}={a[0]}{'<' if o.op == 'min' else '>'}{a[1]}?{a[0]}:{a[1]};"
    if o.op == "sqrt":
        return f"const {type_} v{k}=vsqrt({a[0]});"
    if o.op == "const":
        text = "__builtin_inf()" if o.value == float("inf") else repr(o.value)
        return f"const {type_} v{k}=bc({text});"
    return f"const {type_} v{k}={_arithmetic(o, a, 'bc({})')};"


def _place(o: Op, arrays: dict[str, str]) -> str:
    return arrays[o.array].format("i" if o.row == EACH else o.row)
