"""Living questions: the shipped answers, what happens when studies are added, and words where there is no number."""

from __future__ import annotations

import math
from importlib.resources import files

import pytest

from exojoint.core.errors import InputError
from exojoint.evidence.estimate import normal_estimate
from exojoint.evidence.extraction.importer import import_records
from exojoint.evidence.facts import load_facts, load_references
from exojoint.evidence.questions.adjust import shrunk
from exojoint.evidence.questions.answer import answer
from exojoint.evidence.questions.present import picture_of
from exojoint.evidence.questions.question import Bias
from exojoint.evidence.questions.question_file import list_questions, load_question, read_question
from exojoint.evidence.questions.rows import row_of
from exojoint.evidence.questions.silence import detectable_difference, event_bound, largest_unseen
from exojoint.evidence.records.load import load_records
from exojoint.evidence.targets import load_targets

SHIPPED = {  # question: (value, naive) of its first window
    "animal_efficacy": (-2.23, -3.54),
    "saline_over_time": (-0.68, None),
    "steroid_pain": (-0.40, None),
    "hyaluronate_pain": (-0.08, -0.40),
    "paracetamol_pain": (-0.18, None),
    "oral_placebo": (-0.51, None),
    "untreated": (-0.03, None),
    "cartilage_loss": (-3.7, None),
    "prp_pain": (-4.0, None),
    "msc_pain": (-7.4, -13.24),
    "msc_adverse": (math.log(2.67), None),
}
IN_WORDS = ("nsaid_pain", "vesicles_pain", "vesicles_adverse")


def ask(name):
    return answer(load_question(name), load_records())


def test_every_question_of_the_mission_is_there():
    assert set(list_questions()) == {*SHIPPED, *IN_WORDS}


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_answers_are_what_the_records_say(name):
    value, naive = SHIPPED[name]
    part = ask(name).parts[0]
    assert part.estimate.value == pytest.approx(value, abs=0.006)
    assert (part.naive is None) == (naive is None)
    if naive is not None:
        assert part.naive.value == pytest.approx(naive, abs=0.006)
        assert abs(part.estimate.value) < abs(part.naive.value), "care for bias never makes an effect larger"
    assert part.estimate.sd > 0
    assert set(part.estimate.rows_used) <= set(load_records())


@pytest.mark.parametrize("name", IN_WORDS)
def test_a_question_without_numbers_answers_in_words(name):
    reply = ask(name)
    assert reply.estimate is None
    assert len(reply.parts[0].words) > 60


def test_recalled_numbers_are_shown_as_such_and_never_used():
    for name in list_questions():
        for part in ask(name).parts:
            used = {row for estimate in (part.estimate, part.naive) if estimate for row in estimate.rows_used}
            assert all(load_records()[row].verified not in ("recalled", "not_found") for row in used)
    nsaid = ask("nsaid_pain").parts[0]
    assert [row.role for row in nsaid.rows] == ["recalled"]
    assert "no literature value" in nsaid.words


def test_the_null_trial_speaks_against_a_large_effect_only():
    words = ask("vesicles_pain").parts[0].words
    assert "6 null" in words
    assert "0.54" in words
    assert "not against a small one" in words


def test_zero_events_leave_the_published_bounds():
    """Upper 95 % bounds for 12, 29 and 33 patients without an event: 22.1, 9.8 and 8.7 %."""
    assert [round(100 * event_bound(0, n).upper, 1) for n in (12, 29, 33)] == [22.1, 9.8, 8.7]
    part = ask("vesicles_adverse").parts[0]
    assert (part.bound.events, part.bound.n, round(part.bound.upper, 3)) == (0, 62, 0.047)
    assert part.bound.rule_of_three == pytest.approx(3 / 62)
    assert "safety is not shown" in part.words


def test_seen_events_have_an_exact_interval():
    bound = event_bound(5, 14)
    assert (bound.lower, bound.upper) == (pytest.approx(0.1276, abs=1e-4), pytest.approx(0.6486, abs=1e-4))
    assert event_bound(3, 3).upper == 1.0
    for wrong in ((4, 3), (0, 0), (-1, 3)):
        with pytest.raises(InputError):
            event_bound(*wrong)


def test_differences_that_29_pairs_can_see():
    assert detectable_difference(29, 0.8) == pytest.approx(0.54, abs=0.005)
    assert largest_unseen(29) == pytest.approx(0.380, abs=0.001)
    with pytest.raises(InputError):
        detectable_difference(2, 0.8)


@pytest.mark.parametrize("name", list_questions())
def test_calibration_targets_rest_on_the_answers(name):
    """A target that a question names lies in its window, on the scale of points, with the sign of the joint."""
    question, targets = load_question(name), {target.id: target for target in load_targets()}
    for window, target in zip(ask(name).parts * 3, question.rules.scale.targets, strict=False):
        wanted = targets[target]
        found = window.naive or window.estimate if name == "animal_efficacy" else window.estimate
        points = found.value * (question.rules.scale.sd or 1.0) if question.measure == "SMD" else found.value
        assert wanted.window[0] <= points <= wanted.window[1], (target, points)


