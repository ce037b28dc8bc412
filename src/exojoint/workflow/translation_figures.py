"""Pictures and words of the translation report: what is lost between rat and man, and how deep vesicles get in each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.files import atomic_write
from exojoint.engine import Event, Kernel, compile_system, solve
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.induction import induce, rest_healthy
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.joint.views import ZONES, zone_view
from exojoint.report.palette import ARMS, INK, SOFT, theme
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.exosome import PARTICLES, TRANSPORT, zone_transport
from exojoint.treatments.treatment import dispositions_for
from exojoint.workflow.translation import FACTORS, HUMAN, OUTCOMES, Translation, translation_rows

if TYPE_CHECKING:  # altair is loaded only when a chart is wanted
    import altair as alt

Floats = NDArray[np.float64]
SPECIES = ("mouse", "rat", "rabbit", HUMAN)
INDUCED = "aclt"
FOLLOWED = 28.0  # days after one injection in which the peak of each zone is looked for
POINTS = 24  # of the profile within one zone
CARGO, SIGNAL = "vesicles per chondrocyte", "anti-catabolic signal"
LEAST, LEAST_SIGNAL, SHALLOW = 1e-4, 1e-6, 0.5  # vesicles per cell, signal and depth (um) below which nothing is drawn
UM_PER_CM = 1e4
STEP_ORDER = ("publication", *FACTORS, "all")
PNG_SCALE = 2.0


def depth_profiles(species: Sequence[str] = SPECIES) -> pl.DataFrame:
    """Return how deep one usual injection gets: peak cargo of chondrocytes and their signal by depth.

    Animals are four weeks after transection, man is the reference knee; each gets the dose of translation.csv. Between
    the zones' means the profile is that of diffusion with uptake in a slab, as in the model's closure.

    Returns
    -------
    polars.DataFrame
        species, quantity, unit, depth_um (from the surface), share (of the thickness), value.
    """
    return pl.concat([_profile(name) for name in species])


def _profile(species: str) -> pl.DataFrame:
    knee = assemble(load_joint(species), dispositions_for(["exosome"]))
    kernel = compile_system(knee.system)
    rested, events = _start(species, knee, kernel)
    rows = translation_rows()
    first = rows["translation_first_day"].value
    events.append(Event(first, "add", "vesicles_fluid", rows[f"translation_dose_{species}"].value / PARTICLES))
    cargo = [f"vesicles_per_chondrocyte_{zone}" for zone in ZONES]
    days = first + np.concatenate([np.linspace(0.0, 2.0, 41), np.arange(3.0, FOLLOWED + 1.0)])
    seen = solve(kernel, rested.parameters, rested.state, events, days, (*cargo, *knee.state_names))
    peak = seen.values[0, :, : len(cargo)].max(axis=0)
    at = dict(zip(knee.state_names, seen.values[0, 0, len(cargo) :], strict=True))
    p = dict(zip(knee.parameter_names, rested.parameters[0], strict=True))
    return _shape(species, knee, at, p, peak)


def _start(species: str, knee: Knee, kernel: Kernel) -> tuple[BurnedIn, list[Event]]:
    values = np.array([knee.defaults()])
    if species != HUMAN:
        rested = rest_healthy(knee.joint, kernel, values)
        return rested, induce(knee.joint, INDUCED, rested, knee.state_names)
    rows = translation_rows()
    grade = np.array([rows["translation_kl"].value])
    values[:, knee.parameter_names.index("rel_tone")] = grade_tone(grade)
    state = np.array([knee.initial()])
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, grade)
    return burn_in(knee.joint, kernel, values, state, [rows["translation_pain"].value]), []


def _shape(species: str, knee: Knee, x: dict[str, float], p: dict[str, float], peak: Floats) -> pl.DataFrame:
    """Profile through the zones from the mean of each, with the slope that uptake gives it."""
    read = knee.joint.readouts(x, p)
    whole = sum(read[f"thickness_{zone}"] for zone in ZONES)
    inside = np.linspace(0.0, 1.0, POINTS)
    frames, top = [], 0.0
    for zone, mean in zip(ZONES, peak, strict=True):
        slab = zone_transport(TRANSPORT["default"], zone_view(x, zone), zone_view(p, zone), zone_view(read, zone))
        modulus = float(np.sqrt(slab.phi2))
        local = mean * modulus * np.cosh(modulus * (1.0 - inside)) / np.sinh(modulus)
        depth = UM_PER_CM * (top + inside * read[f"thickness_{zone}"])
        top += read[f"thickness_{zone}"]
        felt = p["potency_catabolic"] * local
        values = {CARGO: local, SIGNAL: felt / (felt + p["vesicles_half_chondrocyte"])}
        for quantity, value in values.items():
            unit = "particle/cell" if quantity == CARGO else "1"
            frame = {"species": species, "quantity": quantity, "unit": unit, "depth_um": depth}
            frames.append(pl.DataFrame({**frame, "share": depth / (UM_PER_CM * whole), "value": value}))
    return pl.concat(frames)


def depth_chart(profiles: pl.DataFrame) -> alt.HConcatChart:
    """Return the figure of vesicles and of signal by depth in each species."""
    import altair as alt

    order = [name for name in SPECIES if name in profiles["species"].unique()]
    colour = alt.Color(
        "species:N", sort=order, scale=alt.Scale(domain=order, range=list(ARMS[: len(order)])), title=None
    )
    dash = alt.StrokeDash("species:N", sort=order, legend=None)
    deep = alt.Axis(values=[1, 10, 100, 1000], format="~s")
    x = alt.X(
        "depth_um:Q", title="depth below the surface (um)", scale=alt.Scale(type="log", domain=[0.5, 3000]), axis=deep
    )
    panels = []
    for quantity, title, low, high in (
        (CARGO, "vesicles per chondrocyte (peak after one dose)", LEAST, 1e3),
        (SIGNAL, "anti-catabolic signal (0 to 1)", LEAST_SIGNAL, 1.0),
    ):
        shown = profiles.filter((pl.col("quantity") == quantity) & (pl.col("depth_um") >= SHALLOW))
        shown = shown.filter(pl.col("value") >= low)
        ticks = [10.0**power for power in range(round(np.log10(low)), round(np.log10(high)) + 1)]
        axis = alt.Axis(values=ticks, format="~g")
        y = alt.Y("value:Q", title=title, scale=alt.Scale(type="log", domain=[low, high]), axis=axis)
        panels.append(alt.Chart(shown).mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash))
    return _dressed(alt.hconcat(*(panel.properties(width=330, height=260) for panel in panels)))


def loss_chart(found: Translation) -> alt.HConcatChart:
    """Return the figure of what each step keeps of an animal's effect, with 80 % bands over knowledge draws."""
    import altair as alt

    rows = found.steps.filter(pl.col("step").is_in(STEP_ORDER))
    panels = []
    for outcome in OUTCOMES:
        data = rows.filter(pl.col("outcome") == outcome)
        y = alt.Y("step:N", sort=list(STEP_ORDER), title=None)
        ticks = alt.Axis(values=[0.01, 0.03, 0.1, 0.3, 1, 3], format="~g")
        x = alt.X("factor:Q", title="kept of the effect (1 = nothing lost)", scale=alt.Scale(type="log"), axis=ticks)
        base = alt.Chart(data)
        band = base.mark_rule(strokeWidth=3, color=ARMS[0], opacity=0.5).encode(
            x=alt.X("lo:Q", scale=alt.Scale(type="log")), x2="hi:Q", y=y
        )
        dots = base.mark_point(filled=True, size=60, color=ARMS[0]).encode(x=x, y=y)
        text = base.mark_text(align="left", dy=-9, dx=4, color=INK).encode(
            x=x, y=y, text=alt.Text("factor:Q", format=".2g")
        )
        one = alt.Chart(pl.DataFrame({"at": [1.0]})).mark_rule(strokeDash=[4, 3], color=SOFT).encode(x="at:Q")
        panels.append((one + band + dots + text).properties(width=300, height=200, title=outcome))
    return _dressed(alt.hconcat(*panels))


