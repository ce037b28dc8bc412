"""What a scenario can name, with a title for each name."""

from __future__ import annotations

from collections.abc import Callable

from exojoint.decision.criteria import list_criteria, load_criteria
from exojoint.joint.model import load_joint
from exojoint.patients.population import list_populations, load_population
from exojoint.product.catalogue import list_processes, list_sources, load_process, load_source
from exojoint.treatments.treatment import list_treatments, load_treatment
from exojoint.trial.catalogue import list_endpoints, load_endpoint
from exojoint.trial.design_file import list_designs, load_design

Rows = list[dict[str, str]]


def _rows(names: tuple[str, ...], title: Callable[[str], str]) -> Rows:
    return [{"name": name, "title": " ".join(title(name).split())} for name in names]


CATALOGUES: dict[str, Callable[[], Rows]] = {
    "sources": lambda: _rows(list_sources(), lambda name: load_source(name).title),
    "processes": lambda: _rows(list_processes(), lambda name: load_process(name).title),
    "treatments": lambda: _rows(list_treatments(), lambda name: load_treatment(name).title),
    "populations": lambda: _rows(list_populations(), lambda name: load_population(name).meaning),
    "designs": lambda: _rows(list_designs(), lambda name: load_design(name).title),
    "endpoints": lambda: _rows(list_endpoints(), lambda name: load_endpoint(name).instrument.title),
    "criteria": lambda: _rows(list_criteria(), lambda name: load_criteria(name).meaning),
    "observables": lambda: [
        {"name": name, "title": f"{row.meaning} ({row.unit})"} for name, row in load_joint().observables.items()
    ],
}
