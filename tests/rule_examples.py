"""For every primitive that has a rule, programs in which JAX uses it.

An example is exact if JAX's own arithmetic is exact on small multiples of 1/4, so that equality can
be asked for; ``domain`` says where its inputs lie otherwise.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from control_examples import CONTROL
from jax import lax
from jax.experimental import checkify
from jax.experimental.layout import Layout, with_layout_constraint
from linear_algebra_examples import LINEAR_ALGEBRA, square
from rule_example import PRECEDING, PRIMITIVES, SINCE, Example, exact

from jaxgrad.programs.jaxprs import equations

ELEMENTWISE: dict[str, Example] = {
    "add": exact(lambda x, y: x + y),
    "add_any": exact(lambda x, y: jax.grad(lambda z: jnp.sum(z * x + z * y))(x) + 0 * y),
    "sub": exact(lambda x, y: x - y),
    "mul": exact(lambda x, y: x * y),
    "div": exact(lambda x, y: x / jnp.where(y > 0, 2.0, -0.5)),
    "neg": exact(lambda x, y: -x),
    "square": exact(lambda x, y: jnp.square(x)),
    "one_minus_square": Example(
        lambda x, y: jax.vmap(jax.grad(jnp.tanh))(x), release=SINCE, gradient=False
    ),
    "max": exact(lambda x, y: jnp.maximum(x, y)),
    "min": exact(lambda x, y: jnp.minimum(x, y)),
    "abs": exact(lambda x, y: abs(x)),
    "sign": exact(lambda x, y: jnp.sign(x)),
    "clamp": exact(lambda x, y: lax.clamp(-1.0, x, y) + lax.clamp(y, x, y + 1)),
    "select_n": exact(lambda x, y: jnp.where(x > y, 2 * x, y)),
    "integer_pow": exact(lambda x, y: x**3 + y**2),
    "lt": exact(lambda x, y: jnp.where(x < y, x, 1.0)),
    "le": exact(lambda x, y: jnp.where(x <= y, x, 1.0)),
    "gt": exact(lambda x, y: jnp.where(x > y, x, 1.0)),
    "ge": exact(lambda x, y: jnp.where(x >= y, x, 1.0)),
    "eq": exact(lambda x, y: jnp.where(x == y, x, 1.0) + jnp.where((x > 0) == (y > 0), x, 2.0)),
    "ne": exact(lambda x, y: jnp.where(x != y, x, 1.0) + jnp.where((x > 0) != (y > 0), x, 2.0)),
    "and": exact(lambda x, y: jnp.where((x > 0) & (y >= 0), x, 3 * y)),
    "or": exact(lambda x, y: jnp.where((x > 0) | (y >= 0), x, 3 * y)),
    "xor": exact(lambda x, y: jnp.where((x > 0) ^ (y >= 0), x, 3 * y)),
    "not": exact(lambda x, y: jnp.where(~(x > 0), x, 3 * y)),
    "is_finite": exact(lambda x, y: jnp.where(jnp.isfinite(x), x, y) + jnp.nan_to_num(y)),
    "convert_element_type": exact(lambda x, y: (x > y).astype(x.dtype) + jnp.arange(4) * y),
    "floor": exact(lambda x, y: jnp.floor(x)),
    "ceil": exact(lambda x, y: jnp.ceil(x)),
    "round": exact(lambda x, y: jnp.round(2 * x) + lax.round(2 * y)),
    "rem": exact(lambda x, y: lax.rem(x, jnp.where(y > 0, 1.5, -1.0))),
    "copy": exact(lambda x, y: jnp.array(x, copy=True)),
    "device_put": exact(lambda x, y: jax.device_put(x)),
    "stop_gradient": exact(lambda x, y: lax.stop_gradient(x) * y),
    "reduce_precision": exact(lambda x, y: lax.reduce_precision(x, 11, 52)),
    "optimization_barrier": exact(lambda x, y: lax.optimization_barrier((x, y))[1]),
    "name": exact(lambda x, y: _named(x)),
    "sharding_constraint": exact(
        lambda x, y: lax.with_sharding_constraint(
            x, jax.sharding.SingleDeviceSharding(jax.devices()[0])
        )
    ),
    "layout_constraint": exact(lambda x, y: with_layout_constraint(x, Layout((0,)))),
    "reshard": exact(lambda x, y: _resharded(x)),
    "exp": Example(lambda x, y: jnp.exp(x)),
    "exp2": Example(lambda x, y: jnp.exp2(x)),
    "log": Example(lambda x, y: jnp.log(x), domain="positive"),
    "log2": Example(lambda x, y: jnp.log2(x), domain="positive", release=SINCE),
    "log1p": Example(lambda x, y: jnp.log1p(x), domain="positive"),
    "expm1": Example(lambda x, y: jnp.expm1(x)),
    "logistic": Example(lambda x, y: jax.nn.sigmoid(x)),
    "tanh": Example(lambda x, y: jnp.tanh(x)),
    "sqrt": Example(lambda x, y: jnp.sqrt(x), domain="positive"),
    "rsqrt": Example(lambda x, y: lax.rsqrt(x), domain="positive"),
    "cbrt": Example(lambda x, y: jnp.cbrt(x)),
    "pow": Example(lambda x, y: x**y + x**2.5 + x**-2.0, domain="positive"),
    "polynomial": exact(lambda x, y: lax.polynomial(x, [y, 2.0, 3.0]), release=SINCE),
    "sin": Example(lambda x, y: jnp.sin(x)),
    "cos": Example(lambda x, y: jnp.cos(x)),
    "tan": Example(lambda x, y: jnp.tan(x), domain="unit"),
    "asin": Example(lambda x, y: jnp.arcsin(x), domain="unit"),
    "acos": Example(lambda x, y: jnp.arccos(x), domain="unit"),
    "atan": Example(lambda x, y: jnp.arctan(x)),
    "atan2": Example(lambda x, y: jnp.arctan2(x, y)),
    "sinh": Example(lambda x, y: jnp.sinh(x)),
    "cosh": Example(lambda x, y: jnp.cosh(x)),
    "asinh": Example(lambda x, y: jnp.arcsinh(x)),
    "acosh": Example(lambda x, y: jnp.arccosh(x), domain="above_one"),
    "atanh": Example(lambda x, y: jnp.arctanh(x), domain="unit"),
    "erf": Example(lambda x, y: lax.erf(x)),
    "erfc": Example(lambda x, y: lax.erfc(x)),
    "erf_inv": Example(lambda x, y: lax.erf_inv(x), domain="unit"),
    "lgamma": Example(lambda x, y: lax.lgamma(x), domain="above_one"),
    "digamma": Example(lambda x, y: lax.digamma(x), domain="above_one"),
    "polygamma": Example(lambda x, y: lax.polygamma(jnp.full(4, 2.0), x), domain="above_one"),
    "zeta": Example(lambda x, y: lax.zeta(x, 0.5 + abs(y)), domain="above_one", gradient=False),
    "bessel_i0e": Example(lambda x, y: lax.bessel_i0e(x)),
    "bessel_i1e": Example(lambda x, y: lax.bessel_i1e(x)),
    "igamma": Example(lambda x, y: lax.igamma(x, 2 * x), domain="positive"),
    "igammac": Example(lambda x, y: lax.igammac(x, 2 * x), domain="positive"),
    "igamma_grad_a": Example(
        lambda x, y: lax.igamma_grad_a(x, 2 * x), domain="positive", gradient=False
    ),
    "regularized_incomplete_beta": Example(
        lambda x, y: lax.betainc(jnp.full(4, 1.5), jnp.full(4, 2.5), abs(x)), domain="unit"
    ),
}


def _named(x: Any) -> Any:
    from jax.ad_checkpoint import checkpoint_name

    return checkpoint_name(2 * x, "twice")


# Of 32 bits: what JAX made of an array of 64 for a trace with x64 it takes for one without, too.
_PLACES = np.array([3, 0, 0, 2], np.int32)

STRUCTURAL: dict[str, Example] = {
    "reshape": exact(lambda x, y: (x.reshape(2, 2) * y.reshape(2, 2)).reshape(4)),
    "squeeze": exact(lambda x, y: x[1] * y),
    "transpose": exact(lambda x, y: x.reshape(2, 2).T @ y.reshape(2, 2)),
    "broadcast_in_dim": exact(lambda x, y: x[:, None] * y[None, :]),
    "slice": exact(lambda x, y: x[1:3] * lax.slice(y, (0,), (4,), (2,))),
    "rev": exact(lambda x, y: x[::-1] * y),
    "concatenate": exact(lambda x, y: jnp.concatenate([x, np.ones(2), y])),
    "stack": exact(lambda x, y: jnp.stack([x, y, np.ones(4)], axis=1)),
    "unstack": exact(lambda x, y: sum(jnp.unstack(x.reshape(2, 2), axis=1)) * y[:2]),
    "tile": exact(lambda x, y: jnp.tile(x, 2)),
    "split": exact(lambda x, y: jnp.split(x, [1])[1] * y[1:]),
    "pad": exact(lambda x, y: lax.pad(x, y[0], [(1, -1, 2)])),
    "gather": exact(
        lambda x, y: (
            x[_PLACES] * jnp.take(y, np.array(2)) + x.at[9].get(mode="fill", fill_value=3.0)
        )
    ),
    "dynamic_slice": exact(lambda x, y: lax.dynamic_slice(x, (np.int32(3),), (2,)) * y[:2]),
    "dynamic_update_slice": exact(lambda x, y: lax.dynamic_update_slice(x, y[:2], (np.int32(1),))),
    "scatter": exact(
        lambda x, y: (
            x.at[np.array([2, 0])].set(y[:2]).at[1].set(3 * y[3]).at[np.array([3, 1])].apply(abs)
        ),
        gradient=False,
    ),
    "scatter-add": exact(lambda x, y: x.at[np.append(_PLACES, 9)].add(jnp.append(y, 1.0))),
    "scatter-sub": exact(lambda x, y: x.at[_PLACES].subtract(y)),
    "scatter-mul": exact(lambda x, y: x.at[_PLACES[1:]].multiply(y[1:]), gradient=False),
    "scatter-max": exact(lambda x, y: x.at[_PLACES].max(y), gradient=False),
    "scatter-min": exact(lambda x, y: x.at[_PLACES].min(y), gradient=False),
    "dot_general": exact(
        lambda x, y: jnp.einsum("bij,bjk->bki", x.reshape(2, 1, 2), y.reshape(2, 2, 1))
    ),
    "conv_general_dilated": exact(lambda x, y: _convolved(x.reshape(1, 1, 2, 2), y)),
    "reduce_sum": exact(lambda x, y: jnp.sum(x.reshape(2, 2), 1) * jnp.sum(y)),
    "reduce_max": exact(lambda x, y: jnp.max(x.reshape(2, 2), 0) + jnp.max(y)),
    "reduce_min": exact(lambda x, y: jnp.min(x.reshape(2, 2), 1) + jnp.min(y)),
    "reduce_prod": exact(lambda x, y: jnp.prod(x[:3]) * y),
    "reduce_and": exact(lambda x, y: jnp.where(jnp.all(x > 0), x, y)),
    "reduce_or": exact(lambda x, y: jnp.where(jnp.any(x > 1), x, y)),
    "cumsum": exact(lambda x, y: jnp.cumsum(x.reshape(2, 2), 1) + lax.cumsum(y, reverse=True)[0]),
    "cumprod": exact(lambda x, y: jnp.cumprod(x[:3])),
    "cummax": exact(lambda x, y: lax.cummax(x)),
    "cummin": exact(lambda x, y: lax.cummin(x, reverse=True)),
    "cumlogsumexp": Example(lambda x, y: lax.cumlogsumexp(x)),
    "sort": exact(lambda x, y: lax.sort((x, y), num_keys=2)[1] * jnp.sort(x), polynomial=False),
    "argmax": exact(lambda x, y: x[jnp.argmax(y)] * y, polynomial=False),
    "argmin": exact(lambda x, y: x[jnp.argmin(y)] * y, polynomial=False),
}


def _convolved(image: Any, kernel: Any) -> Any:
    """Two convolutions with strides, padding, dilations and groups, of 1 x 2 and 1 x 1."""
    first = lax.conv_general_dilated(
        image, kernel.reshape(2, 1, 1, 2), (1, 2), ((0, 1), (-1, 2)), (2, 1), (1, 2)
    )
    each = kernel.reshape(2, 1, 2, 1)[:, :, :1]
    return lax.conv_general_dilated(first, each, (1, 1), "SAME", feature_group_count=2)


def _window(x: Any, start: float, operation: Any, dilation: tuple[int, int] = (1, 1)) -> Any:
    return lax.reduce_window(
        jnp.concatenate([square(x), 2 * square(x)], axis=1), start, operation, (2, 2), (1, 2),
        ((0, 1), (1, 0)), base_dilation=dilation, window_dilation=dilation[::-1],
    )  # fmt: skip


def _largest_in_windows(x: Any) -> Any:
    return _window(x, -np.inf, lax.max)


def _two_results(x: Any, y: Any) -> Any:
    def combine(a: Any, b: Any) -> Any:
        return a[0] + b[0], a[1] * b[1]

    rows = square(x), square(y)
    folded = lax.reduce(rows, (x.dtype.type(0), x.dtype.type(1)), combine, (0,))
    return (*folded, *lax.reduce_window(rows, (x.dtype.type(0), x.dtype.type(1)), combine,
                                        (2, 1), (1, 1), ((1, 0), (0, 0))))  # fmt: skip


def _select_and_scatter(x: Any, y: Any) -> Any:
    number = jax.ShapeDtypeStruct((), x.dtype)
    return PRIMITIVES["select_and_scatter"].bind(
        x, y[:2], jnp.asarray(0.5, x.dtype),
        select_jaxpr=jax.make_jaxpr(lambda a, b: a >= b)(number, number).jaxpr, select_consts=(),
        scatter_jaxpr=jax.make_jaxpr(lambda a, b: a + b)(number, number).jaxpr, scatter_consts=(),
        window_dimensions=(2,), window_strides=(2,), padding=((0, 0),),
    )  # fmt: skip


WINDOWS: dict[str, Example] = {
    "reduce_window_sum": exact(lambda x, y: _window(x, 0.0, lax.add, (2, 1)) * y[0]),
    "reduce_window_max": exact(lambda x, y: _largest_in_windows(x) * y[0]),
    "reduce_window_min": exact(lambda x, y: _window(x, np.inf, lax.min, (1, 2)), gradient=False),
    "select_and_gather_add": Example(  # of those that tie any
        lambda x, y: jax.jvp(_largest_in_windows, (x,), (y,))[1], polynomial=False
    ),
    "select_and_scatter_add": exact(
        lambda x, y: jax.vjp(_largest_in_windows, x)[1](jnp.stack([y[:2], y[2:]]))[0]
    ),
    "select_and_scatter": exact(_select_and_scatter, polynomial=False, gradient=False),
    "reduce_window": exact(_two_results, gradient=False),
    "reduce": exact(_two_results, gradient=False),
    "reduce_xor": exact(
        lambda x, y: jnp.where(lax.reduce(x > y, np.bool_(False), lax.bitwise_xor, (0,)), x, y)
    ),
}

ORDER: dict[str, Example] = {
    "top_k": exact(lambda x, y: lax.top_k(x, 2)[0] * y[lax.top_k(x, 2)[1]], polynomial=False),
}


def _watched(x: Any, y: Any) -> Any:
    jax.debug.callback(lambda value: None, x)
    jax.debug.print("", ordered=False)
    return x * y


def _checked(x: Any, y: Any) -> Any:
    checkify.debug_check(jnp.all(x * x >= 0), "a square is negative")
    return x * y


def _resharded(x: Any) -> Any:
    mesh = jax.make_mesh((1,), ("only",), axis_types=(jax.sharding.AxisType.Explicit,))
    return jax.sharding.reshard(
        x, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None))
    )


def _on_one_device(x: Any, y: Any) -> Any:
    mesh = jax.make_mesh((1,), ("only",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("only")
    return jax.shard_map(lambda a: a * a, mesh=mesh, in_specs=spec, out_specs=spec)(x) * y


EFFECTS: dict[str, Example] = {
    "check": exact(_checked),
    "debug_callback": exact(_watched),
    "debug_print": exact(_watched),
    "shard_map": exact(_on_one_device, gradient=False),
}

# Orders that no public function emits in every release, of numbers that are not 0.
TOTAL_ORDERS: dict[str, Example] = {
    name: exact(
        lambda x, y, name=name: jnp.where(PRIMITIVES[name].bind(x + 0.125, y + 0.125), x, 2 * y),
        polynomial=False,
        gradient=False,
    )
    for name in ("lt_to", "le_to", "eq_to")
}
# Primitives that jax.extend does not name.
UNNAMED: dict[str, Example] = {
    "call_hi_primitive": exact(
        lambda x, y: jnp.ldexp(x, np.array([1, 0, -2, 3])) * y, release=SINCE
    ),
}

# Primitives that no public function emits, bound by hand.
BOUND: dict[str, str | None] = {"call": PRECEDING, "closed_call": PRECEDING, "eval_jaxpr": SINCE}
# Primitives that read bits have rules to say why they are refused; `nextafter` has its own tests.
BITS = ("bitcast_convert_type", "nextafter", "random_bits")
# Primitives that run Python code: the same.
CALLBACKS = ("io_callback", "pure_callback")

EXAMPLES = (
    ELEMENTWISE
    | STRUCTURAL
    | CONTROL
    | LINEAR_ALGEBRA
    | WINDOWS
    | ORDER
    | EFFECTS
    | TOTAL_ORDERS
    | UNNAMED
)


def primitive_names(closed: Any) -> set[str]:
    """The names of all primitives in a jaxpr, inner programs included."""
    return {equation.primitive.name for equation in equations(closed)}
