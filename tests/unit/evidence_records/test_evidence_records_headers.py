"""A user's headers are understood as programs and people write them, and asked about where they are not clear."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.evidence.effects import effect_sizes
from exojoint.evidence.extraction.effect_table import read_effects
from exojoint.evidence.extraction.headers import find_roles, read_header, role_of

MEANS = ((4.0, 1.0, 10.0, 6.0, 1.2, 11.0), (5.0, 1.5, 12.0, 6.5, 1.1, 13.0), (3.0, 0.8, 9.0, 6.0, 1.0, 8.0))
EVENTS = ((4.0, 100.0, 6.0, 101.0), (5.0, 150.0, 6.0, 110.0), (3.0, 80.0, 7.0, 90.0))
EFFECTS = ((0.4, 0.1), (0.5, 0.15), (0.3, 0.08))
RATIOS = ((1.4, 1.1, 1.8), (1.5, 1.15, 1.95), (1.3, 1.08, 1.6))


def table(header, rows):
    """A table with a column of names before the numbers."""
    return "\n".join([f"study,{header}", *(f"S{i},{','.join(map(str, row))}" for i, row in enumerate(rows))]) + "\n"


@pytest.mark.parametrize("header", [
    "m1i,sd1i,n1i,m2i,sd2i,n2i", "mean1,sd1,n1,mean2,sd2,n2", "mean.e,sd.e,n.e,mean.c,sd.c,n.c",
    "Mean_E,SD_E,N_E,Mean_C,SD_C,N_C", "mean_t,sd_t,n_t,mean_c,sd_c,n_c", "m_t,s_t,N_t,m_c,s_c,N_c",
    "Treatment mean,Treatment SD,Treatment n,Control mean,Control SD,Control n",
    "exp_mean,exp_sd,exp_n,ctrl_mean,ctrl_sd,ctrl_n", "mean_treat,sd_treat,n_treat,mean_ctl,sd_ctl,n_ctl",
    "Mean intervention,SD intervention,Total intervention,Mean control,SD control,Total control",
    "meanTreated,sdTreated,nTreated,meanVehicle,sdVehicle,nVehicle",
    "Mean (EV),SD (EV),N (EV),Mean (saline),SD (saline),N (saline)",
])  # fmt: skip
def test_means_of_two_groups_are_found(header, write):
    columns = None
    if "(EV)" in header:  # a product's own name is not a word of the table: it is said
        columns = {"m1i": "Mean (EV)", "sd1i": "SD (EV)", "n1i": "N (EV)"}
    found = read_effects(write("t.csv", table(header, MEANS)), "SMD", columns)
    names = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")
    expected = effect_sizes("SMD", **dict(zip(names, np.array(MEANS).T, strict=True)))
    assert np.allclose(found.y, expected.y)
    assert np.allclose(found.v, expected.v)
    assert set(found.columns) >= set(names)


@pytest.mark.parametrize("header", [
    "ai,n1i,ci,n2i", "event.e,n.e,event.c,n.c", "events_treat,n_treat,events_control,n_control", "r1,n1,r2,n2",
    "e_t,n_t,e_c,n_c", "Events (exp),Total (exp),Events (ctrl),Total (ctrl)", "Events1,Total1,Events2,Total2",
    "x1,n1,x2,n2", "deaths_t,n_t,deaths_c,n_c",
    "No. of events treated,Total treated,No. of events placebo,Total placebo",
])  # fmt: skip
@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_events_of_two_groups_are_found(header, measure, write):
    found = read_effects(write("t.csv", table(header, EVENTS)), measure)
    events1, n1, events2, n2 = np.array(EVENTS).T
    expected = effect_sizes(measure, events1=events1, n1=n1, events2=events2, n2=n2)
    assert np.allclose(found.y, expected.y)
    assert np.allclose(found.v, expected.v)


@pytest.mark.parametrize("header", ["ai,bi,ci,di", "tpos,tneg,cpos,cneg"])
def test_sizes_are_summed_from_events_and_others(header, write):
    rows = [(a, n - a, c, m - c) for a, n, c, m in EVENTS]
    events1, n1, events2, n2 = np.array(EVENTS).T
    found = read_effects(write("t.csv", table(header, rows)), "OR")
    assert np.allclose(found.y, effect_sizes("OR", events1=events1, n1=n1, events2=events2, n2=n2).y)


@pytest.mark.parametrize(("header", "measure"), [
    ("x1i,t1i,x2i,t2i", "IRR"), ("events1,time1,events2,time2", "IRD"), ("cases_t,py_t,cases_c,py_c", "IRR"),
    ("events exp,person-years exp,events ctrl,person-years ctrl", "IRR"),
])  # fmt: skip
def test_rates_are_found(header, measure, write):
    events1, time1, events2, time2 = np.array(EVENTS).T
    found = read_effects(write("t.csv", table(header, EVENTS)), measure)
    expected = effect_sizes(measure, events1=events1, time1=time1, events2=events2, time2=time2)
    assert np.allclose(found.y, expected.y)


@pytest.mark.parametrize(("header", "measure", "rows"), [
    ("ri,ni", "COR", ((0.4, 50), (0.2, 100))), ("correlation,n", "ZCOR", ((0.4, 50), (0.2, 100))),
    ("xi,ni", "PLO", ((4, 50), (9, 100))), ("events,total", "PR", ((4, 50), (9, 100))),
    ("cases,participants", "PFT", ((4, 50), (9, 100))), ("mi,sdi,ni", "MN", ((4, 1, 50), (9, 2, 100))),
])  # fmt: skip
def test_single_groups_are_found(header, measure, rows, write):
    assert np.all(np.isfinite(read_effects(write("t.csv", table(header, rows)), measure).v))


def test_a_normalised_difference_takes_the_healthy_animals(write):
    rows = [(*row, 1.0, 0.3, 8) for row in MEANS]
    found = read_effects(write("t.csv", table("m1i,sd1i,n1i,m2i,sd2i,n2i,msham,sdsham,nsham", rows)), "NMD")
    names = ("mean1", "sd1", "n1", "mean2", "sd2", "n2", "mean_sham", "sd_sham", "n_sham")
    assert np.allclose(found.v, effect_sizes("NMD", **dict(zip(names, np.array(rows).T, strict=True))).v)


def test_standard_errors_of_means_become_sds_and_say_so(write):
    rows = [(m1, s1 / math.sqrt(n1), n1, m2, s2 / math.sqrt(n2), n2) for m1, s1, n1, m2, s2, n2 in MEANS]
    found = read_effects(write("t.csv", table("mean1,SEM1,n1,mean2,SEM2,n2", rows)), "MD")
    plain = read_effects(write("s.csv", table("mean1,sd1,n1,mean2,sd2,n2", MEANS)), "MD")
    assert np.allclose(found.v, plain.v)
    assert sum("computed from standard errors" in text for text in found.warnings) == 2


@pytest.mark.parametrize(("header", "measure"), [
    ("yi,sei", "GEN"), ("TE,seTE", "GEN"), ("es,se", "GEN"), ("effect size,standard error", "GEN"),
    ("estimate,std.error", "GEN"), ("b,se", "GEN"), ("beta,stderr", "GEN"), ("ES,SE(ES)", "GEN"), ("SMD,SE", "SMD"),
    ("Hedges' g,se_g", "SMD"), ("cohens_d,se", "SMD"), ("mean difference,SE", "MD"), ("logOR,se_logOR", "OR"),
    ("ln(RR),SE", "RR"), ("log HR,SE", "HR"),
])  # fmt: skip
def test_effects_with_a_standard_error_are_found(header, measure, write):
    found = read_effects(write("t.csv", table(header, EFFECTS)))
    assert found.measure == measure
    assert np.allclose(found.y, [effect for effect, _se in EFFECTS])
    assert np.allclose(found.v, [se**2 for _effect, se in EFFECTS])
    assert (found.scale == "log") == (measure in ("OR", "RR", "HR"))


@pytest.mark.parametrize("header", ["yi,vi", "g,vg", "d,var_d", "effect,variance"])
def test_effects_with_a_variance_are_found(header, write):
    assert np.allclose(read_effects(write("t.csv", table(header, EFFECTS))).v, [v for _effect, v in EFFECTS])


@pytest.mark.parametrize("header", [
    "OR,lower,upper", "or,ci_low,ci_high", "rr,ll,ul", "hr,95% CI lower,95% CI upper", "RR,RR_lo,RR_hi",
    "OR,or.lb,or.ub",
    "Odds ratio,LCI,UCI", "IRR,lower95,upper95",
])  # fmt: skip
def test_ratios_with_an_interval_are_logged(header, write):
    found = read_effects(write("t.csv", table(header, RATIOS)))
    assert found.scale == "log"
    assert np.allclose(found.y, np.log([ratio for ratio, _low, _high in RATIOS]))
    assert any("logged" in text for text in found.warnings)


def test_logarithms_with_an_interval_stay_logarithms(write):
    rows = [tuple(math.log(value) for value in (ratio / 2, low / 2, high / 2)) for ratio, low, high in RATIOS]
    for header in ("logOR,lower,upper", "yi,ci.lb,ci.ub"):
        found = read_effects(write("t.csv", table(header, rows)), "OR")
        assert np.allclose(found.y, [row[0] for row in rows]), header


def test_a_ratio_with_a_standard_error_is_asked_about(write):
    path = write("t.csv", table("OR,se", EFFECTS))
    with pytest.raises(InputError, match=r"holds ratios by its name.*--columns effect=OR if it holds logarithms"):
        read_effects(path)
    assert read_effects(path, "OR", {"effect": "OR"}).scale == "log"


def test_two_headers_for_one_role_are_asked_about(write):
    path = write("t.csv", table("mean drug,mean active,sd1,n1,mean2,sd2,n2", [(*row, 1) for row in MEANS]))
    with pytest.raises(InputError, match="unclear: mean drug or mean active for mean1"):
        read_effects(path, "MD")


def test_a_table_without_a_measure_says_which_fit(write):
    with pytest.raises(InputError, match=r"fit MD, SMD, .*: say --measure MD"):
        read_effects(write("t.csv", table("m1i,sd1i,n1i,m2i,sd2i,n2i", MEANS)))
    with pytest.raises(InputError, match=r"fit RR, OR, .*: say --measure RR"):
        read_effects(write("e.csv", table("ai,n1i,ci,n2i", EVENTS)), "SMD")


def test_a_mapping_understands_the_names_of_other_programs(write):
    path = write("t.csv", table("delta,sigma", EFFECTS))
    assert np.allclose(read_effects(path, "GEN", {"yi": "delta", "sei": "sigma"}).y, [y for y, _ in EFFECTS])
    with pytest.raises(InputError, match="other way round"):
        read_effects(path, "GEN", {"delta": "yi", "sigma": "sei"})


def test_a_nearly_numeric_moderator_is_not_taken_for_words(write):
    path = write("t.csv", "study,yi,vi,dose\nA,0.1,0.1,1\nB,0.2,0.1,2\nC,0.3,0.1,3 mg\n")
    with pytest.raises(InputError, match="row 4"):
        read_effects(path).moderators(["dose"])


@pytest.mark.parametrize(
    "header", ["", "a", "note", "comment on the sd of the control group of the main study here", "7"]
)
def test_other_headers_have_no_role(header):
    assert read_header(header) == ("", "")


def test_an_alias_goes_before_words_and_a_word_is_one_role():
    found = find_roles(["yi", "OR", "vi", "n1i", "N treated"])
    assert found.roles["effect"] == "yi"
    assert found.roles["n1"] == "n1i"
    assert role_of("yi") == "effect"
    assert role_of("nothing") == ""