def test_saline_is_answered_in_two_windows():
    first, second = ask("saline_over_time").parts
    assert (first.window.name, second.window.name) == ("up to 3 months", "6 to 12 months")
    assert second.estimate.value == pytest.approx(-0.61)
    assert first.estimate.between_study_sd == pytest.approx(math.sqrt(0.5 * 32) * 0.0536, rel=0.01)


def test_reasons_name_records_facts_or_works_that_exist():
    known = {*load_records(), *load_facts(), *load_references()}
    for name in list_questions():
        assert set(load_question(name).rules.bias.facts) <= known, name


def test_a_share_taken_for_bias_widens_what_we_do_not_know():
    before = normal_estimate(-4.0, 0.4, 1.0, ("r",), "m")
    after = shrunk(before, Bias("shrink", (0.2, 0.6), "reason"))
    assert after.value == pytest.approx(-2.4)
    assert after.between_study_sd == pytest.approx(0.6)
    variance = 0.16 * (0.36 + 0.16 / 12) + 16 * 0.16 / 12
    assert after.sd == pytest.approx(math.sqrt(variance))
    assert "20 to 60 % of the effect taken for bias" in after.method


def test_signs_and_scales_are_brought_together():
    question = load_question("prp_pain")
    row = row_of(question, load_records()["bennell2021.koos_pain"])
    assert row.effect == pytest.approx(-3.1), "KOOS counts improvement as positive, the question as negative"
    assert "sign turned" in row.how
    assert row_of(question, load_records()["bennell2021.pain"]).how == "scaled to 100 points"
    unscaled = row_of(load_question("saline_over_time"), load_records()["wang2017a.pain"])
    assert math.isnan(unscaled.effect)


TRIALS = """study_id,kind,intervention,model_class,comparator_type,outcome,direction,time_days,n_t,mean_t,sd_t,n_c,mean_c,sd_c,error_type,verified
SYNTH-A,trial,msc_ev,patients,saline,pain,-1,180,30,-22,20,30,-18,21,SD,seen
SYNTH-B,trial,msc_ev,patients,saline,pain,-1,180,25,-30,22,25,-20,20,SD,seen
SYNTH-C,trial,msc_ev,patients,saline,pain,-1,90,60,-21,20,60,-20,20,SD,seen
SYNTH-D,trial,msc_ev,patients,saline,pain,-1,180,40,-25,20,40,-17,19,SD,seen
"""  # noqa: E501  one row of a sheet per line


def test_the_answer_changes_when_studies_are_added(write):
    added = import_records(write("trials.csv", TRIALS)).records
    part = answer(load_question("vesicles_pain"), {**load_records(), **added}).parts[0]
    assert part.estimate is not None
    assert len(part.estimate.rows_used) == 4
    assert -0.6 < part.estimate.value < 0.0
    assert sum(row.weight for row in part.rows) == pytest.approx(100.0)
    picture = picture_of(answer(load_question("vesicles_pain"), {**load_records(), **added}))
    assert "SYNTH-A" in picture.svg()


def test_several_rows_of_one_study_get_a_robust_variance(write):
    lines = TRIALS.splitlines()
    more = [line.replace("SYNTH-A", "SYNTH-D") for line in lines[1:2]]
    added = import_records(write("trials.csv", "\n".join([*lines, *more]))).records
    part = answer(load_question("vesicles_pain"), {**load_records(), **added}).parts[0]
    assert "robust variance" in part.estimate.method


BASE = """schema = 1
name = "synthetic"
question = "Synthetic?"
population = "nobody"
measure = "SMD"
direction = -1
[select]
arm = "msc_ev"
model_class = "patients"
outcome = "pain"
[[windows]]
name = "all"
"""


@pytest.mark.parametrize("handling", ["selection", "pet-peese", "trim-and-fill", "averaged"])
def test_bias_models_of_pooled_studies_stand_beside_the_naive_value(write, handling):
    many = [
        f"SYNTH-{i},trial,msc_ev,patients,saline,pain,-1,180,{size},{-20 - 30 / (1 + i):.1f},20,{size},-18,20,SD,seen"
        for i, size in enumerate(range(8, 56, 4))
    ]
    added = import_records(write("trials.csv", "\n".join([TRIALS.splitlines()[0], *many]))).records
    question = read_question(write("synthetic.toml", BASE + f'[bias]\nhandling = "{handling}"\nreason = "test"\n'))
    part = answer(question, {**load_records(), **added}).parts[0]
    assert part.naive is not None
    assert ("averaged over" if handling == "averaged" else f"adjusted by {handling}") in part.estimate.method


def test_a_bias_model_that_cannot_be_fitted_is_said(write):
    added = import_records(write("trials.csv", TRIALS)).records
    question = read_question(write("synthetic.toml", BASE + '[bias]\nhandling = "selection"\nreason = "test"\n'))
    part = answer(question, {**load_records(), **added}).parts[0]
    assert "selection" in part.estimate.method


