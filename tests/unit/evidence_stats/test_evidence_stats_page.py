"""The page of the evidence functions: its examples run, and its second part is what the code says."""

from __future__ import annotations

import importlib.util
import re


def page_maker(root):
    spec = importlib.util.spec_from_file_location("evidence_functions_page", root / "docs" / "evidence_functions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_examples_of_the_page_run_as_one_program(root, capsys):
    text = (root / "docs" / "reference" / "evidence_functions.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 10
    exec(compile("\n".join(blocks), "evidence_functions.md", "exec"), {})  # noqa: S102  # our own page
    assert capsys.readouterr().out.count("\n") >= 20


def test_every_public_function_is_on_the_page_as_the_code_has_it(root):
    text = (root / "docs" / "reference" / "evidence_functions.md").read_text(encoding="utf-8")
    assert text == page_maker(root).renewed(text), "stale: run `python docs/evidence_functions.py`"
