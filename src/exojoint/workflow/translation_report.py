"""The verb `translation`: from an induced model in animals to man, as words, tables and two pictures in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.joint.induction import list_inductions
from exojoint.treatments.animals import ANIMALS
from exojoint.workflow.translation import Translation, translate
from exojoint.workflow.translation_figures import words, write_translation


@dataclass(frozen=True)
class Translated:
    """A finished translation: where it is and what it says."""

    page: Path
    found: Translation

    def text(self) -> str:
        """For a person."""
        return f"{words(self.found)}\nWords, tables and pictures: {self.page.parent}"

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "folder": str(self.page.parent),
            "animal": self.found.animal,
            "model": self.found.model,
            "draws": self.found.n_draws,
            "steps": self.found.steps.to_dicts(),
            "published": self.found.published.to_dicts(),
        }


def translation(
    animal: str = "rat",
    model: str = "aclt",
    *,
    out: Path | None = None,
    draws: int = 32,
    seed: int = 1,
    threads: int | None = None,
) -> Translated:
    """Split the loss of effect between animals and man, and draw vesicles and signal by depth in every species.

    Parameters
    ----------
    animal, model : species and induced model
    out : folder; `translation` under the current one unless given
    draws : knowledge draws behind the bands
    seed : of the draws
    threads : all cores unless given; results do not depend on it

    Raises
    ------
    InputError
        For an unknown animal or model, too few draws, or a folder that is a file.
    """
    folder = Path("translation") if out is None else Path(out)
    problems = []
    if animal not in ANIMALS:
        todo = did_you_mean(animal, ANIMALS) or "Choose one of them."
        problems.append(Problem("animal", f"'{animal[:80]}' is unknown", f"one of {', '.join(ANIMALS)}", todo))
    elif model not in list_inductions(animal):
        known = list_inductions(animal)
        todo = did_you_mean(model, known) or "Choose one of them."
        expected = f"one of {', '.join(known)} for the {animal}"
        problems.append(Problem("model", f"'{model[:80]}' is unknown", expected, todo))
    if folder.exists() and not folder.is_dir():
        problems.append(Problem(str(folder), "this is a file", "a folder, or nothing", "Choose another --out."))
    if draws < 2:
        problems.append(Problem("draws", f"{draws}", "2 or more", "A band needs several draws."))
    if problems:
        raise InputError(*problems)
    found = translate(animal, model, draws=draws, seed=seed, threads=threads or os.cpu_count() or 1)
    return Translated(write_translation(folder, found), found)