def _dressed(chart: alt.HConcatChart) -> alt.HConcatChart:
    dressed: alt.HConcatChart = chart.configure(**theme()).properties(padding=8)
    return dressed


def words(found: Translation) -> str:
    """Return the report in words, as Markdown."""
    lines = [f"# From {found.animal} ({found.model}) to man", ""]
    for name, unit, value, lo, hi in found.published.iter_rows():
        lines.append(f"- Effect {name}: {value:.2f} {unit}s of the OARSI score ({lo:.2f} to {hi:.2f}).")
    for outcome, meaning in OUTCOMES.items():
        lines += [
            "",
            f"## {outcome.capitalize()}: {meaning}",
            "",
            "| step | kept | 80 % band | what changes |",
            "|---|---|---|---|",
        ]
        for step, said, factor, lo, hi in found.steps.filter(pl.col("outcome") == outcome).drop("outcome").iter_rows():
            lines.append(f"| {step} | {factor:.2f} | {lo:.2f} to {hi:.2f} | {said} |")
    lines += ["", f"Bands over {found.n_draws} knowledge draws; the value is that of the tables as written.", ""]
    return "\n".join(lines)


def write_translation(folder: Path, found: Translation, profiles: pl.DataFrame | None = None) -> Path:
    """Write tables, words and both figures (SVG and PNG) into a folder.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    found : Translation
        What `exojoint.workflow.translation.translate` returns.
    profiles : polars.DataFrame, optional
        What `depth_profiles` returns; computed unless given.

    Returns
    -------
    Path
        The words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    depths = depth_profiles() if profiles is None else profiles
    for name, frame in {"steps": found.steps, "effects": found.effects, "depth": depths}.items():
        atomic_write(folder / f"translation_{name}.csv", frame.write_csv())
    for name, chart in {"loss": loss_chart(found), "depth": depth_chart(depths)}.items():
        text, binary = io.StringIO(), io.BytesIO()
        chart.save(text, format="svg")
        chart.save(binary, format="png", scale_factor=PNG_SCALE)
        atomic_write(folder / f"translation_{name}.svg", text.getvalue())
        atomic_write(folder / f"translation_{name}.png", binary.getvalue())
    path = folder / "translation.md"
    atomic_write(path, words(found))
    return path
