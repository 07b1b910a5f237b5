"""The table of functions, and a function that is added to it from outside of the package."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, arb_series
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

import jaxgrad
from jaxgrad import GradientMismatch, Verdict
from jaxgrad.errors import ArgumentError, EnginesDisagree
from jaxgrad.interpret.roundings import longest_chain
from jaxgrad.interpret.rules import RULES
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.contradiction import contradiction
from jaxgrad.numbers.function import FUNCTIONS, Function
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.precision import series_length
from jaxgrad.numbers.special_functions import padded
from jaxgrad.programs.meanings import MEANINGS
from jaxgrad.programs.trace import trace

NAME = "lambert_w"


# -- the table ------------------------------------------------------------------------------------
def test_no_field_has_a_default() -> None:
    for field in dataclasses.fields(Function):
        assert field.default is field.default_factory is dataclasses.MISSING, field.name


def test_names_are_those_of_the_entries() -> None:
    assert len(FUNCTIONS) > 40
    assert all(known.name == name for name, known in FUNCTIONS.items())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_entry_contradicts_itself(name: str) -> None:
    assert contradiction(FUNCTIONS[name]) is None


@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("name", [name for name, known in FUNCTIONS.items() if known.taylor])
def test_a_wrong_coefficient_is_seen(name: str, order: int) -> None:
    """Where there is a point at which anything is known."""
    known = FUNCTIONS[name]
    (place, right), *_ = known.taylor.items()

    def wrong(*xs: Any) -> list[arb]:
        return [a + (k == order) / arb(2**10) for k, a in enumerate(right(*xs))]

    found = contradiction(dataclasses.replace(known, taylor={place: wrong}))
    assert found is not None or name == "polygamma"  # of no whole order


@pytest.mark.parametrize("name", [name for name, known in FUNCTIONS.items() if known.ball])
def test_parity_is_that_of_the_balls(name: str) -> None:
    known = FUNCTIONS[name]
    if known.arity == 1 and known.ball is not None and known.jumps != "steps":
        pairs = [(known.ball(arb(x)), known.ball(arb(-x))) for x in (0.375, 0.8125)]
        odd, even = (all((a + s * b).contains(0) for a, b in pairs) for s in (1, -1))
        assert (odd, even) == (known.parity == "odd", known.parity == "even") or any(
            not x.is_finite() for pair in pairs for x in pair
        )


def test_every_function_is_known_to_germs() -> None:
    """By its coefficients, its definition, or a way of their own."""
    germ = Germ(3)
    for name, known in FUNCTIONS.items():
        point = {"polygamma": (2, 1.5), "zeta": (2.5, 1.5), "acosh": (1.5,)}.get(name)
        numbers = [germ.constant(x) for x in point or (0.25, 0.375, 0.75, 0.5)[: known.arity]]
        assert germ.apply(name, *numbers).reason is None, name


# -- what an entry must say -----------------------------------------------------------------------
def _coefficients(c: arb, count: int) -> list[arb]:
    with series_length(count):
        return padded(arb_series([c, 1], prec=count).lambertw().coeffs(), count)


def _by_scipy(x: Any) -> Any:
    from scipy.special import lambertw

    return np.real(lambertw(x))


# W(x), the inverse of w·e^w, where it is at least −1; in ulps twice 2.9, the largest error of the
# iteration below at 20 000 drawn float32 numbers.
KNOWN: dict[str, Any] = {
    "arity": 1, "ball": arb.lambertw, "taylor": _coefficients, "parity": None, "jumps": None,
    "domain": ("the argument of W is not above -1/e", lambda u: u > -arb(-1).exp()),
    "limits": (None, math.inf), "float64": _by_scipy, "ulps": 6, "error": "value",
    "critical": (("`{}` is at the end −1/e of its domain", lambda x: x + math.exp(-1)),),
}  # fmt: skip


@pytest.mark.parametrize("field", KNOWN)
def test_a_field_that_is_not_said_is_an_error(field: str) -> None:
    with pytest.raises(TypeError, match=field):
        jaxgrad.function(NAME, **{k: v for k, v in KNOWN.items() if k != field})
    assert NAME not in FUNCTIONS and NAME not in RULES


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"parity": "neither"}, "parity is 'odd' or 'even'"),
        ({"arity": 2, "parity": "odd", "limits": (None, None)}, "of one argument"),
        ({"jumps": True}, "jumps is 'somewhere'"),
        ({"error": "absolute"}, "error is relative"),
        ({"taylor": {1: _coefficients}}, "an argument that it does not have"),
        ({"arity": 2}, "limits are those"),
        ({"limits": (0.0,)}, "limits is a pair"),
        ({"ulps": None}, "ulps is a whole number"),
        ({"ball": None}, "neither balls nor a definition"),
        ({"parity": "odd"}, "the field parity contradict"),
        ({"taylor": lambda c, n: [a * 1.001 for a in _coefficients(c, n)]}, "the field taylor"),
        ({"ball": lambda x: 1.001 * arb.lambertw(x)}, "the field taylor"),
    ],
)
def test_fields_that_contradict_one_another_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        jaxgrad.function(NAME, **KNOWN | changed)
    assert NAME not in FUNCTIONS and NAME not in RULES


@pytest.mark.parametrize("name", ["sin", "round_half_even", "reshape", "with_a_meaning"])
def test_what_is_known_already_is_not_said_again(name: str) -> None:
    try:
        if name == "with_a_meaning":
            jaxgrad.rule(name)(jnp.sin)
        with pytest.raises(ArgumentError, match=name):
            jaxgrad.function(name, **KNOWN)
    finally:
        MEANINGS.pop(name, None)


@pytest.mark.usefixtures("known")
def test_a_function_gets_no_second_meaning() -> None:
    with pytest.raises(ArgumentError, match=NAME):
        jaxgrad.rule(NAME)(jnp.sin)


# -- a function from outside ----------------------------------------------------------------------
def _halley(x: Any) -> Any:
    w = jnp.log1p(x)
    w = w * (1 - jnp.log1p(w) / (2 + w))
    for _ in range(4):
        e = jnp.exp(w)
        f = w * e - x
        w = w - f / (e * (w + 1) - (w + 2) * f / (2 * w + 2))
    return w


def _primitive(slope: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """W as a primitive whose derivative is slope(x, W(x))."""
    made = Primitive(NAME)
    made.def_impl(jax.jit(_halley))
    made.def_abstract_eval(lambda x: x)
    mlir.register_lowering(made, mlir.lower_fun(_halley, multiple_results=False))
    batching.defvectorized(made)
    ad.defjvp2(made, lambda g, w, x: g * slope(x, w))
    return lambda x: made.bind(jnp.asarray(x))


W = _primitive(lambda x, w: 1 / (jnp.exp(w) * (1 + w)))
WRONG = _primitive(lambda x, w: 1 / (jnp.exp(w) * (1.0009765625 + w)))


@pytest.fixture
def known() -> Iterator[None]:
    jaxgrad.function(NAME, **KNOWN)
    yield
    del FUNCTIONS[NAME], RULES[NAME]


def test_a_primitive_that_nobody_told_of_is_not_decided() -> None:
    assert jaxgrad.compare(W, W, 0.5).verdict is Verdict.UNDECIDED


@pytest.mark.usefixtures("known")
def test_functions_made_of_it_are_compared() -> None:
    proved = jaxgrad.compare(lambda x: (W(x) + 1) ** 2, lambda x: W(x) ** 2 + 2 * W(x) + 1, 0.5)
    assert proved.verdict is Verdict.PROVED and "the argument of W" in str(proved)
    agrees = jaxgrad.compare(lambda x: W(x) * jnp.exp(W(x)), lambda x: x, 0.5)
    assert agrees.verdict is Verdict.AGREES
    for wrong in (lambda x: x * 1.0009765625, lambda x: W(x) * jnp.exp(2 * W(x)), W):
        refuted = jaxgrad.compare(lambda x: W(x) * jnp.exp(W(x)), wrong, 0.5)
        assert refuted.verdict is Verdict.REFUTED


@pytest.mark.usefixtures("known")
def test_its_gradient_is_compared() -> None:
    def slope(x: Any) -> Any:
        return 1 / ((1 + W(x)) * jnp.exp(W(x)))

    assert jaxgrad.compare(slope, jax.grad(W), 0.5).verdict is Verdict.PROVED
    assert jaxgrad.compare(slope, jax.grad(WRONG), 0.5).verdict is Verdict.REFUTED
    assert jaxgrad.compare(lambda x: W(x) / (x * (1 + W(x))), jax.grad(W), 0.5).verdict.passes


@pytest.mark.usefixtures("known")
def test_its_derivative_rule_is_checked() -> None:
    for order in (1, 2):
        check = jaxgrad.check_grads(W, (0.5,), order=order, dtypes=["float32"])
        assert check.verdict is Verdict.AGREES and check.floats, check
        with pytest.raises(GradientMismatch, match="the derivative of f"):
            jaxgrad.check_grads(WRONG, (0.5,), order=order)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("factor", [1.0, 1.0009765625])
def test_a_custom_rule_around_it_is_checked(factor: float) -> None:
    """And not proved to be what JAX makes of the primitive: that is whatever its rule says."""

    @jax.custom_jvp
    def f(x: Any) -> Any:
        return W(x) ** 2

    @f.defjvp
    def _(xs: Any, ts: Any) -> Any:
        w = W(xs[0])
        return w**2, ts[0] * factor * 2 * w / (jnp.exp(w) * (1 + w))

    if factor == 1:
        assert jaxgrad.check_grads(f, (0.5,)).verdict is Verdict.AGREES
    else:
        with pytest.raises(GradientMismatch, match="the derivative of f"):
            jaxgrad.check_grads(f, (0.5,))


@pytest.mark.usefixtures("known")
def test_a_rule_that_equals_a_wrong_one_of_the_primitive_is_refuted() -> None:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return WRONG(x)

    f.defjvp(lambda xs, ts: jax.jvp(WRONG, xs, ts))
    with pytest.raises(GradientMismatch, match="the derivative of f"):
        jaxgrad.check_grads(f, (0.5,))


def test_a_function_that_the_primitive_is_not_is_no_reason_for_a_verdict(known: None) -> None:
    """Whatever is said of it, its own run is asked as well."""
    del FUNCTIONS[NAME], RULES[NAME]
    jaxgrad.function(NAME, **KNOWN | {
        "ball": arb.asinh, "taylor": FUNCTIONS["asinh"].taylor[0], "domain": None,
    })  # fmt: skip
    for check in (lambda: jaxgrad.compare(W, W, 0.5), lambda: jaxgrad.check_grads(W, (0.5,))):
        with pytest.raises(EnginesDisagree):
            check()


@pytest.mark.usefixtures("known")
def test_every_reader_of_the_table_reads_its_entry() -> None:
    assert longest_chain(trace(W, (0.5,))) == 2 * KNOWN["ulps"]
    assert Ball().function(NAME, arb(1).exp()).contains(1)
    with jax.enable_x64(True):
        check = jaxgrad.check_grads(lambda x: W(x - 1.5), (2.0,), special_points=True)
    assert check.verdict.passes, check


# -- one of two numbers, whose coefficients are known in each -------------------------------------
def _log_add_by(place: int) -> Callable[..., list[arb]]:
    def expansion(x: arb, y: arb, count: int) -> list[arb]:
        moves, stays = (x, y) if place == 0 else (y, x)
        with series_length(count):
            total = arb_series([moves, 1], prec=count).exp() + stays.exp()
            return padded(total.log().coeffs(), count)

    return expansion


PAIR: dict[str, Any] = KNOWN | {
    "arity": 2, "ball": lambda x, y: (x.exp() + y.exp()).log(), "domain": None, "critical": (),
    "taylor": {0: _log_add_by(0), 1: _log_add_by(1)}, "limits": (None, None),
    "float64": np.logaddexp, "ulps": 8, "error": "one",
}  # fmt: skip


def _pair(factor: float) -> Callable[..., Any]:
    made = Primitive("log_add")
    made.def_impl(jax.jit(jnp.logaddexp))
    made.def_abstract_eval(lambda x, y: x)
    mlir.register_lowering(made, mlir.lower_fun(jnp.logaddexp, multiple_results=False))
    batching.defbroadcasting(made)
    ad.defjvp2(
        made,
        lambda g, z, x, y: g * jax.nn.sigmoid(x - y),
        lambda g, z, x, y: g * factor * jax.nn.sigmoid(y - x),
    )
    return lambda x, y: made.bind(jnp.asarray(x), jnp.asarray(y))


@pytest.fixture
def known_pair() -> Iterator[None]:
    jaxgrad.function("log_add", **PAIR)
    yield
    del FUNCTIONS["log_add"], RULES["log_add"]


@pytest.mark.usefixtures("known_pair")
def test_a_function_of_two_numbers_is_checked_in_each() -> None:
    right, wrong = _pair(1.0), _pair(1.0009765625)
    gradients = (jax.grad(f, argnums=(0, 1)) for f in (right, wrong))
    verdicts = [jaxgrad.compare(g, jax.grad(jnp.logaddexp, (0, 1)), 0.5, 0.25).verdict
                for g in gradients]  # fmt: skip
    assert verdicts[0].passes and verdicts[1] is Verdict.REFUTED
    for place in (0, 1):
        with jax.enable_x64(True):
            point = (lambda x: right(x, 0.25)) if place == 0 else (lambda y: right(0.5, y))
            assert jaxgrad.check_grads(point, (0.375,), order=2).verdict is Verdict.AGREES
    with pytest.raises(GradientMismatch, match="with respect to y"):
        jaxgrad.check_grads(wrong, (0.5, 0.25), modes=["fwd"], special_points=False)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("taylor", lambda c, n: [], "cannot be computed: IndexError"),
        ("ball", lambda x: 1 / 0, "cannot be computed: ZeroDivisionError"),
        ("limits", None, "limits is a pair"),
        ("domain", lambda x: True, "domain is None or a pair"),
        ("critical", ("words", lambda x: x), "critical is a tuple of pairs"),
        ("critical", 3, "critical is a tuple of pairs"),
        ("ulps", -1, "ulps is a whole number"),
    ],
)
def test_a_field_of_another_form_leaves_nothing_behind(field: str, value: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        jaxgrad.function(NAME, **{**KNOWN, field: value})
    jaxgrad.function(NAME, **KNOWN)
