"""Golden cases of ``check_grads``: rules that shipped, rules at hard points, mutants, kinks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import Case, backward_only, with_rule
from benchmarks.hand_rules import HAND_RULES
from benchmarks.historical_bugs import ACCEPTED, BUGS
from benchmarks.mutants import Mutant, mutants
from benchmarks.right_rules import DEFECTS
from jaxgrad.gradients.check_grads import check_grads

__all__ = ["cases"]

# Of the rules written by hand, these, whose mutants are made within milliseconds.
HAND = ("exp", "log", "tanh", "x³", "Huber", "quotient", "atan2", "dot")
MUTANTS = (0, 4)
# Those that take a second or so: the file is to be cheap.
SLOW = ("power, order 2", "jax#23842", "KL divergence", "jax#9296", "i0,")


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every case under its name."""
    for case in (*_shipped(), *ACCEPTED[::2], *DEFECTS, *HARD):
        if not case.name.startswith(SLOW):
            yield case.name, functools.partial(_check, case)
    by_name = {rule.name: rule for rule in HAND_RULES}
    for name in HAND:
        yield f"{name} by hand", functools.partial(_check, by_name[name].case(2))
        for k in MUTANTS:
            yield f"mutant {k} of {name}", functools.partial(_check_mutant, name, k)
    for name, (f, args, more) in (KINKS | MODES | WHOLE_RULES).items():
        yield name, functools.partial(check_grads, f, args, **more)
    for name, (f, args) in FLOATS.items():
        yield name, functools.partial(check_grads, f, args, dtypes=("float32", "bfloat16"))


def _check(case: Case) -> Any:
    asked: dict[str, Any] = {"dtypes": case.dtypes} if case.dtypes else {}
    if case.reference is not None:
        asked["reference"] = case.reference
    with jax.enable_x64(True) if case.x64 else nullcontext():
        return check_grads(case.function, case.args, case.order, case.modes, **asked)


def _shipped() -> Iterator[Case]:
    for bug in BUGS:
        yield bug.case("wrong", "trigger")
        if bug.dtypes is None:  # the floats at many points take a second
            yield bug.case("right", "trigger")
            if bug.innocent is not None:
                yield bug.case("wrong", "innocent")


@functools.cache
def _mutants(name: str) -> list[Mutant]:
    return mutants([rule for rule in HAND_RULES if rule.name == name])


def _check_mutant(name: str, k: int) -> Any:
    found = _mutants(name)
    return _check(found[k % len(found)].case())


# -- right rules at hard points --------------------------------------------------------------------
V = np.array([0.3, -0.8, 1.1], np.float32)
M = np.array([[0.5, -0.25, 0.75], [1.5, 1.25, -0.625], [0.375, 0.125, 2.5]], np.float32)

HARD = (
    Case("gelu at 0.7, order 2", lambda x: jax.nn.gelu(x, approximate=False), (0.7,), 2),
    Case("arctan at 100000.0, order 2", jnp.arctan, (1e5,), 2),
    Case("cbrt at 100000.0, order 2", jnp.cbrt, (1e5,), 2),
    Case("cosh in float64 at 1e-30", jnp.cosh, (1e-30,), 2, x64=True),
    Case("logit in float64 at 0.3", jax.scipy.special.logit, (0.3,), 2, x64=True),
    Case("erf inverse at 0.7, order 1", lax.erf_inv, (0.7,)),
    Case("exp at 0.0, order 2", jnp.exp, (0.0,), 2),
    Case("log at 100000.0, order 1", jnp.log, (1e5,)),
    Case("log of a sine at 3.14, order 2", lambda x: jnp.log(jnp.sin(x)), (3.14,), 2),
    Case("Runge at 0.0, order 1", lambda x: 1 / (1 + 25 * x * x), (0.0,)),
    Case("sigmoid at 1e-30, order 1", jax.nn.sigmoid, (1e-30,)),
    Case("sigmoid in bfloat16 at 3.0", jax.nn.sigmoid, (np.array(3.0, jnp.bfloat16),)),
    Case("sinh at -30.0, order 1", jnp.sinh, (-30.0,)),
    Case("smaller wave at 0.0, order 2", lambda x: 1e-20 * jnp.sin(x), (0.0,), 2),
    Case("soft sign at 0.0, order 1", lambda x: x / (1 + jnp.sqrt(1 + x * x)), (0.0,)),
    Case("square of relu at 0.0, order 1", lambda x: jax.nn.relu(x) ** 2, (0.0,)),
    Case("scaled leaves at 0.0, 0.0", lambda x, y: 1e6 * jnp.sin(x) + jnp.sin(y), (0.0, 0.0), 2),
    Case("x⁷ at 1e-08, order 2", lambda x: x**7, (1e-8,), 2),
    Case("length of arrays, 0", lambda x: jnp.sqrt(1e-3 + jnp.sum(x * x)), (V,)),
    Case("einsum of arrays, 0", lambda a, x: jnp.einsum("ij,j,i->", a, x, x), (M, V)),
    Case("softmax of arrays, 0", lambda x: jax.nn.softmax(x), (V,)),
    Case("determinant 3 × 3 of arrays, 1", jnp.linalg.det, (np.diag(V),)),
)


