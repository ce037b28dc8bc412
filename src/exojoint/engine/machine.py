"""From LLVM assembly to callable machine code, in memory, without a linker or a compiler on the machine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import llvmlite.binding as llvm

OPTIMISE = 3  # level of LLVM's code generator; straight-line code needs no other pass


@dataclass(frozen=True)
class Processor:
    """Name and instruction sets of the processor that code is made for.

    Attributes
    ----------
    name, features : str
        In LLVM's words.
    """

    name: str
    features: str

    def has(self, feature: str) -> bool:
        """Return whether an instruction set (LLVM's name) is there."""
        return f"+{feature}" in self.features.split(",")

    @property
    def fuses(self) -> bool:
        """Whether it multiplies and adds in one operation with one rounding (every 64-bit ARM does)."""
        return self.has("fma") or llvm.get_process_triple().startswith(("aarch64", "arm64"))


@cache
def this_processor() -> Processor:
    """Return the processor that this process runs on."""
    _initialise()
    return Processor(llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def process_triple() -> str:
    """Return the target of this process in LLVM's words."""
    return str(llvm.get_process_triple())


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _target(processor: Processor) -> llvm.TargetMachine:
    _initialise()
    triple = llvm.get_process_triple()
    reloc = "static" if triple.startswith("x86") else "default"
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=processor.name, features=processor.features, opt=OPTIMISE, reloc=reloc, codemodel="jitdefault", jit=True
    )


def object_code(assembly: str, processor: Processor) -> bytes:
    """Return relocatable machine code of LLVM assembly."""
    target = _target(processor)
    module = llvm.parse_assembly(assembly)
    module.triple, module.data_layout = llvm.get_process_triple(), str(target.target_data)
    module.verify()
    return bytes(target.emit_object(module))


def assembly_code(assembly: str, processor: Processor) -> str:
    """Return the processor's assembly text of LLVM assembly, for inspection."""
    target = _target(processor)
    module = llvm.parse_assembly(assembly)
    module.triple, module.data_layout = llvm.get_process_triple(), str(target.target_data)
    return str(target.emit_assembly(module))


def optimised_code(assembly: str, processor: Processor) -> bytes:
    """Return relocatable machine code of LLVM assembly that nobody has optimised yet."""
    target = _target(processor)
    module = llvm.parse_assembly(assembly)
    module.triple, module.data_layout = llvm.get_process_triple(), str(target.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return bytes(target.emit_object(module))


class Code:
    """Machine code in memory. It stays as long as this object."""

    def __init__(self, objects: Sequence[bytes]) -> None:
        target = _target(this_processor())
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        for data in objects:
            self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(data))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return the address of a function."""
        return int(self._engine.get_function_address(name))

    def function(self, name: str) -> Callable[[int], None]:
        """Return a function of one pointer; it runs without the interpreter's lock."""
        return cast(Callable[[int], None], ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.address(name)))


def vector_function(address: int) -> Callable[[int, int, int], None]:
    """Return the machine function at an address: working memory, control rows, one more pointer."""
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return cast(Callable[[int, int, int], None], kind(address))
