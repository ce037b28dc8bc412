"""Extraction sheets of other people: every fault of every row at once, and nothing but InputError for hostile files."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.evidence.extraction.grid import read_grid
from exojoint.evidence.extraction.importer import import_records
from exojoint.evidence.extraction.schema import column_of, load_schema, read_cell
from exojoint.evidence.extraction.template import columns_csv, template_csv
from exojoint.evidence.extraction.xlsx import read_xlsx
from exojoint.evidence.extraction.xml import parse_xml

from .conftest import as_csv, sheet_xml, workbook

FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_correct_sheet_becomes_records(write, sheet):
    found = import_records(write("sheet.csv", as_csv(sheet)))
    record = next(iter(found.records.values()))
    assert (record.study, record.text("outcome"), record.number("mean_t")) == ("synthetic1", "OARSI", 4.5)
    assert record["mean_t"].verified == "seen"
    assert record["mean_t"].source == ("sheet.csv row 2",)
    assert found.warnings == ()


def test_the_same_sheet_as_a_workbook_gives_the_same_records(write, sheet):
    book = write("sheet.xlsx", workbook({"xl/worksheets/sheet1.xml": sheet_xml(sheet)}))
    from_book, from_text = import_records(book).records, import_records(write("sheet.csv", as_csv(sheet))).records
    assert [dict(r.cells)["sd_c"].value for r in from_book.values()] == [
        dict(r.cells)["sd_c"].value for r in from_text.values()
    ]


def test_sheets_of_other_countries_and_other_headers_are_read(write, sheet):
    sheet[0][0], sheet[0][2] = "Study ID", "Comparators"
    text = "\n".join(";".join(row) for row in sheet)
    assert len(import_records(write("sheet.csv", text)).records) == 2
    sheet[0][1] = "Endpunkt"
    assert len(import_records(write("other.csv", as_csv(sheet)), {"Endpunkt": "outcome"}).records) == 2


def test_all_faults_of_all_rows_come_at_once(write, sheet):
    sheet[1][4], sheet[1][9] = "4,5x", "SDD"
    sheet[2][3], sheet[2][10] = "8.5", ""
    with pytest.raises(InputError) as caught:
        import_records(write("sheet.csv", as_csv([[f'"{cell}"' for cell in row] for row in sheet])))
    text = str(caught.value)
    for words in (
        "sheet.csv row 2 `synthetic1`: mean_t '4,5x' is not a number",
        'Did you mean "SD"',
        "row 3 `synthetic2`: n_t '8.5' is not a whole number",
        "verified is empty",
    ):
        assert words in text
    assert len(caught.value.problems) >= 4


@pytest.mark.parametrize(
    ("position", "cell", "message"),
    [
        ((0, 1), "outcom", 'Did you mean "outcome"'),
        ((0, 3), "mean_t", "column 'mean_t' stands twice"),
        ((0, 10), "checked_by", "column 'verified' is missing"),
        ((1, 5), "-1", "sd_t is -1"),
        ((1, 3), "0", "n_t is 0"),
        ((1, 9), "", "may be an SD or a standard error"),
        ((1, 10), "recalled", "is recalled but has numbers"),
        ((1, 11), "2", "direction '2' is unknown"),
    ],
)
def test_each_kind_of_fault_is_told(write, sheet, position, cell, message):
    sheet[position[0]][position[1]] = cell
    with pytest.raises(InputError) as caught:
        import_records(write("sheet.csv", as_csv(sheet)))
    assert message in str(caught.value)


def test_repeated_names_and_an_empty_sheet_are_faults(write, sheet):
    rows = [["record", *sheet[0]], ["r1", *sheet[1]], ["r1", *sheet[2]]]
    with pytest.raises(InputError, match="`r1` stands twice"):
        import_records(write("sheet.csv", as_csv(rows)))
    with pytest.raises(InputError, match="has a header but no rows"):
        import_records(write("sheet.csv", as_csv(sheet[:1])))
    with pytest.raises(InputError, match="is empty"):
        import_records(write("sheet.csv", "\n\n"))


def test_a_row_longer_than_the_header_is_told_with_its_number(write, sheet):
    with pytest.raises(InputError, match=r"sheet\.csv row 2: has 13 cells"):
        import_records(write("sheet.csv", as_csv([sheet[0], [*sheet[1], "more"]])))


def test_doubtful_spreads_and_unnamed_shared_controls_are_warned_of(write, sheet):
    sheet[1][9] = "unclear"
    sheet.append(["synthetic1", "OARSI", "vehicle", "6", "5.5", "1.0", "6", "9.0", "1.5", "SD", "seen", "-1"])
    warnings = import_records(write("sheet.csv", as_csv(sheet))).warnings
    assert "may be an SD or a standard error" in warnings[0]
    assert "same comparison group but no shared_control_id" in warnings[1]


def test_a_column_mapping_that_fits_nothing_is_a_fault(write, sheet):
    with pytest.raises(InputError) as caught:
        import_records(write("sheet.csv", as_csv(sheet)), {"Endpoint": "outcom"})
    assert "has no column 'Endpoint'" in str(caught.value)
    assert 'Did you mean "outcome"' in str(caught.value)


def test_the_template_is_the_schema_and_reads_as_a_header(write):
    assert template_csv().strip().split(",") == list(load_schema())
    assert columns_csv().count("\n") == len(load_schema()) + 1
    with pytest.raises(InputError, match="no rows"):
        import_records(write("template.csv", template_csv()))


PUBLISHED = (
    "study_id", "doi", "species", "strain", "sex", "age", "weight", "model", "model_class", "ev_source",
    "donor_species", "induction_to_treatment_days", "passage", "engineering", "isolation", "dose_value",
    "dose_unit", "volume_ul", "route", "n_injections", "interval_days", "comparator_type", "outcome", "scale_min",
    "scale_max", "direction", "time_days", "n_t", "mean_t", "sd_t", "n_c", "mean_c", "sd_c", "error_type", "source",
    "digitised", "shared_control_id", "rob_1", "rob_10", "extractor", "verified",
)  # fmt: skip


def test_every_column_of_the_published_schema_is_understood():
    assert [name for name in PUBLISHED if not column_of(name)] == []


@pytest.mark.parametrize("name", ["sheet.pdf", "sheet.xls", "sheet.ods"])
def test_other_files_are_refused_by_their_ending(write, name):
    with pytest.raises(InputError, match="is not a table"):
        read_grid(write(name, "x"))


def broken(data: str | bytes) -> bytes:
    """A workbook whose sheet has that content."""
    start, end = ("<worksheet>", "</worksheet>") if isinstance(data, str) else (b"<worksheet>", b"</worksheet>")
    return workbook({"xl/worksheets/sheet1.xml": start + data + end})


ENTITY = '<!DOCTYPE a [<!ENTITY x "y">]><worksheet>&x;</worksheet>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a zip", "not a readable XLSX"),
        (workbook({}), "has no part 'xl/worksheets/sheet1.xml'"),
        (workbook({"xl/workbook.xml": "<workbook/>"}), "has no sheet"),
        (workbook({"xl/worksheets/sheet1.xml": "<worksheet"}), "not well-formed"),
        (workbook({"xl/worksheets/sheet1.xml": ENTITY}), "entities"),
        (broken('<sheetData><row r="1"><c r="A1" t="e"><v>#DIV/0!</v></c></row></sheetData>'), "holds the error"),
        (broken('<sheetData><row r="9999999"/></sheetData>'), "row numbered"),
        (broken('<sheetData><row><c r="ZZZ1"/></row></sheetData>'), "500 columns"),
        (broken('<sheetData><row><c t="s"><v>7</v></c></row></sheetData>'), "text number"),
        (broken(b" " * 70_000_000), "would unpack"),
        (workbook({f"extra{i}": "" for i in range(2100)}), "parts"),
    ],
)
def test_hostile_and_broken_workbooks_are_refused(write, content, message):
    with pytest.raises(InputError) as caught:
        read_xlsx(write("sheet.xlsx", content))
    assert message in str(caught.value)


def test_a_workbook_keeps_texts_flags_and_numbers(write):
    strings = "<sst><si><t>plain</t></si><si><r><t>two </t></r><r><t>pieces</t></r><rPh><t>hint</t></rPh></si></sst>"
    sheet = (
        '<worksheet><sheetData><row r="2"><c r="B2" t="s"><v>1</v></c><c t="b"><v>1</v></c>'
        "<c><v>0.30000000000000004</v></c>"
        '<c t="str"><v>=A1</v></c><c><v>odd</v></c><c t="s"><v>0</v></c></row></sheetData></worksheet>'
    )
    rows = read_xlsx(write("s.xlsx", workbook({"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": strings})))
    assert rows == [[], ["", "two pieces", "yes", "0.3", "=A1", "odd", "plain"]]


def test_a_lying_zip_header_does_not_matter(write):
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as target:
        target.writestr("xl/workbook.xml", "<workbook/>")
    data = bytearray(book.getvalue())
    data[data.rindex(b"PK\x01\x02") + 24 : data.rindex(b"PK\x01\x02") + 28] = (3).to_bytes(4, "little")
    with pytest.raises(InputError):
        read_xlsx(write("s.xlsx", bytes(data)))


def test_xml_with_a_document_type_but_no_entities_is_read():
    text = b'<!DOCTYPE trials [<!ELEMENT trials (trial*)>]><trials><trial a="1">x<b>y</b></trial></trials>'
    root = parse_xml(text, "f.xml")
    assert root.content("trial") == "x y"
    assert root.first("trial").attributes == {"a": "1"}
    assert root.first("nothing", "below") is None


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE r [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        b'<!DOCTYPE r SYSTEM "http://example.org/r.dtd"><r>&nbsp;</r>',
        b"<r>" * 100 + b"</r>" * 100,
        b"<r>&undefined;</r>",
        b"",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="nonsense"?><r/>',
    ],
)
def test_hostile_xml_is_refused_and_nothing_is_fetched(text):
    with pytest.raises(InputError):
        parse_xml(text, "f.xml")


@FUZZ
@given(text=st.text(max_size=300))
def test_any_text_as_a_sheet_ends_well_or_in_an_input_error(write, text):
    path = write("any.csv", text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(InputError):
        import_records(path)


@FUZZ
@given(
    cells=st.lists(
        st.lists(
            st.one_of(st.sampled_from(["1", "-1", "SD", "seen", "1e400", "nan", ""]), st.text(max_size=8)),
            min_size=12,
            max_size=12,
        ),
        max_size=4,
    )
)
def test_any_cells_below_a_right_header_end_well_or_in_an_input_error(write, sheet, cells):
    rows = [sheet[0], *cells]
    quoted = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    with contextlib.suppress(InputError):
        import_records(write("any.csv", quoted.encode("utf-8", "surrogatepass")))


@FUZZ
@given(data=st.binary(max_size=400), keep=st.integers(0, 60))
def test_any_bytes_as_a_workbook_end_in_an_input_error(write, sheet, data, keep):
    whole = workbook({"xl/worksheets/sheet1.xml": sheet_xml(sheet)})
    for content in (data, whole[: len(whole) * keep // 60] + data):
        with contextlib.suppress(InputError):
            read_xlsx(write("any.xlsx", content))


@FUZZ
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_sheet_xml_ends_well_or_in_an_input_error(write, text):
    with contextlib.suppress(InputError):
        read_xlsx(
            write(
                "any.xlsx",
                workbook({"xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{text}</sheetData></worksheet>"}),
            )
        )


@given(text=st.text(max_size=40), name=st.sampled_from(sorted(load_schema())))
def test_any_cell_of_any_column_ends_well_or_in_an_input_error(text, name):
    with contextlib.suppress(InputError):
        read_cell(load_schema()[name], text, "somewhere")


@given(data=st.binary(max_size=300))
def test_any_bytes_as_xml_end_well_or_in_an_input_error(data):
    with contextlib.suppress(InputError):
        parse_xml(b"<r>" + data + b"</r>", "f.xml")


def test_a_cell_longer_than_an_abstract_is_refused():
    with pytest.raises(InputError, match="characters"):
        read_cell(load_schema()["note"], "x" * 20_000, "here")
