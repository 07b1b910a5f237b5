"""How the functions of ``jax.image`` are called, by every method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxgrad.claims.coverage.recipe import MATRIX, Recipe, Table

__all__ = ["TABLES"]

# One axis grows and the other shrinks, where what is close to an entry is averaged.
_SHAPE = (3, 2)
_SCALE, _TRANSLATION = np.array([1.375, 0.75]), np.array([0.25, -0.125])


def _image() -> dict[str, Recipe]:
    def resize(method: str) -> Callable[..., Any]:
        return lambda image: jax.image.resize(image, _SHAPE, method)

    def moved(method: str) -> Callable[..., Any]:
        return lambda image, scale, translation: jax.image.scale_and_translate(
            image, _SHAPE, (0, 1), scale, translation, method
        )

    methods = ("linear", "cubic", "lanczos3", "lanczos5")
    point = (MATRIX, _SCALE, _TRANSLATION)
    return {
        f'resize(method="{method}")': Recipe(resize(method), (MATRIX,))
        for method in ("nearest", *methods)
    } | {f'scale_and_translate(method="{m}")': Recipe(moved(m), point) for m in methods}


TABLES = {"jax.image": Table(jax.image, special=_image)}
