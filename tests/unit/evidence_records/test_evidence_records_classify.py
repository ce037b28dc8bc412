"""Registered trials are classified as a reader would: hand-made labels of the located joint trials, and of others."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from exojoint.evidence.registry.classify import classify
from exojoint.evidence.registry.trial import Trial, TrialText, read_phase, read_status

# Labels given by hand to the rows of the table of located trials: role, product, source, route where the row's words
# state it, phase, state. Two rows are benchmarks without vesicles.
LOCATED = {
    "wang2025_hucmsc": ("treatment", "vesicles", "umbilical cord", "not stated", "", "unknown"),
    "bolandnazar2024_pmsc": ("treatment", "vesicles", "placenta", "not stated", "", "unknown"),
    "NCT05060107": ("treatment", "vesicles", "other or unstated MSC", "intra-articular", "1", "unknown"),
    "NCT06431152": ("treatment", "vesicles", "umbilical cord", "intra-articular", "early 1", "recruiting"),
    "NCT06466850": ("treatment", "vesicles", "other or unstated MSC", "not stated", "none", "recruiting"),
    "NCT06937528": ("treatment", "vesicles", "not stated", "intra-articular", "1", "recruiting"),
    "NCT05261360": ("treatment", "vesicles", "synovial fluid", "not stated", "2", "unknown"),
    "ChiCTR2600124926": ("treatment", "vesicles", "adipose tissue", "not stated", "", "planned"),
    "ChiCTR2600123490": ("treatment", "vesicles", "adipose tissue", "not stated", "", "planned"),
    "east2020_exoflo": ("treatment", "vesicles", "bone marrow", "intra-articular", "", "unknown"),
    "ogeus2024_af": ("treatment", "vesicles", "amnion", "not stated", "", "unknown"),
    "NCT04971798_ccm": (
        "treatment",
        "secretome",
        "endothelial or progenitor cells",
        "not stated",
        "early 1",
        "planned",
    ),
    "zofin_koa": ("treatment", "vesicles", "amnion", "not stated", "1/2", "unknown"),
    "est_p_exo1": ("treatment", "vesicles", "adipose tissue", "not stated", "1", "unknown"),
    "ogrctrl_asa2021": ("none", "not stated", "amnion", "not stated", "", "unknown"),
    "ucmsc_repeat2023": ("none", "not stated", "umbilical cord", "intra-articular", "1", "unknown"),
}
AXES = ("role", "product", "source", "route", "phase", "status")


def as_registered(row):
    """A row of the table of located trials as a registry would give it."""
    given = ": ".join(row[name] for name in ("product_name", "ev_source_cells", "dose_text") if row[name])
    text = TrialText(
        conditions=(row["condition"],),
        interventions=(given,) if given else (),
        arms=(row["design"],),
        countries=(row["country"],),
        summary=row["results_text"],
        sponsor=row["sponsor_or_site"],
    )
    number = row["registry_ids"].split()[0] if row["registry_ids"] else row["trial_id"]
    state, phase = read_status(row["status_as_seen"]), read_phase(row["phase"])
    return Trial(number, "", row["citation"], state, phase, row["year"][:4], None, text)


def test_the_located_joint_trials_are_classified(shared):
    with (shared / "literature" / "ev_clinical_trials.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["trial_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(LOCATED)
    wrong = []
    for name, row in rows.items():
        trial = as_registered(row)
        item = classify(trial)
        found = (item.role, item.product, item.source, item.route, trial.phase, trial.status)
        wrong += [
            f"{name} {axis}: {one}, label {label}"
            for axis, one, label in zip(AXES, found, LOCATED[name], strict=True)
            if one != label
        ]
        assert item.indication == "joint", name
        assert trial.year == (int(row["year"][:4]) if row["year"] else None)
        assert trial.text.countries == (row["country"],)
    assert not wrong, "\n".join(wrong)


# Public wordings of vesicle trials, shortened: title; condition; intervention; labels.
OTHERS = [
    ("Inhalation of exosomes from adipose MSC in severe pneumonia", "Coronavirus",
     "Biological: MSCs-derived exosomes, aerosol inhalation", "treatment", "adipose tissue", "inhaled", "lung"),
    ("MSC-Exos promote healing of macular holes", "Macular Holes",
     "Biological: MSC-Exo: 50 or 20 ug in 10 ul PBS dripped into vitreous cavity", "treatment",
     "other or unstated MSC", "eye", "eye"),
    ("Allogenic MSC derived exosome in acute ischemic stroke", "Cerebrovascular Disorders",
     "Biological: exosome, intraparenchymal", "treatment", "other or unstated MSC", "intrathecal", "nerve"),
    ("iExosomes in metastatic pancreas cancer", "Pancreatic adenocarcinoma",
     "Drug: Mesenchymal Stromal Cells-derived Exosomes with siRNA, given IV", "treatment", "other or unstated MSC",
     "intravenous", "cancer"),
    ("Plant exosomes to deliver curcumin to colon tissue", "Colon Cancer",
     "Dietary Supplement: curcumin with plant exosomes, tablets", "treatment", "plants", "oral", "cancer"),
    ("Plasma derived exosomes on cutaneous wound healing", "Ulcer", "Other: plasma-derived exosomes, topical",
     "treatment", "blood or plasma", "skin", "skin"),
    ("Bone marrow MSC derived extracellular vesicles for ARDS", "Covid19", "Drug: 15 mL, IV", "treatment",
     "bone marrow", "intravenous", "lung"),
    ("Umbilical MSC derived exosomes on dry eye", "Dry Eye", "Drug: artificial tears with 10ug/drop", "treatment",
     "umbilical cord", "eye", "eye"),
    ("Adipose stem cell exosomes for periodontitis", "Periodontitis",
     "Biological: exosomes, local injection into the periodontal pocket", "treatment", "adipose tissue",
     "local injection", "teeth and jaw"),
    ("Exosomes in synovial fluid as biomarkers of knee osteoarthritis", "Osteoarthritis, Knee",
     "Other: blood and synovial fluid sampling", "marker", None, None, "joint"),
    ("Vaccination with dendritic cell-derived exosomes", "Non small cell lung cancer", "Biological: Dex2",
     "treatment", "immune cells", None, "cancer"),
    ("Exosomes in complex anal fistula", "Perianal Fistula", "Drug: exosomes of placenta MSC, into the fistula tract",
     "treatment", "placenta", "local injection", "gut and liver"),
    ("UMSC exosomes on retinitis pigmentosa", "Retinitis Pigmentosa",
     "Biological: subtenon injection of Wharton jelly MSC exosomes", "treatment", "umbilical cord", "eye", "eye"),
    ("Allogenic adipose MSC-Exos in Alzheimer's disease", "Alzheimer Disease", "Biological: MSCs-Exos nasal drip 5ug",
     "treatment", "adipose tissue", "nasal", "nerve"),
    ("Microvesicles and exosomes in type 1 diabetes", "Diabetes mellitus type 1",
     "Biological: cord blood MSC exosomes, intravenous", "treatment", "umbilical cord", "intravenous", "metabolism"),
    ("Intra-articular UC-MSC exosomes", "Knee OA", "Biological: exosome 2 mL", "treatment", "umbilical cord",
     "intra-articular", "joint"),
    ("Intradiscal PRP enriched with exosomes in low back pain", "Low back pain", "Biological: PRP with exosomes",
     "treatment", "platelets", "local injection", "spine"),
    ("Circulating extracellular vesicles after marathon running", "Healthy", "Behavioral: exercise", "marker", None,
     None, None),
    ("Exosome product engineered with an antisense strand in hepatocellular carcinoma", "HCC",
     "Drug: engineered exosomes IV", "treatment", None, "intravenous", "cancer"),
    ("Secretome of hypoxia-MSC in knee OA", "Osteoarthritis",
     "Biological: secretome of umbilical cord MSC, intra-articular", "treatment", "umbilical cord", "intra-articular",
     "joint"),
    ("Exosomal RNA in liver cancer", "HCC", "Diagnostic test: exosome RNA", "marker", None, None, "cancer"),
    ("Hyaluronic acid in knee OA", "Knee OA", "Drug: HA", "none", None, None, "joint"),
    ("Cells without extracellular vesicles in knee OA", "Knee OA", "Biological: cells, no vesicles, injected", "none",
     None, None, "joint"),
]  # fmt: skip


@pytest.mark.parametrize("case", OTHERS, ids=[case[0][:40] for case in OTHERS])
def test_other_vesicle_trials_are_classified(case):
    title, condition, intervention, *labels = case
    text = TrialText(conditions=(condition,), interventions=(intervention,))
    item = classify(Trial("N", "", title, "unknown", "", "2021", None, text))
    for axis, label in zip(("role", "source", "route", "indication"), labels, strict=True):
        assert label is None or getattr(item, axis) == label, axis


def test_markers_and_treatments_are_both_among_the_labels():
    assert min(Counter(case[3] for case in OTHERS).values()) >= 2
