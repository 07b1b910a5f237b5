"""Leaves that are no arrays, as modules have them, are held fixed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad import Verdict, check, check_grads, compare
from jaxgrad.errors import ArgumentError, GradientMismatch
from tests.pasted_code import given_and_true, numbers_printed_by, printed_by

X = np.array([0.5, -0.25], np.float32)
WRONG_TANH = with_rule(jnp.tanh, lambda xs, ts: ts[0])


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["activation", "weight", "bias", "name"],
    meta_fields=[],
)
@dataclass
class Layer:
    """As a module of a library: what it is made of are its leaves, whatever that is."""

    weight: Any
    bias: Any
    activation: Any = jax.nn.relu
    name: Any = "layer"

    def __call__(self, x: Any) -> Any:
        return self.activation(self.weight @ x + self.bias)


def layer(activation: Any) -> Layer:
    return Layer(np.array([[0.5, 0.25], [0.75, -0.5]], np.float32), np.float32(0.125), activation)


@pytest.mark.parametrize("activation", [jax.nn.relu, jnp.tanh, jax.jit(jnp.sin), jax.nn.softplus])
def test_a_module_with_an_activation(activation: Any) -> None:
    found = check_grads(lambda m, x: m(x), (layer(activation), X), special_points=False)
    assert [leaf.path for leaf in found.leaves] == ["m.weight", "m.bias", "x"]


def test_a_wrong_activation() -> None:
    def f(m: Layer, x: Any) -> Any:
        return m(x)

    args = (layer(WRONG_TANH), X)
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, args)
    text = str(caught.value)
    assert "the derivative rules are wrong for 3 of 3 leaves" in text
    assert "with `f`, and `args` as they were given, in scope" in text
    alone = lambda w: f(Layer(w, *[getattr(args[0], k) for k in ("bias", "activation")]), X)  # noqa: E731
    assert (
        float(given_and_true(caught.value, f=f, args=args)[0])
        == jax.jacrev(alone)(args[0].weight)[0, 0, 0]
    )


def test_a_proof_says_what_is_held() -> None:
    f = with_rule(jnp.exp, lambda xs, ts: jnp.exp(xs[0]) * ts[0])
    found = check(lambda m, x: m(x), (layer(f), X))
    assert found.verdict is Verdict.PROVED
    assert "every real input of these shapes, m.activation, m.name = 'layer' held fixed" in (
        found.evidence.text
    )


@dataclass
class Spring:
    """A class that is no pytree: JAX sees none of its floats."""

    k: Any
    c: float = 0.5


@dataclass(slots=True)
class SlottedSpring:
    k: Any


def pull(p: Any, x: Any) -> Any:
    return p.k * jnp.sin(x)


def test_what_agrees_at_points_says_what_is_held() -> None:
    bent = lambda x: jnp.abs(jnp.sin(x)) if x.dtype else x  # noqa: E731
    by_root = lambda n, x: n * jnp.sqrt(jnp.sin(x) ** 2)  # noqa: E731
    for found in (
        check(lambda n, x: n * bent(x), (2.0, 0.3), argnums=1),
        check(lambda n, x: n * bent(x), (2, 0.3)),
        compare(lambda n, x: n * bent(x), by_root, 2.0, 0.3, argnums=1),
        compare(lambda n, x: n * bent(x), by_root, 2, 0.3, batch=3),
    ):
        assert found.verdict is Verdict.AGREES
        assert found.evidence.text.count("n = 2") == 1, found
        assert " held fixed" in found.evidence.text
    for found in (
        check(lambda n, x: n * bent(x), (2.0, 0.3)),
        compare(lambda n, x: n * bent(x), by_root, 2.0, 0.3),
    ):
        assert "held fixed" not in found.evidence.text


@pytest.mark.parametrize("spring", [Spring(1.5), SlottedSpring(1.5), Spring([1.5, 2])])
def test_floats_that_jax_does_not_see_are_told(spring: Any) -> None:
    f = lambda p, x: pull(p, x) if not isinstance(p.k, list) else p.k[0] * jnp.sin(x)  # noqa: E731
    said = f"p (a {type(spring).__name__}, in which JAX sees no floats) held fixed"
    found = check(f, (spring, 0.3))
    assert found.verdict is Verdict.AGREES and said in found.evidence.text
    found = compare(f, lambda p, x: f(p, x + 0), spring, 0.3)
    assert found.verdict is Verdict.PROVED and said in found.evidence.text
    with pytest.raises(ArgumentError, match=r"argument p is a \w+: convert numbers"):
        compare(f, f, spring, 3)


@pytest.mark.parametrize("spring", [Spring(jnp.ones(())), SlottedSpring(jnp.ones(()))])
def test_arrays_that_jax_does_not_see_are_refused(spring: Any) -> None:
    with pytest.raises(
        ArgumentError, match=r"which is not an array of numbers.*register the class"
    ):
        check(pull, (spring, 0.3))


def loss(m: Layer, x: Any) -> Any:
    return jnp.sum(m(x) ** 2)


def gradient(m: Layer, x: Any, scale: float = 1.0) -> Any:
    parts = jax.grad(lambda w, b: loss(Layer(w, b, m.activation), x), (0, 1))(m.weight, m.bias)
    return tuple(scale * part for part in parts)


def test_a_comparison_of_modules() -> None:
    double = lambda m, x: gradient(m, x, 2.0)  # noqa: E731
    args = (layer(jnp.tanh), X)
    assert compare(gradient, gradient, *args).verdict is Verdict.PROVED
    found = compare(double, gradient, *args)
    assert found.verdict is Verdict.REFUTED
    with pytest.raises(GradientMismatch) as caught:
        found.assert_agrees()
    hand, auto = map(float, numbers_printed_by(caught.value, hand=double, auto=gradient, args=args))
    assert hand == 2 * auto
    assert found.floats


def test_numpy_code_gets_them_too() -> None:
    hand = lambda kind, x: np.cos(x) if kind == "sin" else x  # noqa: E731
    auto = lambda kind, x: jax.grad(jnp.sin if kind == "sin" else jnp.exp)(x)  # noqa: E731
    assert compare(hand, auto, "sin", X[0]).verdict is Verdict.PROVED
    assert compare(hand, auto, "exp", X[0]).verdict is Verdict.REFUTED


@pytest.mark.parametrize("held", ["sin", b"sin", jnp.sin, np.sin, jnp.float32, np.dtype("f4"), int,
                                  frozenset(), ..., slice(1)])  # fmt: skip
def test_an_argument_that_is_no_array(held: Any) -> None:
    found = check(lambda x, held: WRONG_TANH(x) if held is None else jnp.tanh(x), (X, held))
    assert found.verdict.passes
    assert [leaf.path for leaf in found.leaves] == ["x"]


def test_a_static_argument_of_a_compiled_function() -> None:
    f = jax.jit(lambda x, mode: getattr(jnp, mode)(x), static_argnums=1)
    assert check(f, (X, "sin")).verdict.passes
    assert compare(f, lambda x, mode: jnp.sin(x), X, "sin").verdict is Verdict.PROVED


def test_whole_numbers_of_python_stay_that() -> None:
    """As under jax.grad: a length, a flag that is asked by `if`, a static argument."""

    def f(x: Any, n: int, flag: bool) -> Any:
        return WRONG_TANH(x) if flag else jnp.sum(jnp.ones(n)) * x**n

    assert check_grads(f, (X, 3, False)).verdict.passes
    assert check(f, (X, 3, True)).verdict is Verdict.REFUTED
    compiled = jax.jit(lambda x, n: x**n, static_argnums=1)
    assert check(compiled, (X, 3)).verdict.passes
    found = compare(compiled, lambda x, n: x * x * x, X, 3)
    assert found.verdict is Verdict.PROVED
    assert found.evidence.text.endswith("(x[2]), n = 3 held fixed")


def test_a_text_is_in_the_program_to_paste() -> None:
    f = lambda x, mode: WRONG_TANH(x) if mode == "wrong" else x  # noqa: E731
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, (np.float32(0.5), "wrong"))
    assert float(given_and_true(caught.value, f=f)[0]) == 1.0


class Unregistered:
    def __init__(self) -> None:
        self.weights = [np.ones(2, np.float32)]


@pytest.mark.parametrize(
    "argument",
    [np.array([1, "a"], object), np.array(["a"]), Fraction(1, 2), Unregistered()],
)
def test_what_would_be_held_unseen(argument: Any) -> None:
    for ask in (
        lambda: check(lambda x, y: x, (X, argument)),
        lambda: compare(lambda x, y: x, lambda x, y: x, X, argument),
    ):
        with pytest.raises(ArgumentError, match=r"argument y .*not an array of numbers"):
            ask()


def test_a_class_of_arrays_is_to_be_registered() -> None:
    with pytest.raises(ArgumentError, match="register the class as a pytree"):
        check(lambda m, x: x, (Unregistered(), X))


def test_nothing_but_objects() -> None:
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        check(lambda x: 0.0, ("text",))
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        compare(lambda x: 0.0, lambda x: 0.0, "text")


# -- the programs to paste, one of each kind -----------------------------------------------------


@jax.custom_vjp
def clipped(x: Any) -> Any:
    return 2 * x


clipped.defvjp(lambda x: (2 * x, None), lambda _, g: (jnp.clip(2 * g, -100, 100),))


@jax.custom_jvp
def wrong_batched(x: Any) -> Any:
    return jnp.sin(x)


@wrong_batched.defjvp
def _(primals: Any, tangents: Any) -> Any:
    @jax.custom_batching.custom_vmap
    def slope(x: Any) -> Any:
        return jnp.cos(x)

    @slope.def_vmap
    def _(size: int, batched: Any, x: Any) -> Any:
        return jnp.cos(jnp.flip(x, 0)), True

    return jnp.sin(primals[0]), slope(primals[0]) * tangents[0]


@jax.custom_jvp
def cut(x: Any) -> Any:
    return jnp.sin(x)


cut.defjvp(lambda p, t: (jnp.sin(p[0]), jnp.cos(p[0]) * jax.lax.stop_gradient(t[0])))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("clipped", {"modes": "rev"}),
        ("wrong_batched", {}),
        ("cut", {"order": 2}),
        ("sigmoid", {"modes": "rev", "dtypes": ["float32"]}),
        ("WRONG_TANH", {"special_points": False}),
    ],
)
@pytest.mark.parametrize("kind", ["a module", "a text", "argnums"])
def test_programs_run_where_objects_are_held(name: str, more: dict[str, Any], kind: str) -> None:
    function = {"sigmoid": jax.nn.sigmoid}.get(name) or globals()[name]
    # What is held is in the middle: the places of leaves are those of the caller's own tree.
    args: tuple[Any, ...] = ({"b": [function], "a": np.float32(1.5)}, np.float32(0.5))
    argnums = None

    f: Any = lambda m, x: m["b"][0](x) * m["a"]  # noqa: E731
    if kind == "a text":
        args = (np.float32(1.5), "own", np.float32(0.5))
        f = lambda a, which, x: (function if which == "own" else jnp.cos)(x) * a  # noqa: E731
    elif kind == "argnums":
        args, argnums = (np.float32(1.5), np.float32(0.5)), 1
        f = lambda a, x: function(x) * a  # noqa: E731
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, args, argnums=argnums, **more)
    scope = {"f": f, "args": args} if kind == "a module" else {"f": f}
    assert printed_by(caught.value, **scope)
