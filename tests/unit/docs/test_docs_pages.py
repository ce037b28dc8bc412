"""The generated pages: whole, without loose links, without anything loaded, the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

from exojoint.core.errors import InputError
from exojoint.core.tables import COLUMNS
from exojoint.joint.tables import read_levers
from exojoint.runs.lineage import Headline, Lineage, Origin, Quantity, write_lineage
from exojoint.treatments.treatment import list_treatments
from exojoint.workflow.documentation.build import write_documentation
from exojoint.workflow.documentation.equations import state_place
from exojoint.workflow.documentation.knee_picture import read_layout
from exojoint.workflow.documentation.wiring import SIGNALS, node_names, wire

PACKAGE = Path(__file__).resolve().parents[3] / "src" / "exojoint"


def table_rows():
    """Every row of every parameter table, read without the code under test."""
    for path in sorted(PACKAGE.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if set(COLUMNS) <= set(reader.fieldnames or ()):
                yield from ((path.relative_to(PACKAGE).parts[0], row["name"]) for row in reader)


def targets(page):
    return re.findall(r'<a href="([^"]+)"', page)


def test_every_state_has_an_equation(book, site):
    for state in book.states:
        address = state_place(book, state.name)
        assert address, f"no equation for {state.name}"
        file, _, anchor = address.partition("#")
        assert f'id="{anchor}"' in (site / file).read_text(encoding="utf-8")


def test_every_parameter_has_a_page_and_a_place_in_its_room(site):
    rooms = {}
    for room, name in table_rows():
        text = rooms.setdefault(room, (site / f"parameters_{room}.html").read_text(encoding="utf-8"))
        assert f'<span id="{name}">' in text
        page = (site / "parameters" / f"{name}.html").read_text(encoding="utf-8")
        assert f"<h1>{name}</h1>" in page
        assert "<svg" in page, "its life is drawn"
    assert len(rooms) >= 5


def test_every_parameter_says_who_reads_it(site):
    silent = [
        name
        for _room, name in table_rows()
        if not re.search(r"<dt>(equations|named in)</dt>", (site / "parameters" / f"{name}.html").read_text("utf-8"))
    ]
    assert not silent, f"rows that nobody reads: {silent}"


def test_every_link_leads_somewhere(site):
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    loose = []
    for name, text in pages.items():
        folder = Path(name).parent
        for target in targets(text):
            if target.startswith("http"):
                continue
            file, _, anchor = unquote(target).partition("#")
            there = os.path.normpath(folder / file) if file else name
            if there not in pages or (anchor and anchor not in anchors[there]):
                loose.append(f"{name} -> {target}")
    assert not loose, "\n".join(["", *loose[:20]])


def test_pages_load_nothing_and_run_nothing(site):
    for path in [*site.rglob("*.html"), *site.rglob("*.svg")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script|<link|<img|<iframe|@import|url\((?!#)|\bon[a-z]+=", text), path.name
        assert not re.search(r"\b(?:src|xlink:href)=", text), path.name


def test_pages_are_well_formed(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8").replace("<!doctype html>\n", "")
        text = re.sub(r"<(meta|br)\b([^>]*)>", r"<\1\2/>", text).replace("&nbsp;", "\u00a0")
        ET.fromstring(text)  # noqa: S314  # our own text


def test_the_same_program_writes_the_same_bytes(site, tmp_path):
    code = "from pathlib import Path\nfrom exojoint.workflow.documentation.build import write_documentation\n"
    code += f"write_documentation(Path({str(tmp_path)!r}))"
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=300)
    assert digests(tmp_path) == digests(site)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_assumed_numbers_stand_out(site, built):
    text = (site / "parameters.html").read_text(encoding="utf-8")
    assert "<b>assumed</b>" in text
    assert f"{built.rows} rows" in text
    assert '<span class="grade assumed"' in (site / "parameters_joint.html").read_text(encoding="utf-8")


def test_a_fact_leads_to_its_rows_and_back(site):
    row = (site / "parameters" / "flow_lymph.html").read_text(encoding="utf-8")
    assert "facts.html#PK023" in row
    assert "<b>seen</b>" in row or "<b>derived</b>" in row or "<b>recalled</b>" in row
    facts = (site / "facts.html").read_text(encoding="utf-8")
    assert 'href="parameters/flow_lymph.html"' in facts


def test_other_species_stand_beside_the_human_value(site):
    assert "species rat: 0.24" in (site / "parameters" / "flow_lymph.html").read_text(encoding="utf-8")


def test_every_treatment_and_run_table_is_listed(site):
    treatments = (site / "treatments.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in treatments for name in list_treatments())
    run = (site / "run_folder.html").read_text(encoding="utf-8")
    with (PACKAGE / "runs" / "tables.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert f"<code>{row['table']}.parquet</code>" in run
            assert f"<code>{row['column']}</code>" in run
    assert "<code>reasons[].probability</code>" in run


def test_the_picture_has_a_place_for_every_state(book):
    layout = read_layout()
    missing = [name for name in node_names(book.joint) if name not in layout.nodes]
    assert not missing, f"give them a place in knee.csv: {missing}"
    assert all(layout.tissue_of(name) for name in layout.nodes)
    every = {arrow.source for arrow in wire(book.joint).arrows} | {arrow.target for arrow in wire(book.joint).arrows}
    assert every <= set(layout.nodes)


def test_every_lever_stands_in_the_wiring(book):
    wiring = wire(book.joint)
    assert {arrow.source for arrow in wiring.pulls} == set(read_levers(PACKAGE / "joint" / "levers.csv"))
    assert set(SIGNALS) <= set(wiring.reads)


@pytest.mark.parametrize(
    ("source", "target", "sign"),
    [
        ("mmp13", "collagen", -1), ("adamts5", "aggrecan", -1), ("il10", "m1", -1), ("fragments", "m1", 1),
        ("inflammation", "healthy", -1), ("overload", "collagen", -1), ("stress", "sclerosis", 1),
        ("ngf", "nociception", 1), ("thickness", "nociception", -1), ("pain", "stress", -1),
    ],
)  # fmt: skip
def test_the_picture_says_who_raises_and_who_lowers_whom(book, source, target, sign):
    found = {(arrow.source, arrow.target): arrow.sign for arrow in wire(book.joint).arrows}
    assert found[source, target] == sign


@pytest.mark.parametrize("name", ["picture_knee.svg", "picture_levers.svg"])
def test_the_pictures_of_the_project_are_those_of_the_program(site, root, name):
    kept = (root / "docs" / name).read_bytes()
    assert len(kept) < 100_000
    assert kept == (site / name).read_bytes(), "stale: run `python docs/generate.py` and look at it"


def test_a_run_says_which_headline_a_row_drives(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    row = Quantity("k_m1_loss", 0.05, "1/d", "assumed", "joint/parameters.csv row 115", "", ())
    shares = {"k_m1_loss": 0.25}
    origin = Origin("draws.parquet", ("difference",), "")
    effect = "effects/exosome/womac_pain/182"
    headline = Headline(effect, "true difference", -1.0, "point", (origin,), 4, ("k_m1_loss",), shares)
    write_lineage(run, Lineage("0" * 16, (headline,), (row,), (), ()))
    write_documentation(tmp_path / "out", run)
    text = (tmp_path / "out" / "parameters" / "k_m1_loss.html").read_text(encoding="utf-8")
    assert f"<code>{effect}</code>: 25.0 % of its variance" in text
    other = (tmp_path / "out" / "parameters" / "k_m2_loss.html").read_text(encoding="utf-8")
    assert "no share of any headline of this run" in other


def test_wrong_places_are_one_message(tmp_path):
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        write_documentation(file)
    with pytest.raises(InputError):
        write_documentation(tmp_path / "out", tmp_path / "no run")
    assert not (tmp_path / "out").exists()
