"""Where a lane keeps its clock and its step, and how the driver is told what to do.

Machine functions and the driver share these row numbers; nothing else connects them.
"""

from __future__ import annotations

from typing import Final

CONTROL: Final = (
    "t",  # time of the patient, day; after control already the end of an accepted step
    "t_start",  # time at which the step in progress starts
    "h",  # proposed step
    "step",  # step in progress: the proposal, shortened to end at the next event
    "rate",  # 1 / step
    "diagonal",  # 1 / (step * gamma)
    "stop",  # time of the next event or of the end
    "growth",  # largest factor by which the next step may grow
    "error",  # sum over states of the squared scaled error
    "active",  # 1 while the lane holds a patient who takes this step
    "accepted",  # 1 when the step in progress is accepted
    "t_new",  # time after the step in progress
    "attempts",  # steps tried for this patient
    "arrived",  # 1 when the accepted step ends at "stop"
    "failed",  # 0, or the outcome with which the patient ends
    "theta",  # where in the step an output is wanted, 0..1
    "t_out",  # time for which outputs are evaluated
    "t_stage",  # time at which a stage evaluates the rates
    "rtol",  # relative tolerance
    "rscale",  # absolute tolerance as a fraction of the largest value that the state has had
    "unsettled",  # number of states that still move (only when resting)
    "resting",  # rate per day below which a state counts as settled
    "limit",  # largest number of attempts
    "before",  # theta known to be before a trigger fires
    "after",  # theta known to be after it
)
(
    T,
    T_START,
    H,
    STEP,
    RATE,
    DIAGONAL,
    STOP,
    GROWTH,
    ERROR,
    ACTIVE,
    ACCEPTED,
    T_NEW,
    ATTEMPTS,
    ARRIVED,
    FAILED,
    THETA,
    T_OUT,
    T_STAGE,
    RTOL,
    RSCALE,
    UNSETTLED,
    RESTING,
    LIMIT,
    BEFORE,
    AFTER,
) = range(len(CONTROL))

# Whole numbers that a job gives to the driver: sizes, strides, rows, addresses and switches.
SIZES: Final = (
    "lanes", "itemsize", "states", "parameters", "patients", "times", "wanted",
    "events", "day_stride", "amount_stride", "triggers", "threshold_stride", "effect_stride",
    "row_y", "row_k0", "row_y_new", "row_absolute", "row_atol", "row_y_out", "row_outputs",
    "memory", "control", "own", "computed", "shared", "resting",
)  # fmt: skip
(
    LANES, ITEMSIZE, STATES, PARAMETERS, PATIENTS, TIMES, WANTED,
    EVENTS, DAY_STRIDE, AMOUNT_STRIDE, TRIGGERS, THRESHOLD_STRIDE, EFFECT_STRIDE,
    ROW_Y, ROW_K0, ROW_Y_NEW, ROW_ABSOLUTE, ROW_ATOL, ROW_Y_OUT, ROW_OUTPUTS,
    MEMORY, CONTROL_AT, OWN, COMPUTED, SHARED, IS_RESTING,
) = range(len(SIZES))  # fmt: skip

# Real numbers that a job gives to the driver.
LIMITS: Final = ("day_end", "first_step")
DAY_END, FIRST_STEP = range(len(LIMITS))

# Machine functions, in the order of their addresses.
FUNCTIONS: Final = (
    "patient", "factorise", "rates", "solve", "outputs", "clamp",
    "stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7",
    "finish", "control", "commit", "dense", "now", "settled",
)  # fmt: skip
F_PATIENT, F_FACTORISE, F_RATES, F_SOLVE, F_OUTPUTS, F_CLAMP, F_STAGE = range(7)
F_FINISH, F_CONTROL, F_COMMIT, F_DENSE, F_NOW, F_SETTLED = range(13, 19)

# Whole numbers that every lane keeps: patient (-1: idle), next output, next event, output pending, joined in mid-step,
# step cut by a trigger.
LANE: Final = ("patient", "next_output", "next_event", "pending", "fresh", "cut")
ID, NEXT_OUTPUT, NEXT_EVENT, PENDING, FRESH, CUT = range(len(LANE))

# Columns of an event or effect: what it does, to which state or parameter, and the output that gives its amount
# (-1: the amount is a number).
EVENT: Final = ("kind", "target", "source")
KIND, TARGET, SOURCE = range(len(EVENT))
N_EVENT: Final = len(EVENT)
SET_STATE, SET_INPUT, ADD_STATE = range(3)  # in the order in which they act on one day

# Columns of a trigger: watched column, fires on rising (1) or falling (0), effects from .. so many, at most so often
# (0: no limit), fires at day 0 if its condition holds then.
WATCH: Final = ("column", "rising", "first_effect", "effects", "at_most", "at_once")
COLUMN, RISING, FIRST_EFFECT, N_EFFECTS, AT_MOST, AT_ONCE = range(len(WATCH))
N_WATCH: Final = len(WATCH)
