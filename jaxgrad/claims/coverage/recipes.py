"""How to call the public functions of JAX at a point where each is a differentiable map."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from jaxgrad.claims.coverage import (
    lax_recipes,
    numpy_recipes,
    scipy_recipes,
)
from jaxgrad.claims.coverage.recipe import POINTS, Recipe, Table

__all__ = ["MODULES", "recipes"]

MODULES: dict[str, Table] = lax_recipes.TABLES | numpy_recipes.TABLES | scipy_recipes.TABLES


def recipes(module: str) -> Iterator[tuple[str, Recipe | str]]:
    """The public functions of a module in alphabetical order, each with its recipe.

    Args:
        module: a key of :data:`MODULES`.

    Yields:
        the name, and a recipe, or the word for what the function is instead, ``"?"`` where its
        table does not know it.

    Example:
        >>> dict(recipes("jax.numpy"))["signbit"]
        'boolean'
    """
    table = MODULES[module]
    known: dict[str, Recipe | str] = {}
    for reason, names in table.instead.items():
        known |= dict.fromkeys(names.split(), reason)
    for kind, names in table.plain.items():
        for name in names.split():
            if hasattr(table.space, name):
                known[name] = Recipe(getattr(table.space, name), POINTS[kind])
    known |= table.special()
    for name in sorted(dir(table.space)):
        value = getattr(table.space, name)
        if name.startswith("_") or not callable(value) or inspect.isclass(value):
            continue
        if name in known or table.every:
            yield name, known.get(name, "?")
