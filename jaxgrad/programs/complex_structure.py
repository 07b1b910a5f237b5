"""What moves, sums and multiplies arrays of complex numbers, and control flow over them."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.complex_functions import multiplied
from jaxgrad.programs.complex_parts import (
    Pair,
    Values,
    complex_rule,
    evaluated_in_parts,
    flat_parts,
    is_complex,
    joined_parts,
    real_dtype,
    shape_in_parts,
    traced_parts,
)
from jaxgrad.programs.evaluated import bind
from jaxgrad.programs.jaxprs import CALLS, holds_primitive, inner_jaxpr, scan_parts, while_parts

__all__ = ["MATRIX_IN_PARTS"]

# Parameters that name a dtype, of the results or of what is summed up.
_DTYPES = ("preferred_element_type", "dtype", "new_dtype")


@complex_rule(
    "reshape", "squeeze", "transpose", "broadcast_in_dim", "slice",
    "rev", "tile", "split", "unstack", "concatenate", "stack", "pad", "gather", "dynamic_slice",
    "dynamic_update_slice", "scatter", "scatter-add", "scatter-sub", "reduce_sum", "cumsum", "copy",
    "copy_p", "device_put", "stop_gradient", "reduce_window_sum", "optimization_barrier",
)  # fmt: skip
def _by_parts(equation: Any, values: Values) -> list[Any]:
    """The same of either part, by the same indices and choices."""
    params = _of_parts(equation.params)
    if params.get("update_jaxpr") is not None:
        number = jax.ShapeDtypeStruct((), real_dtype(equation.outvars[0].aval.dtype))
        combined = lax.sub if equation.primitive.name == "scatter-sub" else lax.add
        params["update_jaxpr"] = jax.make_jaxpr(combined)(number, number).jaxpr
    parts = [
        bind(equation, [x[k] if isinstance(x, Pair) else x for x in values], params | filled)
        for k, filled in enumerate(_fillings(params))
    ]
    return [
        Pair(*both) if is_complex(v) else both[0]
        for v, *both in zip(equation.outvars, *parts, strict=True)
    ]


@complex_rule("neg", "add", "sub", "add_any", "select_n")
def _by_entries(equation: Any, values: Values) -> list[Any]:
    """As above, where a number may stand for an array of it."""
    shape = equation.outvars[0].aval.shape

    def filled(value: Any) -> Any:
        if isinstance(value, Pair):
            return Pair(*map(filled, value))
        return value if np.shape(value) == shape else jnp.broadcast_to(value, shape)

    # The choice of a `select_n` may be one for all entries.
    first = 1 if equation.primitive.name == "select_n" else 0
    return _by_parts(equation, [*values[:first], *map(filled, values[first:])])


def _fillings(params: dict[str, Any]) -> list[dict[str, Any]]:
    """What a gather beyond the bounds gives of either part, where that is said."""
    value = params.get("fill_value")
    if value is None:
        return [{}, {}]
    return [{"fill_value": float(part)} for part in (np.real(value), np.imag(value))]


def _of_parts(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an operation on real parts."""
    found = {name: params[name] for name in _DTYPES if params.get(name) is not None}
    return params | {name: real_dtype(dtype) for name, dtype in found.items()}


@complex_rule("convert_element_type")
def _converted(equation: Any, values: Values) -> list[Any]:
    (value,), (variable,) = values, equation.outvars
    dtype = real_dtype(variable.aval.dtype)
    if variable.aval.dtype == bool:
        return [(value.real != 0) | (value.imag != 0)]
    if not is_complex(variable):
        return [lax.convert_element_type(value.real, dtype)]
    if not isinstance(value, Pair):
        return [Pair(lax.convert_element_type(value, dtype), np.zeros(variable.aval.shape, dtype))]
    return [Pair(*(lax.convert_element_type(part, dtype) for part in value))]


@complex_rule("empty2")
def _empty(equation: Any, values: Values) -> list[Any]:
    (variable,) = equation.outvars
    nothing = np.zeros(variable.aval.shape, real_dtype(variable.aval.dtype))
    return [Pair(nothing, nothing)]


@complex_rule("iota")
def _iota(equation: Any, values: Values) -> list[Any]:
    (real,) = bind(equation, values, _of_parts(equation.params))
    return [Pair(real, np.zeros(real.shape, real.dtype))]


@complex_rule("dot_general", "conv_general_dilated")
def _product(equation: Any, values: Values) -> list[Any]:
    """Of (a + ib)(c + id) the real part is ac − bd, and the imaginary one ad + bc."""
    params = _of_parts(equation.params)

    def of(x: Any, y: Any) -> Any:
        return bind(equation, [x, y], params)[0]

    x, y = values
    if not isinstance(x, Pair):
        return [Pair(*(of(x, part) for part in y))]
    if not isinstance(y, Pair):
        return [Pair(*(of(part, y) for part in x))]
    (a, b), (c, d) = x, y
    return [Pair(of(a, c) - of(b, d), of(a, d) + of(b, c))]


@complex_rule("scatter-mul")
def _scattered_product(equation: Any, values: Values) -> list[Any]:
    """Of what is multiplied at most once: the array times a one where nothing is scattered."""
    (value, indices, updates), params = values, equation.params
    if not params["unique_indices"]:
        raise UnsupportedPrimitive(
            "`scatter-mul` of complex numbers has no rule where an entry may be multiplied twice; "
            "if none is, say so: unique_indices=True"
        )
    names = "dimension_numbers", "indices_are_sorted", "unique_indices", "mode"
    options = {name: params[name] for name in names}
    one = Pair(jnp.ones_like(value.real), jnp.zeros_like(value.real))
    parts = zip(one, updates, strict=True)
    return [multiplied(value, Pair(*(lax.scatter(x, indices, u, **options) for x, u in parts)))]


