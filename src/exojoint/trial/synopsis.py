"""A design as a protocol synopsis: what a statistician reads before anything is simulated."""

from __future__ import annotations

import textwrap

from exojoint.trial.design import Design, EndpointPlan

LABEL_WIDTH = 20
LINE_WIDTH = 110
STRATEGY_WORDS = {
    "treatment_policy": "treatment policy: values count whether or not it started",
    "hypothetical": "hypothetical: values after its start are set missing, as if it had not been available",
}


def synopsis(design: Design) -> str:
    """The design in words, one labelled paragraph per topic, at most 110 characters wide."""
    paragraphs = [
        ("Title", design.title),
        ("Design", f"{design.name}; parallel groups, {_allocation(design)}"),
        ("Visits", "days " + ", ".join(f"{day:g}" for day in design.days)),
        *((_role(plan), _endpoint(design, plan)) for plan in design.endpoints),
        *([("Responder", _responder(design))] if design.responder else []),
        ("Test", f"two-sided, alpha = {design.alpha:g}"),
        *_intercurrent(design),
        (
            "Missed visits",
            f"{_percent(design.conduct.missed.probability)} of visits, by chance ({design.conduct.missed.source})",
        ),
    ]
    return "\n".join(_paragraph(label, text) for label, text in paragraphs)


def _allocation(design: Design) -> str:
    allocation = design.conduct.allocation
    times = " or ".join(str(m) for m in allocation.block_multiples)
    within = f", stratified by {', '.join(allocation.strata)}" if allocation.strata else ""
    return f"permuted blocks that hold the allocation ratio {times} times{within}; a block is supplied from one lot"


def _role(plan: EndpointPlan) -> str:
    return {"primary": "Primary", "secondary": "Secondary", "structural": "Structural"}[plan.role]


def _endpoint(design: Design, plan: EndpointPlan) -> str:
    instrument = plan.endpoint.instrument
    days = "" if plan.days == design.days else f" (measured at days {', '.join(f'{day:g}' for day in plan.days)})"
    method = {
        "mmrm": "MMRM: arm, baseline and stratum by visit; unstructured covariance, Satterthwaite degrees of freedom",
        "ancova": "ANCOVA on baseline and stratum of the patients measured at that day",
    }[plan.analysis]
    return f"{instrument.title}, {instrument.better} is better{days}; {design.estimand(plan.name)}. {method}."


def _responder(design: Design) -> str:
    plan = design.responder
    if plan is None:
        return ""
    return f"OMERACT-OARSI at day {plan.day:g} from {plan.pain}, {plan.function}, {plan.patient_global}"


def _intercurrent(design: Design) -> list[tuple[str, str]]:
    rows = []
    rule, dropout = design.conduct.rescue, design.conduct.dropout
    if rule is not None:
        unit = design.plan(rule.endpoint).endpoint.instrument.unit
        words = (
            f"{rule.treatment} from a visit after day {rule.after:g} on which {rule.endpoint} has not improved by more "
            f"than {rule.margin:g} {unit}, with probability {rule.probability:g} ({rule.source})"
        )
        strategies = dict.fromkeys(plan.rescue for plan in design.endpoints)
        for strategy in strategies:
            names = ", ".join(plan.name for plan in design.endpoints if plan.rescue == strategy)
            words += f"; {STRATEGY_WORDS[strategy]} ({names})"
        rows.append(("Rescue", words))
    if dropout.model == "none":
        rows.append(("Discontinuation", "none"))
        return rows
    driver = {"mar": "the last observed", "mnar": "the unseen current"}[dropout.model]
    words = (
        f"{dropout.model.upper()}: logit of the hazard per {dropout.period:g} days = {dropout.intercept:g} + "
        f"{dropout.slope:g} x {driver} worsening of {dropout.endpoint} ({dropout.source}); "
        f"hypothetical: as if nobody had left"
    )
    rows.append(("Discontinuation", words))
    return rows


def _percent(share: float) -> str:
    return f"{100.0 * share:g} %"


def _paragraph(label: str, text: str) -> str:
    indent = " " * LABEL_WIDTH
    return textwrap.fill(text, LINE_WIDTH, initial_indent=label.ljust(LABEL_WIDTH), subsequent_indent=indent)
