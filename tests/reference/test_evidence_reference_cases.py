"""Every row of the shared reference cases, computed through the documented functions.

A row whose (case, quantity) has no entry here fails. Values printed with fewer digits than their tolerance asks for are
compared at half a unit of their last digit: 36.4 cannot be met within 0.001. Rows in `STOPPED_EARLY` are printed by a
program that stops before the solution; they are met with ``solver="metafor"``, and the exact solution must lie within
the distance given there. Everything else is met by the defaults.
"""

from __future__ import annotations

import csv
import functools
import re
from pathlib import Path

import numpy as np
import pytest

from exojoint.evidence.bias import (
    begg_test,
    egger_test,
    fail_safe_n,
    influence,
    leave_one_out,
    pet_peese,
    selection_model,
    trim_and_fill,
)
from exojoint.evidence.dose_response import fit_study, study_from_ratios
from exojoint.evidence.effects import effect_sizes
from exojoint.evidence.multilevel import (
    multilevel,
    nested,
    profile_interval,
    robust,
    robust_variance_estimation,
    structured,
)
from exojoint.evidence.network import network, network_from_arms
from exojoint.evidence.pooling import (
    cochran_mantel_haenszel_test,
    henmi_copas,
    mantel_haenszel,
    meta_regression,
    peto,
    pool,
    tarone_test,
    tau2_interval,
)

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "meta"
NUMBER = re.compile(r"[-+0-9.eE]+")

# (case, quantity): greatest distance of the exact solution from the printed value.
STOPPED_EARLY = {
    ("BCG_RR_PMM", "tau2"): 3e-5,
    ("BCG_RR_PMM", "ci_lb_z"): 2e-5,
    ("BCG_RR_PMM", "I2_percent"): 1e-3,
    ("BCG_RR_REML_Qprofile", "tau2_lb"): 3e-5,
    ("BCG_RR_REML_Qprofile", "I2_lb"): 3e-3,
    ("BCG_RR_REML_Qprofile", "I2_ub"): 3e-5,
    ("BCG_metareg_ablat_REML", "QM"): 2e-3,
    ("BCG_metareg_ablat_REML", "R2_percent"): 1e-2,
    ("BCG_metareg_ablat_ML", "QM"): 5e-3,
    ("BCG_metareg_ablat_year_REML", "intercept"): 5e-4,
    ("BCG_metareg_ablat_year_REML", "QM"): 5e-4,
    ("RAUDENBUSH2009", "pi_ub"): 5e-4,
    ("COLLINS1985b_ML", "I2"): 2e-4,
    ("COLLINS1985b_REML", "I2"): 2e-4,
}


