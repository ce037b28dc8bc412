"""The credibility of a run, from its own tables and the shipped results of twins and calibration.

Form: ICH M15 (question, context of use, model influence, decision consequence, model risk) and ASME V&V 40
(verification, validation, uncertainty, applicability, goals set by the risk). Rules and sentences: `credibility.toml`.
"""

from __future__ import annotations

import csv
import functools
import io
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from exojoint.evidence.targets import Target, load_targets
from exojoint.report.credibility import (
    Aspect,
    Check,
    Credibility,
    Evidence,
    Goal,
    Judgement,
    Level,
    Mark,
    Risk,
    TargetLine,
    write_credibility,
)
from exojoint.report.labels import short, text
from exojoint.report.numbers import count, number, percent, when
from exojoint.runs.verdict import Effect, VerdictFile
from exojoint.workflow.answer import Answer
from exojoint.workflow.applicability import aspects
from exojoint.workflow.plan import Plan
from exojoint.workflow.twins import Near, active_treatments, near, scores, statements, twin_knowledge, twin_lines

DAYS_PER_MONTH = 30.4375
HUMAN = "human"
LEVELS: tuple[Level, Level, Level] = ("low", "medium", "high")
INFECTION = "septic arthritis"


@functools.cache
def rules() -> Mapping[str, Any]:
    """Return rules and sentences."""
    return tomllib.loads(_text("credibility.toml"))


def _text(name: str) -> str:
    return files("exojoint.workflow").joinpath(name).read_text(encoding="utf-8")


def say(part: str, name: str, /, **facts: Any) -> str:  # noqa: ANN401  words and numbers of all kinds
    """A sentence of `credibility.toml` with its gaps filled."""
    return str(rules()[part][name]).format(**facts)


def assess_into(folder: Path, plan: Plan, answer: Answer) -> Path:
    """Write the credibility of a run beside its verdict."""
    return write_credibility(folder, assess(plan, answer.verdict, answer.outcomes))


def assess(plan: Plan, verdict: VerdictFile, outcomes: Mapping[str, int]) -> Credibility:
    """Assess a run.

    Parameters
    ----------
    plan : what was asked
    verdict : what came out
    outcomes : how the burn-ins ended, by name
    """
    tested = near(plan)
    risk = model_risk(plan, verdict, tested)
    distances = aspects(plan)
    checks = (*_shipped_checks(), *_run_checks(plan, verdict, outcomes))
    goals = tuple(_goals(risk.model.level, tested, verdict, distances, plan))
    return Credibility(
        plan.scenario.text.question,
        tuple(_context(plan)),
        risk,
        Evidence(checks, tuple(_summary()), twin_lines(tested.names), target_lines()),
        tuple(_uncertainty(plan, verdict)),
        distances,
        goals,
        tuple(_conclusion(risk.model.level, goals)),
    )


def _context(plan: Plan) -> Iterator[str]:
    primary, settings = plan.design.primary, plan.scenario.text
    yield say(
        "context",
        "use",
        arms=", ".join(arm.name for arm in plan.active),
        control=plan.control.name,
        endpoint=short(primary.name),
        when=when(primary.headline),
        population=plan.population.name,
        species=settings.species,
    )
    yield say("context", "role", n=_people(plan), design=plan.design.name, criteria=settings.criteria)
    yield say("context", "not_for")


def _people(plan: Plan) -> int:
    return sum(arm.arm.n for arm in plan.arms)


def model_risk(plan: Plan, verdict: VerdictFile, tested: Near) -> Risk:
    """Influence by what else speaks for the effect, consequence by who is treated, risk by the table of both."""
    influence, consequence = _influence(plan, verdict, tested), _consequence(plan)
    level: Level = rules()["matrix"][f"{influence.level}_{consequence.level}"]
    reason = say("matrix", "reason", influence=influence.level, consequence=consequence.level)
    return Risk(influence, consequence, Judgement(level, (reason,)))


def _influence(plan: Plan, verdict: VerdictFile, tested: Near) -> Judgement:
    bounds = rules()["influence"]
    level = LEVELS[2 - (tested.numbers >= bounds["some"]) - (tested.numbers >= bounds["many"])]
    facts = {"treatment": ", ".join(active_treatments(plan)), "species": plan.joint.species, "numbers": tested.numbers}
    reasons = [say("influence", level, **facts)]
    if tested.statements:
        reasons.append(say("influence", "statements", statements=tested.statements))
    reasons.append(say("influence", "verdict", verdict=verdict.verdict, reasons=_criteria(verdict)))
    return Judgement(level, tuple(reasons))


