"""Machine code: agrees with plain numpy to rounding, and is vector code throughout."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from exojoint.engine import Kernel, System
from exojoint.engine.assemble import Programs, assemble
from exojoint.engine.backends.llvm import Shape, module_text
from exojoint.engine.backends.oracle import evaluate
from exojoint.engine.backends.writer import literal
from exojoint.engine.machine import Processor, assembly_code, this_processor
from exojoint.engine.probe import Probe, rates_at
from exojoint.engine.slots import CONTROL

COLD = ("patient",)  # runs once per patient, in one lane
SCALAR = re.compile(r"\bv?(add|sub|mul|div|sqrt|fn?m(add|sub)\w*)s[sd]\b")


@pytest.fixture(scope="module")
def programs(knee_system: System) -> Programs:
    return assemble(knee_system)


def filled(kernel: Kernel, single: bool, patients: Callable) -> tuple[Probe, dict[str, np.ndarray]]:
    """A probe with random rows, and the same rows for the oracle."""
    probe = Probe(kernel.variant(single=single))
    lanes, layout = probe.variant.shape.lanes, probe.variant.layout
    rng = np.random.default_rng(2)
    p, _ = patients(lanes)
    for lane in range(lanes):
        probe.patient(lane, p[lane])
    rows = layout.rows
    for name in list(rows)[:-1]:
        if name not in ("q",):
            probe.rows(name)[:] = rng.uniform(0.5, 1.5, probe.rows(name).shape)
    probe.space.c[:] = rng.uniform(0.5, 1.5, probe.space.c.shape)
    arrays = {name: probe.rows(name).astype(float) for name in list(rows)[:-1]}
    arrays |= {name: probe.space.c[i : i + 1].copy() for i, name in enumerate(CONTROL)}
    return probe, arrays


@pytest.mark.parametrize(("lanes", "single"), [(2, False), (4, False), (8, False), (16, True)])
def test_every_machine_function_agrees_with_plain_numpy(
    knee_system: System, programs: Programs, compiled: Callable, patients: Callable, lanes: int, single: bool
) -> None:
    kernel = compiled(knee_system, lanes=lanes)
    tolerance = 2e-4 if single else 1e-11
    for program in programs.steps:
        probe, arrays = filled(kernel, single, patients)
        arrays["x"] = arrays["k3"]
        probe.run(program.name, "k3")
        evaluate(program, arrays)
        for name in {o.array for o in program.ops if o.op in ("store", "sum")}:
            table = {"x": "k3"}.get(name, name)
            found = probe.space.c[CONTROL.index(name)][None] if name in CONTROL else probe.rows(table)
            np.testing.assert_allclose(
                found, arrays[name], rtol=tolerance, atol=tolerance, err_msg=f"{program.name} {name}"
            )


def test_per_patient_constants_agree_with_plain_numpy(knee: Kernel, programs: Programs, patients: Callable) -> None:
    p, _ = patients(3)
    probe = Probe(knee.variant())
    for lane in range(3):
        probe.patient(lane, p[lane])
    arrays = {"p": p.T.copy(), "q": np.zeros((probe.variant.layout.n_constants, 3))}
    evaluate(programs.patient, arrays)
    np.testing.assert_allclose(probe.rows("q")[:, :3], arrays["q"], rtol=1e-14)


def test_rates_of_given_states_agree_with_the_equations(knee: Kernel, patients: Callable, knee_rates: Callable) -> None:
    p, y = patients(11)
    expected = np.array([knee_rates(0.0, y[i], p[i]) for i in range(11)])
    np.testing.assert_allclose(rates_at(knee, p, y), expected, rtol=1e-12, atol=1e-14)


def text_of(programs: Programs, shape: Shape) -> str:
    return module_text((programs.patient, *programs.steps), programs.layout.rows, shape)


def offences(code: dict[str, str], register: str) -> list[str]:
    """Functions that compute nothing, one lane at a time, or in registers other than the widest."""
    found = []
    for name in (n for n in code if n not in COLD):
        lines = [line for line in code[name].splitlines() if re.search(r"\tv?(add|mul|sub|div|fn?m\w+)p[sd]\b", line)]
        if SCALAR.search(code[name]):
            found.append(f"{name} computes one lane at a time")
        if any(register not in line for line in lines):
            found.append(f"{name} uses narrower registers than {register}")
        if not lines and name in ("factorise", "rates", "solve", "stage1", "stage7", "finish", "control", "dense"):
            found.append(f"{name} computes nothing")
    return found


def functions_of(assembly: str) -> dict[str, str]:
    """Split assembly text into functions."""
    parts = re.split(r"^(\w+):", assembly, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(
    ("processor", "lanes", "register"),
    [
        (Processor("skylake-avx512", "+avx512f,+avx512dq,+avx512vl,+fma"), 8, "zmm"),
        (Processor("haswell", "+avx2,+fma"), 4, "ymm"),
        (Processor("nehalem", "+sse4.2"), 2, "xmm"),
    ],
)
def test_hot_functions_hold_vector_arithmetic_only(
    programs: Programs, processor: Processor, lanes: int, register: str
) -> None:
    if not this_processor().has("sse2"):
        pytest.skip("the instruction names are those of x86")
    code = functions_of(assembly_code(text_of(programs, Shape(lanes, fused=processor.has("fma"))), processor))
    assert {p.name for p in programs.steps} <= set(code)
    assert offences(code, register) == []


def test_code_of_one_lane_and_of_half_a_register_is_found_out(programs: Programs) -> None:
    if not this_processor().has("sse2"):
        pytest.skip("the instruction names are those of x86")
    wide = Processor("skylake-avx512", "+avx512f,+avx512dq,+avx512vl,+fma")
    one = offences(functions_of(assembly_code(text_of(programs, Shape(1)), wide)), "zmm")
    half = offences(functions_of(assembly_code(text_of(programs, Shape(4)), wide)), "zmm")
    for name in ("factorise", "rates", "solve", "stage4", "finish"):
        assert f"{name} computes one lane at a time" in one
        assert f"{name} uses narrower registers than zmm" in half


def test_this_machine_runs_vector_code_without_a_cache(programs: Programs, knee: Kernel) -> None:
    if not this_processor().has("sse2"):
        pytest.skip("the instruction names are those of x86")
    shape = knee.variant().shape
    register = {2: "xmm", 4: "ymm", 8: "zmm"}[shape.lanes] if this_processor().has("avx512f") else "mm"
    assert offences(functions_of(assembly_code(text_of(programs, shape), this_processor())), register) == []


def test_sums_of_products_are_fused_where_the_processor_can(programs: Programs) -> None:
    assert "llvm.fma" in text_of(programs, Shape(4, fused=True))
    assert "llvm.fma" not in text_of(programs, Shape(4, fused=False))


@pytest.mark.parametrize("value", [0.1, -3.5, 1e300, float("inf")])
def test_numbers_keep_every_bit_in_assembly(value: float) -> None:
    assert np.array(int(literal(value, "double"), 16), dtype=np.uint64).view(np.float64) == value
    with np.errstate(over="ignore"):
        single = np.float64(np.float32(value))
    assert np.array(int(literal(value, "float"), 16), dtype=np.uint64).view(np.float64) == single
