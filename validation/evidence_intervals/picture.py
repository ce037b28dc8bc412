"""Coverage of the intervals of a mean effect, as small multiples."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pandas as pd

SHOWN = {
    ("LS", "DL", "normal"): "DL, normal", ("LS", "REML", "normal"): "REML, normal", ("LS", "REML", "t"): "REML, t",
    ("LS", "REML", "knapp-hartung"): "REML, Knapp-Hartung",
    ("AV", "REML", "knapp-hartung"): "REML, Knapp-Hartung, averaged variance",
    ("LS", "ML", "profile likelihood"): "profile likelihood",
    ("LS", "half-normal(0.5)", "Bayesian"): "Bayesian, half-normal(0.5)",
}  # fmt: skip
HUES = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#8a94a0", "#aa4499", "#d55e00")


def draw(table: Path, to: Path) -> None:
    """Draw the table's animal settings: one panel per effect and tau, number of studies to the right."""
    data = pd.read_csv(table)
    parts = zip(data["variance"], data["estimator"], data["interval"], strict=True)
    data["method"] = [SHOWN.get(names) for names in parts]
    data = data[data["method"].notna() & (data["groups"] == "animals")].copy()
    data["low"], data["high"] = data["coverage"] - 2 * data["mc_error"], data["coverage"] + 2 * data["mc_error"]
    x = alt.X("k:O", title="studies", axis=alt.Axis(labelAngle=0))
    colour = alt.Color("method:N", title=None, scale=alt.Scale(domain=list(SHOWN.values()), range=list(HUES)))
    scale = alt.Scale(domain=[0.8, 1.0], clamp=True)
    y = alt.Y("coverage:Q", title="coverage", scale=scale, axis=alt.Axis(format="%"))
    base = alt.Chart().encode(x=x, color=colour)
    nominal = alt.Chart().mark_rule(strokeDash=[4, 3], color="#17202a").encode(y=alt.datum(0.95, scale=scale))
    bars = base.mark_rule().encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    layers = alt.layer(nominal, base.mark_line(point=True).encode(y=y), bars)
    panels = layers.properties(width=150, height=130).facet(
        data=data, column=alt.Column("effect:N", title="true mean effect (SMD), groups of 5 to 12 animals"),
        row=alt.Row("tau:N", title="tau"),
    )  # fmt: skip
    title = "Coverage of 95 % intervals of the mean; bars are two Monte Carlo errors"
    panels.properties(title=title).configure_legend(orient="right", labelLimit=300).save(str(to))
