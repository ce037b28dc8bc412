"""Reads a design file (`designs/<name>.toml`) and tells everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.trial.catalogue import list_endpoints, load_endpoint
from exojoint.trial.design import (
    ANALYSES,
    DROPOUT_MODELS,
    ROLES,
    STRATEGIES,
    Allocation,
    Conduct,
    Design,
    Dropout,
    EndpointPlan,
    MissedVisits,
    RescueRule,
    ResponderPlan,
    Strategy,
)
from exojoint.trial.section import NO_DAYS, Section

SCHEMA = 1
MAX_FILE_BYTES = 200_000  # a design is a page of text; anything larger is another file


def list_designs() -> tuple[str, ...]:
    """Names of the designs that come with Exojoint, alphabetically."""
    return tuple(sorted(item.name.removesuffix(".toml") for item in _folder().iterdir() if item.name.endswith(".toml")))


def load_design(name: str) -> Design:
    """The design of that name, or of that file (a name that ends in `.toml`).

    Raises
    ------
    InputError
        If there is no such design, or with every problem of its file.
    """
    if name.endswith(".toml"):
        path = Path(name)
        return read_design(_extended(read_toml(path, MAX_FILE_BYTES), str(path)), path.name)
    known = list_designs()
    if name not in known:
        todo = did_you_mean(name, known)
        raise InputError(
            Problem(f"design {name!r}", "unknown design", f"one of {', '.join(known)}, or a .toml file", todo)
        )
    return read_design(_extended(_packaged(name), f"{name}.toml"), f"{name}.toml")


def read_design(table: Mapping[str, object], where: str) -> Design:
    """A design from the content of its file.

    Raises
    ------
    InputError
        With every problem found.
    """
    problems: list[Problem] = []
    top = Section(dict(table), where, problems)
    top.number("schema", SCHEMA, SCHEMA)
    days = top.days("days")
    strategy = _strategy(top.section("intercurrent_events"))
    design = Design(
        name=top.text("name"),
        title=top.text("title"),
        days=days,
        alpha=top.number("alpha", 1e-4, 0.5),
        endpoints=tuple(_endpoint(part, days, strategy) for part in top.sections("endpoints")),
        conduct=_conduct(top),
        responder=_responder(top.section("responder")) if top.has("responder") else None,
    )
    top.done()
    if days != NO_DAYS and not any(
        "[[endpoints]]" in problem.where for problem in problems
    ):  # else every rule would complain of a typing error
        problems += _cross_checks(design, where)
    raise_problems(problems)
    return design


def _strategy(part: Section) -> Strategy:
    rescue = part.choice("rescue", STRATEGIES)
    if part.choice("discontinuation", STRATEGIES) == "treatment_policy":
        part.note(
            "discontinuation", "'treatment_policy'", "'hypothetical'", "No data are simulated after a patient has left."
        )
    part.done()
    return rescue


def _endpoint(part: Section, days: tuple[float, ...], strategy: Strategy) -> EndpointPlan:
    own = part.days("days") if part.has("days") else days
    headline = part.day("headline", part.table.get("headline", own[-1]))
    part.has("headline")
    if NO_DAYS not in (own, days):
        _check_visits(part, own, days, headline)
    plan = EndpointPlan(
        name=part.choice("name", list_endpoints()),
        role=part.choice("role", ROLES),
        days=own,
        headline=headline,
        analysis=part.choice("analysis", ANALYSES),
        rescue=part.choice("rescue", STRATEGIES, strategy),
    )
    part.done()
    return plan


def _check_visits(part: Section, own: tuple[float, ...], days: tuple[float, ...], headline: float) -> None:
    for day in own:
        if day not in days:
            part.note("days", f"day {day:g} is not a visit of the design", f"some of {_listed(days)}")
    if headline not in own[1:]:
        part.note("headline", f"day {headline:g}", f"a visit of the endpoint after day 0: {_listed(own[1:])}")


def _conduct(top: Section) -> Conduct:
    allocation = top.section("allocation")
    blocks = Allocation(allocation.integers("block_multiples", 1, 20), allocation.words("strata", ()))
    allocation.done()
    missed = top.section("missed_visits")
    absence = MissedVisits(missed.number("probability", 0.0, 0.5), missed.text("source"))
    missed.done()
    rescue = _rescue(top.section("rescue")) if top.has("rescue") else None
    return Conduct(blocks, _dropout(top.section("dropout")), rescue, absence)


def _dropout(part: Section) -> Dropout:
    model = part.choice("model", DROPOUT_MODELS)
    endpoint = part.choice("endpoint", list_endpoints())
    unit = load_endpoint(endpoint).instrument.unit
    dropout = Dropout(
        model=model,
        endpoint=endpoint,
        intercept=part.number("intercept", -20.0, 5.0),
        slope=part.quantity("slope", f"1/{unit}", -5.0, 5.0),
        period=part.quantity("period", "day", 1.0),
        source=part.text("source"),
    )
    part.done()
    return dropout


def _rescue(part: Section) -> RescueRule:
    endpoint = part.choice("endpoint", list_endpoints())
    rule = RescueRule(
        treatment=part.text("treatment"),
        endpoint=endpoint,
        after=part.quantity("after", "day", 0.0),
        margin=part.quantity("margin", load_endpoint(endpoint).instrument.unit, 0.0),
        probability=part.number("probability", 0.0, 1.0),
        source=part.text("source"),
    )
    part.done()
    return rule


def _responder(part: Section) -> ResponderPlan:
    names = list_endpoints()
    plan = ResponderPlan(
        pain=part.choice("pain", names),
        function=part.choice("function", names),
        patient_global=part.choice("patient_global", names),
        day=part.day("day", part.table.get("day")),
    )
    part.has("day")
    part.done()
    return plan


def _cross_checks(design: Design, where: str) -> list[Problem]:
    names = [plan.name for plan in design.endpoints]
    problems = [
        Problem(f"{where} [[endpoints]]", f"{name!r} stands twice", "each endpoint once")
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    primaries = [plan.name for plan in design.endpoints if plan.role == "primary"]
    if design.endpoints and len(primaries) != 1:
        problems.append(
            Problem(
                f"{where} [[endpoints]]",
                f"{len(primaries)} endpoints with role 'primary'",
                "exactly one",
                "Change `role`.",
            )
        )
    problems += _unmeasured(design, where)
    return problems + _responder_days(design, where)


def _unmeasured(design: Design, where: str) -> list[Problem]:
    """Endpoints that a rule reads but nobody measures."""
    names = [plan.name for plan in design.endpoints]
    used = {"dropout": design.conduct.dropout.endpoint}
    if design.conduct.rescue is not None:
        used["rescue"] = design.conduct.rescue.endpoint
    if design.responder is not None:
        responder = design.responder
        used |= {
            "responder pain": responder.pain,
            "responder function": responder.function,
            "responder global": responder.patient_global,
        }
    expected = f"one of {', '.join(names)}"
    return [
        Problem(f"{where} [{user}]", f"uses {name!r}, which is not measured", expected, "Add it to [[endpoints]].")
        for user, name in used.items()
        if name not in names
    ]


def _responder_days(design: Design, where: str) -> list[Problem]:
    responder = design.responder
    if responder is None:
        return []
    wanted = {responder.pain, responder.function, responder.patient_global}
    return [
        Problem(
            f"{where} [responder] `day`",
            f"{plan.name!r} is not measured at day {responder.day:g}",
            f"one of {_listed(plan.days[1:])}",
        )
        for plan in design.endpoints
        if plan.name in wanted and responder.day not in plan.days[1:]
    ]


def _extended(table: dict[str, object], where: str) -> dict[str, object]:
    """The table laid over the packaged design that it extends; tables merge key by key, lists are replaced."""
    base = table.get("extends")
    if base is None:
        return table
    known = list_designs()
    if not isinstance(base, str) or base not in known:
        todo = did_you_mean(str(base), known)
        raise InputError(Problem(f"{where} `extends`", f"{base!r}", f"one of {', '.join(known)}", todo))
    parent = _packaged(base)
    if "extends" in parent:
        raise InputError(Problem(f"{where} `extends`", f"{base!r} extends a design itself", "one level only"))
    return _merged(parent, {key: value for key, value in table.items() if key != "extends"})


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _packaged(name: str) -> dict[str, object]:
    return read_toml(_folder() / f"{name}.toml", MAX_FILE_BYTES)


def _folder() -> Traversable:
    return files("exojoint.trial") / "designs"


def _listed(days: tuple[float, ...]) -> str:
    return ", ".join(f"{day:g}" for day in days) or "none"
