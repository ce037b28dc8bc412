"""A system as machine code, ready to integrate patients."""

from __future__ import annotations

import ctypes
import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from exojoint.engine.assemble import Layout, assemble
from exojoint.engine.backends.llvm import Shape, module_text
from exojoint.engine.driver.loop import drive
from exojoint.engine.driver.translate import translate
from exojoint.engine.lanes import candidates, fastest
from exojoint.engine.machine import Code, object_code, optimised_code, process_triple, this_processor, vector_function
from exojoint.engine.plain import plain_jacobian, plain_outputs, plain_rates, plain_rows
from exojoint.engine.slots import FUNCTIONS
from exojoint.engine.store import Extra, Facts, default_folder, load_or_build
from exojoint.engine.system import System
from exojoint.engine.variant import PlainCode, Variant


@dataclass(frozen=True)
class Kernel:
    """A compiled system. Make it once with :func:`compile_system` and use it from any number of threads.

    Attributes
    ----------
    system : System
        The equations.
    folder : Path or None
        Where machine code is kept between processes.
    lanes : int or None
        Patients side by side; None leaves the choice to a short self-test of this machine.
    """

    system: System
    folder: Path | None
    lanes: int | None = None
    _variants: dict[bool, Variant] = field(default_factory=dict, repr=False, compare=False)
    _plain: list[PlainCode] = field(default_factory=list, repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Kernel], tuple[System, Path | None, int | None]]:
        """Travel to another process as equations; machine code is compiled or read there."""
        return Kernel, (self.system, self.folder, self.lanes)

    def variant(self, *, single: bool = False) -> Variant:
        """Return the machine code in double or single precision, compiled or read on first use."""
        if single not in self._variants:
            lanes = self.lanes or _choose_lanes(self.system, self.folder, single)
            self._variants[single] = _variant(self.system, self.folder, lanes, single)
        return self._variants[single]

    def plain(self) -> PlainCode:
        """Return the equations as written, as scalar machine code, compiled or read on first use."""
        if not self._plain:
            self._plain.append(_plain(self.system, self.folder))
        return self._plain[0]


def compile_system(system: System, *, cache_dir: Path | None = None, lanes: int | None = None) -> Kernel:
    """Return machine code for a system, from the cache where it is current.

    Parameters
    ----------
    system
        The equations.
    cache_dir
        Folder for machine code; default: the user's cache folder (``EXOJOINT_CACHE`` overrides it).
    lanes
        Patients side by side. Results do not depend on it.
    """
    kernel = Kernel(system, cache_dir if cache_dir is not None else default_folder(), lanes)
    kernel.variant()
    return kernel


def _choose_lanes(system: System, folder: Path | None, single: bool) -> int:
    """Return the number of lanes that a trial on this machine found fastest for this system; the finding is kept."""
    tried = candidates(this_processor(), single)
    if folder is None:
        return tried[0]

    def build() -> tuple[bytes, Extra]:
        return b"", {"lanes": fastest([_variant(system, folder, n, single) for n in tried])}

    return load_or_build(folder, _facts() | {"what": "lanes", "system": system.digest, "single": single}, build)[1][
        "lanes"
    ]


def _variant(system: System, folder: Path | None, lanes: int, single: bool) -> Variant:
    processor = this_processor()
    shape = Shape(lanes, single, processor.fuses)
    facts = _facts() | {"what": "model", "system": system.digest, **asdict(shape)}

    def build() -> tuple[bytes, Extra]:
        programs = assemble(system)
        layout = programs.layout
        text = module_text((programs.patient, *programs.steps), layout.rows, shape)
        return object_code(text, processor), {"constants": layout.n_constants, "factors": layout.n_factors}

    data, extra = load_or_build(folder, facts, build)
    layout = Layout(
        len(system.states), len(system.parameters), len(system.outputs), extra["constants"], extra["factors"]
    )
    code = Code([data, _driver(folder, single)])
    return Variant(shape, layout, tuple(code.address(f) for f in FUNCTIONS), code.function(drive.__name__), code)


def _plain(system: System, folder: Path | None) -> PlainCode:
    """Compile the equations as written; only patients whom the vector code could not follow ever need it."""
    rows = plain_rows(system)
    shape = Shape(1, fused=this_processor().fuses)

    def build() -> tuple[bytes, Extra]:
        programs = (plain_rates(system), plain_jacobian(system), plain_outputs(system))
        return object_code(module_text(programs, rows, shape), this_processor()), {}

    data, _ = load_or_build(folder, _facts() | {"what": "plain", "system": system.digest}, build)
    code = Code([data])
    rates, jacobian, outputs = (
        vector_function(code.address(f)) for f in ("plain_rates", "plain_jacobian", "plain_outputs")
    )
    return PlainCode(rows, rates, jacobian, outputs, code)


def _driver(folder: Path | None, single: bool) -> bytes:
    """Return the driver's machine code, the same for every model."""

    def build() -> tuple[bytes, Extra]:
        return optimised_code(translate(drive, single, process_triple()), this_processor()), {}

    return load_or_build(folder, _facts() | {"what": "driver", "single": single}, build)[0]


@cache
def _facts() -> dict[str, str | int | bool]:
    """Return what all machine code depends on: this engine, its compiler and this processor."""
    h = hashlib.sha256()
    root = files("exojoint.engine")
    for folder in (root, root / "passes", root / "backends", root / "driver"):
        for f in sorted((f for f in folder.iterdir() if f.name.endswith((".py", ".toml"))), key=lambda f: f.name):
            h.update(f.name.encode() + f.read_bytes())
    processor = this_processor()
    return {
        "engine": h.hexdigest(),
        "llvmlite": metadata.version("llvmlite"),
        "python": platform.python_version(),
        "processor": processor.name,
        "features": processor.features,
        "system_kind": platform.platform(),
        "pointer": ctypes.sizeof(ctypes.c_void_p),
    }


__all__ = ["Facts", "Kernel", "Variant", "compile_system"]
