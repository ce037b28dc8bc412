"""Renew the second part of `reference/evidence_functions.md` from the code: `python docs/evidence_functions.py`."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "reference" / "evidence_functions.md"
MARK = "# All functions\n"
ROOMS = ("effects", "pooling", "multilevel", "network", "dose_response", "bias", "bayes")
BAYES = ("bayes_pool", "BayesResult", "Posterior", "TauPrior")  # this module has no list of its public names
RESULTS = ("PooledResult", "RegressionResult", "Heterogeneity", "Coefficients", "Fit", "Test")
SECTION = re.compile(r"^([A-Z]\w+)\n-{3,}\n", re.MULTILINE)


def public(room: str) -> dict[str, object]:
    """Public functions and classes of a room, functions first."""
    module = importlib.import_module(f"exojoint.evidence.{room}")
    names = BAYES if room == "bayes" else module.__all__
    found = {name: getattr(module, name) for name in names}
    kept = {name: item for name, item in found.items() if callable(item)}
    return dict(sorted(kept.items(), key=lambda pair: inspect.isclass(pair[1])))


def sections(text: str) -> dict[str, str]:
    """Parts of a NumPy docstring by heading; what stands before the first is ``""``."""
    parts = SECTION.split(text)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(text: str) -> list[str]:
    """Each argument of a section as one line: name, type, meaning."""
    found: list[list[str]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1].append(line.strip())
        elif line.strip():
            found.append([line.strip()])
    return [f"- `{head}`{': ' if rest else ''}{' '.join(rest)}" for head, *rest in found]


def signature(name: str, item: object) -> str:
    """Call of a function without its types."""
    parts, starred = [], False
    for argument in inspect.signature(item).parameters.values():  # type: ignore[arg-type]  # callable, see `public`
        if argument.kind is argument.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        default = "" if argument.default is argument.empty else f"={_short(argument.default)}"
        parts.append(("**" if argument.kind is argument.VAR_KEYWORD else "") + argument.name + default)
    return f"{name}({', '.join(parts)})"


def _short(value: object) -> str:
    return "..." if len(repr(value)) > 30 else repr(value)


def describe(name: str, item: object) -> str:
    """One function or result."""
    parts = sections(inspect.getdoc(item) or "")
    head = name if is_dataclass(item) else signature(name, item)
    lines = [f"### {name}", "", f"`{head}`", "", parts[""].strip(), ""]
    lines += [*entries(parts.get("Parameters", "")), ""]
    if is_dataclass(item):
        known = {field.name for field in fields(item)}
        more = [key for key, value in vars(item).items() if key not in known and not key.startswith("_")]
        lines += [f"Also: {', '.join(f'`{key}`' for key in more)}.", ""] if more else []
    else:
        for title in ("Returns", "Raises"):
            text = " ".join(line.strip() for line in parts.get(title, "").strip().splitlines())
            lines += [f"*{title}* {text}", ""] if text else []
    return "\n".join(lines)


def second_part() -> str:
    """Every public function and result of the room."""
    blocks = [MARK]
    for room in ROOMS:
        blocks.append(f"## exojoint.evidence.{room}\n")
        blocks += [describe(name, item) for name, item in public(room).items()]
    results = importlib.import_module("exojoint.evidence.results")
    blocks.append("## exojoint.evidence.results\n")
    blocks += [describe(name, getattr(results, name)) for name in RESULTS]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(blocks)).strip() + "\n"


def renewed(text: str) -> str:
    """The page with its second part made anew."""
    return text.split(MARK)[0].rstrip() + "\n\n" + second_part()


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
