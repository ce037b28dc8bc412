"""Answers of R's metafor, clubSandwich and robumeta on made-up animals and events, with the script that makes them.

`evidence/README.md` says what agrees and what does not. Nothing here needs R: `expected.csv` is read.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import numpy as np
import pytest

from exojoint.evidence import bias
from exojoint.evidence import multilevel as ml
from exojoint.evidence import pooling as po
from exojoint.evidence.effects import constant_correlation_covariance, effect_sizes

FOLDER = Path(__file__).resolve().parent / "evidence"
# Relative distance allowed where it is not 1e-6: where the other program stops early, or integrates with fewer points.
LOOSE = {
    "glmm_CM.EL": 2e-3, "glmm": 2e-4, "location_scale": 2e-4,
    "outcomes": 3e-4, "three_level": 3e-4, "crossed": 1e-4, "serial": 3e-4, "che": 1e-4,
    "selection": 1e-4, "excess": 1e-5, "henmi": 1e-4, "metareg_predict": 1e-6, "permutation": 1e-12, "cumulative": 2e-4,
    "trimfill": 3e-4, "egger_rma": 2e-4, "rma_REML_adhoc": 1e-4, "baujat": 1e-6,
}  # fmt: skip


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@functools.cache
def animals():
    table = rows("animals.csv")
    text = {name: [row[name] for row in table] for name in ("study", "lab", "outcome", "species")}
    numeric = [name for name in table[0] if name not in text]
    return text | {name: np.array([float(row[name]) for row in table]) for name in numeric}


@functools.cache
def events():
    table = rows("events.csv")
    return {name: np.array([float(row[name]) for row in table]) for name in table[0] if name != "trial"}


def groups(*names):
    return {name: animals()[name] for name in names}


ALL = ("n1", "mean1", "sd1", "n2", "mean2", "sd2")


@functools.cache
def smd():
    found = effect_sizes("SMD", **groups(*ALL))
    return found.y, found.v


def wanted():
    y, v = smd()
    return -y, v


def four():
    return {name: events()[name] for name in ("events1", "n1", "events2", "n2")}


def times():
    return {name: events()[name] for name in ("events1", "time1", "events2", "time2")}


def escalc(case):
    measure, _, kind = case.removeprefix("escalc_").partition("_")
    if measure in ("MC", "SMCC", "SMCR", "ROMC"):
        given = groups("mean1", "sd1", "mean2") | {"n": animals()["n1"], "r": 0.6}
        given |= {} if measure == "SMCR" else groups("sd2")
    elif measure == "SMD1":
        given = groups("n1", "mean1", "n2", "mean2", "sd2")
    elif measure in ("MD", "SMD", "SMDH", "ROM"):
        given = groups(*ALL) | ({"variance": kind} if kind else {})
    elif measure in ("COR", "ZCOR"):
        given = {"r": [0.1, -0.5, 0.8], "n": [10, 25, 40]}
    elif measure in ("PR", "PLN", "PLO", "PAS", "PFT"):
        given = {"events": events()["events1"], "n": events()["n1"]}
    else:
        given = times() if measure in ("IRR", "IRD") else four()
    found = effect_sizes(measure, **given)
    return {"y": found.y, "v": found.v}


def shown(r):
    return {
        "estimate": r.estimate, "se": r.se, "tau2": r.tau2, "i2": r.i2, "h2": r.h2, "q": r.q,
        "q_p": r.heterogeneity.q.p, "lower": r.lower, "upper": r.upper, "p": r.p, "loglik": r.fit.loglik,
        "prediction_lower": r.prediction.lower, "prediction_upper": r.prediction.upper,
        "se_tau2": r.heterogeneity.se_tau2,
    }  # fmt: skip


def plain(case):
    _, method, test = case.split("_")
    interval = {"z": "normal", "knha": "knapp-hartung", "t": "t", "adhoc": "knapp-hartung-adhoc"}[test]
    return shown(po.pool(*smd(), method=method, interval=interval))


def regression(case):
    kind = case.removeprefix("metareg_")
    week, species = animals()["week"], animals()["species"]
    if kind == "no_intercept":
        fit = po.meta_regression(*smd(), {"species": species}, intercept=False, interval="normal")
    elif kind == "predict":
        found = po.meta_regression(*smd(), {"week": week}).predict([1, 6])
        return {
            "estimate": found.estimate, "se": found.se, "lower": found.confidence[0], "upper": found.confidence[1],
            "prediction_lower": found.prediction[0], "prediction_upper": found.prediction[1],
        }  # fmt: skip
    else:
        fit = po.meta_regression(*smd(), {"week": week, "species": species}, method=kind)
    c = fit.coefficients
    return {
        "b": c.values, "se": c.se, "p": c.p, "tau2": fit.tau2, "qm": fit.omnibus.statistic, "qm_p": fit.omnibus.p,
        "qe": fit.heterogeneity.q.statistic, "i2": fit.heterogeneity.i2, "r2": fit.r2,
    }  # fmt: skip


def scales(case):
    fit = po.location_scale(
        *smd(), moderators={"week": animals()["week"]}, scale={"dose": animals()["dose"]}, method=case.split("_")[-1]
    )
    return {
        "b": fit.location.values, "se": fit.location.se, "alpha": fit.scale.values, "se_alpha": fit.scale.se,
        "loglik": fit.fit.loglik,
    }  # fmt: skip


def permutation(case):
    y, v = smd()
    if case.endswith("mean"):
        return {"p": po.permutation_test(y[:7], v[:7]).p[0]}
    return {"p": po.permutation_test(y[:6], v[:6], {"week": animals()["week"][:6]}).p[1]}


def tables(case):
    if case == "peto":
        return shown(po.peto(**four()))
    if case == "mh_IRR":
        return shown(po.mantel_haenszel_rates(**times()))
    found = shown(po.mantel_haenszel(**four(), measure=case.removeprefix("mh_")))
    if case == "mh_OR":
        found |= {
            "cmh": po.cochran_mantel_haenszel_test(**four()).statistic, "tarone": po.tarone_test(**four()).statistic,
        }  # fmt: skip
    return found


def mixed(case):
    if case == "glmm_PLO":
        return shown(po.glmm_proportion(events=events()["events1"], n=events()["n1"]))
    if case == "glmm_IRR":
        return shown(po.glmm_rate_ratio(**times()))
    return shown(po.glmm_odds_ratio(**four(), model=case.removeprefix("glmm_")))


def numbers(fit):
    return {"b": fit.coefficients.values, "estimate": fit.estimate, "se": fit.coefficients.se, "loglik": fit.fit.loglik}


def levels(case):
    a = animals()
    if case == "three_level":
        fit = ml.multilevel(*smd(), ml.nested(lab=a["lab"], study=a["study"]))
        upper = ml.profile_interval(fit, "sigma2.lab").upper
        return numbers(fit) | {"sigma2": fit.theta, "q": fit.q.statistic, "profile_upper": upper}
    random = [ml.intercepts(a["lab"], "lab"), ml.intercepts(a["outcome"], "outcome")]
    fit = ml.multilevel(*smd(), random, moderators={"week": a["week"]}, method="ML")
    return numbers(fit) | {"sigma2": fit.theta}


def outcomes(case):
    a, structure = animals(), case.removeprefix("outcomes_")
    y, v = smd()
    random = [ml.structured(a["outcome"], a["lab"], structure, "lab")]
    sampling = constant_correlation_covariance(v, a["lab"], 0.5)
    fit = ml.multilevel(y, sampling, random, moderators={"outcome": a["outcome"]}, intercept=False)
    parts = fit.components
    variances = [value for name, value in parts.items() if name.startswith(("tau2.", "sigma2."))]
    return numbers(fit) | {"tau2": variances, "rho": parts.get("rho.lab", np.nan)}


def serial(case):
    labs = animals()["lab"]
    visit = [labs[: i + 1].count(lab) for i, lab in enumerate(labs)]
    structure = case.removeprefix("serial_")
    fit = ml.multilevel(*smd(), [ml.structured(visit, labs, structure, "lab")])
    parts = fit.components
    variances = [value for name, value in parts.items() if name.startswith(("tau2.", "sigma2."))]
    return numbers(fit) | {"tau2": variances, "rho": parts["rho.lab"]}


@functools.cache
def working():
    a = animals()
    y, v = smd()
    sampling = constant_correlation_covariance(v, a["lab"], 0.6)
    moderators = {"week": a["week"], "species": a["species"]}
    reference = {"species": "mouse"}
    return ml.multilevel(
        y, sampling, ml.nested(lab=a["lab"], study=a["study"]), moderators=moderators, reference=reference
    )


def clusters(case):
    if case == "che_HTZ":
        test = ml.robust(working(), animals()["lab"]).test([1, 2])
        return {"statistic": test.statistic, "df": test.df, "df2": test.df2, "p": test.p}
    c = ml.robust(working(), animals()["lab"], kind=case.removeprefix("che_")).coefficients
    return {"b": c.values, "se": c.se, "df": c.df, "p": c.p}


def moments(case):
    a = animals()
    found = ml.robust_variance_estimation(
        *smd(), a["lab"], model=case.removeprefix("robu_"), moderators={"week": a["week"]}
    )
    c = found.robust.coefficients
    return {"b": c.values, "se": c.se, "df": c.df, "p": c.p, "tau2": found.tau2, "omega2": found.omega2}


def asymmetry(case):
    if case == "begg":
        found = bias.begg_test(*wanted())
        return {"statistic": found.statistic, "p": found.p}
    _, model, predictor = case.split("_")
    size = animals()["n1"] + animals()["n2"]
    found = bias.egger_test(*wanted(), model={"rma": "mixed"}.get(model, model), predictor=predictor, n=size)
    return {"statistic": found.test.statistic, "p": found.test.p, "limit": found.limit}


def missing(case):
    if case == "fail_safe":
        y, v = wanted()
        found = {kind: bias.fail_safe_n(y, v, kind=kind).number for kind in ("rosenthal", "rosenberg")}
        return found | {"orwin": bias.fail_safe_n(y, kind="orwin", target=0.2).number}
    _, estimator, side = case.split("_")
    found = bias.trim_and_fill(*wanted(), estimator=estimator, side=side)
    return {"missing": found.missing, "se_missing": found.se_missing, "estimate": found.estimate, "se": found.se}


def excess(case):
    _, test, alternative = case.split("_")
    name = {"binom": "binomial"}.get(test, test)
    y, v = (column[:12] if name == "exact" else column for column in wanted())  # 2^k patterns: few studies
    found = bias.excess_significance(y, v, theta=0.8, test=name, alternative=alternative)
    return {"observed": found.observed, "expected": found.expected, "p": found.p}


def selection(case):
    options = {
        "one": {"steps": (0.025,)}, "two_steps": {"steps": (0.025, 0.5)},
        "two_sided": {"steps": (0.05,), "alternative": "two.sided"},
        "equal": {"steps": (0.025,), "method": "EE"},
        "moderator": {"steps": (0.025,), "moderators": {"week": animals()["week"]}},
    }[case.removeprefix("selection_")]  # fmt: skip
    fit = bias.selection_model(*wanted(), **options)
    return {
        "b": fit.coefficients.values, "estimate": fit.estimate, "se": fit.coefficients.se, "tau2": fit.tau2,
        "delta": fit.weights[1:], "se_delta": fit.se_weights[1:], "lrt": fit.test.statistic, "loglik": fit.fit.loglik,
    }  # fmt: skip


def influential(case):
    week = {"week": animals()["week"]}
    if case == "influence":
        found = bias.influence(*wanted(), moderators=week)
        names = ("rstudent", "dffits", "cook", "cov_ratio", "tau2_without", "q_without", "hat")
        return {name: getattr(found, name)[:5] for name in names}
    if case == "residuals":
        return {"z": bias.residuals(*wanted(), moderators=week)[:5]}
    if case == "baujat":
        found = bias.baujat(*wanted())
        return {"heterogeneity": found.heterogeneity[:5], "influence": found.influence[:5]}
    results = bias.cumulative(*wanted(), animals()["week"], interval="normal")
    return {"estimate": [r.estimate for r in results], "se": [r.se for r in results]}


def subgroup(case):
    found = po.subgroups(*smd(), animals()["species"], interval="normal")
    return shown(found.groups[found.names.index(case.removeprefix("subgroup_"))])


FAMILIES = {
    "escalc": escalc, "rma": plain, "metareg": regression, "location": scales, "permutation": permutation,
    "mh": tables, "peto": tables, "glmm": mixed, "three": levels, "serial": serial, "crossed": levels,
    "outcomes": outcomes,
    "che": clusters, "robu": moments, "egger": asymmetry, "begg": asymmetry, "trimfill": missing, "fail": missing,
    "excess": excess, "selection": selection, "influence": influential, "residuals": influential, "baujat": influential,
    "cumulative": influential, "henmi": lambda case: shown(po.henmi_copas(*wanted())), "subgroup": subgroup,
}  # fmt: skip


@functools.cache
def cases():
    found = {}
    for row in rows("expected.csv"):
        name, _, _ = row["quantity"].rstrip("]").partition("[")
        value = float(row["value"]) if row["value"] not in ("NA", "NaN") else np.nan
        found.setdefault(row["case"], {}).setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("case", sorted(cases()))
def test_other_program_agrees(case):
    answers = FAMILIES[case.split("_")[0]](case)
    distance = next((allowed for name, allowed in LOOSE.items() if case.startswith(name)), 1e-6)
    for quantity, expected in cases()[case].items():
        value = np.atleast_1d(np.asarray(answers[quantity], dtype=float))[: len(expected)]
        np.testing.assert_allclose(value, expected, rtol=distance, atol=distance, err_msg=f"{case} {quantity}")


def test_the_script_that_makes_the_answers_is_here():
    assert (FOLDER / "regenerate.R").is_file()
    assert "metafor" in (FOLDER / "versions.txt").read_text(encoding="utf-8")
