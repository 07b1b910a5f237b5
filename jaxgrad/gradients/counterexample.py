"""A counterexample as Python that can be pasted where ``hand`` and ``auto`` are in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.tree_util import tree_structure, tree_unflatten

from jaxgrad.interpret.sides import Side
from jaxgrad.programs.as_code import arguments_as_code, imports, in_scope
from jaxgrad.programs.held import hidden, numbers_as_given
from jaxgrad.programs.parts_code import of_parts_lines

__all__ = ["write"]


def write(
    side: Side, args: Sequence[Any], values: Sequence[Any], leaf: int, index: tuple[int, ...]
) -> str:
    """Source that rebuilds the point exactly and prints both values of one entry.

    Args:
        side: either side, for the dtypes of the inputs.
        args: the arguments as the caller gave them, for their tree.
        values: the leaves of the point.
        leaf: which output leaf differs.
        index: at which entry.

    Example:
        >>> import jax
        >>> from jaxgrad.gradients.compare import compare
        >>> found = compare(jax.numpy.sin, jax.grad(jax.numpy.sin), 0.5)
        >>> print(found.counterexample)
        # with `hand` and `auto` in scope
        import jax
        import jax.numpy as jnp
        import numpy as np
        args = (np.float32(0.5),)
        for name, gradient in (("hand", hand), ("auto", auto)):
            print(name, "is", np.asarray(jax.tree.leaves(gradient(*args))[0])[()])
    """
    args = hidden(args)
    tree = tree_structure(args)
    point = arguments_as_code(tree_unflatten(tree, numbers_as_given(args, side.held, values)))
    show = f'    print(name, "is", np.asarray(jax.tree.leaves(gradient(*args))[{leaf}])[{index!r}])'
    lines = [
        *imports(side.inputs),
        point,
        'for name, gradient in (("hand", hand), ("auto", auto)):',
        show,
    ]
    if side.in_parts:
        lines = of_parts_lines({"hand": "hand", "auto": "auto"}, lines, numpy=True)
    return in_scope("`hand` and `auto`", lines)
