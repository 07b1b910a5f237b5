"""For every primitive that has a rule, programs in which JAX uses it.

An example is exact if JAX's own arithmetic is exact on small multiples of 1/4, so that equality can
be asked for; ``domain`` says where its inputs lie otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import checkify
from jax.extend.core import Primitive, primitives

# JAX's primitives by name; the attribute may be called otherwise.
PRIMITIVES = {
    value.name: value for value in vars(primitives).values() if isinstance(value, Primitive)
}
PRECEDING = "before jax 0.12"
SINCE = "since jax 0.12"
RELEASE = SINCE if "polynomial" in PRIMITIVES else PRECEDING


@dataclass(frozen=True)
class Example:
    """A function of two float vectors of length 4 that uses a primitive.

    Args:
        function: the program.
        exact: whether JAX computes it without rounding on small dyadic numbers.
        domain: ``real``, ``positive``, ``unit`` (inside (−1, 1)) or ``above_one``.
        polynomial: whether polynomials have a rule for it (an order is one only where decided).
        release: None, or the releases that have the primitive.
        gradient: whether its gradient is interpreted too.
    """

    function: Callable[..., Any]
    exact: bool = False
    domain: str = "real"
    polynomial: bool = True
    release: str | None = None
    gradient: bool = True

    @property
    def here(self) -> bool:
        """Whether this release of JAX has the primitive."""
        return self.release in (None, RELEASE)


def _exact(function: Callable[..., Any], **more: Any) -> Example:
    return Example(function, exact=True, **more)


ELEMENTWISE: dict[str, Example] = {
    "add": _exact(lambda x, y: x + y),
    "add_any": _exact(lambda x, y: jax.grad(lambda z: jnp.sum(z * x + z * y))(x) + 0 * y),
    "sub": _exact(lambda x, y: x - y),
    "mul": _exact(lambda x, y: x * y),
    "div": _exact(lambda x, y: x / jnp.where(y > 0, 2.0, -0.5)),
    "neg": _exact(lambda x, y: -x),
    "square": _exact(lambda x, y: jnp.square(x)),
    "one_minus_square": Example(
        lambda x, y: jax.vmap(jax.grad(jnp.tanh))(x), release=SINCE, gradient=False
    ),
    "max": _exact(lambda x, y: jnp.maximum(x, y)),
    "min": _exact(lambda x, y: jnp.minimum(x, y)),
    "abs": _exact(lambda x, y: abs(x)),
    "sign": _exact(lambda x, y: jnp.sign(x)),
    "clamp": _exact(lambda x, y: lax.clamp(-1.0, x, y) + lax.clamp(y, x, y + 1)),
    "select_n": _exact(lambda x, y: jnp.where(x > y, 2 * x, y)),
    "integer_pow": _exact(lambda x, y: x**3 + y**2),
    "lt": _exact(lambda x, y: jnp.where(x < y, x, 1.0)),
    "le": _exact(lambda x, y: jnp.where(x <= y, x, 1.0)),
    "gt": _exact(lambda x, y: jnp.where(x > y, x, 1.0)),
    "ge": _exact(lambda x, y: jnp.where(x >= y, x, 1.0)),
    "eq": _exact(lambda x, y: jnp.where(x == y, x, 1.0) + jnp.where((x > 0) == (y > 0), x, 2.0)),
    "ne": _exact(lambda x, y: jnp.where(x != y, x, 1.0) + jnp.where((x > 0) != (y > 0), x, 2.0)),
    "and": _exact(lambda x, y: jnp.where((x > 0) & (y >= 0), x, 3 * y)),
    "or": _exact(lambda x, y: jnp.where((x > 0) | (y >= 0), x, 3 * y)),
    "xor": _exact(lambda x, y: jnp.where((x > 0) ^ (y >= 0), x, 3 * y)),
    "not": _exact(lambda x, y: jnp.where(~(x > 0), x, 3 * y)),
    "is_finite": _exact(lambda x, y: jnp.where(jnp.isfinite(x), x, y) + jnp.nan_to_num(y)),
    "convert_element_type": _exact(lambda x, y: (x > y).astype(x.dtype) + jnp.arange(4) * y),
    "floor": _exact(lambda x, y: jnp.floor(x)),
    "ceil": _exact(lambda x, y: jnp.ceil(x)),
    "round": _exact(lambda x, y: jnp.round(2 * x) + lax.round(2 * y)),
    "rem": _exact(lambda x, y: lax.rem(x, jnp.where(y > 0, 1.5, -1.0))),
    "copy": _exact(lambda x, y: jnp.array(x, copy=True)),
    "device_put": _exact(lambda x, y: jax.device_put(x)),
    "stop_gradient": _exact(lambda x, y: lax.stop_gradient(x) * y),
    "reduce_precision": _exact(lambda x, y: lax.reduce_precision(x, 11, 52)),
    "optimization_barrier": _exact(lambda x, y: lax.optimization_barrier((x, y))[1]),
    "name": _exact(lambda x, y: _named(x)),
    "sharding_constraint": _exact(
        lambda x, y: lax.with_sharding_constraint(
            x, jax.sharding.SingleDeviceSharding(jax.devices()[0])
        )
    ),
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
    "polynomial": _exact(lambda x, y: lax.polynomial(x, [y, 2.0, 3.0]), release=SINCE),
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
    "reshape": _exact(lambda x, y: (x.reshape(2, 2) * y.reshape(2, 2)).reshape(4)),
    "squeeze": _exact(lambda x, y: x[1] * y),
    "transpose": _exact(lambda x, y: x.reshape(2, 2).T @ y.reshape(2, 2)),
    "broadcast_in_dim": _exact(lambda x, y: x[:, None] * y[None, :]),
    "slice": _exact(lambda x, y: x[1:3] * lax.slice(y, (0,), (4,), (2,))),
    "rev": _exact(lambda x, y: x[::-1] * y),
    "concatenate": _exact(lambda x, y: jnp.concatenate([x, np.ones(2), y])),
    "stack": _exact(lambda x, y: jnp.stack([x, y, np.ones(4)], axis=1)),
    "unstack": _exact(lambda x, y: sum(jnp.unstack(x.reshape(2, 2), axis=1)) * y[:2]),
    "tile": _exact(lambda x, y: jnp.tile(x, 2)),
    "split": _exact(lambda x, y: jnp.split(x, [1])[1] * y[1:]),
    "pad": _exact(lambda x, y: lax.pad(x, y[0], [(1, -1, 2)])),
    "gather": _exact(
        lambda x, y: (
            x[_PLACES] * jnp.take(y, np.array(2)) + x.at[9].get(mode="fill", fill_value=3.0)
        )
    ),
    "dynamic_slice": _exact(lambda x, y: lax.dynamic_slice(x, (np.int32(3),), (2,)) * y[:2]),
    "dynamic_update_slice": _exact(lambda x, y: lax.dynamic_update_slice(x, y[:2], (np.int32(1),))),
    "scatter": _exact(
        lambda x, y: (
            x.at[np.array([2, 0])].set(y[:2]).at[1].set(3 * y[3]).at[np.array([3, 1])].apply(abs)
        ),
        gradient=False,
    ),
    "scatter-add": _exact(lambda x, y: x.at[np.append(_PLACES, 9)].add(jnp.append(y, 1.0))),
    "scatter-sub": _exact(lambda x, y: x.at[_PLACES].subtract(y)),
    "scatter-mul": _exact(lambda x, y: x.at[_PLACES[1:]].multiply(y[1:]), gradient=False),
    "scatter-max": _exact(lambda x, y: x.at[_PLACES].max(y), gradient=False),
    "scatter-min": _exact(lambda x, y: x.at[_PLACES].min(y), gradient=False),
    "dot_general": _exact(
        lambda x, y: jnp.einsum("bij,bjk->bki", x.reshape(2, 1, 2), y.reshape(2, 2, 1))
    ),
    "reduce_sum": _exact(lambda x, y: jnp.sum(x.reshape(2, 2), 1) * jnp.sum(y)),
    "reduce_max": _exact(lambda x, y: jnp.max(x.reshape(2, 2), 0) + jnp.max(y)),
    "reduce_min": _exact(lambda x, y: jnp.min(x.reshape(2, 2), 1) + jnp.min(y)),
    "reduce_prod": _exact(lambda x, y: jnp.prod(x[:3]) * y),
    "reduce_and": _exact(lambda x, y: jnp.where(jnp.all(x > 0), x, y)),
    "reduce_or": _exact(lambda x, y: jnp.where(jnp.any(x > 1), x, y)),
    "cumsum": _exact(lambda x, y: jnp.cumsum(x.reshape(2, 2), 1) + lax.cumsum(y, reverse=True)[0]),
    "cumprod": _exact(lambda x, y: jnp.cumprod(x[:3])),
    "cummax": _exact(lambda x, y: lax.cummax(x), gradient=False),
    "cummin": _exact(lambda x, y: lax.cummin(x, reverse=True), gradient=False),
    "cumlogsumexp": Example(lambda x, y: lax.cumlogsumexp(x), gradient=False),
    "sort": _exact(lambda x, y: lax.sort((x, y), num_keys=2)[1] * jnp.sort(x), polynomial=False),
    "argmax": _exact(lambda x, y: x[jnp.argmax(y)] * y, polynomial=False),
    "argmin": _exact(lambda x, y: x[jnp.argmin(y)] * y, polynomial=False),
}


@jax.custom_jvp
def _cubed(x: Any) -> Any:
    return x * x * x


@_cubed.defjvp
def _cubed_jvp(primals: Any, tangents: Any) -> Any:
    return _cubed(*primals), 3 * primals[0] ** 2 * tangents[0]


@jax.custom_vjp
def _twice(x: Any) -> Any:
    return x + x


_twice.defvjp(lambda x: (_twice(x), None), lambda _, g: (g + g,))


def _scanned(x: Any, y: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        return carry * 0.5 + row, carry * row

    last, rows = lax.scan(step, x[0], y)
    backwards = lax.scan(step, last, rows, reverse=True)[1]
    counted, none = lax.scan(lambda c, _: (c + x[1], None), y[0], None, length=3)
    empty, nothing = lax.scan(step, counted, jnp.zeros((0,), x.dtype))
    assert none is None and nothing.shape == (0,)
    return backwards + empty


def _looped(x: Any, y: Any) -> Any:
    def go_on(state: Any) -> Any:
        return state[0] < 3

    def step(state: Any) -> Any:
        return state[0] + 1, state[1] * 0.5 + y

    return lax.while_loop(go_on, step, (0, x))[1]


def _chosen(x: Any, y: Any) -> Any:
    concrete = lax.cond(np.bool_(True), lambda v: v + 1, lambda v: v - 1, x)
    known = lax.switch(np.int32(5), [jnp.negative, lambda v: 2 * v, lambda v: 3 * v], y)
    opened = lax.cond(x[0] > y[0], lambda v: (v, 2 * v), lambda v: (v * v, -v), y)
    first, second, last = np.array([0, 1, 7], np.int32)
    number = jnp.where(x[1] > y[1], first, jnp.where(x[2] > y[2], second, last))
    several = lax.switch(number, [jnp.negative, lambda v: 2 * v, lambda v: 3 * v], y)
    return concrete + known + opened[0] * opened[1] + several


@jax.custom_batching.custom_vmap
def _squared(x: Any) -> Any:
    return x * x


_squared.def_vmap(lambda size, mapped, x: (x * x, mapped[0]))


@jax.custom_vjp
def _to_the_third(x: Any) -> Any:
    return x * x * x


_to_the_third.defvjp(
    lambda x: (x * x * x, 3 * x * x), lambda slope, y: (slope * y,), optimize_remat=True
)


CONTROL: dict[str, Example] = {
    "linear_call": _exact(
        lambda x, y: jax.custom_derivatives.linear_call(
            lambda a, v: a * v, lambda a, v: a * v, x, y
        ),
        gradient=False,
    ),
    "custom_vmap_call": _exact(lambda x, y: _squared(x) * y, gradient=False),
    "jit": _exact(lambda x, y: jax.jit(lambda a: jax.jit(jnp.negative)(a) * y)(x)),
    "remat2": _exact(lambda x, y: jax.checkpoint(lambda a: a * a * y)(x)),
    "custom_jvp_call": _exact(lambda x, y: _cubed(x) * y),
    "custom_vjp_call": _exact(lambda x, y: _twice(x) * y),
    "remat_opt": _exact(lambda x, y: jax.vjp(_to_the_third, x)[1](y)[0], gradient=False),
    "composite": _exact(
        lambda x, y: lax.composite(lambda a, b: a * b, "jaxgrad.product")(x, y), gradient=False
    ),
    "scan": _exact(_scanned),
    "while": _exact(_looped, gradient=False),
    "cond": _exact(_chosen),
}


def _square(x: Any) -> Any:
    return x.reshape(2, 2)


def _definite(x: Any) -> Any:
    """A symmetric positive definite matrix of order 2."""
    return _square(x) @ _square(x).T + np.eye(2)


def _triangular(x: Any, y: Any) -> Any:
    """Every side, triangle, transpose and diagonal, on a batch of one."""
    flags = [(side, low, flip) for side in (0, 1) for low in (0, 1) for flip in (0, 1)]
    a, b = _square(x)[None] + 3 * np.eye(2), _square(y)[None]
    return [
        lax.linalg.triangular_solve(
            a, b, left_side=bool(side), lower=bool(low), transpose_a=bool(flip),
            unit_diagonal=side == low,
        )
        for side, low, flip in flags
    ]  # fmt: skip


def _factored(x: Any, y: Any) -> Any:
    a = jnp.stack([_square(x) + 3 * np.eye(2), _square(y) @ np.array([[0.0, 1.0], [2.0, 0.5]])])
    factors, _, permutation = lax.linalg.lu(jnp.concatenate([a, a[:, :1] + 5], axis=1))
    return factors, permutation * y[0]


def _implicit(x: Any, y: Any) -> Any:
    def solve(product: Any, b: Any) -> Any:
        return b / product(jnp.ones_like(b))

    return lax.custom_linear_solve(lambda v: (x * x + 1) * v, y, solve, solve)


LINEAR_ALGEBRA: dict[str, Example] = {
    "cholesky": Example(lambda x, y: lax.linalg.cholesky(_definite(x)[None]) * y[0]),
    "triangular_solve": Example(_triangular),
    "lu": Example(_factored, polynomial=False),
    "custom_linear_solve": Example(_implicit),
}


def _window(x: Any, start: float, operation: Any, dilation: tuple[int, int] = (1, 1)) -> Any:
    return lax.reduce_window(
        jnp.concatenate([_square(x), 2 * _square(x)], axis=1), start, operation, (2, 2), (1, 2),
        ((0, 1), (1, 0)), base_dilation=dilation, window_dilation=dilation[::-1],
    )  # fmt: skip


def _largest_in_windows(x: Any) -> Any:
    return _window(x, -np.inf, lax.max)


def _two_results(x: Any, y: Any) -> Any:
    def combine(a: Any, b: Any) -> Any:
        return a[0] + b[0], a[1] * b[1]

    rows = _square(x), _square(y)
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
    "reduce_window_sum": _exact(lambda x, y: _window(x, 0.0, lax.add, (2, 1)) * y[0]),
    "reduce_window_max": _exact(lambda x, y: _largest_in_windows(x) * y[0]),
    "reduce_window_min": _exact(lambda x, y: _window(x, np.inf, lax.min, (1, 2)), gradient=False),
    "select_and_gather_add": Example(  # of those that tie any
        lambda x, y: jax.jvp(_largest_in_windows, (x,), (y,))[1], polynomial=False
    ),
    "select_and_scatter_add": _exact(
        lambda x, y: jax.vjp(_largest_in_windows, x)[1](jnp.stack([y[:2], y[2:]]))[0]
    ),
    "select_and_scatter": _exact(_select_and_scatter, polynomial=False, gradient=False),
    "reduce_window": _exact(_two_results, gradient=False),
    "reduce": _exact(_two_results, gradient=False),
    "reduce_xor": _exact(
        lambda x, y: jnp.where(lax.reduce(x > y, np.bool_(False), lax.bitwise_xor, (0,)), x, y)
    ),
}

ORDER: dict[str, Example] = {
    "top_k": _exact(lambda x, y: lax.top_k(x, 2)[0] * y[lax.top_k(x, 2)[1]], polynomial=False),
}


def _watched(x: Any, y: Any) -> Any:
    jax.debug.callback(lambda value: None, x)
    jax.debug.print("", ordered=False)
    return x * y


def _checked(x: Any, y: Any) -> Any:
    checkify.debug_check(jnp.all(x * x >= 0), "a square is negative")
    return x * y


def _on_one_device(x: Any, y: Any) -> Any:
    mesh = jax.make_mesh((1,), ("only",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("only")
    return jax.shard_map(lambda a: a * a, mesh=mesh, in_specs=spec, out_specs=spec)(x) * y


EFFECTS: dict[str, Example] = {
    "check": _exact(_checked),
    "debug_callback": _exact(_watched),
    "debug_print": _exact(_watched),
    "shard_map": _exact(_on_one_device, gradient=False),
}

# Orders that no public function emits in every release, of numbers that are not 0.
TOTAL_ORDERS: dict[str, Example] = {
    name: _exact(
        lambda x, y, name=name: jnp.where(PRIMITIVES[name].bind(x + 0.125, y + 0.125), x, 2 * y),
        polynomial=False,
        gradient=False,
    )
    for name in ("lt_to", "le_to", "eq_to")
}
# Primitives that jax.extend does not name.
UNNAMED: dict[str, Example] = {
    "call_hi_primitive": _exact(
        lambda x, y: jnp.ldexp(x, np.array([1, 0, -2, 3])) * y, release=SINCE
    ),
}

# Primitives that no public function emits, bound by hand.
BOUND: dict[str, str | None] = {"call": PRECEDING, "closed_call": PRECEDING, "eval_jaxpr": SINCE}
# Primitives that read bits: they are rules in order to say why they are refused.
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
    jaxpr = getattr(closed, "jaxpr", closed)
    names = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, tuple | list) else [parameter]:
                if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                    names |= primitive_names(inner)
    return names
