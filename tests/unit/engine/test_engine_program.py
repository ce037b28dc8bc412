"""Three-address code: nothing twice, nothing for nobody, products inside sums."""

from __future__ import annotations

import numpy as np

from exojoint.engine.backends.oracle import evaluate
from exojoint.engine.program import EACH, Builder


def test_the_same_operation_is_written_once() -> None:
    b = Builder()
    x, y = b.load("in", 0), b.load("in", 1)
    assert b.emit("add", x, y) == b.emit("add", y, x)
    assert b.emit("sub", x, y) != b.emit("sub", y, x)


def test_what_nobody_stores_is_not_computed() -> None:
    b = Builder()
    x = b.load("in", 0)
    b.emit("exp", x)
    b.store("out", 0, b.emit("neg", x))
    assert [o.op for o in b.finish("p").ops] == ["load", "neg", "store"]


def test_a_product_with_one_reader_is_fused_into_its_sum() -> None:
    b = Builder()
    x, y, z = (b.load("in", i) for i in range(3))
    b.store("out", 0, b.emit("add", b.emit("mul", x, y), z))
    b.store("out", 1, b.emit("sub", z, b.emit("mul", x, z)))
    b.store("out", 2, b.emit("sub", b.emit("mul", y, z), x))
    program = b.finish("p")
    assert [o.op for o in program.ops if o.op[0] == "f"] == ["fma", "fnma", "fms"]
    arrays = {"in": np.array([[2.0], [3.0], [5.0]]), "out": np.zeros((3, 1))}
    evaluate(program, arrays)
    assert arrays["out"][:, 0].tolist() == [11.0, -5.0, 13.0]


def test_a_product_that_is_read_twice_stays_a_product() -> None:
    b = Builder()
    product = b.emit("mul", b.load("in", 0), b.load("in", 1))
    b.store("out", 0, b.emit("add", product, b.load("in", 2)))
    b.store("out", 1, product)
    program = b.finish("p")
    assert program.count(["mul", "add"]) == 2
    assert program.count(["fma"]) == 0


def test_loops_walk_through_rows_and_sum_up() -> None:
    b = Builder()
    x = b.load("in", EACH)
    b.store("out", EACH, b.emit("mul", x, b.load("factor")))
    b.reduce("sum", "total", 0, x)
    program = b.finish("loop", 4)
    arrays = {
        "in": np.arange(8.0).reshape(4, 2),
        "out": np.zeros((4, 2)),
        "factor": np.full((1, 2), 10.0),
        "total": np.ones((1, 2)),
    }
    evaluate(program, arrays)
    assert arrays["out"].tolist() == [[0, 10], [20, 30], [40, 50], [60, 70]]
    assert arrays["total"].tolist() == [[12.0, 16.0]]
    assert program.moving().count(False) == 1, "the factor is read once, before the loop"
