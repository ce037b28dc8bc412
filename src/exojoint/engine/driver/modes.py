"""How each family of processors is told to treat numbers below its normal range as zero."""

from __future__ import annotations

from typing import Final

FLUSH_X86: Final = 0x8040  # results to zero (bit 15) and operands as zero (bit 6) of MXCSR
FLUSH_ARM: Final = 1 << 24  # FZ of FPCR


def mode_functions(triple: str) -> str:
    """Return flush_tiny and restore for a family of processors; unknown families keep their mode."""
    if triple.startswith(("x86_64", "i686", "amd64")):
        put = "call void @llvm.x86.sse.ldmxcsr(ptr %m)"
        read = ["%m = alloca i32", "call void @llvm.x86.sse.stmxcsr(ptr %m)", "%old = load i32, ptr %m"]
        read += [f"%new = or i32 %old, {FLUSH_X86}", "store i32 %new, ptr %m", put, "%mode = zext i32 %old to i64"]
        write = ["%m = alloca i32", "%old = trunc i64 %mode to i32", "store i32 %old, ptr %m", put]
        names = ["declare void @llvm.x86.sse.stmxcsr(ptr)", "declare void @llvm.x86.sse.ldmxcsr(ptr)"]
    elif triple.startswith(("aarch64", "arm64")):
        read = ["%mode = call i64 @llvm.aarch64.get.fpcr()", f"%new = or i64 %mode, {FLUSH_ARM}"]
        read += ["call void @llvm.aarch64.set.fpcr(i64 %new)"]
        write = ["call void @llvm.aarch64.set.fpcr(i64 %mode)"]
        names = ["declare i64 @llvm.aarch64.get.fpcr()", "declare void @llvm.aarch64.set.fpcr(i64)"]
    else:
        read, write, names = ["%mode = add i64 0, 0"], [], []
    flush = ["define internal i64 @flush_tiny() #0 {", *read, "ret i64 %mode", "}"]
    return "\n".join([*flush, "define internal void @restore(i64 %mode) #0 {", *write, "ret void", "}", *names])
