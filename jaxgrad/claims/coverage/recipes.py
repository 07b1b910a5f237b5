"""How to call the public functions of JAX at a point where each is a differentiable map."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from jaxgrad.claims.coverage import (
    image_recipes,
    lax_recipes,
    linalg_recipes,
    numpy_recipes,
    random_recipes,
    scipy_recipes,
    special_recipes,
    stats_recipes,
)
from jaxgrad.claims.coverage.recipe import POINTS, Recipe, Table

__all__ = ["MODULES", "recipes"]

_TABLES = (
    lax_recipes.TABLES
    | numpy_recipes.TABLES
    | special_recipes.TABLES
    | linalg_recipes.TABLES
    | scipy_recipes.TABLES
    | stats_recipes.TABLES
    | random_recipes.TABLES
    | image_recipes.TABLES
)
# As they are shown: those that most programs are made of first.
_ORDER = ("nn", "numpy", "scipy", "lax", "random", "image")
MODULES: dict[str, Table] = {
    name: _TABLES[name]
    for name in sorted(_TABLES, key=lambda name: (_ORDER.index(name.split(".")[1]), name))
}


def recipes(module: str) -> Iterator[tuple[str, Recipe | str]]:
    """The public functions of a module in alphabetical order, each with its recipe.

    Args:
        module: a key of :data:`MODULES`.

    Yields:
        the name, and a recipe, or the word for what the function is instead, ``"?"`` where its
        table does not know it; a function that is called in several ways has a name for each,
        such as ``resize(method="linear")``.

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
    ways: dict[str, list[str]] = {}
    for name in known:
        ways.setdefault(name.partition("(")[0], []).append(name)
    for name in sorted(dir(table.space)):
        value = getattr(table.space, name)
        if name in ways:
            yield from ((way, known[way]) for way in ways[name])
        elif table.every and _is_public_function(name, value):
            yield name, "?"


def _is_public_function(name: str, value: object) -> bool:
    return not name.startswith("_") and callable(value) and not inspect.isclass(value)
