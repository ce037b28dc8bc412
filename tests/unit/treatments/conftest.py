"""The reference as an independent oracle: its own split into joint and dispositions, and its own numbers."""

from __future__ import annotations

import csv
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from exojoint.engine import Kernel, compile_system
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.dispositions import load_disposition
from exojoint.treatments.treatment import dispositions_for

OF_THE_REFERENCE = (
    "adamts5_inhibitor", "antibody", "context", "exosome", "fgf18", "hyaluronate", "msc", "nsaid", "paracetamol",
    "replacement", "triamcinolone",
)  # fmt: skip
FGF18_SCALE = 20.0  # the reference multiplies by 20 what the table holds as one number


@dataclass(frozen=True)
class Reference:
    """The prototype's equations with its parameter values by reference id."""

    module: ModuleType
    values: dict[str, float]


@pytest.fixture(scope="session")
def reference(shared: Path) -> Reference:
    folder = shared / "science" / "reference"
    spec = importlib.util.spec_from_file_location("reference_separated", folder / "separated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the shared folder is not ours
        spec.loader.exec_module(module)
    with (folder / "parameters.csv").open() as handle:
        values = {row["id"]: float(row["value"]) for row in csv.DictReader(handle)}
    return Reference(module, values)


@pytest.fixture(scope="session")
def parity_knee() -> Knee:
    """Everything the reference has, under the structure that reproduces it."""
    return assemble(
        load_joint("human", "reference_0_1"), [load_disposition(name, "reference_0_1") for name in OF_THE_REFERENCE]
    )


def reference_values(knee: Knee, values: dict[str, float], base: dict[str, float]) -> dict[str, float]:
    """Return the reference's parameters that say the same as `values` (ours by name)."""
    result = dict(base)
    for name, row in knee.parameters.items():
        for symbol in symbols(row.symbol):
            result[symbol] = values[name] / FGF18_SCALE if symbol == "TX_fFGc" else values[name]
            if symbol.endswith("_thC"):
                result[symbol.replace("thC", "thA")] = 1 - values[name]
    result["diam"], result["dpore"] = values["diameter"], values["pore"]
    return result


def symbols(symbol: str) -> list[str]:
    """Return the reference ids behind a symbol; a shared zone row stands for three."""
    if not symbol:
        return []
    return [symbol.replace("Z*", f"Z{zone}") for zone in (1, 2, 3)] if "Z*" in symbol else [symbol]


def draw(knee: Knee, rng: np.random.Generator) -> tuple[dict[str, float], dict[str, float]]:
    """Draw every state and every parameter that the reference has too, all treatments active."""
    p = {name: row.value for name, row in knee.parameters.items()}
    for name, row in knee.parameters.items():
        if row.symbol and not name.startswith("frac_zone"):
            p[name] = (p[name] or 0.3) * float(np.exp(0.3 * rng.standard_normal()))
            if row.uncertainty.kind == "logitnormal" or name.startswith(
                ("block_", "switch_", "frac_protein", "joint_")
            ):
                p[name] = min(p[name], 0.97)
    ratio = p["diameter"] / p["pore"]
    p["size_factor"] = 120 / p["diameter"] / (1 + ratio**2) ** 2
    p["em_context"], p["em_exosome_analgesia"] = min(p["em_context"], 0.9), min(p["em_exosome_analgesia"], 0.4)
    x = {s.name: (s.init or 0.2) * float(np.exp(0.3 * rng.standard_normal())) for s in knee.states}
    for name in x:
        if name.startswith("collagen"):
            x[name] = min(x[name], 1.0)  # beyond 1 the reference may take the root of a negative number
        if name.endswith("_effect") or name in ("imprint", "contextual_response", "msc_factor"):
            x[name] = min(x[name], 0.9)
    return x, p


@pytest.fixture(scope="session")
def prototype(shared: Path):
    """The prototype itself, read from its Antimony files by an independent engine."""
    antimony = pytest.importorskip("antimony", reason="the extra `sbml` is not installed")
    roadrunner = pytest.importorskip("roadrunner", reason="the extra `check` (libroadrunner) is not installed")
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    folder = str(shared / "science" / "reference")
    antimony.clearPreviousLoads()
    antimony.addDirectory(folder)
    if antimony.loadAntimonyFile(f"{folder}/joint.ant") < 0:
        pytest.fail(antimony.getLastError())
    engine = roadrunner.RoadRunner(antimony.getSBMLString("joint"))
    integrator = engine.getIntegrator()
    integrator.relative_tolerance, integrator.absolute_tolerance = 1e-10, 1e-13
    integrator.maximum_num_steps = 200_000
    return engine


@pytest.fixture(scope="session")
def parity_kernel(parity_knee: Knee) -> Kernel:
    return compile_system(parity_knee.system)


@pytest.fixture(scope="session")
def knee() -> Knee:
    """The default knee with the treatments of the first release."""
    return assemble(load_joint(), dispositions_for(["exosome", "saline", "triamcinolone", "hyaluronate"], rescue=True))


@pytest.fixture(scope="session")
def kernel(knee: Knee) -> Kernel:
    return compile_system(knee.system)


def burned_in(knee: Knee, kernel: Kernel, pain: float = 50.0) -> BurnedIn:
    """Return the reference patient at rest, one row."""
    state = np.array([knee.initial()])
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, [2.5])
    return burn_in(knee.joint, kernel, np.array([knee.defaults()]), state, [pain])
