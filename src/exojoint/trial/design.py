"""What a protocol fixes before the first patient: visits, endpoints, allocation, dropout, rescue, analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from exojoint.core.errors import InputError, Problem
from exojoint.trial.catalogue import load_endpoint
from exojoint.trial.instrument import Endpoint

Strategy = Literal["treatment_policy", "hypothetical"]
Role = Literal["primary", "secondary", "structural"]
Analysis = Literal["mmrm", "ancova"]
DropoutModel = Literal["none", "mar", "mnar"]

STRATEGIES: tuple[Strategy, ...] = ("treatment_policy", "hypothetical")
ROLES: tuple[Role, ...] = ("primary", "secondary", "structural")
ANALYSES: tuple[Analysis, ...] = ("mmrm", "ancova")
DROPOUT_MODELS: tuple[DropoutModel, ...] = ("none", "mar", "mnar")


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """How one endpoint is measured and analysed.

    `days` are its visits (a subset of the design's, starting at 0), `headline` the day whose contrast is reported
    first, `rescue` the strategy for values after rescue medication has started.
    """

    name: str
    role: Role
    days: tuple[float, ...]
    headline: float
    analysis: Analysis
    rescue: Strategy

    @property
    def endpoint(self) -> Endpoint:
        """The instrument behind the plan."""
        return load_endpoint(self.name)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Permuted blocks within each stratum; a block holds the allocation ratio `m` times, `m` from `block_multiples`."""

    block_multiples: tuple[int, ...]
    strata: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RescueRule:
    """When a patient starts rescue medication.

    At a visit later than `after` (day), if the observed change of `endpoint` is not an improvement of more than
    `margin` (instrument unit), it starts with `probability` and is kept to the end.
    """

    treatment: str
    endpoint: str
    after: float
    margin: float
    probability: float
    source: str


@dataclass(frozen=True, slots=True)
class Dropout:
    """Leaving the trial: logit of the hazard over one `period` (days) = `intercept` + `slope` x worsening.

    Worsening is the change of `endpoint` from baseline, positive for worse: the last *observed* one under `mar`, the
    one that the missed visit would have shown under `mnar`. A gap of several periods has their compound hazard.
    """

    model: DropoutModel
    endpoint: str
    intercept: float
    slope: float
    period: float
    source: str


@dataclass(frozen=True, slots=True)
class MissedVisits:
    """Single visits missed by chance (`probability` at each visit after day 0); the patient stays in the trial."""

    probability: float
    source: str


@dataclass(frozen=True, slots=True)
class Conduct:
    """What happens between the protocol and the data set."""

    allocation: Allocation
    dropout: Dropout
    rescue: RescueRule | None
    missed: MissedVisits


@dataclass(frozen=True, slots=True)
class ResponderPlan:
    """OMERACT-OARSI responder at one day, from three endpoints of the design."""

    pain: str
    function: str
    patient_global: str
    day: float


@dataclass(frozen=True, slots=True)
class Design:
    """A parallel-group randomised trial as its protocol describes it; arms and doses come from the scenario.

    `alpha` is two-sided. Discontinuation is always handled hypothetically ("had she stayed"): no data are simulated
    after it.
    """

    name: str
    title: str
    days: tuple[float, ...]
    alpha: float
    endpoints: tuple[EndpointPlan, ...]
    conduct: Conduct
    responder: ResponderPlan | None = None

    @property
    def primary(self) -> EndpointPlan:
        """The endpoint that the trial is won or lost on."""
        return next(plan for plan in self.endpoints if plan.role == "primary")

    @property
    def observables(self) -> tuple[str, ...]:
        """Observables of the joint that the endpoints read, each once, in order."""
        return tuple(dict.fromkeys(plan.endpoint.observable for plan in self.endpoints))

    def plan(self, name: str) -> EndpointPlan:
        """The plan of one endpoint.

        Raises
        ------
        InputError
            If the design does not measure it.
        """
        for plan in self.endpoints:
            if plan.name == name:
                return plan
        raise InputError(
            Problem(
                f"design {self.name!r}",
                f"does not measure {name!r}",
                f"one of {', '.join(p.name for p in self.endpoints)}",
            )
        )

    def estimand(self, name: str) -> str:
        """What the contrast of one endpoint means, in words."""
        plan = self.plan(name)
        endpoint = plan.endpoint
        change = "change" if endpoint.analysed_unit != "log ratio" else "log ratio"
        after = {
            "treatment_policy": "whether or not rescue medication started",
            "hypothetical": "had no rescue medication been available",
        }
        return (
            f"difference from control in mean {change} of {name} from day 0 to day {plan.headline:g} "
            f"({endpoint.analysed_unit}), {after[plan.rescue]}, had nobody left the trial"
        )


def check_sizes(sizes: Mapping[str, int], control: str, where: str) -> None:
    """Check that there is something to compare.

    Raises
    ------
    InputError
        With all problems: fewer than two arms, no control among them, an arm without patients.
    """
    problems = []
    if len(sizes) < 2:
        problems.append(
            Problem(
                where,
                f"{len(sizes)} arm ({', '.join(sizes) or 'none'})",
                "at least two arms",
                "Add an arm with `control = true`.",
            )
        )
    if control not in sizes:
        problems.append(
            Problem(
                where,
                f"control {control!r} is not an arm",
                f"one of {', '.join(sizes)}",
                "Mark one arm `control = true`.",
            )
        )
    problems += [
        Problem(f"{where} {arm!r}", f"n = {n}", "at least 2 patients", "Raise `n`.")
        for arm, n in sizes.items()
        if n < 2
    ]
    if problems:
        raise InputError(*problems)
