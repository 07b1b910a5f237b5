"""Wrong derivative rules that shipped, each re-created in a few lines beside the right rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import MODES, Case, with_rule

__all__ = ["ACCEPTED", "BUGS", "Bug", "relu6"]

Function = Callable[..., Any]


@dataclass(frozen=True)
class Bug:
    """A wrong rule, the right one, and where they differ.

    Args:
        ref: where it was reported.
        name: what function.
        wrong: the function with the rule that shipped.
        right: the function with the right rule.
        trigger: a point at which the rule is wrong.
        innocent: a point at which it is right, or None where it is wrong everywhere.
        order, modes, dtypes: as in ``Case``.
    """

    ref: str
    name: str
    wrong: Function
    right: Function
    trigger: tuple[Any, ...]
    innocent: tuple[Any, ...] | None = None
    order: int = 1
    modes: tuple[str, ...] = MODES
    dtypes: tuple[str, ...] | None = field(default=None)

    def case(self, which: str, point: str) -> Case:
        """The wrong or the right function at the trigger or at the innocent point."""
        return Case(
            f"{self.ref} {self.name}, {which} at the {point}",
            getattr(self, which),
            getattr(self, point),
            self.order,
            self.modes,
            self.dtypes,
        )


def _atan2() -> tuple[Function, Function]:
    def rule(sign: float) -> Function:
        return with_rule(
            jnp.arctan2,
            lambda yx, t: sign * (yx[1] * t[0] - yx[0] * t[1]) / (yx[0] ** 2 + yx[1] ** 2),
        )

    return rule(-1.0), rule(1.0)


def _integer_powers() -> tuple[Function, Function]:
    n = np.array([0, 1, 2], np.int32)

    def rule(where_zero: float) -> Function:
        def tangent(xs: Any, ts: Any) -> Any:
            slope = n * xs[0] ** jnp.where(n == 0, 1, n - 1)
            return jnp.where(n == 0, where_zero, slope) * ts[0]

        return with_rule(lambda x: x**n, tangent)

    return rule(1.0), rule(0.0)


def _power() -> tuple[Function, Function]:
    """b^y of a base b ≥ 7, which is 23 where x is 4."""

    def rule(lowered: Function) -> Function:
        def tangent(xs: Any, ts: Any) -> Any:
            b, y = xs
            return y * b ** lowered(y) * ts[0] + jnp.log(b) * b**y * ts[1]

        power = with_rule(lambda b, y: b**y, tangent)
        return lambda x, y: power(7 + x * x, y)

    return rule(lambda y: jnp.where(y == 0, 1.0, y - 1)), rule(lambda y: y - 1)


def _segment_product() -> tuple[Function, Function]:
    segments = np.array([0, 0, 1])

    def product(x: Any) -> Any:
        return jax.ops.segment_prod(x, segments, num_segments=2)

    def right(xs: Any, ts: Any) -> Any:
        (x,), (t,) = xs, ts
        return jnp.stack([x[0] * t[1] + x[1] * t[0], t[2]])

    wrong = with_rule(product, lambda xs, ts: jax.ops.segment_sum(ts[0], segments, num_segments=2))
    return wrong, with_rule(product, right)


# The mean of exp(x cos θ) over 16 equidistant angles is I₀(x) + 2 I₁₆(x) + …, and
# I₁₆(x) < 1e-17 for |x| < 1.  Rounded to float32, the angles still come in pairs ±cos θ.
_ANGLES = np.cos(np.pi * (2 * np.arange(16) + 1) / 16).astype(np.float32)


def _bessel() -> tuple[Function, Function]:
    def scaled(x: Any) -> Any:
        return jnp.mean(jnp.exp(x * _ANGLES - abs(x)))

    def tangent(xs: Any, ts: Any) -> Any:
        (x,), (t,) = xs, ts
        first = jnp.mean(_ANGLES * jnp.exp(x * _ANGLES - abs(x)))
        return (first - jnp.sign(x) * scaled(x)) * t

    def size(slope: Function) -> Function:
        return with_rule(lambda x: abs(x), lambda xs, ts: slope(xs[0]) * ts[0])

    even = with_rule(scaled, tangent)
    one_at_zero, zero_at_zero = size(lambda x: jnp.where(x >= 0, 1.0, -1.0)), size(jnp.sign)
    return lambda x: jnp.exp(one_at_zero(x)) * even(x), lambda x: jnp.exp(zero_at_zero(x)) * even(x)


def _softplus() -> tuple[Function, Function]:
    def wrong(x: Any) -> Any:
        larger = jnp.maximum(x, 0.0)
        return larger + jnp.log1p(jnp.exp(-abs(x)))

    def at_tie(xs: Any, ts: Any) -> Any:
        return jnp.where(xs[0] == 0, 0.0, jax.nn.sigmoid(xs[0])) * ts[0]

    return with_rule(wrong, at_tie), jax.nn.softplus


def _logaddexp() -> tuple[Function, Function]:
    def at_tie(xs: Any, ts: Any) -> Any:
        weight = jax.nn.sigmoid(xs[0] - xs[1])
        return jnp.where(xs[0] == xs[1], 0.0, weight * ts[0] + (1 - weight) * ts[1])

    def plain(x: Any, y: Any) -> Any:
        return jnp.maximum(x, y) + jnp.log1p(jnp.exp(-abs(x - y)))

    return with_rule(plain, at_tie), jnp.logaddexp


def _ldexp() -> tuple[Function, Function]:
    def rule(slope: Function) -> Function:
        return with_rule(lambda x: x * 2.0**1, lambda xs, ts: slope(xs[0]) * ts[0])

    return rule(lambda x: jnp.where(x == 0, 1.0, 2.0)), rule(lambda x: 2.0)


def _determinant() -> tuple[Function, Function]:
    """The derivative of sign(det)·exp(log|det|), and the one by cofactors."""

    def det(a: Any) -> Any:
        return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]

    def cofactors(xs: Any, ts: Any) -> Any:
        (a,), (t,) = xs, ts
        return (
            a[1, 1] * t[0, 0] - a[1, 0] * t[0, 1] - a[0, 1] * t[1, 0] + a[0, 0] * t[1, 1]
        )  # fmt: skip

    def wrong(xs: Any, ts: Any) -> Any:
        value = det(xs[0])
        return jnp.sign(value) * jnp.exp(jnp.log(abs(value))) * jnp.divide(cofactors(xs, ts), value)

    return with_rule(det, wrong), with_rule(det, cofactors)


def _sigmoid() -> tuple[Function, Function]:
    def rule(slope: Function) -> Function:
        return with_rule(jax.nn.sigmoid, lambda xs, ts: slope(xs[0]) * ts[0])

    return (
        rule(lambda x: jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x))),
        rule(lambda x: jax.nn.sigmoid(x) * jax.nn.sigmoid(-x)),
    )


def _expm1() -> tuple[Function, Function]:
    def rule(slope: Function) -> Function:
        return with_rule(jnp.expm1, lambda xs, ts: slope(xs[0]) * ts[0])

    return rule(lambda x: jnp.expm1(x) + 1), rule(jnp.exp)


def _celu() -> tuple[Function, Function]:
    expm1 = _expm1()[1]

    def wrong(x: Any) -> Any:
        return jnp.where(x > 0, x, expm1(x))

    def right(x: Any) -> Any:
        return jnp.where(x > 0, x, expm1(jnp.where(x > 0, 0.0, x)))

    return wrong, right


def _masked_logsumexp() -> tuple[Function, Function]:
    mask = np.array([True, True, False])

    def rule(masked: Function) -> Function:
        def logsumexp(x: Any) -> Any:
            largest = jax.lax.stop_gradient(jnp.max(jnp.where(mask, x, -jnp.inf)))
            return largest + jnp.log(jnp.sum(jnp.where(mask, jnp.exp(masked(x) - largest), 0.0)))

        return logsumexp

    return rule(lambda x: x), rule(lambda x: jnp.where(mask, x, 0.0))


def _kl_divergence() -> tuple[Function, Function]:
    log_q = np.log(np.array([0.25, 0.25, 0.5], np.float32))

    def wrong(t: Any) -> Any:
        return jnp.sum(t * (jnp.where(t == 0, 0.0, jnp.log(t)) - log_q))

    def right(t: Any) -> Any:
        return jnp.sum(-jax.scipy.special.entr(t) - t * log_q)

    return wrong, right


def _select() -> tuple[Function, Function]:
    """Forward mode takes the tangent of the case chosen, reverse mode that of the other."""

    def rule(back: float) -> Function:
        def tangent(xs: Any, ts: Any) -> Any:
            return jax.custom_derivatives.linear_call(
                lambda _, t: t, lambda _, u: back * u, (), ts[0]
            )

        return with_rule(lambda x: 1.0 * x, tangent)

    return rule(0.0), rule(1.0)


def _bugs() -> tuple[Bug, ...]:
    singular = np.array([[1, 2], [2, 4]], np.float32)
    regular = np.array([[1, 2], [3, 5]], np.float32)
    single = ("float32",)
    masked = np.array([0.5, 0.25, 100], np.float32)
    unmasked = np.array([0.5, 0.25, 0.75], np.float32)
    certain = np.array([0, 0.5, 0.5], np.float32)
    mixed = np.array([0.25, 0.25, 0.5], np.float32)
    return (
        Bug("jax#625", "atan2", *_atan2(), (1.0, 2.0)),
        Bug("jax#17995", "integer powers", *_integer_powers(), (3.0,)),
        Bug("jax#12033", "pow, order 2", *_power(), (4.0, 0.0), (4.0, 1.5), order=2),
        Bug("jax#9296", "segment_prod", *_segment_product(), (np.array([2, 3, 5], np.float32),)),
        Bug("jax#18706", "i0", *_bessel(), (0.0,), (0.5,)),
        Bug("jax#2107", "softplus", *_softplus(), (0.0,), (0.75,)),
        Bug("jax#2107", "logaddexp", *_logaddexp(), (1.0, 1.0), (1.0, 2.0)),
        Bug("jax#37992", "ldexp", *_ldexp(), (0.0,), (1.5,)),
        Bug("jax#2380", "det", *_determinant(), (singular,), (regular,)),
        Bug("jax#40385", "sigmoid", *_sigmoid(), (20.0,), (0.5,), dtypes=single),
        Bug("jax#39794", "expm1", *_expm1(), (-20.0,), (0.5,), dtypes=single),
        Bug("jax#9873", "celu", *_celu(), (100.0,), (0.5,), dtypes=single),
        Bug("jax#23842", "masked logsumexp", *_masked_logsumexp(), (masked,), (unmasked,),
            dtypes=single),
        Bug("optax#1786", "kl_divergence", *_kl_divergence(), (certain,), (mixed,),
            modes=("rev",)),
        Bug("jax#10993", "select", *_select(), (0.5,)),
    )  # fmt: skip


BUGS = _bugs()


def relu6(edge: float) -> Function:
    """min(max(x, 0), 6) with this slope at its two edges."""

    def tangent(xs: Any, ts: Any) -> Any:
        (x,), (t,) = xs, ts
        inside = jnp.where((x > 0) & (x < 6), 1.0, 0.0)
        return jnp.where((x == 0) | (x == 6), edge, inside) * t

    return with_rule(lambda x: jnp.minimum(jnp.maximum(x, 0.0), 6.0), tangent)


# jax#14682: any slope between the two sides is one, so ½ is reported as a kink and not as wrong.
ACCEPTED = tuple(
    Case(f"jax#14682 relu6, {edge} at {x}", relu6(edge), (x,))
    for edge in (0.0, 0.5, 1.0)
    for x in (0.0, 6.0, 2.5)
)
