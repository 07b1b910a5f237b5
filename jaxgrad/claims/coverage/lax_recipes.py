"""How the functions of ``jax.nn`` and ``jax.lax`` are called."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax import lax

from jaxgrad.claims.coverage.recipe import (
    IMAGE,
    MATRIX,
    OTHER,
    POSITIVE,
    POSITIVE_OTHER,
    REAL,
    UNIT,
    Recipe,
    Table,
)

__all__ = ["TABLES"]


def _pooled(a: Any) -> Any:
    """By every primitive: JAX has no backward derivative of the last one."""
    sizes = (2,), (1,), "VALID"
    return (
        lax.reduce_window(a, 0.0, lax.add, *sizes),
        lax.reduce_window(a, -np.inf, lax.max, *sizes),
        lax.reduce_window(a, np.inf, lax.min, *sizes),
        lax.reduce_window(lax.stop_gradient(a), 1.0, lax.mul, *sizes),
    )


def _nn_special() -> dict[str, Recipe]:
    def attention(a: Any) -> Any:
        rows = a.reshape(1, 2, 1, 2)
        return jax.nn.dot_product_attention(rows, 2 * rows, rows)

    return {"dot_product_attention": Recipe(attention, (REAL,))}


def _lax_special() -> dict[str, Recipe]:
    x, y = (REAL,), (REAL, OTHER)
    return {
        "betainc": Recipe(lambda a: lax.betainc(np.full(4, 1.5), np.full(4, 2.5), a), (UNIT,)),
        "clamp": Recipe(lambda a: lax.clamp(-1.0, a, 1.5), x),
        "concatenate": Recipe(lambda a, b: lax.concatenate([a, b], 0), y),
        "convert_element_type": Recipe(lambda a: lax.convert_element_type(a, np.float32), x),
        "conv": Recipe(lambda a, b: lax.conv(a, b, (1, 1), "SAME"), (IMAGE, IMAGE)),
        "conv_general_dilated": Recipe(
            lambda a, b: lax.conv_general_dilated(a, b, (1, 2), ((1, 0), (1, 1)), (2, 1), (1, 2)),
            (IMAGE, IMAGE),
        ),
        "conv_transpose": Recipe(
            lambda a, b: lax.conv_transpose(
                a, b, (1, 2), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")
            ),
            (IMAGE, IMAGE),
        ),
        "conv_with_general_padding": Recipe(
            lambda a, b: lax.conv_with_general_padding(a, b, (1, 1), "VALID", None, None),
            (IMAGE, IMAGE),
        ),
        "dot_general": Recipe(lambda a: lax.dot_general(a, a, (((1,), (1,)), ((), ()))), (MATRIX,)),
        "igamma_grad_a": Recipe(lax.igamma_grad_a, (POSITIVE, POSITIVE_OTHER)),
        "integer_pow": Recipe(lambda a: lax.integer_pow(a, -3), x),
        "polygamma": Recipe(lambda a: lax.polygamma(np.full(4, 2.0), a), (POSITIVE,)),
        "polynomial": Recipe(lambda a: lax.polynomial(a, [1.0, 2.0, 3.0]), x),  # pyright: ignore
        "reduce_max": Recipe(lambda a: lax.reduce_max(a, (0,)), x),
        "reduce_min": Recipe(lambda a: lax.reduce_min(a, (0,)), x),
        "reduce_precision": Recipe(lambda a: lax.reduce_precision(a, 11, 52), x),
        "reduce_prod": Recipe(lambda a: lax.reduce_prod(a, (0,)), x),
        "reduce_sum": Recipe(lambda a: lax.reduce_sum(a, (0,)), x),
        "reduce_window": Recipe(_pooled, x),
        "select": Recipe(lambda a, b: lax.select(a > b, a, b), y),
        "select_n": Recipe(lambda a, b: lax.select_n(a > b, a, b), y),
        "top_k": Recipe(lambda a: lax.top_k(a, 2)[0], x),
        "zeta": Recipe(lambda a: lax.zeta(np.full(4, 2.5), a), (POSITIVE,)),
    }


TABLES = {
    "jax.nn": Table(
        jax.nn,
        plain={
            "real": "celu elu gelu hard_sigmoid hard_silu hard_swish hard_tanh identity "
            "leaky_relu log_sigmoid log_softmax logmeanexp logsumexp mish relu relu6 selu sigmoid "
            "silu soft_sign softmax softplus sparse_plus sparse_sigmoid squareplus standardize "
            "swish tanh glu",
            "positive": "log1mexp",
        },
        special=_nn_special,
        instead={
            "constructor": "one_hot",
            "quantised": "get_scaled_dot_general_config scaled_dot_general scaled_matmul",
        },
    ),
    "jax.lax": Table(
        lax,
        plain={
            "real": "abs asinh atan bessel_i0e bessel_i1e cbrt ceil cos cosh cumlogsumexp cummax "
            "cummin cumprod cumsum erf erfc exp exp2 expm1 floor logistic neg one_minus_square "
            "reciprocal round sign sin sinh sort square stop_gradient tan tanh "
            "optimization_barrier",
            "positive": "digamma lgamma log log1p log2 rsqrt sqrt",
            "unit": "acos asin atanh erf_inv",
            "above_one": "acosh",
            "pair": "add atan2 div dot max min mul rem sub",
            "positive_pair": "igamma igammac pow random_gamma_grad zeta",
        },
        special=_lax_special,
        every=False,
    ),
}