def reference_rows():
    if not FOLDER.is_dir():
        return []
    with (FOLDER / "reference_cases.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ROWS = reference_rows()
IDS = [f"{row['case_id']}-{row['quantity']}" for row in ROWS]


@functools.cache
def table(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def column(name, key):
    return np.array([float(row[key]) for row in table(name)])


@functools.cache
def counts():
    c = functools.partial(column, "bcg")
    return {"events1": c("tpos"), "n1": c("tpos") + c("tneg"), "events2": c("cpos"), "n2": c("cpos") + c("cneg")}


@functools.cache
def bcg(measure="RR"):
    found = effect_sizes(measure, **counts())
    return found.y, found.v


@functools.cache
def normand(measure, **options):
    c = functools.partial(column, "normand1999")
    groups = {"n1": "n1i", "mean1": "m1i", "sd1": "sd1i", "n2": "n2i", "mean2": "m2i", "sd2": "sd2i"}
    found = effect_sizes(measure, **{name: c(key) for name, key in groups.items()}, **options)
    return found.y, found.v


def columns_of(name, y="yi", v="vi"):
    return column(name, y), column(name, v)


def collins():
    c = functools.partial(column, "collins1985b")
    found = effect_sizes("OR", events1=c("pre.xti"), n1=c("pre.nti"), events2=c("pre.xci"), n2=c("pre.nci"))
    return found.y, found.v


def shown(result):
    """Names that the cases use for the numbers of a pooled result."""
    return {
        "estimate": result.estimate, "se": result.se, "tau2": result.tau2, "I2": result.i2, "I2_percent": result.i2,
        "Q": result.q, "ci_lb": result.lower, "ci_ub": result.upper, "ci_lb_z": result.lower, "ci_ub_z": result.upper,
        "t": result.statistic, "z": result.statistic,
        "pi_lb": result.prediction.lower, "pi_ub": result.prediction.upper,
        "RR": np.exp(result.estimate), "RR_lb": np.exp(result.lower), "RR_ub": np.exp(result.upper),
        "OR": np.exp(result.estimate), "Q (df=12)": result.q,
    }  # fmt: skip


def pooled(data, method, interval="normal", solver="exact"):
    return shown(pool(*data, method=method, interval=interval, solver=solver))


def regression(names, method, solver="exact"):
    moderators = {name: column("bcg", name) for name in names}
    fit = meta_regression(*bcg(), moderators, method=method, interval="normal", solver=solver)
    found = {"intercept": fit.values[0], "se_int": fit.se[0], "slope": fit.values[1], "se_slope": fit.se[1]}
    found |= dict(zip(fit.names, fit.values, strict=True))
    found |= {"tau2_resid": fit.tau2, "QM": fit.omnibus.statistic, "QE": fit.heterogeneity.q.statistic}
    return found | {"R2_percent": fit.r2}


def bcg_cases(case, solver):
    if match := re.fullmatch(r"BCG_RR_(EE|DL|HE|HS|HSk|SJ|ML|REML|EB|PMM|PM)", case):
        return pooled(bcg(), match[1], solver=solver)
    simple = {
        "BCG_RR_REML_exact": lambda: pooled(bcg(), "REML"),
        "BCG_RR_Q": lambda: pooled(bcg(), "DL"),
        "BCG_RR_REML_PI": lambda: pooled(bcg(), "REML"),
        "BCG_RR_REML_HK": lambda: pooled(bcg(), "REML", "knapp-hartung"),
        "BCG_RR_DL_HK": lambda: pooled(bcg(), "DL", "knapp-hartung"),
        "BCG_OR_DL": lambda: pooled(bcg("OR"), "DL"),
        "BCG_OR_REML": lambda: pooled(bcg("OR"), "REML"),
        "BCG_RD_DL": lambda: pooled(bcg("RD"), "DL"),
        "BCG_MH_RR": lambda: shown(mantel_haenszel(**counts(), measure="RR")),
        "BCG_Peto": lambda: shown(peto(**counts())),
        "BCG_metareg_ablat_REML": lambda: regression(("ablat",), "REML", solver),
        "BCG_metareg_ablat_ML": lambda: regression(("ablat",), "ML", solver),
        "BCG_metareg_ablat_year_REML": lambda: regression(("ablat", "year"), "REML", solver),
        "BCG_HenmiCopas": lambda: shown(henmi_copas(*bcg())),
        "BCG_leave1out_study8": lambda: shown(leave_one_out(*bcg(), interval="normal")[7]),
    }
    return simple[case]() if case in simple else bcg_other(case, solver)


def bcg_other(case, solver):
    if case == "BCG_RR_REML_Qprofile":
        found = tau2_interval(*bcg(), solver=solver)
        ends = {"tau2_lb": found.tau2.lower, "tau2_ub": found.tau2.upper}
        return ends | {"I2_lb": found.i2[0], "I2_ub": found.i2[1]}
    if case == "BCG_MH_OR":
        tests = {"CMH": cochran_mantel_haenszel_test(**counts()), "Tarone_X2": tarone_test(**counts())}
        return shown(mantel_haenszel(**counts(), measure="OR")) | {k: test.statistic for k, test in tests.items()}
    if case == "BCG_subgroup_alloc":
        kind = [row["alloc"] for row in table("bcg")]
        fit = meta_regression(*bcg(), {"alloc": kind}, interval="normal")
        values = dict(zip(("intercept_alternate", "random", "systematic"), fit.values, strict=True))
        return values | {"QM_df2": fit.omnibus.statistic, "tau2_resid": fit.tau2}
    if case == "BCG_egger":
        found = egger_test(*bcg())
        return {"t_df11": found.test.statistic, "p": found.test.p, "limit": found.limit}
    if case == "BCG_ranktest":
        found = begg_test(*bcg())
        return {"kendall_tau": found.statistic, "p": found.p}
    if case.startswith("BCG_trimfill"):
        found = trim_and_fill(*bcg(), method=case.removeprefix("BCG_trimfill_"))
        return {f"k0_{found.side}": found.missing, "estimate": found.estimate, "se": found.se}
    if case == "BCG_failsafeN":
        y, v = bcg()
        numbers = {kind: fail_safe_n(y, v, kind=kind).number for kind in ("rosenthal", "rosenberg")}
        half = fail_safe_n(y, kind="orwin").number
        return {"Rosenthal": numbers["rosenthal"], "Rosenberg": numbers["rosenberg"], "Orwin_half": half}
    if case == "BCG_influence_study4":
        found = influence(*bcg())
        return {"rstudent": found.rstudent[3], "cook_d": found.cook[3], "hat": found.hat[3]}
    return {}


def normand_cases(case):
    if case == "NORMAND1999_MD":
        found = {}
        for method in ("EE", "DL", "REML"):
            values = pooled(normand("MD", pooled_sd=True), method)
            found |= {f"{method} {key}": value for key, value in values.items()} | {f"{method} MD": values["estimate"]}
        return found
    if case == "NORMAND1999_SMD_es":
        y, v = normand("SMD")
        names = [row["source"] for row in table("normand1999")]
        return {f"g_{n}": value for n, value in zip(names, y, strict=True)} | {
            f"v_{n}": value for n, value in zip(names, v, strict=True)
        }
    simple = {
        "NORMAND1999_SMD": ("SMD", "REML", "normal"),
        "NORMAND1999_SMD_DL": ("SMD", "DL", "normal"),
        "NORMAND1999_SMD_HK": ("SMD", "REML", "knapp-hartung"),
        "NORMAND1999_ROM": ("ROM", "REML", "normal"),
    }
    measure, method, interval = simple[case]
    return pooled(normand(measure), method, interval)


def raudenbush_cases(case, solver):
    data = columns_of("raudenbush1985")
    if case == "RAUDENBUSH_DL":
        return pooled(data, "DL")
    weeks = np.minimum(column("raudenbush1985", "weeks"), 3)  # Raudenbush counts more than three weeks as three
    fit = meta_regression(*data, {"weeks": weeks}, interval="normal")
    found = {f"{method} {key}": value for method in ("EE", "REML") for key, value in pooled(data, method).items()}
    both = pooled(data, "REML", solver=solver)
    found |= {key: both[key] for key in ("Q", "pi_lb", "pi_ub")}
    found |= {f"metareg weeks: {name}": value for name, value in zip(("intercept", "slope"), fit.values, strict=True)}
    return found | {"metareg QE": fit.heterogeneity.q.statistic, "metareg tau2": fit.tau2}


def hackshaw_cases(case):
    data = columns_of("hackshaw1998")
    if case in ("HACKSHAW_EE", "HACKSHAW_DL"):
        return pooled(data, case.removeprefix("HACKSHAW_"))
    if case == "HACKSHAW_trimfill":
        found = trim_and_fill(*data, method="EE")
        return {f"k0_{found.side}": found.missing, "estimate": found.estimate, "se": found.se}
    if case in ("HACKSHAW_PET", "HACKSHAW_PEESE"):
        both = pet_peese(*data)
        found = both.pet if case.endswith("PET") else both.peese
        return {"t_df35": found.test.statistic, "p": found.test.p, "intercept": found.limit}
    if case == "HACKSHAW_selmodel_step":
        found = selection_model(*data, steps=(0.05, 0.10, 0.50, 1))
        return {
            "delta 2..4": found.weights[1:], "LRT df3": found.test.statistic, "tau2": found.tau2,
            "estimate": found.estimate,
        }  # fmt: skip
    kinds = {kind: fail_safe_n(*data, kind=kind.lower()).number for kind in ("Rosenthal", "Rosenberg", "General")}
    return kinds | {"Orwin target .049 (yi, vi)": fail_safe_n(*data, kind="orwin", target=0.049).number}


def collins_cases(case, solver):
    if case != "COLLINS1985b_tau2CI":
        return pooled(collins(), case.removeprefix("COLLINS1985b_"), solver=solver)
    names = {
        "Q-profile tau2 CI": "q-profile", "Biggerstaff-Tweedie tau2 CI": "biggerstaff-tweedie",
        "ML profile tau2 CI": "ml-profile", "REML profile tau2 CI": "reml-profile",
    }  # fmt: skip
    found = {name: tau2_interval(*collins(), method=method).tau2 for name, method in names.items()}
    return {name: (interval.lower, interval.upper) for name, interval in found.items()}


@functools.cache
def schools(method):
    data = table("konstantopoulos2011")
    levels = nested(district=[row["district"] for row in data], school=[row["school"] for row in data])
    return multilevel(*columns_of("konstantopoulos2011"), levels, method=method)


def konstantopoulos_cases(case):
    if case == "KONSTANTOPOULOS_RVE":
        districts = [row["district"] for row in table("konstantopoulos2011")]
        found = {}
        for kind in ("CR1", "CR2"):
            mean = robust(schools("REML"), districts, kind=kind).coefficients[0]
            names = {"se": "se", "ci_lb": "lower", "ci_ub": "upper", "p": "p", "df": "df"}
            found |= {f"{kind} {name}": mean[key] for name, key in names.items()}
        return found
    two = pooled(columns_of("konstantopoulos2011"), "REML")
    ml, reml = schools("ML"), schools("REML")
    ends = {
        level: profile_interval(reml, name)
        for level, name in (("district", "sigma2.district"), ("school", "sigma2.district/school"))
    }
    prediction = {"3-level ML pi": ml.predict().prediction}
    return prediction | {
        "2-level REML estimate": two["estimate"], "2-level se": two["se"], "2-level tau2": two["tau2"],
        "3-level ML estimate": ml.estimate, "3-level ML se": ml.se, "3-level ML sigma2 (district, school)": ml.theta,
        "3-level REML estimate": reml.estimate, "3-level REML se": reml.se, "3-level REML sigma2": reml.theta,
        "ICC": reml.icc(), "logLik REML": reml.fit.loglik,
        **{f"sigma2 {level} profile CI": (i.lower, i.upper) for level, i in ends.items()},
    }  # fmt: skip


def berkey_covariance():
    data = table("berkey1998")
    v = np.zeros((len(data), len(data)))
    for first in range(0, len(data), 2):
        for i in (first, first + 1):
            v[i, first], v[i, first + 1] = float(data[i]["v1i"]), float(data[i]["v2i"])
    return v


def berkey_cases(case):
    method = case.removeprefix("BERKEY1998_")
    data = table("berkey1998")
    outcome, trial = [row["outcome"] for row in data], [row["trial"] for row in data]
    y, v, random = column("berkey1998", "yi"), berkey_covariance(), [structured(outcome, trial, "UN", "trial")]
    fit = multilevel(y, v, random, moderators={"outcome": outcome}, intercept=False, method=method)
    al, pd = fit.coefficients["outcome[AL]"], fit.coefficients["outcome[PD]"]
    parts = fit.components
    found = {
        "AL": al["estimate"],
        "se_AL": al["se"],
        "PD": pd["estimate"],
        "se_PD": pd["se"],
        "rho": parts["rho.trial"],
    }
    found |= {"tau2_AL": parts["tau2.AL"], "tau2_PD": parts["tau2.PD"], "QE_df8": fit.q.statistic}
    if method == "REML":
        return found
    year = column("berkey1998", "year") - 1983
    slopes = {f"year {name}": year * np.array([o == name for o in outcome]) for name in ("AL", "PD")}
    more = multilevel(y, v, random, moderators={"outcome": outcome} | slopes, intercept=False, method=method)
    return {
        "ML AL": found["AL"], "ML PD": found["PD"], "ML tau2": (found["tau2_AL"], found["tau2_PD"]),
        "ML rho": found["rho"], "ML metareg coefs": more.coefficients.values, "ML metareg se": more.coefficients.se,
    }  # fmt: skip


def robumeta_cases(case):
    kind = case.removeprefix("ROBUMETA_")
    name = f"robumeta_{kind}dat"
    cluster = [row["studyid"] for row in table(name)]
    model = {"corr": "CORR", "hier": "HIER"}[kind]
    found = robust_variance_estimation(*columns_of(name, "effectsize", "var"), cluster, model=model)
    return {
        "estimate": found.estimate, "se": found.se, "df": found.df, "tau2": found.tau2, "omega2": found.omega2,
        "I2": found.i2,
    }  # fmt: skip


def senn_cases(case):
    data = table("senn2013")
    arms = {"n": column("senn2013", "ni"), "mean": column("senn2013", "mi"), "sd": column("senn2013", "sdi")}
    contrasts = network_from_arms(
        "MD", [row["study"] for row in data], [row["treatment"] for row in data], reference="placebo", **arms
    )
    found = network(contrasts, method="REML" if case.endswith("RE") else "EE")
    effects = {name: found.effects[name]["estimate"] for name in found.effects.names}
    errors = {f"se_{name}": found.effects[name]["se"] for name in found.effects.names}
    return effects | errors | {"tau2": found.tau2, "QE_df18": found.q.statistic}


def greenland_cases(case):
    study = study_from_ratios(
        "Rohan and McMichael 1988", [0, 2, 6, 11], np.log([1, 0.80, 1.16, 1.57]), [0, 0.0542, 0.0563, 0.0563],
        cases=[165, 74, 90, 122], totals=[337, 167, 186, 212],
    )  # fmt: skip
    found = fit_study(study, correlated=not case.endswith("uncorrected"))["slope"]
    return {"slope": found["estimate"], "se": found["se"]}


def computed(case, solver):
    """All quantities of a case by name."""
    if case == "HAND_FE2":
        return shown(pool([0, 1], [1, 1], method="EE", interval="normal"))
    if match := re.fullmatch(r"XIMPL_PyMARE_BCG_(\w+)", case):
        return pooled(bcg(), match[1], "knapp-hartung")
    families = {
        "BCG": lambda: bcg_cases(case, solver), "NORMAND1999": lambda: normand_cases(case),
        "RAUDENBUSH": lambda: raudenbush_cases(case, solver), "HACKSHAW": lambda: hackshaw_cases(case),
        "COLLINS1985b": lambda: collins_cases(case, solver), "KONSTANTOPOULOS": lambda: konstantopoulos_cases(case),
        "BERKEY1998": lambda: berkey_cases(case), "ROBUMETA": lambda: robumeta_cases(case),
        "SENN2013": lambda: senn_cases(case), "GREENLAND1992": lambda: greenland_cases(case),
    }  # fmt: skip
    for prefix, family in families.items():
        if case.startswith(prefix):
            return family()
    return {}


@functools.cache
def answers(case, solver):
    return computed(case, solver)


def half_a_digit(text):
    """Half a unit of the last printed digit."""
    mantissa, _, exponent = text.lower().partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def distance_allowed(row, text):
    return max(float(row["tolerance_suggested"]), half_a_digit(text) if float(row["tolerance_suggested"]) > 0 else 0.0)


@pytest.mark.parametrize("row", ROWS or [None], ids=IDS or ["no shared data"])
def test_reference_value_is_met(shared, row):
    assert shared.is_dir()
    assert row is not None, "the shared folder has no reference cases"
    case, quantity = row["case_id"], row["quantity"]
    early = (case, quantity) in STOPPED_EARLY
    found = answers(case, "metafor" if early else "exact")
    assert quantity in found, f"{case} '{quantity}' has no mapping: add it to this file"
    texts = NUMBER.findall(row["expected_value"])
    values = np.atleast_1d(np.asarray(found[quantity], dtype=float))
    assert values.size == len(texts)
    for text, value in zip(texts, values, strict=True):
        assert abs(value - float(text)) <= distance_allowed(row, text) * (1 + 1e-9), (value, text)
    if early:
        exact = float(answers(case, "exact")[quantity])
        assert abs(exact - float(texts[0])) <= STOPPED_EARLY[case, quantity]


def test_all_rows_are_here(shared):
    assert shared.is_dir()
    assert len(ROWS) == 333
    assert set(STOPPED_EARLY) <= {(row["case_id"], row["quantity"]) for row in ROWS}
