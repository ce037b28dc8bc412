"""Search exports: RIS entries, duplicates, and the flow of studies through a review."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.evidence.extraction.duplicates import find_duplicates, unique
from exojoint.evidence.extraction.prisma import Flow, Stream, check_flow, flow_of_records, read_flow
from exojoint.evidence.extraction.ris import read_ris
from exojoint.evidence.extraction.status import extraction_status
from exojoint.evidence.extraction.works import Work, family_name, find_doi, find_pmid, find_year, plain, work_of
from exojoint.evidence.figures.prisma import prisma_diagram
from exojoint.evidence.records.load import load_records, load_studies

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
RIS = """TY  - JOUR
AU  - Zhang, Shipin
AU  - Chu, Wei
TI  - Synthetic title about vesicles in the knee
  of a rat
PY  - 2016/12//
DO  - https://doi.org/10.1000/Synthetic.1.
JO  - Journal of Nothing
ER  -

TY  - JOUR
A1  - Zhang S
T1  - Another synthetic title, long enough to compare
Y1  - 2020
AN  - 12345678
ER  -
"""


def test_ris_entries_become_works(write):
    first, second = read_ris(write("search.ris", RIS))
    assert (first.title, first.year, first.doi) == (
        "Synthetic title about vesicles in the knee of a rat",
        2016,
        "10.1000/synthetic.1",
    )
    assert first.authors == ("Zhang, Shipin", "Chu, Wei")
    assert (second.pmid, second.id, second.database) == ("12345678", "search.ris line 11", "search.ris")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no work"),
        ("hello\n", "'hello' has no tag"),
        ("TI  - x\n", "TI stands outside a work"),
        ("TY  - JOUR\nTI  - x\n", "has no ER"),
        ("TY  - JOUR\nTI  - x\nTY  - JOUR\nTI  - y\nER  - \n", "search.ris line 1: has no ER"),
        ("TY  - JOUR\nAU  - x\nER  - \n", "the work has no title"),
        ("TY  - JOUR\nTI  - \nER  - \n", "the work has no title"),
    ],
)
def test_broken_ris_is_told_by_line(write, text, message):
    with pytest.raises(InputError) as caught:
        read_ris(write("search.ris", text))
    assert message in str(caught.value)


@FUZZ
@given(
    lines=st.lists(
        st.one_of(
            st.sampled_from(["TY  - JOUR", "ER  - ", "TI  - a title", "PY  - 99999999999999"]), st.text(max_size=30)
        ),
        max_size=12,
    )
)
def test_any_lines_as_ris_end_well_or_in_an_input_error(write, lines):
    with contextlib.suppress(InputError):
        read_ris(write("any.ris", "\n".join(lines).encode("utf-8", "surrogatepass")))


LONG = "Synthetic vesicles in a synthetic model of knee osteoarthritis"


def work(name, title=LONG, authors=("Zhang, S",), year=2020, doi="", pmid=""):
    return Work(name, title, authors, year, doi, pmid)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (work("a", doi="10.1000/1"), work("b", "Other words entirely, nothing alike", doi="10.1000/1"), "doi"),
        (work("a", pmid="1234567"), work("b", "Other words entirely, nothing alike", pmid="1234567"), "pmid"),
        (work("a"), work("b", LONG.upper() + ".", authors=()), "title"),
        (work("a", "Étude of vesicles: a synthetic one"), work("b", "Etude of vesicles - a synthetic one"), "title"),
        (
            work("a"),
            work("b", LONG.replace("osteoarthritis", "osteo-arthrosis"), ("Shipin Zhang",), 2021),
            "author, year, similar title",
        ),
    ],
)
def test_the_same_work_twice_is_found(first, second, reason):
    (found,) = find_duplicates([first, second])
    assert (found.kept, found.dropped, found.reason) == ("a", "b", reason)
    assert found.certain == (reason in ("doi", "pmid", "title"))


@pytest.mark.parametrize(
    "second",
    [
        work("b", doi="10.1000/2"),
        work("b", LONG.replace("osteoarthritis", "osteo-arthrosis"), ("Li, K",)),
        work("b", LONG.replace("osteoarthritis", "osteo-arthrosis"), year=2023),
        work("b", LONG.replace("vesicles", "hyaluronate and saline injections")),
    ],
)
def test_different_works_are_not_taken_for_one(second):
    assert find_duplicates([work("a", doi="10.1000/1"), second]) == ()


def test_short_titles_are_no_evidence():
    assert find_duplicates([work("a", "Editorial", ()), work("b", "Editorial", ())]) == ()


def test_only_certain_duplicates_are_dropped_unless_asked():
    works = [work("a"), work("b", LONG.replace("osteoarthritis", "osteo-arthrosis"))]
    found = find_duplicates(works)
    assert len(unique(works, found)) == 2
    assert len(unique(works, found, only_certain=False)) == 1


def test_the_packages_own_studies_hold_the_known_overlaps_only():
    """One paper reports both a trial and its mouse arm."""
    studies = [study for study in load_studies().values() if study["citation"].value]
    found = {frozenset((item.kept, item.dropped)) for item in find_duplicates([work_of(study) for study in studies])}
    assert found == {frozenset(("wangYz2025_mouse", "wang2025_hucmsc"))}


@pytest.mark.parametrize(
    ("author", "family"),
    [
        ("Zhang, Shipin", "zhang"),
        ("Zhang S", "zhang"),
        ("van der Worp HB", "van der worp"),
        ("Shipin Zhang", "zhang"),
        ("", ""),
    ],
)
def test_family_names_are_found_in_every_spelling(author, family):
    assert family_name(author) == family


def test_identifiers_are_found_in_prose():
    assert find_doi("see https://doi.org/10.1186/S12967-025-06623-Y.") == "10.1186/s12967-025-06623-y"
    assert find_pmid("PMID 39465400; PMC12153132") == "39465400"
    assert find_year("published 2016/12//") == 2016
    assert find_year("nothing") is None
    assert plain("  Médecine: A&B ") == "medecine a b"


SCREENING = """id,origin,duplicate,screening,retrieved,eligibility,reason,study
r1,database,no,include,yes,include,,s1
r2,database,yes,,,,,
r3,register,no,exclude,,,,
r4,database,no,include,no,,,
r5,database,no,include,yes,exclude,focal defect,
r6,citation,no,include,yes,include,,s1
"""


def test_a_screening_table_gives_counts_that_add_up(write):
    flow = read_flow(write("screening.csv", SCREENING))
    assert dict(flow.formal.found) == {"database": 4, "register": 1}
    assert [
        flow.formal[name] for name in ("duplicates", "screened", "excluded", "sought", "not_retrieved", "assessed")
    ] == [1, 4, 1, 3, 1, 2]
    assert (flow.studies, flow.reports, dict(flow.formal.reasons)) == (1, 2, {"focal defect": 1})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("r1,database", "r1,datbase", 'Did you mean "database"'),
        ("r2,database,yes,,", "r2,database,yes,include,", "a duplicate has further decisions"),
        ("exclude,,,,", "exclude,yes,,,", "excluded on screening but has later decisions"),
        ("r4,database,no,include,no", "r4,database,no,include,", "not said to be retrieved"),
        ("exclude,focal defect", "exclude,", "without a reason"),
        ("r3,register,no,exclude", "r3,register,no,", "neither a duplicate nor screened"),
        ("r4,database,no,include,no", "r4,database,no,perhaps,no", "screening 'perhaps' is unknown"),
        ("reason,study", "why,study", "column 'reason' is missing"),
    ],
)
def test_impossible_decisions_are_told_by_row(write, old, new, message):
    assert old in SCREENING
    with pytest.raises(InputError) as caught:
        read_flow(write("screening.csv", SCREENING.replace(old, new)))
    assert message in str(caught.value)


TOML = """title = "Synthetic review"
studies = 3
reports = 4
pooled = 2
[formal]
found = { database = 20, register = 2 }
duplicates = 2
screened = 20
excluded = 10
sought = 10
not_retrieved = 1
assessed = 9
reasons = { "no control" = 5 }
"""


def test_counts_from_a_file_are_checked(write):
    assert read_flow(write("flow.toml", TOML)).pooled == 2
    for old, new, message in (
        ("screened = 20", "screened = 21", "formal: screened is 21"),
        ("reports = 4", "reports = 5", "5 reports are included. Expected 4"),
        ("studies = 3", "studies = 9", "studies is 9"),
        ("sought = 10", "sougth = 10", 'Did you mean "sought"'),
        ("assessed = 9", "assessed = -9", "-9 is not a count"),
        ("database = 20", "databse = 20", 'Did you mean "database"'),
        ("pooled = 2", "poolled = 2", 'Did you mean "pooled"'),
        ("[formal]", "other = 3\n[formal]", "other: is not a table"),
    ):
        assert old in TOML
        with pytest.raises(InputError) as caught:
            read_flow(write("flow.toml", TOML.replace(old, new)))
        assert message in str(caught.value)


def test_more_reasons_than_reports_do_not_pass():
    flow = Flow("x", Stream({"database": 1}, {"screened": 1, "sought": 1, "assessed": 1}, {"a": 3}), Stream(), 0, -2)
    with pytest.raises(InputError, match="more reports are excluded"):
        check_flow(flow, "x")


def test_the_diagram_holds_every_count_and_says_them_aloud(write):
    picture = prisma_diagram(read_flow(write("flow.toml", TOML)))
    words = picture.svg().replace("\u00a0", " ")
    for count in (
        "databases (n = 20)",
        "duplicates (n = 2)",
        "no control (n = 5)",
        "Studies included in review (n = 3)",
    ):
        assert count in words
        assert count in picture.alt.replace("\u00a0", " ")
    assert picture.png().startswith(b"\x89PNG")


def test_the_packages_own_flow_says_that_it_was_no_systematic_search():
    pooled = [item.study for item in extraction_status(load_records().values()) if item.status == "poolable"]
    flow = flow_of_records(load_studies(), pooled, "animal", "Animal studies")
    check_flow(flow, "own")
    assert (flow.other.found["website"], flow.studies, flow.pooled) == (59, 55, 2)
    assert "Not a systematic search" in prisma_diagram(flow).caption
