"""The driver: its Python text and its machine code do the same, to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.engine import Event, Kernel, Trigger
from exojoint.engine.driver.loop import drive
from exojoint.engine.driver.memory import Job
from exojoint.engine.driver.translate import translate
from exojoint.engine.events import calendar
from exojoint.engine.job import Patients, Settings, Task, Workspace, empty_results, job_of, run_task
from exojoint.engine.triggers import watch


def task_of(kernel: Kernel, p: np.ndarray, y: np.ndarray, rest: float | None) -> Task:
    system, n = kernel.system, len(p)
    events = [] if rest else [Event(0.0, "add", "dose", 2.0), Event(np.linspace(3.0, 9.0, n), "input", "load", "ratio")]
    then = [Event(0.0, "add", "dose", 2.0), Event(0.0, "input", "load", "drive")]
    triggers = [] if rest else [Trigger("dose", 1.0, "down", then, at_most=2), Trigger("dose", 2.5, "up", [])]
    times = np.array([]) if rest else np.array([0.0, 1.0, 20.0])
    wanted = np.array([] if rest else [system.index(o) for o in ("thickness", "dose")], dtype=np.int64)
    who = Patients(p, y, calendar(system, events, n), watch(system, triggers, n), (6,))
    return Task(who, times, wanted, 5000.0 if rest else 25.0, Settings(1e-4, rest=rest))


@pytest.mark.parametrize("rest", [None, 1e-5])
@pytest.mark.parametrize("single", [False, True])
def test_the_driver_as_python_gives_the_same_bits(
    knee: Kernel, patients: Callable, rest: float | None, single: bool
) -> None:
    p, y = patients(11)
    p[4, 2] = np.nan
    variant = knee.variant(single=single)
    task = task_of(knee, p, y, rest)
    n_triggers = task.patients.watch.size
    fast, slow = (empty_results(11, len(task.times), len(task.wanted), 7, n_triggers) for _ in range(2))
    run_task(variant, task, fast)
    space = Workspace(variant)
    space.prepare(variant, task.settings, task.patients.ignored)
    drive(job_of(variant, task, slow, space, np.zeros(1, dtype=np.int64)))
    for name in ("values", "state", "outcome", "steps", "fired"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
    assert (fast.outcome == 0).sum() == 10
    assert n_triggers == 0 or np.isfinite(fast.fired[fast.outcome == 0, 0]).all()


@pytest.mark.parametrize("triple", ["x86_64-linux", "aarch64-linux", "riscv64-linux"])
def test_every_family_of_processors_is_told_how_to_treat_tiny_numbers(triple: str) -> None:
    text = translate(drive, single=False, triple=triple)
    assert text.count("@flush_tiny()") == text.count("@restore(i64") == 2
    assert ("mxcsr" in text, "fpcr" in text) == (triple.startswith("x86"), triple.startswith("aarch64"))


def test_the_caller_keeps_its_floating_point_mode(knee: Kernel, patients: Callable) -> None:
    p, y = patients(3)
    before = np.float64(5e-324) * 1.0
    run_task(knee.variant(), task_of(knee, p, y, None), empty_results(3, 3, 2, 7, 2))
    assert np.float64(5e-324) * 1.0 == before > 0.0


def uses_a_list(job: Job) -> None:
    """Not translatable."""
    [1, 2].sort()


def uses_division_by_words(job: Job) -> None:
    """Not translatable."""
    job.values[0] = 7 // 2


@pytest.mark.parametrize("function", [uses_a_list, uses_division_by_words])
def test_what_is_not_part_of_the_language_is_refused_with_its_place(function: Callable[[Job], None]) -> None:
    with pytest.raises(TypeError, match=f"{function.__name__}, line 3: .* is not part of the driver's language"):
        translate(function, single=False, triple="x86_64-linux")
