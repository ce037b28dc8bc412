"""Budgets on the tail: no long file, no long function, no constructor that nobody can call by heart.

Lines of a function are counted without its docstring. A class that is one row of a table (a frozen dataclass) has one
argument per column; it is listed below by name like any other exception. An exception that is no longer needed fails.
"""

from __future__ import annotations

import ast

import pytest

FILE_LINES, FILE_HARD = 400, 600
FUNCTION_LINES, FUNCTION_HARD = 40, 80
ARGUMENTS = 8

LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
WIDE_CONSTRUCTORS: dict[str, str] = {
    "exojoint.calibration.protocol.Protocol": "one protocol file: one field per key of the format",
    "exojoint.calibration.protocol.Readout": "one [[readout]] of a protocol file: one field per key of the format",
    "exojoint.core.tables.Parameter": "one row of a parameter table: one field per column",
    "exojoint.evidence.facts.Fact": "one row of facts.csv: one field per column",
    "exojoint.evidence.targets.Target": "one row of targets.csv: one field per column",
    "exojoint.product.lot.Lot": "the certificate of a lot: one field per entry, made in one place (make_lot)",
    "exojoint.runs.verdict.Effect": "one entry of `effects` in verdict.json: one field per key of the contract",
    "exojoint.runs.verdict.VerdictFile": "verdict.json: one field per key of the contract",
}


def functions(modules):
    """Every function with its full name and its lines without docstring."""
    for module in modules.values():
        for name, node in named(module.tree, module.name):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def named(tree, prefix):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}.{node.name}"
            yield name, node
            yield from named(node, name)
        else:
            yield from named(node, prefix)


def length(node):
    first = node.body[0]
    is_doc = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    documentation = first.end_lineno - first.lineno + 1 if is_doc else 0
    return node.end_lineno - node.lineno + 1 - documentation


def constructor_arguments(node):
    """Arguments of a class: of its ``__init__``, or one per field of a dataclass."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            given = item.args
            return len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - 1
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return 0
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    return sum(
        "ClassVar" not in ast.unparse(item.annotation) and "init=False" not in ast.unparse(item) for item in fields
    )


def judge(found, budget, hard, exceptions):
    """Names over the budget that are not excused, over the hard limit, and excuses that nobody needs."""
    over = {name: size for name, size in found.items() if size > budget}
    wrong = [f"{name}: {size}, allowed {budget}" for name, size in over.items() if name not in exceptions]
    wrong += [f"{name}: {size}, never more than {hard}" for name, size in over.items() if size > hard]
    wrong += [f"{name}: excused for nothing" for name in exceptions if name not in over]
    return "\n".join(["", *wrong]) if wrong else ""


def test_no_file_is_longer_than_its_budget(modules):
    found = {module.name: module.lines for module in modules.values()}
    assert judge(found, FILE_LINES, FILE_HARD, LONG_FILES) == ""


def test_no_function_is_longer_than_its_budget(modules):
    found = {name: length(node) for name, node in functions(modules)}
    assert judge(found, FUNCTION_LINES, FUNCTION_HARD, LONG_FUNCTIONS) == ""


def test_no_constructor_takes_more_than_eight_arguments(modules):
    found = {
        name: constructor_arguments(node)
        for module in modules.values()
        for name, node in named(module.tree, module.name)
        if isinstance(node, ast.ClassDef)
    }
    assert judge(found, ARGUMENTS, 10**6, WIDE_CONSTRUCTORS) == ""


@pytest.mark.parametrize("exceptions", [LONG_FILES, LONG_FUNCTIONS, WIDE_CONSTRUCTORS])
def test_every_exception_gives_a_reason(exceptions):
    assert all(len(reason) > 20 for reason in exceptions.values())


def test_the_judge_knows_three_kinds_of_wrong():
    found = {"short": 5, "long": 15, "excused": 15, "endless": 30}
    verdict = judge(found, 10, 20, {"excused": "reason", "short": "reason", "endless": "reason"})
    assert verdict.split("\n")[1:] == [
        "long: 15, allowed 10",
        "endless: 30, never more than 20",
        "short: excused for nothing",
    ]
    assert judge({"short": 5, "excused": 15}, 10, 20, {"excused": "reason"}) == ""


def test_lengths_and_arguments_are_counted_as_stated():
    source = '''
@dataclass(frozen=True)
class Row:
    """Doc."""
    a: int
    b: int = 0
    c: ClassVar[int] = 1
    d: int = field(init=False)

class Plain:
    def __init__(self, a, *, b, **more):
        """Doc
        over lines."""
        return None
'''
    classes = {node.name: node for node in ast.parse(source).body}
    assert constructor_arguments(classes["Row"]) == 2
    assert constructor_arguments(classes["Plain"]) == 2
    assert length(classes["Plain"].body[0]) == 2
