"""What the driver's functions share: the job, and the few things that numba has no Python words for."""
# ruff: noqa: ANN401, ARG001 - numba hands its own objects to these functions and wants exactly these arguments

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.extending import intrinsic
from numpy.typing import NDArray

if TYPE_CHECKING:
    Reals = NDArray[np.float64]
    Wholes = NDArray[np.int64]
else:
    Reals = Wholes = object

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile with numba when first called; the type that a reader sees stays."""
    options: dict[str, Any] = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, njit(**options)(function))


class Job(NamedTuple):
    """Everything that one call of the driver reads and writes, as pointers into memory that the caller keeps alive.

    Attributes
    ----------
    sizes, code, limits
        What slots.py lists; ``code`` holds the addresses of the machine functions.
    parameters, state, times, wanted
        One row per patient, one row per patient, output days, columns that are wanted.
    event_day, event, event_amount
        Calendars: a row per patient, or one for all (stride 0).
    watch, threshold, effect, effect_amount
        Triggers: what is watched, when it fires, what happens then.
    values, final, outcome, steps, fired
        Results, a row per patient.
    queue
        Next patient; all threads share it.
    w, c, lane, own, truth
        Working memory of the lanes: states and factors, clocks and steps, whole numbers, parameters, triggers.
    """

    sizes: Wholes
    code: Wholes
    limits: Reals
    parameters: Reals
    state: Reals
    times: Reals
    wanted: Wholes
    event_day: Reals
    event: Wholes
    event_amount: Reals
    watch: Wholes
    threshold: Reals
    effect: Wholes
    effect_amount: Reals
    values: Reals
    final: Reals
    outcome: Wholes
    steps: Wholes
    fired: Reals
    queue: Wholes
    w: Reals
    c: Reals
    lane: Wholes
    own: Reals
    truth: Wholes


WHOLE = (
    "sizes",
    "code",
    "wanted",
    "event",
    "watch",
    "effect",
    "queue",
    "lane",
    "truth",
)  # fields of 64-bit whole numbers


def pointer_types(single: bool) -> list[Any]:
    """Return numba's type of every field of a job, in order."""
    pointer: Any = types.CPointer
    table: dict[str, Any] = {name: types.int64 if name in WHOLE else types.float64 for name in Job._fields}
    table |= {"outcome": types.uint8, "steps": types.int32, "w": types.float32 if single else types.float64}
    return [pointer(t) for t in table.values()]


def _call(typing: Any, address: Any, w: Any, c: Any, x: Any) -> Any:
    """Call the machine function at an address with working memory, control rows and one more pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 3)
        function = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(a, pointer) for a in args[1:]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), codegen


def _claim(typing: Any, queue: Any, n: Any) -> Any:
    """Take the next n patients from the queue that all threads share; return the first."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], args[1], "monotonic")

    return types.int64(queue, types.int64), codegen


call: Callable[[int, int, int, int], None] = cast(Any, intrinsic(_call))
claim: Callable[[Wholes, int], int] = cast(Any, intrinsic(_claim))
