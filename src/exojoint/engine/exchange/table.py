"""A simulated model as a table."""

from __future__ import annotations

from exojoint.engine.exchange.simulate import Course

TIME = "time"


def course_csv(course: Course) -> str:
    """Return a CSV table: column ``time``, then one per id; numbers as short as they read back exactly."""
    lines = [",".join((TIME, *course.names))]
    rows = zip(course.times.tolist(), course.values.tolist(), strict=True)
    lines += [",".join(repr(value) for value in (time, *values)) for time, values in rows]
    return "\n".join(lines) + "\n"
