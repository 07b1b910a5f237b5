"""Programs of several devices as programs of one: a vmap over the axes of the mesh.

Each device runs the same program on a block of the arrays.  Blocks become rows, and JAX's own
batching rules make sums and moves along the rows of what devices send one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr

from jaxgrad.programs.dtypes import as_wide_as, has_64_bits
from jaxgrad.programs.evaluated import evaluated
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.jaxprs import CALLS, inner_jaxpr
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.meanings import inner_programs, kinds_of

__all__ = ["SHARD_MAP", "sharded_program", "why_not_sharded"]

SHARD_MAP = "shard_map"

# What says on which devices entries lie, or between which a value is the same: the value stays.
_IDENTITIES = frozenset({
    "pvary", "preduced", "reduced_vary_cast", "reduced_vary_cast_p", "sharding_constraint",
    "reshard", "layout_constraint", "relayout", "device_put",
})  # fmt: skip
_PLACES = ("out_sharding", "sharding")

# What was read, or why nothing was.
_READ: Kept[tuple[Any | None, str]] = Kept()


def sharded_program(equation: Any) -> Any | None:
    """The closed jaxpr that computes what a ``shard_map`` does; None where JAX has none for it.

    Example:
        >>> mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
        >>> spec = jax.sharding.PartitionSpec("i")
        >>> scaled = jax.shard_map(
        ...     lambda x: x * lax.axis_size("i"), mesh=mesh, in_specs=spec, out_specs=spec
        ... )
        >>> (equation,) = jax.make_jaxpr(scaled)(jnp.ones(2)).eqns
        >>> sharded_program(equation).out_avals
        [ShapedArray(float32[2])]
    """
    return _reading(equation)[0]


def why_not_sharded(equation: Any) -> str:
    """Why there is none, in words."""
    return _reading(equation)[1]


def _reading(equation: Any) -> tuple[Any | None, str]:
    params, shapes = equation.params, tuple(str(v.aval) for v in equation.invars)
    key = shapes, has_64_bits(), tuple(sorted((name, id(x)) for name, x in params.items()))
    return _READ.of(key, params, lambda: _read(equation))


def _read(equation: Any) -> tuple[Any | None, str]:
    try:
        return _traced(equation), ""
    except Exception as error:  # whatever JAX raises of what it has no batching rule for
        return None, first_line(error)


def _traced(equation: Any) -> Any:
    inputs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    with as_wide_as(equation):
        closed = jax.make_jaxpr(lambda *xs: tuple(_in_rows(equation, xs)))(*inputs)
    if kinds_of(closed.out_avals) != kinds_of(v.aval for v in equation.outvars):
        raise NotImplementedError(
            f"blocks of another shape {closed.out_avals} {[v.aval for v in equation.outvars]}"
        )
    return closed


def _in_rows(equation: Any, arrays: Sequence[Any]) -> list[Any]:
    """The results of a ``shard_map`` of whole arrays."""
    params = equation.params
    mesh, specs = params["mesh"], (*params["in_specs"], *params["out_specs"])
    if any(getattr(spec, "unreduced", ()) for spec in specs):
        raise NotImplementedError("arrays of which each device has a part of a sum")
    axes = [name for name in mesh.axis_names if name in params["newly_manual_axes"]]
    sizes = {name: mesh.shape[name] for name in axes}
    used = [_axes_of(spec, axes) for spec in params["in_specs"]]
    rows = [
        _split(x, spec, names, sizes)
        for x, spec, names in zip(arrays, params["in_specs"], used, strict=True)
    ]

    def run(*blocks: Any) -> list[Any]:
        return _of_one_device(params["jaxpr"], blocks, mesh.axis_names)

    mapped: Callable[..., list[Any]] = run
    for name in reversed(axes):  # the first axis of the mesh is the outermost
        within = [0 if name in names else None for names in used]
        mapped = jax.vmap(mapped, in_axes=within, axis_name=name, axis_size=sizes[name])
    return [
        _joined(x, spec, axes, sizes)
        for x, spec in zip(mapped(*rows), params["out_specs"], strict=True)
    ]


def _axes_of(spec: Any, axes: Sequence[str]) -> list[str]:
    """The axes of the mesh along which an array is split, in the order of the mesh."""
    named = [name for entry in spec for name in _names(entry)]
    return [name for name in axes if name in named]


def _names(entry: Any) -> tuple[Any, ...]:
    """Those along which one axis of an array is split."""
    if entry is None:
        return ()
    return tuple(entry) if isinstance(entry, tuple) else (entry,)


def _split(array: Any, spec: Any, axes: Sequence[str], sizes: dict[str, int]) -> Any:
    """An array as blocks, one axis in front for each axis of the mesh that it is split along."""
    shape, places = [], {}
    for n, entry in zip(array.shape, (*spec, *[None] * array.ndim), strict=False):
        names = [name for name in _names(entry) if name in sizes]
        for name in names:
            places[name] = len(shape)
            shape.append(sizes[name])
        shape.append(n // math.prod(sizes[name] for name in names))
    front = [places[name] for name in axes]
    return jnp.moveaxis(jnp.reshape(array, shape), front, range(len(front)))


def _joined(rows: Any, spec: Any, axes: Sequence[str], sizes: dict[str, int]) -> Any:
    """The array of which the rows are blocks; of what is the same on several devices the first."""
    kept = _axes_of(spec, axes)
    rows = rows[tuple(slice(None) if name in kept else 0 for name in axes)]
    entries = (*spec, *[None] * rows.ndim)[: rows.ndim - len(kept)]
    order, shape = [], []
    for k, entry in enumerate(entries):
        names = [name for name in _names(entry) if name in sizes]
        order += [*(kept.index(name) for name in names), len(kept) + k]
        shape.append(rows.shape[len(kept) + k] * math.prod(sizes[name] for name in names))
    return jnp.reshape(jnp.transpose(rows, order), shape)


def _of_one_device(program: Any, inputs: Sequence[Any], order: Sequence[str]) -> list[Any]:
    """The results of the program of one device, in which no array lies anywhere.

    Args:
        program: a jaxpr.
        inputs: blocks of the arrays.
        order: the axes of the mesh, the outermost first.
    """
    return evaluated(program, inputs, lambda equation, values: _apply(equation, values, order))


def _apply(equation: Any, values: list[Any], order: Sequence[str]) -> Sequence[Any]:
    name, primitive = equation.primitive.name, equation.primitive
    if name in _IDENTITIES:
        return values
    if "unreduced" in name:
        raise NotImplementedError(f"`{name}`, of which each device has a part of a sum")
    if name == "psum_invariant":
        return lax.psum(values, equation.params["axes"])
    if name == "ppermute":
        return [_permuted(equation.params, x, order) for x in values]
    if name in CALLS:
        return _of_one_device(inner_jaxpr(equation.params), values, order)
    if name == SHARD_MAP:
        return _in_rows(equation, values)
    params = {key: _placeless(key, value, order) for key, value in equation.params.items()}
    if name in ("all_gather", "all_gather_invariant"):
        return [_all_gathered(params, x) for x in values]
    if name == "reduce_scatter":
        return [_scattered(params, x) for x in values]
    if params.get("axis_index_groups") is not None:
        return [_in_groups(name, params, x) for x in values]
    outputs = primitive.bind(*values, **primitive.get_bind_params(params))
    return list(outputs) if primitive.multiple_results else [outputs]


def _of_all_devices(x: Any, axes: Any) -> Any:
    """A row for each device along some axes of the mesh."""
    names = _names(axes)
    for name in reversed(names):
        x = lax.all_gather(x, name)
    return jnp.reshape(x, (-1, *x.shape[len(names) :]))


def _permuted(params: dict[str, Any], x: Any, order: Sequence[str]) -> Any:
    """What devices send to one another; who is sent nothing has 0.

    Here alone JAX numbers devices in the order of the mesh, in whichever order axes are given.
    """
    axes = tuple(sorted(_names(params["axis_name"]), key=list(order).index))
    given = dict((to, by) for by, to in params["perm"])
    senders = jnp.asarray([given.get(k, -1) for k in range(lax.axis_size(axes))])
    sender = senders[lax.axis_index(axes)]
    return jnp.where(sender < 0, jnp.zeros_like(x), _of_all_devices(x, axes)[sender])


def _of_group(params: dict[str, Any], x: Any, axes: Any) -> tuple[Any, Any]:
    """A row for each device of the group of this one, and its own place in it.

    All are in one where there are no groups.
    """
    rows, own, groups = _of_all_devices(x, axes), lax.axis_index(axes), params["axis_index_groups"]
    if groups is None:
        return rows, own
    place = {device: (list(group), k) for group in groups for k, device in enumerate(group)}
    members, places = zip(*(place[device] for device in range(len(place))), strict=True)
    return rows[jnp.asarray(members)[own]], jnp.asarray(places)[own]


def _all_gathered(params: dict[str, Any], x: Any) -> Any:
    rows, _ = _of_group({"axis_index_groups": None} | params, x, params["axis_name"])
    place, count = params["all_gather_dimension"], rows.shape[0]
    rows = jnp.moveaxis(rows, 0, place)
    if not params["tiled"]:
        return rows
    return jnp.reshape(rows, (*x.shape[:place], count * x.shape[place], *x.shape[place + 1 :]))


def _scattered(params: dict[str, Any], x: Any) -> Any:
    """The part of a sum that is this device's."""
    rows, own = _of_group(params, x, params["axis_name"])
    total, along = jnp.sum(rows, 0), params["scatter_dimension"]
    if params["tiled"]:
        shape = list(total.shape)
        shape[along : along + 1] = [len(rows), shape[along] // len(rows)]
        total = jnp.reshape(total, shape)
    return lax.dynamic_index_in_dim(total, own, along, keepdims=False)


_OF_GROUPS = {"psum": jnp.sum, "pmax": jnp.max, "pmin": jnp.min}


def _in_groups(name: str, params: dict[str, Any], x: Any) -> Any:
    """What is computed of the values of a group of devices."""
    if name not in _OF_GROUPS:
        raise NotImplementedError(f"`{name}` in groups of devices")
    return _OF_GROUPS[name](_of_group(params, x, params["axes"])[0], 0)


def _placeless(key: str, value: Any, order: Sequence[str]) -> Any:
    """A parameter that says nothing of devices, nor do programs in it."""
    if key in _PLACES:
        return None
    if not inner_programs({key: value}):
        return value
    if isinstance(value, tuple | list):
        return type(value)(_placeless(key, part, order) for part in value)
    closed = value if hasattr(value, "consts") else ClosedJaxpr(value, ())
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in closed.in_avals]
    read = jax.make_jaxpr(lambda *xs: _of_one_device(closed, xs, order))(*shapes)
    return read if hasattr(value, "consts") else read.jaxpr
