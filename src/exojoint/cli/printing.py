"""What every command shares: how an answer is printed, and how a mapping is typed."""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated

import typer

from exojoint.core.errors import InputError, Problem

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine instead of text for a person.")]

PAIRS = re.compile(r",(?=\s*\w+\s*=)")  # a comma that is followed by another pair; a header may hold one itself


def show(text: str, data: object, as_json: bool) -> None:
    """Print an answer for a person, or for a machine."""
    sys.stdout.write((json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True) if as_json else text) + "\n")


def mapping(pairs: list[str] | None, option: str) -> dict[str, str] | None:
    """Read ``role=header`` pairs, separated by commas or given again and again.

    Raises
    ------
    InputError
        When a pair has no equals sign.
    """
    if not pairs:
        return None
    found = {}
    for pair in (part.strip() for text in pairs for part in PAIRS.split(text) if part.strip()):
        role, sign, header = pair.partition("=")
        if not sign or not role.strip() or not header.strip():
            raise InputError(
                Problem(option, f"{pair!r}", "role=header, such as effect=yi", "Separate pairs by commas.")
            )
        found[role.strip()] = header.strip()
    return found


def words(texts: list[str] | None) -> list[str]:
    """Read names that are separated by commas or given again and again."""
    return [part.strip() for text in texts or [] for part in text.split(",") if part.strip()]
