"""A hundred thousand knees drawn with doubled spread, all treatments given: `python -m validation.knee.nonnegative`.

Everything that is unknown is drawn at twice its log-SD, every knee rests under its own numbers, gets every treatment
of the catalogue within half a year, and no level may turn negative beyond what a tolerance leaves.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.core.knowledge import knowledge_space
from exojoint.core.streams import stream
from exojoint.engine import Event, Outcome, compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.joint.views import ZONES
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.treatment import dispositions_for, list_treatments, load_treatment

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
SPREAD = 2.0
CHUNK = 2_000
DAYS = np.arange(0.0, 183.0, 7.0)
GRADES, PAINS = (1.0, 2.0, 2.5, 3.0, 4.0), (30.0, 50.0, 70.0)
ALIVE = 1e-6  # of all cells: a zone with fewer is dead
FLOOR = 1e-3  # of a state's unit: the scale below which a level counts as nothing
CARGO = {  # cargo per cell counts against half an effect: in a zone without living cells it is noise over noise
    "vesicles_per_chondrocyte": "vesicles_half_chondrocyte", "vesicles_per_macrophage": "vesicles_half_lining",
    "vesicles_per_synoviocyte": "vesicles_half_lining", "mirna_per_": "mirna_half",
}  # fmt: skip
GIVEN = {  # name: (days, amount in the treatment's unit)
    "exosome": ([0.0, 14.0], 1e12), "nsaid": ([7.0], 1.0), "triamcinolone": ([28.0], 40.0),
    "triamcinolone_er": ([35.0], 32.0), "hyaluronate": ([42.0, 49.0], 48.0), "msc": ([56.0], 5e7),
    "fgf18": ([63.0, 70.0], 100.0), "paracetamol": ([77.0], 1.0), "adamts5_inhibitor": ([84.0], 300.0),
    "antibody_il1": ([91.0], 0.9), "antibody_tnf": ([92.0], 0.9), "antibody_ngf": ([93.0], 0.9),
    "prp": ([98.0], 5.0), "brace": ([105.0], 1.0), "exercise": ([106.0], 1.0), "weight_loss": ([107.0], 3.0),
    "exosome_charge_reversed": ([112.0], 1e12), "exosome_depot": ([119.0], 1e12), "exosome_gel": ([126.0], 1e12),
    "saline": ([133.0], 0.0), "replacement": ([168.0], 1.0),
}  # fmt: skip


def everything() -> list[Event]:
    """Events of every treatment of the catalogue in one half year."""
    assert set(GIVEN) == set(list_treatments()), "a treatment of the catalogue is not given"
    return [
        event
        for name, (days, amount) in GIVEN.items()
        for event in administer(load_treatment(name), days=days, amount=amount)
    ]


def floors(knee: Knee, names: tuple[str, ...]) -> Floats:
    """Smallest scale of each state: half an effect for cargo per cell, a thousandth of the unit for all others."""
    found = dict.fromkeys(names, FLOOR)
    for name in names:
        for start, row in CARGO.items():
            if start in name:
                found[name] = knee.parameters[row].value
    return np.array(list(found.values()))


def without_cells(fine: Floats, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """(n, states) cargo of chondrocytes in zones without living cells, where a number per cell means nothing."""
    dead = np.zeros((len(fine), len(names)), dtype=np.bool_)
    for zone in ZONES:
        cells = sum(fine[..., names.index(f"{kind}_{zone}")] for kind in ("healthy", "catabolic", "senescent"))
        gone = np.asarray(cells).min(axis=1) < ALIVE
        for cargo in ("vesicles_per_chondrocyte", "mirna_per_chondrocyte"):
            dead[gone, names.index(f"{cargo}_{zone}")] = True
    return dead


def draws(knee: Knee, first: int, n: int) -> tuple[Floats, Floats, Floats]:
    """Parameters, states before rest, and pain of knees `first` to `first + n`; each depends on its number alone."""
    ids = np.arange(first, first + n, dtype=np.int64)
    space = knowledge_space(knee.parameters)
    z = SPREAD * stream(20260101, "nonnegative").normal(ids, space.n_axes)
    grades = np.asarray(GRADES)[ids % len(GRADES)]
    values = np.tile(knee.defaults(), (n, 1))
    place = {name: i for i, name in enumerate(knee.parameter_names)}
    drawn = space.values(z)
    for name, column in drawn.items():
        values[:, place[name]] = column
    values[:, place["rel_tone"]] = grade_tone(grades)
    state = np.tile(knee.initial(), (n, 1))
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, grades)
    return values, state, np.asarray(PAINS)[ids % len(PAINS)]


def follow(n: int, threads: int) -> list[dict[str, object]]:
    """Follow `n` knees; one row per state with the lowest level that any of them reached, and one for all."""
    knee = assemble(load_joint(), dispositions_for(list_treatments()))
    kernel = compile_system(knee.system)
    names = (*knee.state_names, "womac_pain")
    lowest, pain = np.full(len(names), np.inf), [np.inf, -np.inf]
    ends, settled = np.zeros(len(Outcome), dtype=np.int64), 0
    for first in range(0, n, CHUNK):
        values, state, wanted = draws(knee, first, min(CHUNK, n - first))
        rested = burn_in(knee.joint, kernel, values, state, wanted, threads=threads)
        rest = rested.settled
        settled += int(rest.sum())
        seen = solve(kernel, rested.parameters[rest], rested.state[rest], everything(), DAYS, names, threads=threads)
        ends += np.bincount(seen.outcome, minlength=len(Outcome))
        fine = seen.values[seen.outcome == Outcome.ok]
        scale = np.maximum(np.abs(fine).max(axis=1), floors(knee, names))
        share = fine.min(axis=1) / scale
        share[without_cells(fine, names)] = 0.0
        lowest = np.minimum(lowest, share.min(axis=0))
        pain = [min(pain[0], float(fine[..., -1].min())), max(pain[1], float(fine[..., -1].max()))]
        print(min(n, first + CHUNK), "followed; lowest", f"{lowest.min():.2g}", flush=True)
    rows: list[dict[str, object]] = [
        {"name": name, "lowest": f"{low:.3g}"} for name, low in zip(names, lowest, strict=True)
    ]
    all_of_them = {
        "name": "all", "lowest": f"{lowest.min():.3g}", "draws": n, "spread": SPREAD, "not_settled": n - settled,
        **{outcome.name: int(ends[outcome]) for outcome in (Outcome.ok, Outcome.step_limit, Outcome.not_finite)},
        "pain_low": f"{pain[0]:.3g}", "pain_high": f"{pain[1]:.4g}",
    }  # fmt: skip
    return [all_of_them, *sorted(rows, key=lambda row: float(str(row["lowest"])))]


def write(rows: list[dict[str, object]], path: Path) -> None:
    """Write the table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--draws", type=int, default=100_000)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--out", type=Path, default=HERE / "nonnegative.csv")
    given = words.parse_args()
    write(follow(given.draws, given.threads), given.out)
