"""How many rounding errors can follow one another on a way from an input to an output.

Each primitive contributes the errors that XLA's implementation may make, in units of u, half the
distance from 1 to the next float; a sum of n products contributes n of them in any order of
summation (Rump, Bünger and Jeannerod 2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.budgets import require_scan
from jaxgrad.programs.jaxprs import called, scan_counts

__all__ = ["longest_chain"]

# One ulp is two units of u.  Largest errors over all float32 inputs on XLA's CPU backend, in ulp,
# rounded up to the next integer: exp 5.5, expm1 6.2, log 1.2, log1p 2.5, tanh 4.9, logistic 2.5,
# erf 6.7, erfc 66, rsqrt 1.7, tan 1.4, sinh 25; division is x times a rounded reciprocal: 2.
_ULPS = {
    "exp": 6, "exp2": 6, "expm1": 7, "log": 2, "log1p": 3, "tanh": 5, "logistic": 3, "erf": 7,
    "erfc": 66, "rsqrt": 2, "tan": 2, "sinh": 25, "cosh": 25, "div": 2, "sin": 1, "cos": 1,
    "sqrt": 1, "cbrt": 2, "pow": 6, "atan2": 2, "asin": 2, "acos": 2, "atan": 2, "asinh": 7,
    "acosh": 7, "log2": 2, "one_minus_square": 1,
}  # fmt: skip
# Twice the largest error among 600 drawn inputs in float32 and float64, beyond what rounding the
# inputs once would change (their zeros are ill-conditioned), in ulp, rounded up: lgamma 39.5,
# digamma 3.4, erf_inv 5.9, bessel_i0e 1.1, bessel_i1e 5.6, igamma 10.6, igammac 8.8, igamma_grad_a
# 30.9, regularized_incomplete_beta 77.3, zeta 0.5, atanh 31.3.  A polygamma is a sum of zetas.
_ULPS |= {
    "lgamma": 79, "digamma": 7, "erf_inv": 12, "bessel_i0e": 3, "bessel_i1e": 12, "igamma": 22,
    "igammac": 18, "igamma_grad_a": 62, "random_gamma_grad": 62,
    "regularized_incomplete_beta": 155, "zeta": 1, "polygamma": 2, "atanh": 63,
}  # fmt: skip
_ONE_ROUNDING = {
    "add", "add_any", "sub", "mul", "square", "convert_element_type", "reduce_precision",
}  # fmt: skip


def longest_chain(program: Any) -> int:
    """The most roundings, in units of u, between any input and any output of a program.

    Raises:
        UnsupportedPrimitive: a loop whose length is not known before it runs.
        CannotDecide: a loop that is too long.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> longest_chain(trace(lambda x, y: x * y + 1.0, (1.0, 2.0)))
        2
    """
    jaxpr = program.jaxpr.jaxpr
    return max(_walk(jaxpr, [0] * len(jaxpr.invars)), default=0)


def _walk(jaxpr: Any, starts: list[int]) -> list[int]:
    depth: dict[Any, int] = dict(zip(jaxpr.invars, starts, strict=True))

    def read(atom: Any) -> int:
        return 0 if hasattr(atom, "val") else depth.get(atom, 0)

    for equation in jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        depth.update(zip(equation.outvars, _through(equation, inputs), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _through(equation: Any, inputs: list[int]) -> list[int]:
    name, params = equation.primitive.name, equation.params
    if name == "while":
        raise UnsupportedPrimitive("a `while_loop` makes an unknown number of rounding errors")
    if name == "scan":
        return _through_scan(params, inputs)
    if name == "cond":
        branches = [_walk(_open(branch), inputs[1:]) for branch in params["branches"]]
        return [max(column) for column in zip(*branches, strict=True)]
    program = called(equation)
    if program is not None:
        return _walk(_open(program), inputs)
    return [max(inputs, default=0) + _errors(equation)] * len(equation.outvars)


def _open(jaxpr: Any) -> Any:
    return jaxpr.jaxpr if hasattr(jaxpr, "consts") else jaxpr


def _through_scan(params: Any, inputs: list[int]) -> list[int]:
    require_scan(params["length"], params["jaxpr"])
    body = _open(params["jaxpr"])
    constants, carries = scan_counts(params)
    deepest: list[int] = []
    for _ in range(params["length"]):
        outputs = _walk(body, inputs)
        inputs = [*inputs[:constants], *outputs[:carries], *inputs[constants + carries :]]
        deepest = [max(a, b) for a, b in zip(outputs, deepest or outputs, strict=True)]
    return deepest or [0] * len(body.outvars)


def _errors(equation: Any) -> int:
    name, params = equation.primitive.name, equation.params
    if name in _ONE_ROUNDING:
        return 1
    if name == "dot_general":
        (contract, _), _ = params["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        return int(np.prod([shape[axis] for axis in contract], dtype=int)) or 1
    if name in ("reduce_sum", "cumsum", "reduce_prod", "cumprod"):
        return max(int(np.prod(equation.invars[0].aval.shape, dtype=int)), 1)
    if name in ("scatter-add", "scatter-sub", "scatter-mul"):
        return max(int(np.prod(equation.invars[2].aval.shape, dtype=int)), 1)
    if name == "polynomial":  # Horner's rule: a product and a sum for each coefficient
        return 2 * max(len(equation.invars) - 1, 1)
    if name in ("reduce_window_sum", "select_and_scatter_add"):
        return max(int(np.prod(params["window_dimensions"], dtype=int)), 1)
    if name == "cumlogsumexp":  # each step rounds two exponentials, a sum and a logarithm
        return equation.invars[0].aval.size * (2 * (2 * _ULPS["exp"] + _ULPS["log"]) + 1)
    if name in ("cholesky", "lu", "triangular_solve"):
        # Each of n steps of elimination rounds a quotient, a product and a difference.
        return (2 * _ULPS["div"] + 2) * int(equation.invars[0].aval.shape[-1])
    if name == "integer_pow":
        return max(abs(int(params["y"])) - 1, 1) + (2 if params["y"] < 0 else 0)
    return 2 * _ULPS.get(name, 0)