@complex_rule("reduce_prod")
def _reduced_product(equation: Any, values: Values) -> list[Any]:
    (value,), axes = values, equation.params["axes"]
    kept = [axis for axis in range(len(value.shape)) if axis not in axes]
    parts = [lax.transpose(x, (*axes, *kept)) for x in map(jnp.asarray, value)]
    shape = equation.outvars[0].aval.shape
    rows = Pair(*(x.reshape((-1, *shape)) for x in parts))
    one = Pair(jnp.ones(shape, rows.real.dtype), jnp.zeros(shape, rows.real.dtype))
    every = [Pair(rows.real[i], rows.imag[i]) for i in range(rows.real.shape[0])]
    return [functools.reduce(multiplied, every) if every else one]


@complex_rule("cumprod")
def _products(equation: Any, values: Values) -> list[Any]:
    (value,), axis = values, equation.params["axis"]
    count = value.shape[axis]
    order = range(count)[:: -1 if equation.params["reverse"] else 1]
    found: dict[int, Pair] = {}
    product: Pair | None = None
    for i in order:
        row = Pair(*(lax.index_in_dim(x, i, axis, keepdims=True) for x in map(jnp.asarray, value)))
        product = row if product is None else multiplied(product, row)
        found[i] = product
    if not found:
        return [value]
    rows = [found[i] for i in range(count)]
    return [Pair(*(lax.concatenate([row[k] for row in rows], axis) for k in range(2)))]


@complex_rule("sort")
def _sorted(equation: Any, values: Values) -> list[Any]:
    """By the real part, then by the imaginary one."""
    keys = len(flat_parts(values[: equation.params["num_keys"]]))
    outputs = bind(equation, flat_parts(values), equation.params | {"num_keys": keys})
    return joined_parts(equation.outvars, outputs)


MATRIX_IN_PARTS = "matrix_in_parts"
"""The primitive of a function of complex matrices: of their parts, by ``name`` and ``options``."""

_matrix_p = Primitive(MATRIX_IN_PARTS)
_matrix_p.multiple_results = True
_matrix_p.def_abstract_eval(lambda *_, results, **__: list(results))


@complex_rule(
    "cholesky",
    "triangular_solve",
    "lu",
    "qr",
    "geqrf",
    "householder_product",
    "eigh",
    "svd",
    "eig",
    "schur",
)
def _of_matrices(equation: Any, values: Values) -> list[Any]:
    shapes = flat_parts(map(shape_in_parts, equation.outvars))
    outputs = _matrix_p.bind(
        *flat_parts(values),
        name=equation.primitive.name,
        options=tuple(equation.params.items()),
        results=tuple(ShapedArray(x.shape, x.dtype) for x in shapes),
    )
    return joined_parts(equation.outvars, outputs)


# -- programs within programs ----------------------------------------------------------------------


@complex_rule(*CALLS)
def _call(equation: Any, values: Values) -> list[Any]:
    return evaluated_in_parts(inner_jaxpr(equation.params), values)


@complex_rule("scan")
def _scan(equation: Any, values: Values) -> list[Any]:
    params = equation.params
    fixed, start, rows = scan_parts(params, values)
    carry = len(start)

    def turn(state: list[Any], row: list[Any]) -> tuple[list[Any], list[Any]]:
        outputs = evaluated_in_parts(params["jaxpr"], [*fixed, *state, *row])
        return outputs[:carry], outputs[carry:]

    ends, collected = lax.scan(turn, start, rows, params["length"], params["reverse"])
    return [*ends, *collected]


@complex_rule("while")
def _while(equation: Any, values: Values) -> list[Any]:
    params = equation.params
    of_test, fixed, start = map(flat_parts, while_parts(params, values))
    changed = {name: traced_parts(params[name]) for name in ("cond_jaxpr", "body_jaxpr")}
    changed |= {"cond_nconsts": len(of_test), "body_nconsts": len(fixed)}
    # A test of many numbers at once is what vmap leaves.
    outputs = bind(equation, [*of_test, *fixed, *start], params | changed)
    return joined_parts(equation.outvars, outputs)


@complex_rule("cond")
def _cond(equation: Any, values: Values) -> list[Any]:
    branches = tuple(map(traced_parts, equation.params["branches"]))
    outputs = bind(equation, flat_parts(values), equation.params | {"branches": branches})
    return joined_parts(equation.outvars, outputs)


@complex_rule("custom_linear_solve")
def _solve(equation: Any, values: Values) -> list[Any]:
    lengths, solve = equation.params["const_lengths"], equation.params["jaxprs"].solve
    if holds_primitive(solve, ("while", "scan")):  # which may end before the solution
        raise UnsupportedPrimitive(
            "a `custom_linear_solve` of complex numbers whose solver iterates has no rule; solve "
            "for the real and the imaginary parts, or by jnp.linalg.solve"
        )
    first = lengths.matvec + lengths.vecmat
    fixed = values[first:][: lengths.solve]
    return evaluated_in_parts(solve, [*fixed, *values[sum(lengths) :]])