def _criteria(verdict: VerdictFile) -> str:
    """Names of the criteria without their sides and rules."""
    return ", ".join(reason.criterion.split(": ")[min(1, reason.criterion.count(": "))] for reason in verdict.reasons)


def _consequence(plan: Plan) -> Judgement:
    if plan.joint.species != HUMAN:
        return Judgement("low", (say("consequence", "animals", species=plan.joint.species),))
    bounds, n, days = rules()["consequence"], _people(plan), max(plan.design.days)
    large = n >= bounds["people"] or days >= bounds["days"]
    facts = {"n": n, "months": days / DAYS_PER_MONTH}
    reasons = [say("consequence", "people_many" if large else "people_few", **facts)]
    rates = [harm.probability for arm in plan.arms for harm in arm.treatment.adverse_events if harm.name == INFECTION]
    reasons += [say("consequence", "harm", rate=percent(max(rates), 2))] if rates else []
    return Judgement("high" if large else "medium", tuple(reasons))


def _shipped_checks() -> Iterator[Check]:
    for row in csv.DictReader(io.StringIO(_text("credibility_checks.csv"))):
        kind: Any = row["kind"]
        yield Check(kind, row["what"], row["found"], row["where"], "yes")


def _run_checks(plan: Plan, verdict: VerdictFile, outcomes: Mapping[str, int]) -> Iterator[Check]:
    accuracy, limit = verdict.accuracy, rules()["goals"]["precise"]
    found = f"relative error: median {number(accuracy.p50, 2)}, 99th percentile {number(accuracy.p99, 2)}"
    what = f"{count(accuracy.n)} patients of this run against a solve with a hundredth of the tolerance"
    yield Check("this run", what, found, "", _mark(accuracy.p99 <= limit))
    total, fine = sum(outcomes.values()), outcomes.get("ok", 0)
    what = "Knees that came to rest before treatment and were solved to the end"
    yield Check("this run", what, f"{count(fine)} of {count(total)}; the others are counted as failed", "", "not asked")
    rate = verdict.operating.type1
    if rate is not None:
        stated = percent(plan.design.alpha, 1)
        what = f"Trials of the null product under this design against the stated {stated}"
        said = f"{percent(rate.value, 1)} false positives (Monte Carlo error {percent(rate.mc_error, 1)})"
        near_enough = rate.value - plan.design.alpha <= 2.0 * max(rate.mc_error, 1e-9)  # two errors, about 95 %
        yield Check("this run", what, said, "", _mark(near_enough))


def _mark(holds: bool) -> Mark:
    return "yes" if holds else "no"


def _summary() -> Iterator[str]:
    whole, *groups = scores()
    held, said, mean = statements()
    share = percent(whole.covered / whole.n)
    yield say("validation", "coverage", covered=whole.covered, n=whole.n, share=share)
    better = "better" if whole.score < whole.naive else "worse"
    yield say("validation", better, score=number(whole.score), naive=number(whole.naive))
    parts = (
        say("validation", "group", name=g.name, covered=g.covered, n=g.n, score=number(g.score), naive=number(g.naive))
        for g in groups
    )
    yield say("validation", "groups", groups="; ".join(parts))
    yield say("validation", "statements", held=held, n=said, mean=percent(mean))
    yield say("validation", "knowledge", knowledge=twin_knowledge())
    judged = [line for line in target_lines() if line.met != "not asked"]
    if judged:
        yield say("validation", "targets", met=sum(line.met == "yes" for line in judged), n=len(judged))


@functools.cache
def target_lines() -> tuple[TargetLine, ...]:
    """Every calibration target with the median that the shipped calibration gives it, where one is shipped."""
    median = _calibrated()
    return tuple(_target(target, median.get(target.id)) for target in load_targets())


def _target(target: Target, found: float | None) -> TargetLine:
    met: Mark = "not asked" if found is None or target.window is None else _mark(target.met_by(found))
    recalled = target.recalled
    return TargetLine(target.id, target.quantity, target.unit, target.value, target.window, recalled, found, met)


