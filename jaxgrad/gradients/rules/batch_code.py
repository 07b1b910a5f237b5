"""A wrong batch as Python that can be pasted where ``f`` is in scope."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.gradients.rules.batches import BatchRows
from jaxgrad.gradients.rules.code import point_code, scoped
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.as_code import as_code, imports

__all__ = ["paste_batch"]


def paste_batch(primal: Primal, question: Question, rows: BatchRows) -> str:
    """Source that prints derivatives, or values, of two rows under vmap and without it.

    Args:
        primal: the function.
        question: what is wrong of it.
        rows: the batch.
    """
    batch = rows.batch
    lines = [*imports(primal.inputs), point_code(primal, primal.point)]
    lines.append("leaves, tree = jax.tree.flatten(args)")
    if batch.mode:
        count = len(rows.x)
        own = [[*at.values, *_moved(primal, rows, i)] for i, at in enumerate(rows.points)]
        axes = [*rows.x, *batch.moved]
        lines += [*_of(primal.place, primal.place_of_outputs), *_DERIVATIVE[batch.mode](count)]
        taken = 0 if question.is_value else 1
        called = f"g(*{{}})[{taken}]"
        mapped = f"lambda *row: g(*row)[{taken}]"
    else:
        chosen = [i for i, many in enumerate(batch.x) if many or i in primal.moving]
        places = [primal.place_of_arrays[i] for i in chosen]
        own = [[primal.values_at(at.values)[i] for i in chosen] for at in rows.points]
        axes = [batch.x[i] for i in chosen]
        lines += _of(places)
        called, mapped = "of(*{})", "of"
    lines += [
        f"rows = {as_code([list(map(np.asarray, row)) for row in own])}",
        *_stacked(axes),
        f"print('under vmap:', jax.vmap({mapped}{'' if all(axes) else ', axes'})(*batch))",
        "for row in rows:",
        f"    print('alone:', {called.format('row')})",
    ]
    return scoped(primal, lines)


def _moved(primal: Primal, rows: BatchRows, i: int) -> tuple[Any, ...]:
    """The tangents or cotangents of a row."""
    like = primal.like_inputs if rows.batch.mode == "fwd" else primal.like_outputs
    return like(rows.moved[i].leaves)


def _of(places: list[int], kept: list[int] | None = None) -> list[str]:
    """The function of some leaves of its arguments; some leaves of its result if not all."""
    lines = [
        "def of(*row):",
        f"    moved = dict(zip({places}, row))",
        "    moved = [moved.get(k, x) for k, x in enumerate(leaves)]",
    ]
    if kept is None:
        return [*lines, "    return f(*jax.tree.unflatten(tree, moved))"]
    lines.append("    result = jax.tree.leaves(f(*jax.tree.unflatten(tree, moved)))")
    if len(kept) == 1:
        return [*lines, f"    return result[{kept[0]}]"]
    return [*lines, f"    return [result[k] * 1.0 for k in {kept}]"]  # integers as numbers, too


def _forward(count: int) -> list[str]:
    return ["def g(*row):", f"    return jax.jvp(of, row[:{count}], row[{count}:])"]


def _backward(count: int) -> list[str]:
    return [
        "def g(*row):",
        f"    value, pull = jax.vjp(of, *row[:{count}])",
        f"    return value, pull(jax.tree.unflatten(jax.tree.structure(value), row[{count}:]))",
    ]


# A function that returns the value and what the mode makes of it.
_DERIVATIVE = {"fwd": _forward, "rev": _backward}


def _stacked(axes: list[bool]) -> list[str]:
    if all(axes):
        return ["batch = [jnp.stack(pair) for pair in zip(*rows)]"]
    return [
        f"axes = {as_code(tuple(0 if many else None for many in axes))}",
        "batch = [a if axis is None else jnp.stack([a, b]) for a, b, axis in zip(*rows, axes)]",
    ]
