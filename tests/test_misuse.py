"""What a new user may hand to a public function by mistake: each is said by an error of our own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

import jaxgrad
from jaxgrad import (
    Float,
    bounds_of,
    check,
    check_grads,
    compare,
    covers,
    decide,
    enclose,
    float_dtypes,
    frequency,
    interval_ball,
    is_negative,
    is_positive,
    is_subnormal,
    is_zero,
    precision,
    supremum,
    sweep,
    upper_bound,
)
from jaxgrad.errors import ArgumentError, TraceError
from jaxgrad.gradients.identity import Budget
from jaxgrad.verdict import Verdict

X = np.float32(0.5)
KEY = jax.random.key(0)
COS = jax.grad(jnp.sin)


SHAPE = jax.ShapeDtypeStruct((2,), jnp.float32)
BALL = jaxgrad.Ball()


def most(x: Any, y: Any) -> Any:
    return y <= 1


def asked(**options: Any) -> Any:
    return check(jnp.sin, (X,), **options)


def compared(**options: Any) -> Any:
    return compare(jnp.cos, COS, X, **options)


def swept(f: Any = jnp.sin, **options: Any) -> Any:
    return sweep(f, "float16", most, **options)


def added(x: Any, y: Any) -> Any:
    return x + y


def product(x: Any) -> Any:
    return x * (1 - x)


# -- options ---------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "modes": (lambda: asked(modes=None), 'modes is None; the accepted ones are "fwd" and "rev"'),
    "modes, a number": (lambda: asked(modes=3), "modes is 3"),
    "modes, of numbers": (lambda: asked(modes=[3]), "modes holds 3"),
    "modes, none": (lambda: asked(modes=[]), "modes is empty"),
    "budget of compare": (lambda: compared(budget=1), "budget is 1; of compare it is how far pol"),
    "exact": (lambda: asked(exact="yes"), "exact is 'yes'; it is True or False"),
    "exact, None": (lambda: asked(exact=None), "exact is None; it is True or False"),
    "exact of compare": (lambda: compared(exact=1), "exact is 1; it is True or False"),
    "exact of check_grads": (lambda: check_grads(jnp.sin, (X,), exact="no"), "exact is 'no'"),
    "special_points": (lambda: asked(special_points="no"), "special_points is 'no'; it is True, F"),
    "special_points, a list": (lambda: asked(special_points=[0.0]), r"special_points is \[0.0\]"),
    "special_points of compare": (lambda: compared(special_points=[0.0]), "it is True or False"),
    "linear": (lambda: asked(linear="x"), "linear is 'x'; it is True, False, or None for the def"),
    "dtypes": (lambda: asked(dtypes=[None]), "dtypes holds None, which is no floating-point"),
    "dtypes, a number": (lambda: asked(dtypes=jnp.float32(1)), r"dtypes holds Array\(1"),
    "dtypes, numbers": (lambda: asked(dtypes=[X]), r"dtypes holds np.float32\(0.5\), which is no"),
    "dtypes, a shape": (lambda: asked(dtypes=SHAPE), "dtypes holds ShapeDtypeStruct"),
    "a dtype to sweep": (
        lambda: sweep(jnp.sin, np.float16(1), most), r"np.float16\(1.0\) is no float dtype; take",
    ),
    "tile": (lambda: swept(tile="x"), "tile must be a power of two, not 'x'"),
    "tile, a float": (lambda: swept(tile=2.0), "tile must be a power of two, not 2.0"),
    "devices": (lambda: swept(devices="cpu"), "devices is 'cpu'; give a list of some of jax.loc"),
    "devices, one": (lambda: swept(devices=jax.devices()[0]), "give a list of some of jax.local_d"),
    "devices, none": (lambda: swept(devices=[]), r"devices is \[\]"),
    "count": (lambda: swept(count=most), "count is <function .*; give a dict of names"),
    "timeout": (lambda: decide(lambda x: x * x >= 0, timeout="x"), "timeout is 'x'; it is a num"),
    "timeout, NaN": (lambda: decide(lambda x: x * x >= 0, timeout=math.nan), "timeout is nan"),
    "timeout of covers": (lambda: covers(lambda x: x + 1, [(0, 1)], timeout=None), "timeout is No"),
    "most_boxes": (lambda: covers(lambda x: x + 1, [(0, 1)], most_boxes="x"), "most_boxes is 'x'"),
    "outside_margins": (lambda: covers(lambda x: x + 1, [(0, 1)], outside_margins=3), "is 3; give"),
    "absolute": (
        lambda: supremum(product, (0, 1), outside_bounds={}, absolute="no"), "absolute is 'no'",
    ),
    "absolute of upper_bound": (
        lambda: upper_bound(product, (0, 1), absolute="no"), "absolute is 'no'; it is True or Fal",
    ),
    "claimed_at": (
        lambda: supremum(product, (0, 1), outside_bounds={}, claimed_at=3), "claimed_at is 3; give",
    ),
    "zero": (lambda: float_dtypes(zero="x"), "zero is 'x'; it is True, False, or None"),
    "infinities": (lambda: float_dtypes(infinities=3), "infinities is 3"),
    "bits": (lambda: precision(-3).__enter__(), "bits is -3; give an integer from 2 to"),
    "bits, a float": (lambda: precision(53.5).__enter__(), "bits is 53.5; give an integer"),
    "bits, True": (lambda: precision(True).__enter__(), "bits is True; give an integer"),
    "bits, more than any": (lambda: precision(2**70).__enter__(), "bits is 11805"),
    "terms": (lambda: precision(53, -1).__enter__(), "terms is -1; give an integer from 0"),
}  # fmt: skip


def _refused(case: tuple[Callable[[], Any], str]) -> bool:
    """Whether a call is refused in words that hold a text."""
    call, text = case
    with pytest.raises(ArgumentError, match=text):
        call()
    return True


@pytest.mark.parametrize("name", WRONG)
def test_an_option_of_another_kind(name: str) -> None:
    assert _refused(WRONG[name])


def test_options_of_the_right_kind() -> None:
    assert asked(exact=np.bool_(True), special_points=False, linear=None, modes=["rev"]).verdict
    assert asked(modes=iter(["fwd"]), special_points=False).verdict
    assert compared(budget=Budget(), exact=False, special_points=np.True_).verdict
    assert swept(count={"all": most}, devices=jax.local_devices(), tile=2**10).checked == 2**16
    assert asked(dtypes=[np.float32, jnp.dtype("bfloat16"), "float16", jnp.float32]).verdict.passes
    with precision(128, 0):
        pass


def test_a_precision_may_be_entered_again() -> None:
    def bits() -> int:
        return round(-math.log2(float(arb.pi().rad())))

    before, more = bits(), precision(200)
    for _ in range(2):
        with more:
            assert bits() > 190
            with precision(100), more:
                assert bits() > 190
            assert bits() > 190
        assert bits() == before
    assert more(bits)() > 190 and bits() == before
    with pytest.raises(ZeroDivisionError), more:
        print(1 / 0)
    assert bits() == before


# -- arguments -------------------------------------------------------------------------------------


def _deleted() -> Any:
    x = jnp.ones(2) + 1
    x.delete()
    return x


ARGUMENTS: dict[str, tuple[Callable[[], Any], str]] = {
    "a shape": (lambda: check(jnp.sin, (SHAPE,)), r"argument x \(ShapeDtypeStruct\) has no values"),
    "a shape, of compare": (lambda: compare(jnp.cos, COS, SHAPE), "argument x .*has no values to"),
    "a shape that is held": (lambda: check(added, (X, SHAPE), argnums=0), "argument y .*no values"),
    "a shape inside": (
        lambda: check(lambda p: p["w"], ({"w": SHAPE},)), r"argument p\['w'\] .*no values to",
    ),
    "a shape to run over": (
        lambda: jaxgrad.run_over(BALL, jnp.sin, SHAPE), "ShapeDtypeStruct.*jnp.ones",
    ),
    "an object to run over": (
        lambda: jaxgrad.run_over(BALL, lambda x: x, object()), "which has no values to comp",
    ),
    "text to run over": (
        lambda: jaxgrad.run_over(BALL, jnp.sin, np.array(["x"], object)), "'x' .str., which has no",
    ),
    "deleted": (lambda: check(jnp.sin, (_deleted(),)), "no values .*deleted"),
    "nothing to decide": (lambda: decide(None), "decide: None is no function of the variables"),
    "a builtin": (lambda: decide(max), "does not say which variables it has; write it as `lambda"),
    "bounds of text": (lambda: bounds_of("x"), r"bounds_of: 'x' \(str\) is no ball; give what"),
    "bounds of a float": (lambda: bounds_of(0.5), "is no ball"),
    "an end that is text": (lambda: interval_ball("x", 1), "interval_ball: lower is 'x'"),
    "an end that is nothing": (lambda: interval_ball(0, None), "interval_ball: upper is None"),
    "ends in the wrong order": (lambda: interval_ball(2, 1), "lower is 2 and upper is 1, which is"),
    "zero of text": (lambda: is_zero("x"), "'x' is no array of floats"),
    "zero of a float": (lambda: is_zero(0.5), "0.5 is no array of floats.*jnp.float32"),
    "zero of integers": (lambda: is_zero(jnp.arange(2)), "is no float dtype"),
    "subnormal of None": (lambda: is_subnormal(None), "None is no array of floats"),
    "sign of a list": (lambda: is_positive([1.0]), "is no array of floats"),
    "sign of a number": (lambda: is_negative(3), "3 is no array of floats"),
    "a float of a name": (lambda: Float("float16", 3), "dtype is 'float16' and bits are 3; give"),
    "a complex result": (
        lambda: sweep(lambda x: x + 1j, "float16", lambda x, y: abs(y) <= 1),
        "returns complex64, and complex numbers are not swept; sweep its real part",
    ),
    "a key for a result": (lambda: swept(lambda x: KEY), "returns key.*, which is no number"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_of_another_kind(name: str) -> None:
    assert _refused(ARGUMENTS[name])


@pytest.mark.parametrize(
    "call",
    [
        lambda: sweep(np.sin, "float16", most),
        lambda: check(np.sin, (X,)),
        lambda: jaxgrad.run_over(jaxgrad.Ball(), np.sin, 0.5),
        lambda: frequency(np.sin, KEY, 10),
    ],
)
def test_a_function_of_numpy_that_nothing_may_refer_to(call: Callable[[], Any]) -> None:
    with pytest.raises(TraceError, match=r"NumPy needs them: call jax\.numpy instead"):
        call()


def test_callables_that_jax_keeps_no_reference_to() -> None:
    class Slim:
        __slots__ = ()

        def __call__(self, x: Any) -> Any:
            return jnp.tanh(x)

    assert swept(Slim()).verdict is Verdict.PROVED


# -- traced values ---------------------------------------------------------------------------------

AROUND = {"jit": jax.jit, "grad": jax.grad, "vmap": lambda f: lambda x: jax.vmap(f)(x[None])}


def _within(around: str, call: Callable[[Any], Any]) -> None:
    """Makes a call while JAX traces a function around it."""

    def outer(x: Any) -> Any:
        call(x)
        return x

    AROUND[around](outer)(jnp.float32(0.5))


ON_TRACED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "check": (lambda x: check(jnp.sin, (x,)), "check: the argument x is traced, .*outside"),
    "check_grads": (lambda x: check_grads(jnp.sin, (x,)), "check: the argument x is traced"),
    "a held one": (
        lambda x: check(added, (X, x), argnums=0),
        "the argument y is traced",
    ),
    "one inside": (lambda x: check(lambda p: p["w"], ({"w": x},)), r"argument p\['w'\] is traced"),
    "compare": (lambda x: compare(jnp.cos, COS, x), "compare: the argument x is traced, .*outside"),
    "frequency": (
        lambda x: frequency(jax.random.bernoulli, jax.random.key(x.astype(int)), 10),
        "frequency: the argument key is traced",
    ),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", ON_TRACED)
def test_a_traced_argument(name: str, around: str) -> None:
    if name == "frequency" and around == "grad":  # of an integer nothing is traced
        pytest.skip("a key has no derivative")
    call, text = ON_TRACED[name]
    with pytest.raises(ArgumentError, match=text):
        _within(around, call)


CLOSING_OVER: dict[str, Callable[[Any], Any]] = {
    "f": lambda x: check(lambda y: y * x, (X,)),
    "reference": lambda x: check(jnp.sin, (X,), reference=lambda y: y * x),
    "domain": lambda x: check(jnp.sin, (X,), domain=lambda y: y < x + 1),
    "hand": lambda x: compare(lambda y: y * x, COS, X),
    "auto": lambda x: compare(jnp.cos, lambda y: y * x, X),
    "sweep: f": lambda x: swept(lambda y: y * x),
    "sweep: holds": lambda x: sweep(jnp.sin, "float16", lambda a, b: b <= x),
    "frequency: the event": lambda x: frequency(lambda k: jax.random.uniform(k) < x, KEY, 10),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", CLOSING_OVER)
def test_a_function_that_closes_over_a_traced_value(name: str, around: str) -> None:
    text = f"{name} closes over a value that is traced" if around != "jit" else "JAX is tracing"
    with pytest.raises(ArgumentError, match=text):
        _within(around, CLOSING_OVER[name])


UNTRACED = {
    "check": lambda _: asked(special_points=False),
    "compare": lambda _: compared(),
    "sweep": lambda _: swept(),
    "frequency": lambda _: frequency(jax.random.bernoulli, KEY, 10),
}


@pytest.mark.parametrize("name", UNTRACED)
def test_a_call_within_jit_has_no_numbers_at_all(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{name} is called within a function that JAX is tra"):
        _within("jit", UNTRACED[name])


@pytest.mark.parametrize("around", ["grad", "vmap"])
@pytest.mark.parametrize("name", UNTRACED)
def test_what_is_known_within_grad_and_vmap_is_looked_at(name: str, around: str) -> None:
    _within(around, UNTRACED[name])


def test_what_is_computed_at_compile_time_is_known() -> None:
    def call(_: Any) -> None:
        with jax.ensure_compile_time_eval():
            assert check(jnp.sin, (X,), special_points=False).verdict.passes

    _within("jit", call)


# -- JAX's own switches, and what is done with a result --------------------------------------------


@pytest.mark.parametrize("name", UNTRACED)
def test_transfers_that_are_disallowed_are_those_of_the_caller(name: str) -> None:
    with jax.transfer_guard("disallow"):
        UNTRACED[name](None)


@pytest.mark.parametrize(
    "made",
    [
        lambda: asked(special_points=False),
        lambda: asked(special_points=False, dtypes=["float32"], modes="rev"),
        lambda: check(lambda x: jax.lax.stop_gradient(x) + x, (X,)),
        lambda: compared(),
        lambda: swept(count={"zeros": lambda x, y: is_zero(y)}),
        lambda: enclose(lambda: arb(1) / 3),
        lambda: supremum(product, (0, 1), outside_bounds={}),
        lambda: frequency(jax.random.bernoulli, KEY, 10),
        lambda: decide(lambda x: x * x >= 0),
    ],
)
def test_a_result_may_be_an_element_of_a_set(made: Callable[[], Any]) -> None:
    found = made()
    assert found in {found}