STEP = '[certainty]\nstart = "animal"\n[[certainty.steps]]\ndomain = "{domain}"\nlevels = {levels}\nreason = "r"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", "schema: is 2"),
        ('name = "synthetic"', 'name = "other"', 'Expected "synthetic", as the file'),
        ('measure = "SMD"', 'measure = "SMDX"', 'Did you mean "SMD"'),
        ("direction = -1", "direction = 0", "direction: is 0"),
        ('arm = "msc_ev"', 'arm = "msc_vesicle"', "arm 'msc_vesicle' is unknown"),
        ("outcome =", "outcom =", 'Did you mean "outcome"'),
        ('[[windows]]\nname = "all"', "", "windows: is missing"),
        ('name = "all"', 'name = "all"\ndays = [9, 3]', "is not a pair"),
        ('name = "all"', 'name = "all"\nprefer = "x"', "prefers a record without a reason"),
        ("[select]", '[bias]\nhandling = "shrink"\nreason = "r"\n[select]', "two shares from 0 to below 1"),
        ("[select]", '[scale]\nsd = "20 mm"\n[select]', "scale sd"),
        ("[select]", '[scale]\ntargets = ["C99"]\n[select]', "'C99' is unknown"),
        ("[select]", "[silent]\npairs = 1\n[select]", "silent pairs: is 1"),
        ("[select]", "[model]\nmin_studies = 1\n[select]", "min_studies: is 1"),
        ("[select]", "[modle]\n[select]", 'Did you mean "model"'),
        ("[select]", '[certainty]\nlevel = "lo"\nreason = "r"\n[select]', 'Did you mean "low"'),
        ("[select]", '[certainty]\nlevel = "low"\n[select]', "certainty reason: is missing"),
        ("[select]", '[certainty]\nstart = "animal"\n[select]', "certainty steps: is missing"),
        ("[select]", '[certainty]\nlevel = "low"\nreason = "r"\nstart = "animal"\n[select]', "a level and steps"),
        ("[select]", STEP.format(domain="luck", levels=-1) + "[select]", "domain 'luck' is unknown"),
        ("[select]", STEP.format(domain="imprecision", levels=-3) + "[select]", "-3 levels"),
        ("[select]", STEP.format(domain="imprecision", levels='"one"') + "[select]", "levels: is 'one'"),
        ('question = "Synthetic?"', "question = 3", "question: is missing or not a text"),
    ],
)
def test_a_wrong_question_is_told_by_key(write, old, new, message):
    assert old in BASE
    with pytest.raises(InputError) as caught:
        read_question(write("synthetic.toml", BASE.replace(old, new)))
    assert message in str(caught.value)


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(InputError, match='Did you mean "steroid_pain"'):
        load_question("steroid_pian")


def test_a_preferred_record_that_does_not_exist_is_told(write):
    text = BASE.replace('name = "all"', 'name = "all"\nprefer = "pereira2022.pian"\nreason = "r"')
    with pytest.raises(InputError, match=r'Did you mean "pereira2022\.pain"'):
        answer(read_question(write("synthetic.toml", text)), load_records())


def test_a_published_number_without_an_interval_gives_no_estimate(write):
    text = BASE.replace('name = "all"', 'name = "all"\nprefer = "whittle2025.pain"\nreason = "r"').replace(
        '"SMD"', '"points"'
    )
    part = answer(read_question(write("synthetic.toml", text)), load_records()).parts[0]
    assert part.estimate is None
    assert "without an interval" in part.words


def test_question_files_are_named_as_they_say():
    folder = files("exojoint.evidence").joinpath("questions")
    assert all(
        load_question(item.name.removesuffix(".toml")).name == item.name.removesuffix(".toml")
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    )


def test_less_certain_evidence_makes_a_wider_prior_and_says_why():
    reply = answer(load_question("animal_efficacy"), load_records())
    rating, prior = reply.question.rules.rating, reply.prior()
    assert rating.certainty.level == "very low"
    assert prior.value == reply.estimate.value
    assert prior.sd == pytest.approx(rating.certainty.widening * reply.estimate.sd)
    assert "GRADE very low certainty" in prior.method
    knee = reply.prior(new_setting=True)
    assert knee.sd == pytest.approx((prior.sd**2 + prior.between_study_sd**2) ** 0.5)
    assert answer(load_question("vesicles_pain"), load_records()).prior() is None


def test_a_question_without_a_rating_is_its_own_prior():
    reply = answer(load_question("untreated"), load_records())
    assert reply.question.rules.rating is None
    assert reply.prior() == reply.estimate


def test_every_published_rating_names_who_rated():
    for name in list_questions():
        rating = load_question(name).rules.rating
        if rating is not None and not rating.certainty.steps:
            assert len(rating.reason) > 10, name
