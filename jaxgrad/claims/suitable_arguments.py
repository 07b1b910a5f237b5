"""Arguments at which a custom derivative rule can be checked, found by trying.

A function may take what its rule does not: ``x + b`` takes two vectors, where a rule that sums over
the rows of x returns no cotangent of b.  So the rule is traced as well, and one that fails at
some arguments is asked at others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.given_arguments import given
from jaxgrad.claims.named import named
from jaxgrad.claims.tried_arguments import tried_arguments
from jaxgrad.errors import ArgumentError

__all__ = ["Suitable", "suitable", "with_arguments"]

# At so many arguments that the function takes a rule may fail before it is taken to be malformed.
_FAILURES = 60


class Suitable(NamedTuple):
    """What was found for a rule.

    Args:
        arguments: as ``jaxgrad check`` takes them; None where the function takes none of those that
            were tried.
        traces: whether its rule can be traced there, and at no others that were tried if not.
        failed: the first arguments that the function takes and its rule does not; None if there
            are none.
    """

    arguments: tuple[str, ...] | None
    traces: bool = False
    failed: tuple[str, ...] | None = None


def suitable(rule: FoundRule, tell: Callable[[Sequence[str]], object] = lambda _: None) -> Suitable:
    """Arguments that a function takes and its rule does, or the first that the function takes.

    Args:
        rule: which.
        tell: called with arguments before the rule is traced there, and with those that are found.
    """
    if rule.missing or rule.inside:
        return Suitable(None)
    module = rule.name.partition(":")[0]
    function = named("MODULE:FUNCTION", rule.name)
    failed: list[tuple[str, ...]] = []
    for texts in tried_arguments(function):
        call = _call(function, texts, module)
        if call is None or not _takes(call):
            continue
        forward = "jvp" in rule.kind
        tell(texts)
        returned = _derivative(call, forward=forward)
        whole = _with_integers(texts, call, returned)
        if whole and _is_whole_taken(function, whole, module, forward=forward):
            tell(whole)
            return Suitable(whole, True, next(iter(failed), None))
        if returned is not None and not whole:
            return Suitable(texts, True, next(iter(failed), None))
        failed.append(texts)
        if len(failed) == _FAILURES:
            break
    if not failed:
        return Suitable(None)
    tell(failed[0])
    return Suitable(failed[0], False, failed[0])


def with_arguments(rule: FoundRule) -> FoundRule:
    """The rule with the arguments of :func:`suitable`."""
    return replace(rule, arguments=suitable(rule).arguments)


class _Call(NamedTuple):
    """A function of the floating-point arrays among its arguments alone, and those.

    Args:
        results: it returns the floating-point arrays among its results.
        values: at which.
        places: which argument each is of; those by their names come after the others.
    """

    results: Callable[..., list[jax.Array]]
    values: list[jax.Array]
    places: list[int]


def _call(function: Callable[..., Any], texts: Sequence[str], module: str) -> _Call | None:
    """The call with arguments as they are written; None where nothing moves, or they are none."""
    try:
        args, keywords = given(texts, module)
    except ArgumentError:  # the module has a list, or the like, by the name of a dtype
        return None
    leaves, tree = jax.tree.flatten(args)
    moving = [k for k, x in enumerate(leaves) if isinstance(x, jax.Array) and _floats(x)]
    if not moving:
        return None

    def results(*values: jax.Array) -> list[jax.Array]:
        every = list(leaves)
        for k, x in zip(moving, values, strict=True):
            every[k] = x
        found = jax.tree.leaves(function(*jax.tree.unflatten(tree, every), **keywords))
        return [jnp.asarray(x) for x in found if _floats(x)]

    counts = [len(jax.tree.leaves(x)) for x in args]
    places = [k for k, count in enumerate(counts) for _ in range(count)]
    return _Call(results, [leaves[k] for k in moving], [places[k] for k in moving])


def _floats(x: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(x), jnp.inexact)


def _takes(call: _Call) -> bool:
    """Whether the function has floating results there, whatever its rule returns."""
    return _traced(call.results, call.values) is not None


def _derivative(call: _Call, *, forward: bool) -> list[Any] | None:
    """What JAX traces the derivative to there; None where the rule returns what it may not.

    Args:
        call: of the function.
        forward: whether the rule has tangents.
    """

    def tangents(*values: jax.Array) -> Any:
        return jax.jvp(call.results, values, tuple(map(jnp.ones_like, values)))

    def cotangents(*values: jax.Array) -> Any:
        results, pull = jax.vjp(call.results, *values)
        return pull([jnp.ones_like(x) for x in results])

    return _traced(tangents if forward else cotangents, call.values)


def _with_integers(
    texts: Sequence[str], call: _Call, returned: Sequence[Any] | None
) -> tuple[str, ...]:
    """The arguments with integers for those of which a rule returns the cotangent of integers.

    Args:
        texts: as they were tried.
        call: with these.
        returned: what the derivative was traced to; of cotangents one for each value.
    """
    odd = {
        place
        for place, x in zip(call.places, returned or (), strict=False)
        if x.dtype == jax.dtypes.float0
    }
    whole = (x.replace("f32[", "i32[") if k in odd else x for k, x in enumerate(texts))
    return tuple(whole) if odd else ()


def _is_whole_taken(
    function: Callable[..., Any], texts: Sequence[str], module: str, *, forward: bool
) -> bool:
    """Whether function and rule take these, and no more is a cotangent of integers."""
    call = _call(function, texts, module)
    if call is None or not _takes(call):
        return False
    returned = _derivative(call, forward=forward)
    return returned is not None and not _with_integers(texts, call, returned)


def _traced(function: Callable[..., Any], values: Sequence[jax.Array]) -> list[Any] | None:
    """The leaves of what a function returns; None where it cannot be traced, or returns none."""
    try:
        return jax.tree.leaves(jax.eval_shape(function, *values)) or None
    except BaseException as error:  # whatever the function raises, or its rule
        if isinstance(error, KeyboardInterrupt):
            raise
        return None
