"""A wrong derivative as Python that can be pasted where ``f`` is in scope."""

from __future__ import annotations

import numpy as np

from jaxgrad.as_code import as_code, imports
from jaxgrad.directions import Direction
from jaxgrad.rule_programs import Primal

__all__ = ["paste"]


def paste(
    primal: Primal,
    modes: tuple[str, ...],
    directions: tuple[Direction, ...],
    output: int,
    weight: np.ndarray,
) -> str:
    """Source that rebuilds the point and prints what JAX's rules give.

    Args:
        primal: the function and its point.
        modes: one for each derivative, the innermost first.
        directions: one for each derivative.
        output: which floating-point leaf of the result.
        weight: the cotangent of that leaf.
    """
    places = primal.place
    moves = ", ".join(
        f"({places[d.leaf]}, {as_code(np.asarray(d.values, np.float32))})" for d in directions
    )
    nested = "along"
    for i, mode in enumerate(modes):
        rest = ", ".join(f"s{k}" for k in range(i + 1, len(modes)))
        operator = "jax.jacfwd" if mode == "fwd" else "jax.grad"
        inner = f"lambda s: ({nested})({', '.join(filter(None, ('s', rest)))})"
        nested = f"lambda {rest}: {operator}({inner})(0.0)" if rest else f"{operator}({inner})"
    lines = [
        *imports(primal.inputs),
        _point(primal),
        "leaves, tree = jax.tree.flatten(args)",
        "def along(*steps):",
        "    moved = [jnp.asarray(x) for x in leaves]",
        f"    for s, (k, direction) in zip(steps, [{moves}]):",
        "        moved[k] = moved[k] + jnp.asarray(s * direction, moved[k].dtype)",
        "    result = jax.tree.leaves(f(*jax.tree.unflatten(tree, moved)))",
        f"    out = result[{primal.place_of_outputs[output]}]",
        f"    return jnp.sum(out * {as_code(np.asarray(weight, np.float32))})",
        f"print(({nested})(0.0))",
    ]
    return "\n".join(lines)


def _point(primal: Primal) -> str:
    try:
        return f"args = {as_code(primal.args)}"
    except TypeError:  # a container of the caller's own: args itself is in the caller's scope
        return "# args as they were passed to check_grads"
