"""JAX programs said again in HIPS autograd and in PyTorch: their checkers see the same rule.

The function becomes one primitive of the other library: its value is the program of the primal,
its derivatives are the programs of ``jax.jvp`` and ``jax.vjp``, right or wrong as they are.  What
is not in the tables below is not expressible.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case
from jaxgrad.programs.custom_rules import strip_custom_rules

__all__ = [
    "NotExpressible",
    "Programs",
    "autograd_library",
    "evaluate",
    "programs",
    "torch_library",
]

CALLS = (
    "jit", "closed_call", "remat2", "eval_jaxpr", "custom_jvp_call", "custom_vjp_call",
    "linear_call",
)  # fmt: skip


class NotExpressible(Exception):
    """The other library has no counterpart."""


@dataclass(frozen=True)
class Programs:
    """One function of flat arrays with one flat result, and its derivatives by JAX's rules.

    Args:
        point: the arguments as float64.
        result: what the function gives there.
        value: the program of the primal.
        forward: the program (point, direction) ↦ tangent.
        backward: the program (point, cotangent) ↦ gradient.
    """

    point: list[np.ndarray]
    result: np.ndarray
    value: Any
    forward: Any
    backward: Any


def programs(case: Case) -> Programs:
    """The programs of a case, traced in float64, the precision that both libraries ask for."""
    leaves, tree = jax.tree.flatten(case.args)
    moving = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(_dtype(leaf), jnp.floating)]
    if case.dtypes or any(jnp.finfo(_dtype(leaves[i])).bits < 32 for i in moving):
        raise NotExpressible("the check is about floats of one dtype; theirs are for float64")
    if len(moving) != len(leaves):
        raise NotExpressible("an argument that is not floating point")
    with jax.enable_x64(True):
        point = [np.asarray(leaf, np.float64) for leaf in leaves]

        def flat(*xs: Any) -> Any:
            outputs = jax.tree.leaves(case.function(*jax.tree.unflatten(tree, xs)))
            return outputs[0] if len(outputs) == 1 else _joined(outputs)

        closed = jax.make_jaxpr(flat)(*point)
        value = jax.make_jaxpr(lambda *xs: strip_custom_rules(closed)(*xs)[0])(*point)
        result = np.asarray(flat(*map(jnp.asarray, point)))
        u = np.ones(result.shape)
        n = len(point)
        forward = jax.make_jaxpr(lambda *a: jax.jvp(flat, a[:n], a[n:])[1])(*point, *point)
        backward = jax.make_jaxpr(lambda *a: jax.vjp(flat, *a[:n])[1](a[n]))(*point, u)
    return Programs(point, result, value, forward, backward)


def _dtype(leaf: Any) -> Any:
    return getattr(leaf, "dtype", np.asarray(leaf).dtype)


def _joined(outputs: list[Any]) -> Any:
    return jnp.concatenate([jnp.ravel(y) for y in outputs])


# -- the walker ----------------------------------------------------------------------------------
def evaluate(closed: Any, inputs: Any, library: Any) -> list[Any]:
    """Runs a program over the arrays of another library."""
    return _walk(closed.jaxpr, closed.consts, inputs, library)


def _walk(jaxpr: Any, consts: Any, inputs: Any, library: Any) -> list[Any]:
    values = dict(zip(jaxpr.constvars, (library.array(np.asarray(c)) for c in consts), strict=True))
    values.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Any:
        return library.array(np.asarray(atom.val)) if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        name = equation.primitive.name
        if name in CALLS:
            inner = next(equation.params[k] for k in ("jaxpr", "call_jaxpr", "callee")
                         if k in equation.params)  # fmt: skip
            outputs = _walk(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()),
                            operands, library)  # fmt: skip
        elif name in _SHAPED:
            outputs = _SHAPED[name](library, equation, *operands)
            outputs = outputs if equation.primitive.multiple_results else [outputs]
        elif name in library.elementwise:
            outputs = [library.elementwise[name](*operands)]
        else:
            raise NotExpressible(f"the primitive {name}")
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _broadcast(library: Any, equation: Any, x: Any, *_: Any) -> Any:
    shape = equation.params["shape"]
    kept = [1] * len(shape)
    for axis, size in zip(
        equation.params["broadcast_dimensions"], equation.invars[0].aval.shape, strict=True
    ):
        kept[axis] = size
    x = library.reshape(x, tuple(kept))
    if equation.invars[0].aval.dtype == np.dtype(bool) or tuple(kept) == tuple(shape):
        return library.broadcast(x, shape) if tuple(kept) != tuple(shape) else x
    return x * library.array(np.ones(shape))


def _product(library: Any, equation: Any, a: Any, b: Any) -> Any:
    (contract, batch) = equation.params["dimension_numbers"]
    names = iter("abcdefghijklmnop")
    left = [next(names) for _ in equation.invars[0].aval.shape]
    right = [next(names) for _ in equation.invars[1].aval.shape]
    for i, j in (*zip(*contract, strict=True), *zip(*batch, strict=True)):
        right[j] = left[i]
    shared = [left[i] for i in batch[0]]
    used = {*(left[i] for i in contract[0]), *shared}
    free = [x for x in (*left, *right) if x not in used]
    return library.einsum(f"{''.join(left)},{''.join(right)}->{''.join([*shared, *free])}", a, b)


def _slice(library: Any, equation: Any, x: Any) -> Any:
    p = equation.params
    strides = p["strides"] or [1] * len(p["start_indices"])
    return x[tuple(slice(*ends) for ends in
                   zip(p["start_indices"], p["limit_indices"], strides, strict=True))]  # fmt: skip


def _pad(library: Any, equation: Any, x: Any, value: Any) -> Any:
    for axis, (low, high, interior) in enumerate(equation.params["padding_config"]):
        if low < 0 or high < 0 or interior:
            raise NotExpressible("pad with negative or interior padding")
        shape = list(np.shape(x))
        parts = [x]
        for width, place in ((low, 0), (high, len(parts) + 1)):
            if width:
                shape[axis] = width
                parts.insert(place, value * library.array(np.ones(shape)))
        x = library.concatenate(parts, axis) if len(parts) > 1 else x
    return x


def _split(library: Any, equation: Any, x: Any) -> list[Any]:
    ends = np.cumsum(equation.params["sizes"])
    before = (slice(None),) * equation.params["axis"]
    return [x[(*before, slice(end - n, end))]
            for end, n in zip(ends, equation.params["sizes"], strict=True)]  # fmt: skip


def _stack(library: Any, equation: Any, *xs: Any) -> Any:
    axis = equation.params["axis"]
    shape = list(equation.outvars[0].aval.shape)
    shape[axis] = 1
    return library.concatenate([library.reshape(x, tuple(shape)) for x in xs], axis)


def _select(library: Any, equation: Any, predicate: Any, *cases: Any) -> Any:
    if len(cases) != 2 or equation.invars[0].aval.dtype != np.dtype(bool):
        raise NotExpressible("a selection among more than two")
    return library.where(predicate, cases[1], cases[0])


def _convert(library: Any, equation: Any, x: Any) -> Any:
    old, new = equation.invars[0].aval.dtype, np.dtype(equation.params["new_dtype"])
    if old == new or (jnp.issubdtype(old, jnp.floating) and jnp.issubdtype(new, jnp.floating)):
        return x
    return library.cast(x, new)


def _reduction(name: str) -> Callable[..., Any]:
    def apply(library: Any, equation: Any, x: Any) -> Any:
        axes = tuple(equation.params["axes"])
        return getattr(library, name)(x, axes) if axes else x

    return apply


def _argument_free(library: Any, equation: Any) -> Any:
    p = equation.params
    line = np.arange(p["shape"][p["dimension"]], dtype=p["dtype"])
    shape = [1] * len(p["shape"])
    shape[p["dimension"]] = -1
    return library.array(np.array(np.broadcast_to(line.reshape(shape), p["shape"])))


_SHAPED: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda lib, e, *xs: lib.concatenate(list(xs), e.params["dimension"]),
    "convert_element_type": _convert,
    "dot_general": _product,
    "integer_pow": lambda lib, e, x: x ** e.params["y"],
    "iota": _argument_free,
    "pad": _pad,
    "reduce_and": _reduction("all"),
    "reduce_max": _reduction("max"),
    "reduce_min": _reduction("min"),
    "reduce_sum": _reduction("sum"),
    "reshape": lambda lib, e, x: lib.reshape(x, tuple(e.params["new_sizes"])),
    "rev": lambda lib, e, x: lib.flip(x, tuple(e.params["dimensions"])),
    "select_n": _select,
    "slice": _slice,
    "expand_dims": lambda lib, e, x: lib.reshape(x, e.outvars[0].aval.shape),
    "split": _split,
    "stack": _stack,
    "squeeze": lambda lib, e, x: lib.reshape(x, e.outvars[0].aval.shape),
    "transpose": lambda lib, e, x: lib.transpose(x, tuple(e.params["permutation"])),
}

# The same in both libraries.
_COMMON: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "add_any": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: x**y,
    "square": lambda x: x * x,
    "copy": lambda x: x,
    "optimization_barrier": lambda x: x,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "not": lambda x: ~x,
    "is_finite": lambda x: abs(x) < math.inf,
}
_NUMPY_NAMES = {
    "exp": "exp", "exp2": "exp2", "log": "log", "log1p": "log1p", "expm1": "expm1", "sin": "sin",
    "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sqrt": "sqrt",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "atan2": "arctan2", "abs": "abs", "sign": "sign", "max": "maximum",
    "min": "minimum", "floor": "floor", "ceil": "ceil",
}  # fmt: skip


def autograd_library() -> Any:
    """Arrays of HIPS autograd."""
    from autograd.extend import notrace_primitive

    anp: Any = import_module("autograd.numpy")
    special: Any = import_module("autograd.scipy.special")

    stop = notrace_primitive(lambda x: x)
    table = {name: getattr(anp, theirs) for name, theirs in _NUMPY_NAMES.items()}
    table |= {
        # autograd has no forward rule of its expit
        "logistic": lambda x: (anp.tanh(x / 2) + 1) / 2, "erf": special.erf, "erfc": special.erfc,
        "lgamma": special.gammaln, "digamma": special.digamma, "erf_inv": special.erfinv,
        "rsqrt": lambda x: x**-0.5, "stop_gradient": stop,
    }  # fmt: skip
    return SimpleNamespace(
        elementwise={**_COMMON, **table},
        array=lambda x: x,
        reshape=anp.reshape,
        broadcast=np.broadcast_to,
        concatenate=lambda xs, axis: anp.concatenate(xs, axis=axis),
        where=anp.where,
        einsum=anp.einsum,
        transpose=anp.transpose,
        flip=lambda x, axes: x[tuple(slice(None, None, -1 if k in axes else 1)
                                     for k in range(np.ndim(x)))],
        cast=lambda x, dtype: stop(x).astype(dtype),
        all=lambda x, axes: np.all(x, axis=axes),
        max=lambda x, axes: anp.max(x, axis=axes),
        min=lambda x, axes: anp.min(x, axis=axes),
        sum=lambda x, axes: anp.sum(x, axis=axes),
    )  # fmt: skip


def torch_library() -> Any:
    """Tensors of PyTorch."""
    import torch

    table = {name: getattr(torch, theirs) for name, theirs in _NUMPY_NAMES.items()}
    table |= {
        "logistic": torch.sigmoid, "erf": torch.erf, "erfc": torch.erfc, "lgamma": torch.lgamma,
        "digamma": torch.digamma, "erf_inv": torch.erfinv, "rsqrt": torch.rsqrt,
        "stop_gradient": lambda x: x.detach(),
    }  # fmt: skip
    kinds = {np.dtype(np.float64): torch.float64, np.dtype(bool): torch.bool}
    return SimpleNamespace(
        elementwise={**_COMMON, **table},
        array=lambda x: torch.as_tensor(np.array(x)),
        reshape=torch.reshape,
        broadcast=torch.broadcast_to,
        concatenate=lambda xs, axis: torch.cat(xs, dim=axis),
        where=torch.where,
        einsum=torch.einsum,
        transpose=torch.permute,
        flip=torch.flip,
        cast=lambda x, dtype: x.to(kinds.get(np.dtype(dtype), torch.int64)),
        all=lambda x, axes: x.amin(dim=axes),
        max=lambda x, axes: torch.amax(x, dim=axes),
        min=lambda x, axes: torch.amin(x, dim=axes),
        sum=lambda x, axes: torch.sum(x, dim=axes),
    )
