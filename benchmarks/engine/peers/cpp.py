"""The same programs and method in C++ vector extensions, compiled here by g++: how far from the hardware are we?"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.engine.peers import Peer, Solve, UnavailableError
from benchmarks.engine.problems import DAYS, HORIZON, Problem
from benchmarks.engine.text import cpp_function

from exojoint.engine import compile_system
from exojoint.engine.assemble import Programs, assemble
from exojoint.engine.job import FIRST_STEP, SCALE_FLOOR, SCALE_SHARE
from exojoint.engine.slots import CONTROL

DRIVER = r"""
struct Job {
  const double*p,*y0,*days,*jump_day,*amount; const long*sets,*column; double*out; long n,m,e; double rtol,end;
};
extern "C" void follow(const Job*j){
  alignas(64) static thread_local V w[ROWS], c[CONTROLS];
  auto W=[&](long r,int l)->double&{ return ((double*)w)[r*LANES+l]; };
  auto C=[&](long r,int l)->double&{ return ((double*)c)[r*LANES+l]; };
  long id[LANES], io[LANES], ie[LANES], next=0, active=0;
  auto jumps=[&](int l){ long k=id[l];
    while(ie[l]<j->e && j->jump_day[ie[l]]<=C(T,l)){ long s=j->column[ie[l]]; double a=j->amount[ie[l]*j->n+k];
      double y=j->sets[ie[l]]?a:W(Y+s,l)+a; W(Y+s,l)=y; double b=C(RSCALE,l)*(y<0?-y:y);
      if(b>W(ABSOLUTE+s,l)) W(ABSOLUTE+s,l)=b;
      ie[l]++; }
    C(STOP,l)=ie[l]<j->e && j->jump_day[ie[l]]<j->end ? j->jump_day[ie[l]] : j->end; C(H,l)=FIRST; C(GROWTH,l)=5.0; };
  auto seat=[&](int l){
    if(next>=j->n){ id[l]=-1; C(ACTIVE,l)=0; C(T,l)=0; C(H,l)=1; C(STOP,l)=1; return; }
    long k=next++; id[l]=k; active++; patient((double*)w+l,0,(double*)(j->p+k*NP));
    for(long i=0;i<NS;i++){ double y=j->y0[k*NS+i]; W(Y+i,l)=y;
      double b=C(RSCALE,l)*(y<0?-y:y), f=j->rtol*FLOOR; W(ABSOLUTE+i,l)=b>f?b:f; }
    C(T,l)=0; C(ATTEMPTS,l)=0; C(ACTIVE,l)=1; io[l]=0; ie[l]=0; jumps(l); };
  for(int l=0;l<LANES;l++){ C(RTOL,l)=j->rtol; C(RSCALE,l)=j->rtol*SHARE; C(LIMIT,l)=1e5; }
  for(int l=0;l<LANES;l++) seat(l);
  while(active>0){
    clamp(w,c,0); factorise(w,c,w+K0); V*k=w+K0; solve(w,c,k);
    STAGES
    finish(w,c,0); control(w,c,0);
    for(;;){ bool some=false, due[LANES];
      for(int l=0;l<LANES;l++){ due[l]=C(ACCEPTED,l)>0 && io[l]<j->m && j->days[io[l]]<=C(T_NEW,l);
        C(THETA,l)=due[l]?(j->days[io[l]]-C(T_START,l))*C(RATE,l):1.0; some|=due[l]; }
      if(!some) break;
      dense(w,c,0);
      for(int l=0;l<LANES;l++) if(due[l]){ double*o=j->out+(id[l]*j->m+io[l])*NS;
        for(long i=0;i<NS;i++) o[i]=W(Y_OUT+i,l);
        io[l]++; }
    }
    commit(w,c,0);
    for(int l=0;l<LANES;l++){
      if(C(FAILED,l)>0){ for(;io[l]<j->m;io[l]++) for(long i=0;i<NS;i++) j->out[(id[l]*j->m+io[l])*NS+i]=NAN;
        active--; seat(l); }
      else if(C(ARRIVED,l)>0){ if(C(T,l)<j->end) jumps(l); else { active--; seat(l); } }
    }
  }
}
"""


class _Job(ctypes.Structure):
    _fields_ = [
        *((n, ctypes.c_void_p) for n in ("p", "y0", "days", "jump_day", "amount", "sets", "column", "out")),
        *((n, ctypes.c_long) for n in ("n", "m", "e")),
        *((n, ctypes.c_double) for n in ("rtol", "end")),
    ]


def source(programs: Programs, lanes: int) -> str:
    """Return the whole program."""
    layout, rows = programs.layout, programs.layout.rows
    arrays = {n: f"c[{i}]" for i, n in enumerate(CONTROL)}
    arrays |= {n: f"w[{r}+{{}}]" for n, r in rows.items()}
    names = {n.upper(): i for i, n in enumerate(CONTROL)}
    names |= {n: rows[n.lower()] for n in ("Y", "K0", "ABSOLUTE", "Y_OUT")}
    names |= {"NS": layout.n_states, "NP": layout.n_parameters, "LANES": lanes}
    names |= {"ROWS": rows["end"], "CONTROLS": len(CONTROL)}
    defines = "\n".join(f"enum {{ {n}={v} }};" for n, v in names.items())
    one = cpp_function(programs.patient, {"p": "x[{}]", "q": f"w[({rows['q']}+{{}})*LANES]"}, "double")
    one = one.replace("V*__restrict", "double*__restrict").replace("bc(", "(").replace("vsqrt", "__builtin_sqrt")
    wanted = [p for p in programs.steps if p.name not in ("outputs", "now", "settled")]
    body = "\n".join(cpp_function(p, arrays | {"x": "x[{}]"}, "V") for p in wanted)
    stages = "\n".join(f"k+=NS; stage{i}(w,c,k); rates(w,c,k); solve(w,c,k);" for i in range(1, 8))
    return f"""
