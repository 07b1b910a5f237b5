"""A number that derivative rules give as a call of JAX's own operators, in a few lines.

That is possible where every argument is an array, and so is the result.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from jax.tree_util import all_leaves

from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.as_code import as_code
from jaxgrad.programs.held import has_held, is_held
from jaxgrad.programs.trace import Leaf

__all__ = ["direct_lines", "only_used"]

# With them alone several derivatives are taken one of the other.
_NESTED = {"fwd": "jax.jacfwd({})", "rev": "jax.grad({})"}


def direct_lines(primal: Primal, question: Question) -> list[str] | None:
    """Lines that set ``got`` to the number, with ``args`` in scope; None if none do.

    Args:
        primal: the function.
        question: the number.

    Example:
        >>> from jaxgrad.gradients.rules.directions import Unit
        >>> primal = Primal(lambda x: x**2, (np.ones(3, np.float32),))
        >>> unit = Unit([(3,)], 0, (1,))
        >>> direct_lines(primal, Question(("rev",), (unit,), unit))
        ['got = jax.grad(lambda *args: f(*args)[1])(*args)[1]']
    """
    paths = [leaf.path for leaf in primal.program.outputs]
    if not all_leaves(primal.args, is_leaf=is_held) or paths != [""] or primal.discrete:
        return None
    if len(question.modes) > 1:
        return _of_higher_order(primal, question)
    if question.is_value and has_held(primal.args):  # JAX would trace them
        return None
    if question.is_value or question.leaf is not None:
        return (_forward if question.modes == ("fwd",) else _backward)(primal, question)
    return None


def _of_higher_order(primal: Primal, question: Question) -> list[str] | None:
    """Of a function of one number, all of whose derivatives are taken."""
    numbers = len(primal.args) == 1 and not primal.inputs[0].shape and not primal.outputs[0].shape
    units = all(_is_unit(d) for d in (*question.directions, question.cotangent))
    if not (numbers and units) or question.taken is not None:
        return None
    called = functools.reduce(lambda f, mode: _NESTED[mode].format(f), question.modes, "f")
    return [f"got = {called}(*args)"]


def _backward(primal: Primal, question: Question) -> list[str]:
    before, call, cotangent = [], "f(*args)", question.cotangent
    if question.is_value:
        return _picked("jax.vjp(f, *args)[0]", cotangent, primal.outputs[0], "u")
    weighed, leaf = "f", question.leaf
    assert leaf is not None
    if not _is_unit(cotangent) or cotangent.support[0][1]:
        *before, call = _weighed(call, cotangent, primal.outputs[0], "u")
        weighed = f"lambda *args: {call}"
    place = primal.place[leaf]
    derivative = f"jax.grad({weighed}{f', {place}' if place else ''})(*args)"
    return [*before, *_picked(derivative, question.directions[0], primal.inputs[leaf], "v")]


def _forward(primal: Primal, question: Question) -> list[str] | None:
    if primal.held or has_held(primal.args):  # what does not move has tangents of a kind of its own
        return None
    if question.is_value:
        return _picked("jax.jvp(f, args, args)[0]", question.cotangent, primal.outputs[0], "u")
    moved = [
        np.asarray(leaf, x.dtype)
        for leaf, x in zip(question.directions[0].leaves, primal.inputs, strict=True)
    ]
    derivative = f"jax.jvp(f, args, {as_code(tuple(moved))})[1]"
    return _picked(derivative, question.cotangent, primal.outputs[0], "u")


def _picked(array: str, weights: Direction, leaf: Leaf, name: str) -> list[str]:
    *before, number = _weighed(array, weights, leaf, name)
    return [*before, f"got = {number}"]


def _weighed(array: str, weights: Direction, leaf: Leaf, name: str) -> list[str]:
    """A sum of entries of an array by their weights, after the lines that it takes."""
    if len(weights.entries) == 1:
        _, index, weight = weights.entries[0]
        entry = f"{array}[{', '.join(map(str, index))}]" if index else array
        return [entry if weight == 1 else f"{weight!r} * {entry}"]
    moving = [values for values in weights.leaves if values.any()]
    return [f"{name} = {as_code(np.asarray(moving[0], leaf.dtype))}", f"jnp.sum({array} * {name})"]


def _is_unit(direction: Direction) -> bool:
    return len(direction.entries) == 1 and direction.entries[0][2] == 1


def only_used(lines: Sequence[str], body: Sequence[str]) -> list[str]:
    """The imports among some lines whose names a body of code uses, and all other lines.

    Example:
        >>> only_used(["import jax", "import numpy as np"], ["x = np.float32(1)"])
        ['import numpy as np']
    """
    text = "\n".join(body)
    return [
        line
        for line in lines
        if not line.startswith("import") or f"{line.rpartition(' ')[2]}." in text
    ]