# -- kinks -----------------------------------------------------------------------------------------
TIED = np.array([1, 1, 0.5], np.float32)
ZERO = np.zeros(2, np.float32)
WEIGHTS = np.array([[1.0, -2.0], [-3.0, 0.5]], np.float32)

Asked = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

KINKS: dict[str, Asked] = {
    "abs at 0": (jnp.abs, (0.0,), {}),
    "abs at 0, order 2": (jnp.abs, (0.0,), {"order": 2}),
    "relu at 0": (jax.nn.relu, (0.0,), {}),
    "relu at 0, second order": (lambda x: jax.nn.relu(x) ** 2, (0.0,), {"order": 2}),
    "x|x| at 0, order 2": (lambda x: x * abs(x), (0.0,), {"order": 2}),
    "sort at a tie": (jnp.sort, (TIED,), {}),
    "max at a tie": (jnp.max, (TIED,), {}),
    "top_k at a tie": (lambda x: lax.top_k(x, 2)[0], (TIED,), {}),
    "maximum at a tie": (jnp.maximum, (1.0, 1.0), {}),
    "a sum of kinks": (lambda x: abs(x) + jax.nn.relu(x), (0.0,), {}),
    "kinks that cancel": (lambda x: jax.nn.relu(x) - jax.nn.relu(-x), (0.0,), {}),
    "a relu network at 0": (
        lambda x: jnp.array([1.0, -0.75]) @ jax.nn.relu(WEIGHTS @ x), (ZERO,), {}),
    "the norm at 0": (jnp.linalg.norm, (ZERO,), {}),
    "the cube root at 0": (jnp.cbrt, (0.0,), {}),
    "the square root at 0": (jnp.sqrt, (0.0,), {}),
    "a jump": (lambda x: jnp.where(x > 0, 1.0, 0.0) + x, (0.0,), {}),
    "a slope beyond both sides": (
        with_rule(jnp.abs, lambda xs, ts: jnp.where(xs[0] == 0, 3.0, jnp.sign(xs[0])) * ts[0]),
        (0.0,), {}),
    "a wrong slope on one side": (
        with_rule(jnp.abs, lambda xs, ts: jnp.where(xs[0] > 0, 1.0, 1.0) * ts[0]), (0.0,), {}),
    "floor between": (jnp.floor, (0.5,), {}),
    "round at a half": (jnp.round, (0.5,), {}),
    "clip at its ends": (lambda x: jnp.clip(x, -1.0, 1.0), (1.0,), {}),
}  # fmt: skip


# -- modes, orders, references ---------------------------------------------------------------------
def straight_through(x: Any) -> Any:
    return x + lax.stop_gradient(jnp.round(x) - x)


_spike = with_rule(
    lambda x: (x > 0) * 1.0, lambda xs, ts: jax.nn.sigmoid(xs[0]) * jax.nn.sigmoid(-xs[0]) * ts[0]
)

