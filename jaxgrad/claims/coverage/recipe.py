"""How a function is called where it is a differentiable map, and at which points most are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "ABOVE_ONE",
    "IMAGE",
    "MATRIX",
    "OTHER",
    "POINTS",
    "POSITIVE",
    "POSITIVE_OTHER",
    "REAL",
    "SQUARE",
    "SYMMETRIC",
    "UNIT",
    "Recipe",
    "Table",
]

# Generic points: no ties, no zeros, no integers, no multiples of one another.
REAL = np.array([0.75, -1.25, 2.125, -0.5])
OTHER = np.array([-0.625, 1.875, 1.375, 0.8125])
POSITIVE = np.array([0.75, 1.25, 2.125, 0.5])
POSITIVE_OTHER = np.array([1.625, 0.875, 1.375, 2.8125])
UNIT = np.array([0.75, 0.25, 0.375, 0.125])
ABOVE_ONE = np.array([1.75, 1.25, 2.125, 3.5])
IMAGE = np.array([[0.75, -1.25], [-0.5, 1.625]])[None, None]
MATRIX = np.array([[0.75, -1.25, 2.125], [-0.5, 1.625, 0.875]])
SQUARE = np.array([[2.75, -1.25, 0.125], [-0.5, 3.625, 0.875], [0.25, 1.375, 4.5]])
SYMMETRIC = np.array([[2.75, -0.75, 0.125], [-0.75, 3.625, 0.875], [0.125, 0.875, 4.5]])

POINTS: dict[str, tuple[np.ndarray, ...]] = {
    "real": (REAL,),
    "positive": (POSITIVE,),
    "unit": (UNIT,),
    "above_one": (ABOVE_ONE,),
    "pair": (REAL, OTHER),
    "positive_pair": (POSITIVE, POSITIVE_OTHER),
    "matrix": (MATRIX,),
    "square": (SQUARE,),
    "symmetric": (SYMMETRIC,),
}


@dataclass(frozen=True)
class Recipe:
    """A program of float arrays and a point.

    Args:
        call: takes the arrays of ``point``, returns a pytree of arrays.
        point: float arrays.
    """

    call: Callable[..., Any]
    point: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Table:
    """How the functions of a module are called.

    Args:
        space: the module.
        plain: a key of :data:`POINTS` -> the names of the functions that are called at it.
        special: returns the recipes of others by name, made when they are asked for.
        instead: a word -> the names of the functions that are no differentiable maps of real
            arrays, and are that instead.
        every: whether all its public functions are looked at, or those alone that are named here.
    """

    space: Any
    plain: dict[str, str] = field(default_factory=dict)
    special: Callable[[], dict[str, Recipe]] = dict
    instead: dict[str, str] = field(default_factory=dict)
    every: bool = True
