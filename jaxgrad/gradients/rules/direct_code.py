"""A number that derivative rules give as a call of JAX's own operators, in a few lines.

That is possible where every argument is an array, and so is the result.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.tree_util import all_leaves, tree_leaves, tree_structure, tree_unflatten

from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.as_code import as_code
from jaxgrad.programs.held import has_held, is_held
from jaxgrad.programs.real_parts import is_parts
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
    if not _are_arrays(primal.args, primal.program.out_tree) or primal.discrete:
        return None
    if len(question.modes) > 1:
        return _of_higher_order(primal, question)
    if question.is_value and has_held(primal.args):  # JAX would trace them
        return None
    if question.is_value or question.leaf is not None:
        return (_forward if question.modes == ("fwd",) else _backward)(primal, question)
    return None


def _are_arrays(args: Sequence[Any], results: Any) -> bool:
    """Whether every argument is an array, and the result is one; complex ones have two parts."""
    result = tree_unflatten(results, range(results.num_leaves))
    return all_leaves((*args, result), is_leaf=lambda node: is_held(node) or is_parts(node))


def _part(leaf: Leaf) -> str:
    """How a part of a complex array is written, nothing of a real one."""
    found = re.search(r"\.(real|imag)$", leaf.path)
    return found[0] if found else ""


def _argument(primal: Primal, leaf: int) -> int:
    """Which argument a floating-point leaf is, or is a part of."""
    counts = [len(tree_leaves(argument, is_leaf=is_held)) for argument in primal.args]
    return int(np.searchsorted(np.cumsum(counts), primal.place[leaf], side="right"))


def _of_higher_order(primal: Primal, question: Question) -> list[str] | None:
    """Of a function of one number, all of whose derivatives are taken."""
    numbers = len(primal.args) == 1 and not primal.inputs[0].shape and not primal.outputs[0].shape
    units = all(_is_unit(d) for d in (*question.directions, question.cotangent))
    if not (numbers and units) or question.taken is not None or primal.in_parts:
        return None
    called = functools.reduce(lambda f, mode: _NESTED[mode].format(f), question.modes, "f")
    return [f"got = {called}(*args)"]


def _backward(primal: Primal, question: Question) -> list[str]:
    before, call, cotangent = [], "f(*args)", question.cotangent
    if question.is_value:
        return _picked("jax.vjp(f, *args)[0]", cotangent, primal.outputs, "u")
    weighed, leaf = "f", question.leaf
    assert leaf is not None
    if not _is_unit(cotangent) or cotangent.support[0][1] or primal.in_parts:
        *before, call = _weighed(call, cotangent, primal.outputs, "u")
        weighed = f"lambda *args: {call}"
    place = _argument(primal, leaf)
    derivative = f"jax.grad({weighed}{f', {place}' if place else ''})(*args)"
    return [*before, *_picked(derivative, question.directions[0], primal.inputs, "v")]


def _forward(primal: Primal, question: Question) -> list[str] | None:
    if primal.held or has_held(primal.args):  # what does not move has tangents of a kind of its own
        return None
    if question.is_value:
        return _picked("jax.jvp(f, args, args)[0]", question.cotangent, primal.outputs, "u")
    moved = [
        np.asarray(leaf, x.dtype)
        for leaf, x in zip(question.directions[0].leaves, primal.inputs, strict=True)
    ]
    tangents = tree_unflatten(tree_structure(primal.args), moved)
    derivative = f"jax.jvp(f, args, {as_code(tangents)})[1]"
    return _picked(derivative, question.cotangent, primal.outputs, "u")


def _picked(array: str, weights: Direction, leaves: Sequence[Leaf], name: str) -> list[str]:
    *before, number = _weighed(array, weights, leaves, name)
    return [*before, f"got = {number}"]


def _weighed(array: str, weights: Direction, leaves: Sequence[Leaf], name: str) -> list[str]:
    """A sum of entries of an array by their weights, after the lines that it takes."""
    if len(weights.entries) == 1:
        i, index, weight = weights.entries[0]
        entry = f"{array}{_part(leaves[i])}"
        entry = f"{entry}[{', '.join(map(str, index))}]" if index else entry
        return [entry if weight == 1 else f"{weight!r} * {entry}"]
    lines, terms = [], []
    for i, (values, leaf) in enumerate(zip(weights.leaves, leaves, strict=True)):
        if values.any():
            own = f"{name}{i}" if len(leaves) > 1 else name
            lines.append(f"{own} = {as_code(np.asarray(values, leaf.dtype))}")
            terms.append(f"jnp.sum({array}{_part(leaf)} * {own})")
    return [*lines, " + ".join(terms)]


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
