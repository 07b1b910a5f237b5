"""The interpreter: dtypes, keys, empty arrays, infinities, refusals, and complete rules."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax
from jax.extend.core import Primitive
from numbers_support import Checked, exact_values, gradient, over_balls, over_polynomials, symbolic
from rule_example import PRIMITIVES, RELEASE
from rule_examples import BITS, BOUND, CALLBACKS, EXAMPLES, UNNAMED

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules import RULES
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.walker import Interpreter, interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring
from jaxgrad.programs.trace import trace


# -- every rule has an example, every example a rule ---------------------------------------------
def test_every_rule_has_an_example() -> None:
    assert set(RULES) == set(EXAMPLES) | set(BOUND) | set(BITS) | set(CALLBACKS)


def test_examples_exist_in_the_releases_they_name() -> None:
    releases = BOUND | {name: example.release for name, example in EXAMPLES.items()}
    for name, release in releases.items():
        if release is not None and name not in UNNAMED:
            assert (name in PRIMITIVES) == (release == RELEASE), name


@pytest.mark.parametrize("name", [n for n, release in BOUND.items() if release == RELEASE])
def test_calls_that_no_public_function_emits(name: str) -> None:
    inner = jax.make_jaxpr(lambda x: x * x)(1.0)
    equation = jax.make_jaxpr(jax.jit(lambda x: x * x))(1.0).jaxpr.eqns[0]
    bound = equation.replace(primitive=PRIMITIVES[name], params={"call_jaxpr": inner})
    (result,) = Interpreter(Ball()).apply(bound, [objects([arb(3)], ())])
    assert exact_values(result) == [9]


# -- dtypes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float8_e4m3fn"])
def test_constants_of_every_dtype_are_the_binary_rationals_they_are(dtype: str) -> None:
    tenth = jnp.asarray(0.1, dtype)
    (result,) = over_balls(lambda x: x * tenth + jnp.full((), 0.1, dtype), jnp.asarray(1.0, dtype))
    assert exact_values(result) == [2 * Fraction(float(tenth))]


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_constants_are_refused_by_every_system(dtype: Any) -> None:
    for system in (Ball(), Germ(), Polynomial(Ring(8, 100))):
        for shape in ((), (0,), (2,)):
            with pytest.raises(UnsupportedPrimitive, match="complex"):
                system.constants(np.ones(shape, dtype))
            assert system.constants(np.ones(shape)).shape == shape


def test_64_bit_programs_keep_their_integers_outside_of_x64() -> None:
    big = 2**40 + 1
    with jax.enable_x64(True):
        program = trace(lambda x, n: x * (n * jnp.int64(2)), (np.float64(1), np.int64(big)))
    system = Ball()
    inputs = [system.constants(program.inputs[0].value), program.inputs[1].value]
    assert exact_values(interpret(program, system, inputs)[0]) == [2 * big]


def test_integers_and_booleans_are_held_fixed() -> None:
    (result,) = over_balls(
        lambda x, n, b: jnp.where(b, x[n], x[0]) * n, jnp.array([2.0, 3.0]), 1, np.array(True)
    )
    assert exact_values(result) == [3]


def test_a_float_that_is_known_becomes_an_integer() -> None:
    (result,) = over_balls(
        lambda x: x[jnp.floor(jnp.float32(1.5) * 2).astype(int)], jnp.arange(4.0)
    )
    assert exact_values(result) == [3]
    with pytest.raises(UnsupportedPrimitive, match="convert_element_type to int32"):
        symbolic(lambda x: x * x.astype(int))


def test_known_floats_are_truncated_towards_zero() -> None:
    (result,) = over_balls(lambda x: x.astype(jnp.int32) * 1.0, jnp.array([1.75, -1.75, 0.0]))
    assert exact_values(result) == [1, -1, 0]
    with pytest.raises(UnsupportedPrimitive, match="does not fit"):
        over_balls(lambda x: x.astype(jnp.int8) * 1.0, jnp.array([200.0]))


def test_known_numbers_are_lifted_and_elements_stay() -> None:
    walker = Interpreter(Ball())
    for floats in (np.array([0.5, 2.0]), jnp.array([0.5, 2.0]), 0.5, np.float32(0.5)):
        lifted = walker.lift(floats)
        assert not is_concrete(lifted)
        assert exact_values(lifted) == np.ravel(floats).tolist()
    elements = objects([arb(1), arb(2)], (2,))
    assert walker.lift(elements) is elements
    key = jax.random.key(0)
    assert walker.lift(key) is key
    for known in (np.array([1, 2]), np.array([True]), jnp.array([1, 2]), 3, True, key):
        assert is_concrete(known) and is_concrete(walker.lift(known))
    for plain in (0.5, np.float64(0.5), np.array([0.5]), jnp.array([0.5])):
        assert is_concrete(plain)


# -- keys -----------------------------------------------------------------------------------------
def _keyed(key: Any, x: Any) -> Any:
    first, second = jax.random.split(key)
    uniform = jax.random.uniform(first, (3,))
    kept = jax.random.bernoulli(second, 0.5, (3,))
    return jnp.where(kept, x, 0.0) * uniform


@pytest.mark.parametrize("key", [jax.random.key(7), jax.random.PRNGKey(7)], ids=["typed", "raw"])
def test_what_a_known_key_draws_is_a_constant(key: Any) -> None:
    """Bits become the exact floats they are; the arithmetic on them is that of the reals."""
    x = jnp.array([1.0, 2.0, 4.0])
    expected = np.asarray(_keyed(key, x), np.float64)
    (result,) = over_balls(_keyed, key, x)
    for ball, number in zip(result, expected, strict=True):
        assert abs(ball - float(number)) <= abs(float(number)) * np.finfo(np.float32).eps
    first, second = (symbolic(_keyed, key, x)[0] for _ in range(2))
    assert [str(p.poly) for p in first] == [str(p.poly) for p in second]


def test_normal_draws_in_both_systems() -> None:
    def noisy(key: Any, x: Any) -> Any:
        return x * jax.random.normal(key, x.shape)

    key, x = jax.random.key(3), jnp.ones(4)
    (balls,) = over_balls(noisy, key, x)
    for ball, number in zip(balls, np.asarray(noisy(key, x), np.float64), strict=True):
        # float32 erf_inv is good to about 1e-6 relative; the uniform it is applied to, to 1 ulp.
        assert abs(ball - float(number)) < 1e-5
    ring = Ring(64, 1000)
    program = trace(noisy, (key, x))
    left, right = (over_polynomials(program, ring)[0] for _ in range(2))
    assert all(a.poly == b.poly for a, b in zip(left, right, strict=True))


def test_keys_pass_through_loops_and_branches() -> None:
    def function(key: Any, x: Any) -> Any:
        keys = jax.random.split(key, 3)

        def step(carry: Any, each: Any) -> Any:
            running, total = carry
            running, draw = jax.random.split(running)
            total = total + x * jax.random.randint(draw, (), 0, 8)
            return (running, total), jax.random.bits(each, (), "uint8") * 0.5

        (last, total), halves = lax.scan(step, (keys[0], 0.0 * x), keys)
        moved = lax.cond(
            jnp.bool_(True), lambda k: k[::-1][:2].reshape(2, 1), lambda k: k[:2, None], keys
        )
        more = jax.vmap(lambda k: jax.random.randint(k[0], (), 0, 8))(moved)
        return total + halves.sum() + more.sum() + jax.random.randint(last, (), 0, 4)

    key, x = jax.random.key(5), jnp.float32(0.25)
    (result,) = over_balls(function, key, x)
    assert [float(n) for n in exact_values(result)] == [float(function(key, x))]


# -- shapes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.sum(x[:0]) + x,
        lambda x: x[:0] * 2,
        lambda x: jnp.concatenate([x[:0], x]),
        lambda x: jnp.zeros((0, 3)) @ x,
        lambda x: jnp.zeros((3, 0)) @ x[:0],
        lambda x: jnp.prod(x[:0]) * x,
        lambda x: jnp.cumsum(x[:0]),
        lambda x: jnp.where(jnp.all(x[:0] > 0), x, 0.0),
        lambda x: jnp.where(jnp.any(x[:0] > 0), 0.0, x),
        lambda x: x.at[np.zeros(0, int)].add(jnp.zeros(0)),
        lambda x: x[0].reshape(()) * x[1],
        lambda x: x[np.array(1)] + jnp.take(x, np.array([[2]])),
        lambda x: x.reshape(3, 1, 1).squeeze() + 0,
        lambda x: jnp.sort(x[:0]),
        lambda x: lax.fori_loop(0, 3, lambda i, c: c * x[i], x[0]),
        lambda x: lax.fori_loop(0, 0, lambda i, c: c * x[i], x),
        lambda x: lax.map(lambda v: v * v, x),
        lambda x: jax.vmap(lambda v: lax.cond(v > 0, lambda w: w, lambda w: 2 * w, v))(x),
        lambda x: jax.vmap(lambda v: lax.switch((v > 0).astype(int), [jnp.abs, jnp.square], v))(x),
        lambda x: lax.associative_scan(jnp.add, x),
    ],
)
def test_empty_and_zero_dimensional_arrays(function: Callable[..., Any]) -> None:
    for each in (function, gradient(function)):
        try:
            checked = Checked(each, np.ones(3))
        except (ValueError, TypeError):
            assert each is not function  # reverse mode does not know some loops
            continue
        checked.check_exact(np.array([1.5, -2.0, 0.25]))


def test_the_maximum_of_nothing_is_minus_infinity() -> None:
    (balls,) = over_balls(lambda x: lax.reduce_max(jnp.maximum(x, 0)[:0], (0,)), jnp.ones(2))
    assert balls[()] == arb(-np.inf)
    (largest,) = symbolic(lambda x: lax.reduce_min(x[:0], (0,)), jnp.ones(2))
    assert repr(largest[()]) == "NonFinite(inf)"


# -- infinities as sentinels ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.max(x, initial=-jnp.inf),
        lambda x: jnp.min(x, initial=jnp.inf),
        lambda x: jnp.max(jnp.where(np.array([True, False, True]), x, -jnp.inf)),
        lambda x: jax.nn.softmax(jnp.where(np.array([True, False, True]), x, -jnp.inf)),
        lambda x: lax.cummax(jnp.concatenate([jnp.full(1, -jnp.inf), x]))[1:],
        lambda x: jnp.where(x < jnp.inf, x, 0.0) + jnp.clip(x, -jnp.inf, 1.0),
        lambda x: x / jnp.inf + jnp.tanh(jnp.inf) + jnp.exp(-jnp.inf),
        lambda x: jnp.where(jnp.isnan(x), 1.0, x) + jnp.where(jnp.isinf(x), 1.0, x),
        lambda x: jax.nn.logsumexp(x, where=np.array([True, False, True])),
    ],
)
def test_infinities_that_programs_use_as_sentinels(function: Callable[..., Any]) -> None:
    checked = Checked(function, np.ones(3))
    assert checked.polynomials is not None
    for point in ([0.5, 2.0, -1.0], [0.0, 0.0, 0.0]):
        assert checked.check(np.array(point)) > 0


def test_infinity_times_an_unknown_is_not_decided() -> None:
    with pytest.raises(CannotDecide, match="unknown sign"):
        symbolic(lambda x: x * jnp.inf)
    with pytest.raises(CannotDecide):
        symbolic(lambda x: jnp.dot(jnp.array([jnp.inf, 1.0]), jnp.stack([x, x])))
    with pytest.raises(CannotDecide, match="open condition"):
        symbolic(lambda x: jnp.where(x > 0, x, jnp.inf))


# -- refusals -------------------------------------------------------------------------------------
OPAQUE = Primitive("opaque")
OPAQUE.def_abstract_eval(lambda x: x)


def test_a_primitive_without_a_rule_says_where_to_add_one() -> None:
    with pytest.raises(
        UnsupportedPrimitive,
        match=r"`opaque` has no rule \(docs/coverage.md lists those that have\); if",
    ):
        symbolic(OPAQUE.bind)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.bitcast_convert_type(x, jnp.int32) * 1.0,
        lambda x: x.at[np.array([0, 0])].set(jnp.stack([x[0], x[1]])),
        lambda x: x[np.array([0, 9])] * lax.bitcast_convert_type(x[:2], jnp.int32),
    ],
)
def test_what_is_no_function_of_the_reals_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedPrimitive):
        symbolic(function, jnp.ones(3))


def test_a_user_function_is_not_taken_for_one_of_jaxs_own() -> None:
    """Only JAX's own exp_neg_sq, told by the file it is in, is read as e^(−x²)."""

    @jax.custom_jvp
    def exp_neg_sq(x: Any) -> Any:
        return x + 1

    exp_neg_sq.defjvps(lambda g, ans, x: g)
    checked = Checked(exp_neg_sq, np.ones(2))
    checked.check_exact(np.array([0.5, 3.0]))


def test_a_primitive_of_another_package_is_evaluated_on_known_integers() -> None:
    """No rule is needed where no real variable enters."""
    triple = Primitive("triple")
    triple.def_impl(lambda n: 3 * np.asarray(n))  # which JAX cannot trace
    triple.def_abstract_eval(lambda n: n)
    (result,) = over_balls(lambda x, n: x * triple.bind(n), 2.0, np.int32(5))
    assert exact_values(result) == [30]
    with pytest.raises(UnsupportedPrimitive, match="`triple` has no rule"):
        symbolic(lambda x: triple.bind(x))


def test_a_complex_constant_is_a_pair() -> None:
    walker = Interpreter(Ball())
    pair = walker.lift(np.array([1 + 2j], np.complex64))
    assert [exact_values(part) for part in pair] == [[1], [2]]
    assert is_concrete(walker.lift(np.array([1], np.int32)))
    assert not is_concrete(walker.lift(np.array([1], np.float32)))