#include <cstdint>
#include <cmath>
{defines}
typedef double V __attribute__((vector_size(8*LANES)));
typedef int64_t M __attribute__((vector_size(8*LANES)));
#define NI __attribute__((noinline))
static const double SHARE={SCALE_SHARE!r}, FLOOR={SCALE_SHARE * SCALE_FLOOR!r}, FIRST={FIRST_STEP!r};
static inline V bc(double x){{ return x-(V){{}}; }}
static inline V vsqrt(V x){{ V r; for(int l=0;l<LANES;l++) r[l]=__builtin_sqrt(x[l]); return r; }}
{one}
{body}
{DRIVER.replace("STAGES", stages)}
"""


def make(problem: Problem) -> Solve:
    compiler = shutil.which("g++")
    if compiler is None:
        raise UnavailableError("there is no g++")
    lanes = compile_system(problem.system).variant().shape.lanes
    folder = Path(tempfile.mkdtemp(prefix="benchmark"))
    (folder / "kernel.cpp").write_text(source(assemble(problem.system), lanes))
    flags = ["-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-w"]
    command = [compiler, *flags, "kernel.cpp", "-o", "kernel.so"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if built.returncode:
        raise UnavailableError(built.stderr[:500])
    follow = ctypes.CDLL(str(folder / "kernel.so")).follow
    kept: dict[int, tuple] = {}

    def solve(n: int, rtol: float):
        if n not in kept:
            p, y = problem.patients(np.arange(n))
            kept[n] = p, y, problem.jumps(p, problem.dose_days)
        p, y, jumps = kept[n]
        jumps = sorted(jumps, key=lambda j: (j.day, not j.sets))
        out = np.empty((n, len(DAYS), y.shape[1]))
        table = {
            "p": p, "y0": y, "days": DAYS, "jump_day": np.array([j.day for j in jumps]), "out": out,
            "amount": np.array([j.amount for j in jumps]), "sets": np.array([j.sets for j in jumps], dtype=np.int64),
            "column": np.array([j.column for j in jumps], dtype=np.int64),
        }  # fmt: skip
        pointers = {k: a.ctypes.data for k, a in table.items()}
        job = _Job(n=n, m=len(DAYS), e=len(jumps), rtol=rtol, end=HORIZON, **pointers)
        follow(ctypes.byref(job))
        return out

    return solve


PEERS = [Peer("same kernel in C++ (g++ -O3)", make, 1024)]
