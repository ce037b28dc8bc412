"""Small files that several tests of this room read; every number in them is synthetic."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

WORKBOOK = '<workbook xmlns="m" xmlns:r="o"><sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>'
LINKS = '<Relationships xmlns="p"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'


def column(index: int) -> str:
    """Letters of a column: 0 is A, 26 is AA."""
    return (chr(64 + index // 26) if index >= 26 else "") + chr(65 + index % 26)


def sheet_xml(rows: Sequence[Sequence[str]]) -> str:
    """A sheet of inline texts and numbers, empty cells left out."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for index, cell in enumerate(row):
            at = f"{column(index)}{number}"
            if cell == "":
                continue
            if cell.lstrip("-").replace(".", "", 1).isdigit():
                cells.append(f'<c r="{at}"><v>{cell}</v></c>')
            else:
                cells.append(f'<c r="{at}" t="inlineStr"><is><t>{cell}</t></is></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="m"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(parts: dict[str, str | bytes]) -> bytes:
    """A zip of parts; the two that name the sheet are added unless given."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in ({"xl/workbook.xml": WORKBOOK, "xl/_rels/workbook.xml.rels": LINKS} | parts).items():
            book.writestr(name, text)
    return data.getvalue()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file into the test's folder."""

    def writer(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


SHEET = [
    ["study_id", "outcome", "comparator", "n_t", "mean_t", "sd_t", "n_c", "mean_c", "sd_c", "error_type", "verified",
     "direction"],
    ["synthetic1", "OARSI", "vehicle", "6", "4.5", "1.2", "6", "9.0", "1.5", "SD", "seen", "-1"],
    ["synthetic2", "OARSI", "vehicle", "8", "5.0", "1.1", "8", "8.2", "1.4", "SEM", "seen", "-1"],
]  # fmt: skip


@pytest.fixture
def sheet() -> list[list[str]]:
    """A correct extraction sheet (synthetic)."""
    return [list(row) for row in SHEET]


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV text."""
    return "\n".join(",".join(row) for row in rows) + "\n"


def study(number: str, **changes: object) -> dict:
    """A synthetic ClinicalTrials.gov record of the second API version."""
    protocol = {
        "identificationModule": {"nctId": number, "briefTitle": "SYNTHETIC: vesicles for the knee"},
        "statusModule": {"overallStatus": "RECRUITING", "startDateStruct": {"date": "2021-10"}},
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Nobody", "class": "OTHER"}},
        "descriptionModule": {"briefSummary": "Intra-articular injection of umbilical cord MSC exosomes."},
        "conditionsModule": {"conditions": ["Knee Osteoarthritis"]},
        "designModule": {"phases": ["PHASE1", "PHASE2"], "enrollmentInfo": {"count": 24}},
        "armsInterventionsModule": {
            "armGroups": [
                {"label": "high", "type": "EXPERIMENTAL", "description": "3-5 x 10e11 particles, single dose"},
                {"label": "control", "type": "PLACEBO_COMPARATOR", "description": "Placebo: 5 cc normal saline"},
            ],
            "interventions": [{"type": "BIOLOGICAL", "name": "UC-MSC exosomes", "description": "intra-articular"}],
        },
        "outcomesModule": {"primaryOutcomes": [{"measure": "Adverse events", "timeFrame": "12 months"}]},
        "contactsLocationsModule": {"locations": [{"country": "Chile"}, {"country": "Chile"}]},
    }  # fmt: skip
    protocol.update(changes)
    return {"protocolSection": protocol}


def page(studies: Sequence[dict], token: str = "") -> str:
    """A page of a search."""
    return json.dumps({"studies": list(studies)} | ({"nextPageToken": token} if token else {}))