def _calibrated() -> dict[str, float]:
    """Posterior median by target; empty where no calibration is shipped."""
    path = files("exojoint.calibration") / "posterior" / "targets.csv"
    if not path.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    values = {row["id"]: float(row["median"]) for row in rows if row["median"]}
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _uncertainty(plan: Plan, verdict: VerdictFile) -> Iterator[str]:
    asked = plan.scenario.text
    knowledge = asked.knowledge
    facts = {"draws": count(asked.simulation.knowledge_draws), "axes": count(plan.space.n_axes)}
    patients = count(asked.simulation.patients_per_draw)
    yield say("uncertainty", "draws", patients=patients, knowledge=knowledge, **facts)
    first = verdict.effects[0] if verdict.effects else None
    if first is not None:
        yield say("uncertainty", "error", error=_with_unit(first.mc_error, first), width=_width(first))
    shares = verdict.variance
    if shares.by_grade:
        assumed, calibrated = (percent(shares.by_grade.get(grade, 0.0)) for grade in ("assumed", "calibrated"))
        between = percent(shares.interactions)
        yield say("uncertainty", "grades", assumed=assumed, calibrated=calibrated, interactions=between)
    if shares.by_parameter:
        name = max(shares.by_parameter, key=lambda key: shares.by_parameter[key])
        grade = text("grade", plan.table[name].grade) if name in plan.table else "ungraded"
        yield say("uncertainty", "largest", name=name, share=percent(shares.by_parameter[name]), grade=grade)
    rivals = verdict.rivals
    if rivals is None:
        yield say("uncertainty", "structure", structure=asked.structure, mechanism=asked.mechanism)
    else:
        between, lo, hi = (percent(share) for share in (rivals.share_between, rivals.lo, rivals.hi))
        yield say("uncertainty", "rivals", n=len(rivals.lines), share=between, lo=lo, hi=hi)
    if asked.lot is not None:
        yield say("uncertainty", "lots")


def _width(effect: Effect) -> str:
    return _with_unit(effect.true.hi - effect.true.lo, effect)


def _with_unit(value: float, effect: Effect) -> str:
    return f"{number(value, 2)} {text('unit', effect.unit)}".strip()


def _goals(
    level: Level, tested: Near, verdict: VerdictFile, distances: tuple[Aspect, ...], plan: Plan
) -> Iterator[Goal]:
    asked, whole = rules()["goals"], scores()[0]
    wanted = asked["numbers"][level]
    yield Goal(asked["near"], f"at least {wanted}", f"{tested.numbers}", tested.numbers >= wanted)
    low, high = asked["coverage"]
    share = whole.covered / whole.n
    yield Goal(asked["covered"], f"{percent(low)} to {percent(high)}", percent(share), low <= share <= high)
    yield Goal(asked["scored"], f"below {number(whole.naive)}", number(whole.score), whole.score < whole.naive)
    most, rests = asked["assumed"][level], verdict.variance.by_grade.get("assumed", 0.0)
    yield Goal(asked["rests"], f"at most {percent(most)}", percent(rests), rests <= most)
    outside, allowed = sum(not item.inside for item in distances), asked["outside"][level]
    yield Goal(asked["inside"], f"at most {allowed}", f"{outside} of {len(distances)}", outside <= allowed)
    error = verdict.accuracy.p99
    yield Goal(asked["solved"], f"at most {number(asked['precise'])}", number(error, 2), error <= asked["precise"])
    rate = verdict.operating.type1
    if rate is not None:
        holds = rate.value - plan.design.alpha <= 2.0 * max(rate.mc_error, 1e-9)  # two errors, about 95 %
        stated = f"{percent(plan.design.alpha, 1)} within two Monte Carlo errors"
        found = f"{percent(rate.value, 1)} (error {percent(rate.mc_error, 1)})"
        yield Goal(asked["false_positives"], stated, found, holds)


def _conclusion(level: Level, goals: tuple[Goal, ...]) -> Iterator[str]:
    missed = [goal.name for goal in goals if not goal.met]
    yield say("conclusion", "for", risk=level, met=len(goals) - len(missed), n=len(goals))
    yield say("conclusion", "short", goals="; ".join(missed)) if missed else say("conclusion", "all")
    yield say("conclusion", "say_low" if level == "low" and not missed else "say_high")
