"""A float of a compiled derivative as Python that can be pasted where ``f`` is in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.floats.programs import Compiled
from jaxgrad.gradients.rules.code import point_code, scoped
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.programs.as_code import as_code, imports
from jaxgrad.programs.trace import Leaf

__all__ = ["described", "paste_floats", "paste_higher"]


def described(
    direction: Direction, leaves: Sequence[Leaf], otherwise: str, start: str = ""
) -> tuple[str, tuple[int, ...] | None]:
    """The path and the index of what a direction moves; ``otherwise`` where that is all leaves."""
    leaf, index = direction.place
    if leaf is None and len(leaves) == 1 and not direction.support:
        leaf = 0
    if leaf is None:
        return otherwise, None
    return start + leaves[leaf].path, index


def paste_floats(
    compiled: Compiled,
    point: Sequence[np.ndarray],
    seed: int,
    output: int,
    entry: tuple[int, ...],
    how: str,
    truth: str,
) -> str:
    """Source that rebuilds the point and prints what the compiled derivative should return, too.

    Args:
        compiled: the derivative.
        point: the floating-point leaves.
        seed: the number of the direction or cotangent.
        output, entry: which number it returns.
        how: ``"jit"`` or ``"jit(vmap)"``.
        truth: what it should be, as text.
    """
    primal, forward = compiled.primal, compiled.mode == "fwd"
    inputs = list(range(len(primal.inputs)))
    outputs = list(range(len(primal.outputs)))
    if compiled.leaf is not None and forward:
        inputs = [compiled.leaf]
    elif compiled.leaf is not None:
        outputs = [compiled.leaf]
    vector = as_code(tuple(jnp.asarray(v) for v in compiled.arrays(compiled.seeds[seed])))
    product = (
        f"lambda *x: jax.jvp(results, x, {vector})[1]"
        if forward
        else f"lambda *x: jax.vjp(results, *x)[1](list({vector}))"
    )
    batched = how == "jit(vmap)"
    call = f"jax.jit(jax.vmap({product}))" if batched else f"jax.jit({product})"
    at = "".join(f"[{k}]" for k in ((0,) if batched else ()) + entry)
    lines = [
        *imports(primal.inputs),
        point_code(primal, point),
        "leaves, tree = jax.tree.flatten(args)",
        f"places = {[primal.place[i] for i in inputs]}",
        "def results(*values):",
        "    moved = list(leaves)",
        "    for k, value in zip(places, values):",
        "        moved[k] = value",
        "    found = jax.tree.leaves(f(*jax.tree.unflatten(tree, moved)))",
        f"    return [found[k] for k in {[primal.place_of_outputs[i] for i in outputs]}]",
        f"x = [jnp.asarray(leaves[k]){'[None]' if batched else ''} for k in places]",
        f'print({call}(*x)[{output}]{at}, "should be {truth}")',
    ]
    return scoped(primal, lines)


def paste_higher(primal: Primal, taken: Sequence[tuple[str, tuple[Any, ...]]], code: str) -> str:
    """Source for a derivative of a derivative, made of that for the last one of them.

    Args:
        primal: the function.
        taken: the mode and the vector of each inner derivative, the innermost first.
        code: what prints the derivative of the function that they make, which it calls ``f``.
    """
    lines = [
        *imports(primal.inputs),
        point_code(primal, primal.point),
        "given, structure = jax.tree.flatten(args)",
        "def f0(*x):",
        f"    moved = dict(zip({primal.place}, x))",
        "    moved = [moved.get(k, y) for k, y in enumerate(given)]",
        "    found = jax.tree.leaves(f(*jax.tree.unflatten(structure, moved)))",
        f"    return [found[k] for k in {primal.place_of_outputs}]",
    ]
    for i, (mode, vector) in enumerate(taken):
        along = as_code(tuple(jnp.asarray(v) for v in vector))
        forward = mode == "fwd"
        product = (
            f"jax.jvp(f{i}, x, {along})[1]" if forward else f"jax.vjp(f{i}, *x)[1](list({along}))"
        )
        lines += [f"def f{i + 1}(*x):", f"    return list({product})"]
    last = code.replace("(f(*jax.tree", f"(f{len(taken)}(*jax.tree").splitlines()
    last = [line for line in last if not line.startswith(("import ", "#"))]
    return scoped(primal, [*lines, *last])
