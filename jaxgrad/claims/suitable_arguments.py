"""Arguments at which a custom derivative rule can be checked, found by trying."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxgrad.claims.found_rule import FoundRule, rule_of
from jaxgrad.claims.given_arguments import given
from jaxgrad.claims.named import named
from jaxgrad.errors import ArgumentError

__all__ = ["with_arguments"]

# Shapes that are tried for each argument, and how many calls of them at most.
_SHAPES = ("f32[3]", "f32[]", "f32[3, 2]", "f32[3, 3]", "i32[3]", "i32[]")
_CALLS = 60


def with_arguments(rule: FoundRule) -> FoundRule:
    """The rule with arguments that the function takes, and of which it makes floating results."""
    if rule.missing or rule.inside:
        return rule
    module = rule.name.partition(":")[0]
    function = named("MODULE:FUNCTION", rule.name)
    found = next((texts for texts in _tried(function) if _takes(function, texts, module)), None)
    return replace(rule, arguments=found)


def _tried(function: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    """Arguments for the parameters without a default: first of one shape all, then of several."""
    try:
        parameters = _signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    if needed and needed[0].name == "self":
        return
    static = getattr(rule_of(function), "nondiff_argnums", ())
    alone = {k: _of_annotation(p) for k, p in enumerate(needed)} | dict.fromkeys(static, "1")
    trees = {k: p.annotation for k, p in enumerate(needed) if _fields(p.annotation)}
    count = len([p for p in needed if p.kind is not p.VAR_POSITIONAL]) or 1
    alike = ((shape,) * count for shape in _SHAPES)
    several = itertools.product(_SHAPES, repeat=count)
    for shapes in itertools.islice(itertools.chain(alike, several), _CALLS):
        yield tuple(
            _tree(trees[k], shape) if k in trees else alone.get(k) or shape
            for k, shape in enumerate(shapes)
        )


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Its signature, of which texts are read as the annotations that they are, if they can be."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # whatever an annotation raises that nobody reads while it is a text
        return inspect.signature(function)


def _fields(annotation: Any) -> tuple[str, ...]:
    """The fields of what a parameter is said to be: of a named tuple or of a dataclass."""
    if dataclasses.is_dataclass(annotation):
        return tuple(field.name for field in dataclasses.fields(annotation) if field.init)
    named = isinstance(annotation, type) and issubclass(annotation, tuple)
    return getattr(annotation, "_fields", ()) if named else ()


def _tree(annotation: Any, shape: str) -> str:
    """One of those all of whose fields are arrays of a shape.

    Example:
        >>> from typing import NamedTuple
        >>> _tree(NamedTuple("State", [("q", float), ("v", float)]), "f32[3]")
        'State(f32[3], f32[3])'
    """
    return f"{annotation.__name__}({', '.join([shape] * len(_fields(annotation)))})"


def _of_annotation(parameter: inspect.Parameter) -> str | None:
    """What a parameter takes that is said to be one of Python's numbers; None if it is not."""
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return {"float": "f32[]", "int": "1", "bool": "True"}.get(name)


def _takes(function: Callable[..., Any], texts: Sequence[str], module: str) -> bool:
    """Whether the function has floating results at these arguments, whatever its rule returns."""
    try:
        args = given(texts, module).args
    except ArgumentError:  # the module has a list, or the like, by the name of a dtype
        return False
    leaves, tree = jax.tree.flatten(args)
    moving = [k for k, x in enumerate(leaves) if isinstance(x, jax.Array) and x.dtype == "float32"]

    def moved(*values: jax.Array) -> Any:
        every = list(leaves)
        for k, x in zip(moving, values, strict=True):
            every[k] = x
        return function(*jax.tree.unflatten(tree, every))

    try:
        results = jax.tree.leaves(jax.eval_shape(moved, *(leaves[k] for k in moving)))
    except BaseException:  # whatever the function raises
        return False
    return bool(moving) and any(jax.numpy.issubdtype(x.dtype, np.inexact) for x in results)