MODES: dict[str, Asked] = {
    "forward alone": (jnp.sin, (0.5,), {"modes": "fwd"}),
    "reverse alone": (jnp.sin, (0.5,), {"modes": ("rev",)}),
    "order 3": (jnp.tanh, (0.5,), {"order": 3}),
    "no special points": (jax.nn.softplus, (1.5,), {"special_points": False}),
    "a custom_vjp rule": (backward_only(lambda x, u: (u * jnp.cos(x),)), (0.5,), {"order": 2}),
    "a wrong custom_vjp rule": (backward_only(lambda x, u: (-u * jnp.cos(x),)), (0.5,), {}),
    "an integer argument": (lambda x, n: x * n, (0.5, 3), {}),
    "a tree": (
        lambda p: {"y": jnp.tanh(p["w"] @ p["x"])},
        ({"w": np.eye(2, dtype=np.float32), "x": np.ones(2, np.float32)},), {}),
    "straight through, no reference": (straight_through, (0.3,), {}),
    "straight through, its reference": (
        straight_through, (0.3,), {"reference": lambda x: x}),
    "straight through, a wrong reference": (
        straight_through, (0.3,), {"reference": lambda x: 2 * x}),
    "a surrogate, its reference": (_spike, (0.7,), {"reference": jax.nn.sigmoid}),
    "a surrogate, a wrong reference": (_spike, (0.7,), {"reference": jnp.tanh}),
    "a fixed loop": (
        lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) + i, x), (0.5,), {}),
    "a scan": (
        lambda x: lax.scan(lambda c, row: (c * row, c + row), x[0], x)[1],
        (np.array([0.5, 2, 3], np.float32),), {}),
    "a branch": (lambda x: lax.cond(x > 0.25, jnp.sin, jnp.cos, x), (0.5,), {}),
    "a remat": (jax.checkpoint(lambda x: jnp.sin(jnp.exp(x))), (0.5,), {"order": 2}),
    "under jit": (jax.jit(lambda x: x**3), (0.5,), {"order": 2}),
    "bfloat16": (jnp.sin, (jnp.bfloat16(0.5),), {}),
}  # fmt: skip


# -- wrong in part ---------------------------------------------------------------------------------
def _one_of_many() -> Callable[..., Any]:
    scale = np.ones((5, 4), np.float32)
    scale[3, 2] = 0.95
    return with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0] * scale)


def _batched_wrong() -> Callable[..., Any]:
    slope = jax.custom_batching.custom_vmap(jnp.cos)
    slope.def_vmap(lambda size, batched, x: (jnp.cos(x[::-1]), True))
    return with_rule(jnp.sin, lambda xs, ts: slope(xs[0]) * ts[0])


WHOLE_RULES: dict[str, Asked] = {
    "one wrong entry of 20": (
        _one_of_many(), (np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4),), {}),
    "a wrong leaf beside a large one": (
        with_rule(
            lambda a, b: 1e6 * jnp.sin(a) + jnp.sin(b),
            lambda xs, ts: 1e6 * jnp.cos(xs[0]) * ts[0] - jnp.cos(xs[1]) * ts[1],
        ), (0.5, 0.25), {}),
    "wrong under vmap": (_batched_wrong(), (0.5,), {}),
    "wrong in second order": (
        with_rule(lambda x: x**3, lambda xs, ts: 3 * lax.stop_gradient(xs[0]) ** 2 * ts[0]),
        (0.5,), {"order": 2}),
    "wrong at one point": (
        with_rule(jnp.sin, lambda xs, ts: jnp.where(xs[0] == 3.7, 0.0, jnp.cos(xs[0])) * ts[0]),
        (0.5,), {}),
    "wrong below every float": (
        with_rule(
            lambda x: jnp.exp(-x * x),
            lambda xs, ts: jnp.where(
                abs(xs[0]) < 11, -2 * xs[0] * jnp.exp(-xs[0] * xs[0]), 0.0) * ts[0],
        ), (16.0,), {}),
    "NaN where there is a derivative": (
        lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x), (0.0,), {}),
    "not linear in its tangent": (
        with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0] * abs(ts[0])), (0.5,),
        {"modes": "fwd"}),
    "clipped in its cotangent": (
        backward_only(lambda x, u: (jnp.clip(u, -0.5, 0.5) * jnp.cos(x),)), (0.5,), {}),
}  # fmt: skip

FLOATS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "the floats of the sigmoid": (jax.nn.sigmoid, (0.5,)),
    "the floats of a sigmoid that loses nothing": (
        with_rule(
            jax.nn.sigmoid,
            lambda xs, ts: jax.nn.sigmoid(xs[0]) * jax.nn.sigmoid(-xs[0]) * ts[0],
        ), (0.5,)),
}  # fmt: skip
