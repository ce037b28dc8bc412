"""Small records for the tests of runs; every number is synthetic."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from exojoint.runs.manifest import Engine, InputFile, Manifest, Program, Question
from exojoint.runs.verdict import (
    Accuracy,
    Effect,
    Interval,
    Mirna,
    Operating,
    Rate,
    Reason,
    Variance,
    VerdictFile,
    effect_id,
)

DIGEST = "0123456789abcdef"


@pytest.fixture
def digest() -> str:
    return DIGEST


@pytest.fixture
def manifest() -> Manifest:
    question = Question(
        "synthetic",
        "Is it synthetic?",
        "schema = 1\n",
        7,
        (InputFile.of(Path("/a/b.csv"), b"x"),),
    )
    program = Program("c0de", {"joint/states.csv": "00"}, {"python": "3.11"}, "x86_64")
    return Manifest(
        DIGEST,
        question,
        program,
        Engine("standard", {"p50": 1e-6}, {"ok": 10, "step_limit": 1}),
        settings={"alpha": 0.05},
    )


@pytest.fixture
def verdict() -> VerdictFile:
    name = effect_id("exosome", "womac_pain", 182)
    effect = Effect(
        name,
        "exosome",
        "saline",
        "womac_pain",
        182,
        "point",
        "treatment policy",
        Interval(-3.0, -6.0, -1.0),
        -2.8,
        -7.0,
        1.0,
        0.8,
        0.3,
        200,
        2,
    )
    operating = Operating(Rate(0.05, 0.005, 1280), Rate(0.4, 0.05, 64), Rate(0.4, 0.05, 64))
    return VerdictFile(
        DIGEST,
        "synthetic",
        "learn",
        (Reason("P(difference <= -5)", 0.8, 0.2, 0.05, False),),
        (effect,),
        operating,
        Variance({"assumed": 0.7, "in_vitro": 0.2}, {"potency": 0.7, "uptake": 0.2}, 0.1),
        Mirna(3.0),
        Accuracy(1e-6, 1e-5, 200),
    )


@pytest.fixture
def draws() -> pl.DataFrame:
    n = 6
    return pl.DataFrame(
        {
            "draw": range(n),
            "effect": ["effects/exosome/womac_pain/182"] * n,
            "arm": ["exosome"] * n,
            "control": ["saline"] * n,
            "endpoint": ["womac_pain"] * n,
            "day": [182.0] * n,
            "unit": ["point"] * n,
            "arm_mean": [-20.0 - i for i in range(n)],
            "control_mean": [-17.0] * n,
            "difference": [-3.0 - i for i in range(n)],
        }
    )
