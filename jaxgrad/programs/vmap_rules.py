"""The rules of ``custom_vmap`` in a program, by which JAX computes a batch of calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.tree_util import tree_flatten, tree_leaves, tree_structure, tree_unflatten

from jaxgrad.errors import ArgumentError, JaxgradError, TreeMismatch
from jaxgrad.programs.custom_rules import CUSTOM_VMAP, rewritten
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import (
    called,
    equations,
    holds_primitive,
    inner_jaxpr,
    source_name,
    source_place,
)
from jaxgrad.programs.meanings import inner_programs

__all__ = [
    "VmapRule",
    "closes_over",
    "malformed",
    "says_batched_of_nothing",
    "transforms_rules",
    "vmap_rules",
    "with_rules",
]

# Rows of the batch with which a rule is asked for the structure of what it returns.
ROWS = 2


@dataclass(frozen=True)
class VmapRule:
    """The rule of one ``custom_vmap``.

    Args:
        name: of the function that it is for.
        where: the file and line of that.
        written: those of the rule itself, where they are known.
    """

    name: str
    where: str
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        where = self.written or self.where
        place = f" ({where})" if where else ""
        return f"the custom_vmap rule of `{self.name}`{place}"


def vmap_rules(*programs: Any) -> list[VmapRule]:
    """Those in the programs and in all within them, each once.

    Example:
        >>> double = jax.custom_batching.custom_vmap(lambda x: 2 * x)
        >>> _ = double.def_vmap(lambda size, batched, x: (2 * x, batched[0]))
        >>> [rule.name for rule in vmap_rules(jax.make_jaxpr(double)(1.0))]
        ['<lambda>']
    """
    return list(dict.fromkeys(_rule_of(equation) for equation in _calls(*programs)))


def _calls(*programs: Any) -> Iterator[Any]:
    for program in programs:
        for equation in equations(program):
            if equation.primitive.name == CUSTOM_VMAP:
                yield equation


def _rule_of(equation: Any) -> VmapRule:
    program, code = inner_jaxpr(equation.params), getattr(_written(equation), "__code__", None)
    written = "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
    return VmapRule(source_name(program), source_place(program), written)


def _written(equation: Any) -> Callable[..., Any] | None:
    """What was given to ``def_vmap``; None of the rule that JAX makes for a derivative."""
    return getattr(equation.params["rule"], "rule", None)


def transforms_rules(program: Any) -> bool:
    """Whether JAX differentiates some of the functions themselves, and calls their rules so.

    It calls them for what moves together: along tangents alone nothing that a rule is given is
    batched.
    """
    return any(_written(equation) is None for equation in _calls(program))


def with_rules(closed: Any, kept: Collection[VmapRule]) -> Callable[..., list[Any]]:
    """A program as a callable that JAX batches by these rules, and by its own for all others.

    Args:
        closed: a closed jaxpr.
        kept: the rules.
    """

    def within(program: Any) -> Callable[..., list[Any]]:
        return with_rules(program, kept)

    def apply(equation: Any, arguments: list[Any]) -> list[Any]:
        own = equation.primitive.name == CUSTOM_VMAP
        if own and _rule_of(equation) in kept:
            return bind(equation, arguments)
        program, params = called(equation), equation.params
        if own or (program is not None and holds_primitive(program, (CUSTOM_VMAP,))):
            return evaluated(program, arguments, apply)
        if any(holds_primitive(inner, (CUSTOM_VMAP,)) for inner in inner_programs(params)):
            params = {
                name: rewritten(v, lambda x: with_rules(x, kept)) for name, v in params.items()
            }
        return bind(equation, arguments, params)

    return lambda *inputs: evaluated(closed, inputs, apply)


def closes_over(*programs: Any) -> VmapRule | None:
    """The first rule of a function that closes over values of the program."""
    for equation in _calls(*programs):
        values, _ = tree_unflatten(equation.params["in_tree"], equation.invars)
        if _written(equation) is not None and values:
            return _rule_of(equation)
    return None


# -- what a rule returns ---------------------------------------------------------------------------


def malformed(*programs: Any) -> JaxgradError | None:
    """The error of the first rule that takes or returns what JAX does not give or want.

    To be asked where a batch fails: a rule need not be able to do with all that it is asked here.
    """
    for equation in _calls(*programs):
        written = _written(equation)
        error = None if written is None else _wrong_structure(equation, written)
        if error is not None:
            return error
    return None


def _wrong_structure(equation: Any, written: Callable[..., Any]) -> JaxgradError | None:
    _, args = tree_unflatten(equation.params["in_tree"], [v.aval for v in equation.invars])
    flat, tree = tree_flatten(args)
    who = f"{_rule_of(equation)}"
    try:
        inspect.signature(written).bind(ROWS, [], *args)
    except TypeError as error:
        return ArgumentError(
            f"{who} takes other arguments than JAX gives it: {error}; under def_vmap a rule takes "
            "(axis_size, in_batched, *args)"
        )
    except ValueError:  # it does not tell
        pass
    for batched in _some(len(flat)):
        result = _asked(written, flat, batched, tree)
        if result and result[0] is not None:
            error = _not_a_pair(who, result[0]) or _other_trees(who, equation, *result[0])
            if error is not None:
                return error
    return None


def says_batched_of_nothing(*programs: Any) -> VmapRule | None:
    """The first rule that says of results that they are batched where no argument is."""
    for equation in _calls(*programs):
        written = _written(equation)
        if written is None:
            continue
        _, args = tree_unflatten(equation.params["in_tree"], [v.aval for v in equation.invars])
        flat, tree = tree_flatten(args)
        for result in _asked(written, flat, (False,) * len(flat), tree):
            if (
                isinstance(result, tuple | list)
                and len(result) == 2
                and any(tree_leaves(result[1]))
            ):
                return _rule_of(equation)
    return None


def _some(count: int) -> Iterator[tuple[bool, ...]]:
    """All batched together, and each alone."""
    yield (True,) * count
    if count > 1:
        yield from (tuple(i == k for i in range(count)) for k in range(count))


def _asked(
    written: Callable[..., Any], flat: list[Any], batched: tuple[bool, ...], tree: Any
) -> list[Any]:
    """What a rule returns for a batch, within a list; nothing where it cannot do with it."""
    found: list[Any] = []

    def ask(*values: Any) -> tuple[()]:
        args = tree_unflatten(tree, values)
        found.append(written(ROWS, list(tree_unflatten(tree, batched)), *args))
        return ()

    shapes = [
        jax.ShapeDtypeStruct((ROWS, *aval.shape) if many else aval.shape, aval.dtype)
        for aval, many in zip(flat, batched, strict=True)
    ]
    try:
        jax.eval_shape(ask, *shapes)
    except Exception:  # whatever a rule raises of arguments that it is not for
        return []
    return found


_PAIR = (
    "a pair: what the function returns, every result with the axis of the batch in front, and the "
    "same tree of booleans, whether each is batched"
)


def _not_a_pair(who: str, result: Any) -> JaxgradError | None:
    if isinstance(result, tuple | list) and len(result) == 2:
        return None
    kind = f"a {type(result).__name__} of {len(result)}" if isinstance(result, tuple | list) else ""
    return TreeMismatch(
        f"{who} returns {kind or 'a single value'}, and has to return {_PAIR}; "
        "write `return out, True`, or with jax.tree.map for several results"
    )


def _other_trees(who: str, equation: Any, out: Any, batched: Any) -> JaxgradError | None:
    wanted, found = equation.params["out_tree"], tree_structure(out)
    if found != wanted:
        return TreeMismatch(
            f"{who} returns the tree {found} for a batch, and the function returns {wanted}; a "
            f"rule returns {_PAIR}"
        )
    if tree_structure(batched) != wanted:
        return TreeMismatch(
            f"{who} says by the tree {tree_structure(batched)} which of its results are batched, "
            f"and these are {wanted}; return for out_batched one boolean in the place of each "
            "result, jax.tree.map(lambda _: True, out)"
        )
    return None
