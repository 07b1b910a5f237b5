"""The rules of ``custom_vmap`` in a program, by which JAX computes a batch of calls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from jax.tree_util import tree_leaves, tree_unflatten

from jaxgrad.errors import JaxgradError
from jaxgrad.programs.custom_rules import rewritten
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import CUSTOM_VMAP, called, equations, holds_primitive, inner_jaxpr
from jaxgrad.programs.meanings import inner_programs
from jaxgrad.programs.vmap_returns import VmapRule, asked, rule_of, written, wrong_return

__all__ = [
    "closes_over",
    "malformed",
    "says_batched_of_nothing",
    "transforms_rules",
    "vmap_rules",
    "with_rules",
]

# Rows of the batch with which a rule is asked for what it returns.
ROWS = 2


def vmap_rules(*programs: Any) -> list[VmapRule]:
    """Those in the programs and in all within them, each once.

    Example:
        >>> import jax
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
    return rule_of(inner_jaxpr(equation.params), equation.params["rule"])


def _written(equation: Any) -> Callable[..., Any] | None:
    return written(equation.params["rule"])


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


def malformed(*programs: Any) -> JaxgradError | None:
    """The error of the first rule that returns what JAX cannot take for a batch of all arguments.

    To be asked where a batch fails: a rule need not be able to deal with all that it is asked here.
    """
    for equation in _calls(*programs):
        batch = asked(equation.params, ROWS, [True] * len(equation.invars))
        error = None if batch is None else wrong_return(batch)
        if error is not None:
            return error
    return None


def says_batched_of_nothing(*programs: Any) -> VmapRule | None:
    """The first rule that says of results that they are batched where no argument is."""
    for equation in _calls(*programs):
        if _written(equation) is None:
            continue
        batch = asked(equation.params, ROWS, [False] * len(equation.invars))
        for result in [] if batch is None else batch.result():
            pair = isinstance(result, tuple | list) and len(result) == 2
            if pair and any(tree_leaves(result[1])):
                return _rule_of(equation)
    return None
