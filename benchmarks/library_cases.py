"""The calls of ``libraries.py``: the libraries, and what each of their files lists.

The functions are those to which a library gives a rule of its own (``custom_jvp``,
``custom_vjp``, an implicit function), and the losses, distributions, layers and solvers that are
most used of it.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.cases import Case

__all__ = ["LIBRARIES", "Call", "Library", "calls_of", "drawn", "imported", "installed"]


@dataclass(frozen=True)
class Call(Case):
    """A case that is asked with a domain, where a function has values on one alone.

    Args:
        domain: as for :func:`jaxgrad.check_grads`.
    """

    domain: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Library:
    """Where a library's calls stand, and what it is called.

    Args:
        module: its calls are ``benchmarks.module.name()``.
        name: the function that lists them.
        imported: what has to be installed.
        package: the name that it is installed by.
    """

    module: str
    name: str
    imported: str
    package: str


def _library(module: str, name: str, imported: str = "", package: str = "") -> Library:
    return Library(f"library_{module}", name, imported or name, package or name)


LIBRARIES: dict[str, Library] = {
    "distrax": _library("distributions", "distrax"),
    "numpyro": _library("distributions", "numpyro"),
    "tfp": _library("special_functions", "tfp", "tensorflow_probability", "tfp-nightly"),
    "jaxoplanet": _library("special_functions", "jaxoplanet"),
    "s2fft": _library("special_functions", "s2fft"),
    "lineax": _library("linear_solvers", "lineax"),
    "matfree": _library("linear_solvers", "matfree"),
    "diffrax": _library("solvers", "diffrax"),
    "optimistix": _library("solvers", "optimistix"),
    "jaxopt": _library("solvers", "jaxopt"),
    "qpax": _library("solvers", "qpax"),
    "flowjax": _library("solvers", "flowjax"),
    "ott": _library("transport", "ott", "ott", "ott-jax"),
    "equinox": _library("layers", "equinox"),
    "flax": _library("layers", "flax"),
    "optax": _library("layers", "optax"),
    "rlax": _library("layers", "rlax"),
}


def installed(library: str) -> bool:
    """Whether the calls of a library can be made."""
    return find_spec(LIBRARIES[library].imported) is not None


def calls_of(library: str) -> list[Call]:
    """The calls of a library that is installed."""
    asked = LIBRARIES[library]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"benchmarks.{asked.module}")
        return list(getattr(module, asked.name)())


def imported(module: str) -> Any:
    """A module of a library, of which nothing is known where it is not installed."""
    return importlib.import_module(module)


def drawn(*shape: int) -> np.ndarray:
    """Normal numbers, the same for a shape every time."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)
