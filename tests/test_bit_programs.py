"""Programs that read the bits of floats, or approximate, stand for the functions they compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.experimental import hijax
from jax.scipy import special
from numbers_support import Checked

from benchmarks.cases import with_rule
from jaxgrad import Verdict, compare
from jaxgrad.errors import GradientMismatch, UnsupportedPrimitive
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.interpret.rules.bit_programs import _sign_bit
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.running_error import Rounded, RunningError
from jaxgrad.numbers.series import Series

FEW = settings(max_examples=3, deadline=None)
HALF_OF_THE_BITS = arb(2) ** -26  # of float64: what approximations reach, and wrong formulas do not

FUNCTIONS: dict[str, tuple[Callable[..., Any], float, float]] = {
    "copysign": (lambda x: jnp.copysign(x, jnp.sin(x)), -4, 4),
    "dawsn": (special.dawsn, -4, 4),
    "erfcx": (special.erfcx, -2, 6),
    "erf": (jax.grad(lambda x: special.erf(x)), -3, 3),
    "expi": (special.expi, 0.125, 6),
    "exp1": (special.exp1, 0.125, 6),
    "frexp": (lambda x: jnp.frexp(x)[0], -9, 9),
    "gamma": (special.gamma, -2.8, -2.2),
    "hyp1f1": (lambda x: special.hyp1f1(1.5, 2.25, x), -2, 2),
    "hyp2f1": (lambda x: special.hyp2f1(1.5, 2.0, 3.25, x), -0.5, 0.5),
    "interp": (lambda x: jnp.interp(x, jnp.arange(-4.0, 5.0), jnp.arange(9.0) ** 2), -3.9, 3.9),
    "ldexp": (lambda x: jnp.ldexp(x, 3), -9, 9),
    "log_ndtr": (special.log_ndtr, -6, 2),
    "ndtri": (special.ndtri, 0.01, 0.99),
    "signbit": (lambda x: jnp.where(jnp.signbit(x), x, x * x), -4, 4),
    "cosine_integral": (lambda x: special.sici(x)[1], 0.125, 9),
    "sine_integral": (lambda x: special.sici(x)[0], -9, 9),
}
# Their derivative rules are loops that stop at a tolerance.
ITERATED = ("hyp1f1", "hyp2f1")
if hasattr(special, "erfcinv"):  # since jax 0.12
    FUNCTIONS["erfcinv"] = (special.erfcinv, 0.01, 1.99)


@pytest.mark.parametrize("name", FUNCTIONS)
@FEW
@given(place=st.floats(0, 1))
def test_values_and_derivatives_are_jaxs_own(name: str, place: float) -> None:
    function, low, high = FUNCTIONS[name]
    point = low + place * (high - low)
    if abs(point) < 2**-30:
        point = 0.5  # the sign bit of 0 is open
    programs = [function] if name in ITERATED else [function, jax.grad(function)]
    for program in programs:
        checked = Checked(program, np.float64(point))
        ball, x = checked.balls(np.float64(point))[0][()], float(checked.floats(point)[0])
        assert ball.is_finite()
        assert abs(exact_ball(x) - ball) <= HALF_OF_THE_BITS * abs(ball).max(arb(1)) + ball.rad()


def test_the_sign_bit_of_zero_is_open_and_has_two_sides() -> None:
    def sign(x: Any) -> Any:
        return jnp.copysign(2.0, x)

    (ball,) = Checked(sign, np.float64(0)).balls(np.float64(0))
    assert ball[()].contains(arb(2)) and ball[()].contains(arb(-2))
    found = one_sided_derivatives(sign, (0.0,), (1.0,), order=0)
    assert (found.right[0][0], found.left[0][0]) == (2, -2)


def test_an_infinite_constant_has_a_sign_bit() -> None:
    function = Checked(lambda x: jnp.where(jnp.signbit(-jnp.inf + 0 * x), x, 0.0), np.float64(3))
    assert function.balls(np.float64(3))[0][()] == 3


def test_a_mantissa_has_the_exponent_just_beside_the_point() -> None:
    found = one_sided_derivatives(lambda x: jnp.frexp(x)[0], (4.0,), (1.0,))
    assert (found.right[0][0], found.left[0][0]) == (0.5, 1)
    assert (found.right[0][1], found.left[0][1]) == (0.125, 0.25)
    with pytest.raises(CannotDecide, match="smaller than every float"):
        one_sided_derivatives(lambda x: jnp.frexp(x)[0], (0.0,), (1.0,))
    found = one_sided_derivatives(lambda x: jnp.frexp(x)[0], (0.0,), (0.0,))
    assert found.right[0][0] == 0


def test_what_is_no_float_has_no_exponent() -> None:
    for size, words in ((1e200, "larger than every float"), (1e-200, "smaller than every float")):
        product = Checked(lambda x, c=size: jnp.frexp(x * c * c)[0], np.float64(1))
        with pytest.raises(CannotDecide, match=words):
            product.balls(np.float64(1))
    (largest,) = Checked(lambda x: jnp.frexp(x)[0], np.float64(1)).balls(np.finfo(float).max)
    assert largest[()] == 1 - arb(2) ** -53


def test_other_programs_that_read_bits_are_refused() -> None:
    def bits(x: Any) -> Any:
        return jax.lax.bitcast_convert_type(x, np.int64) * 1.0

    with pytest.raises(UnsupportedPrimitive, match="bitcast_convert_type"):
        Checked(bits, np.float64(1)).balls(np.float64(1))


def test_a_namesake_elsewhere_is_run_as_it_is_written() -> None:
    @jax.jit
    def signbit(x: Any) -> Any:
        return x < 1

    checked = Checked(lambda x: jnp.where(signbit(x), x, 2 * x), np.float64(0.5))
    assert checked.balls(np.float64(0.5))[0][()] == 0.5


@pytest.mark.parametrize("name", ["Ldexp", "Frexp"])
def test_a_primitive_named_as_one_of_jaxs_is_run_as_it_is_written(name: str) -> None:
    def own(x: Any) -> Any:
        return jnp.where(x > 3, x * 5, x * 2)

    x = jax.typeof(jnp.float32(0))

    def carried(primitive: Any) -> None:
        primitive.in_avals, primitive.out_aval, primitive.params = (x,), x, {}
        super(kind, primitive).__init__()

    base: Any = getattr(hijax, "HiPrim", None) or hijax.VJPHiPrimitive  # until jax 0.11
    kind = type(name, (base,), {"__init__": carried, "expand": lambda _, x: own(x)})
    made = kind()
    assert compare(made, lambda x: x * 2, np.float32(0.5)).verdict is Verdict.AGREES
    assert compare(made, lambda x: x * 2, np.float32(4)).verdict is Verdict.REFUTED
    assert compare(made, own, np.float32(4)).verdict is Verdict.PROVED


def test_the_sign_of_gamma_at_zero_is_open() -> None:
    with pytest.raises(CannotDecide, match="open comparison"):
        Checked(special.gamma, np.float64(0)).balls(np.float64(0))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("system", "number"),
    [
        (Ball(), arb(1, 1 - 2.0**-20)),
        (RunningError(np.float32), Rounded(arb(3e38), RunningError(np.float32))),  # 1/x is flushed
        (Germ(), Series([1, 2], terms=2)),
        (Germ(), Series([0, 1], terms=2)),
    ],
    ids=["a wide ball", "a large float", "a germ", "an infinitesimal"],
)
def test_what_is_certainly_no_zero_has_a_sign_bit(system: Any, number: Any, sign: int) -> None:
    signed = number if sign > 0 else -number
    assert system.known(_sign_bit(system, signed)) is (sign < 0)


def test_a_program_of_which_a_result_was_left_out_is_run_as_it_is_written() -> None:
    """The one that is left may be either: they are of one kind."""
    for part, wanted in ((0, lambda x: x.sin() / x), (1, lambda x: x.cos() / x)):
        integral = FUNCTIONS[("sine_integral", "cosine_integral")[part]][0]
        derivative = jax.grad(jax.jit(lambda x, f=integral: f(x) ** 2))
        (found,) = Checked(derivative, np.float64(0.5)).balls(np.float64(0.5))
        x = arb(0.5)
        truth = 2 * (x.si(), x.ci())[part] * wanted(x)
        assert abs(found[()] - truth) <= HALF_OF_THE_BITS


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.where(jnp.signbit(x), -x, x * x),
        lambda x: jnp.copysign(x, 2 * x + 1),
        lambda x: jnp.copysign(x * x, x),
    ],
)
def test_tangents_stand_behind_a_number_whose_sign_is_read(function: Callable[..., Any]) -> None:
    point = (np.array([0.5, -0.75, 1.5], np.float32),)
    assert check_grads(function, point, order=2).verdict.passes
    wrong = with_rule(function, lambda xs, ts: 1.5 * jax.jvp(function, xs, ts)[1])
    with pytest.raises(GradientMismatch):
        check_grads(wrong, point)
