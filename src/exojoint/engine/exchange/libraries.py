"""The optional libraries of model exchange, loaded when somebody needs them."""

from __future__ import annotations

from typing import Any

from exojoint.core.errors import InputError, Problem


def libsbml() -> Any:  # noqa: ANN401  # the library has no types
    """Return the SBML library.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import libsbml as library
    except ImportError:
        raise _missing("SBML", "python-libsbml") from None
    return library


def antimony() -> Any:  # noqa: ANN401  # the library has no types
    """Return the Antimony library.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import antimony as library
    except ImportError:
        raise _missing("Antimony", "antimony") from None
    return library


def _missing(what: str, package: str) -> InputError:
    expected = "the optional packages of the extra `sbml`"
    return InputError(
        Problem(what, f"the package {package} is not installed", expected, 'Run: pip install "exojoint[sbml]"')
    )
