"""Which endpoints there are: one file each in `endpoints/`, their numbers in `endpoints/endpoints.csv`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.resources import files

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import ParameterTable, read_parameters
from exojoint.trial import endpoints as folder
from exojoint.trial.instrument import Endpoint


@cache
def endpoint_rows() -> ParameterTable:
    """Numbers of all endpoints, with unit, grade and source."""
    return read_parameters(files("exojoint.trial.endpoints") / "endpoints.csv")


def list_endpoints() -> tuple[str, ...]:
    """Names of all endpoints, alphabetically."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder.__path__)))


@cache
def load_endpoint(name: str) -> Endpoint:
    """The endpoint of that name.

    Raises
    ------
    InputError
        If there is no such endpoint.
    """
    known = list_endpoints()
    if name not in known:
        raise InputError(
            Problem(f"endpoint {name!r}", "unknown endpoint", f"one of {', '.join(known)}", did_you_mean(name, known))
        )
    module = importlib.import_module(f"exojoint.trial.endpoints.{name}")
    endpoint = module.endpoint(endpoint_rows())
    assert isinstance(endpoint, Endpoint)  # noqa: S101  a file of the folder without an endpoint is our own mistake
    return endpoint
