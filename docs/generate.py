"""Make the generated pages and renew the two pictures that are kept in this folder: `python docs/generate.py [OUT]`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from exojoint.workflow.documentation.build import write_documentation

HERE = Path(__file__).resolve().parent
KEPT = ("picture_knee.svg", "picture_levers.svg")


def main(out: Path) -> None:
    """Write the pages into a folder and copy the pictures beside this file."""
    written = write_documentation(out)
    for name in KEPT:
        shutil.copyfile(out / name, HERE / name)
    sys.stdout.write(f"{written.text()}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "build" / "docs")
