"""What is raised for what cannot be asked: errors with names, and the caller's own as they are."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import sweep
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    GradientMismatch,
    JaxgradError,
    NoDerivative,
    ShapeMismatch,
    TraceError,
    TreeMismatch,
    UndecidedError,
)
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.programs.raised_by import is_jaxs_own, is_raised_by_caller
from jaxgrad.verdict import Verdict

X = np.array([0.5, 0.25, 0.75], np.float32)


def kept(x: Any) -> Any:
    return jnp.sin(x), x


def by_vjp(bwd: Any, fwd: Any = kept, primal: Any = jnp.sin, **options: Any) -> Any:
    f = jax.custom_vjp(primal, **options)
    f.defvjp(fwd, bwd)
    return f


def by_jvp(rule: Any, primal: Any = jnp.sin, **options: Any) -> Any:
    f = jax.custom_jvp(primal, **options)
    f.defjvp(rule)
    return f


def times(x: Any, n: Any) -> Any:
    return jnp.sin(x) * n


def closing_over(x: Any) -> Any:
    return by_vjp(lambda y, g: (g * x,), lambda y: (y * x, y), lambda y: y * x)(x)


def raising(*args: Any) -> Any:
    raise LookupError("of the caller's own")


def _schur(x: Any) -> Any:
    return jax.scipy.linalg.schur(x[:, None] * jnp.ones((3, 3)))[0]


def _loop(x: Any) -> Any:
    return jax.lax.while_loop(lambda v: v[0] < 1, lambda v: 2 * v, x)


def _callback(x: Any) -> Any:
    return jax.pure_callback(np.sin, x, x)


# What a rule does wrong: the function, the error, and its text.
RULES: dict[str, tuple[Callable[..., Any], type[Exception], str]] = {
    "no cotangent": (by_vjp(lambda x, g: ()), TreeMismatch, "tuple of one cotangent for each"),
    "two cotangents": (by_vjp(lambda x, g: (g, g)), TreeMismatch, "tuple of one cotangent for"),
    "a cotangent alone": (by_vjp(lambda x, g: g), TreeMismatch, "tuple of one cotangent for each"),
    "a dict": (by_vjp(lambda x, g: {"x": g}), TreeMismatch, "tuple of one cotangent for each"),
    "nothing returned": (by_vjp(lambda x, g: None), TreeMismatch, "tuple of one cotangent for"),
    "a cotangent of another shape": (by_vjp(lambda x, g: (g[:1],)), ShapeMismatch, "do not match"),
    "a string": (by_vjp(lambda x, g: ("a",)), TraceError, "'a' of type <class 'str'> is not"),
    "a cotangent for what is not differentiated": (
        lambda x: by_vjp(lambda n, x, g: (g, 0), lambda x, n: (times(x, n), x), times,
                         nondiff_argnums=(1,))(x, 2),
        TreeMismatch, "for each argument that is not in nondiff_argnums",
    ),
    "bwd of one parameter": (by_vjp(lambda g: (g,)), ArgumentError, "takes 1 positional .*residua"),
    "bwd of three parameters": (by_vjp(lambda a, b, c: (c,)), ArgumentError, "missing 1 required"),
    "bwd without what is not differentiated": (
        lambda x: by_vjp(lambda x, g: (g,), lambda x, n: (times(x, n), x), times,
                         nondiff_argnums=(1,))(x, 2),
        ArgumentError, "2 positional arguments but 3 were given; .*after those in nondiff_argnums",
    ),
    "fwd returns no pair": (by_vjp(lambda x, g: (g,), jnp.sin), TreeMismatch, "; a fwd rule retur"),
    "fwd returns a triple": (
        by_vjp(lambda x, g: (g,), lambda x: (x, x, x)), TreeMismatch, "; a fwd rule returns a pair",
    ),
    "fwd returns nothing": (
        by_vjp(lambda x, g: (g,), lambda x: None), TreeMismatch, "; a fwd rule returns a pair",
    ),
    "fwd keeps an object": (
        by_vjp(lambda x, g: (g,), lambda x: (jnp.sin(x), "a")), TraceError, "that keeps or returns",
    ),
    "an if in bwd": (
        by_vjp(lambda x, g: (g if g[0] > 0 else -g,)), TraceError,
        r"it asks for the values of its arguments in `<lambda>` \(`.*`\); `if`, .*: use jnp.where",
    ),
    "NumPy in a JVP rule": (
        by_jvp(lambda p, t: (jnp.sin(p[0]), np.array(t[0]))), TraceError, "call jax.numpy instead",
    ),
    "no tangent": (by_jvp(lambda p, t: jnp.sin(p[0])), TreeMismatch, "; a JVP rule returns a pair"),
    "nothing from a JVP rule": (by_jvp(lambda p, t: None), TreeMismatch, "; a JVP rule returns a"),
    "a tangent in a tuple": (
        by_jvp(lambda p, t: (jnp.sin(p[0]), (t[0],))), TreeMismatch, "; a JVP rule returns a pair",
    ),
    "a tangent of another shape": (
        by_jvp(lambda p, t: (jnp.sin(p[0]), t[0][:1])), ShapeMismatch, "but got float32.1.",
    ),
    "a tangent of another dtype": (
        by_jvp(lambda p, t: (jnp.sin(p[0]), t[0].astype("f2"))), DtypeMismatch, "but got float16",
    ),
    "no defvjp": (jax.custom_vjp(jnp.sin), NoDerivative, "in (f|auto): No VJP .*; define it with"),
    "no defjvp": (jax.custom_jvp(jnp.sin), NoDerivative, "in (f|auto): No JVP .*; define it with"),
    "JAX has no derivative": (
        _schur, NoDerivative, "differentiate .*for 'schur' not implemented; give what calls it ",
    ),
    "a loop backward": (_loop, NoDerivative, "differentiate .*: Reverse-mode differentiation does"),
    "a callback": (_callback, NoDerivative, "differentiate .*: Pure callbacks do not support JVP"),
    "a tracer in nondiff_argnums": (
        lambda x: by_vjp(lambda n, x, g: (g,), lambda x, n: (times(x, n), x), times,
                         nondiff_argnums=(1,))(x, x[0]),
        TraceError, "kept for another, .*in nondiff_argnums; close over that one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_jax_cannot_use_is_named_by_both(name: str) -> None:
    function, kind, text = RULES[name]
    calls = [lambda: check_grads(function, (X,), modes="rev")]
    if name not in BY_FLOATS:
        calls.append(lambda: compare(jnp.cos, jax.grad(lambda x: function(x).sum()), X))
    for call in calls:
        with pytest.raises(JaxgradError, match=text) as caught:
            call()
        assert type(caught.value) is kind
        assert not isinstance(caught.value.__cause__, JaxgradError | None)


# compare() runs what JAX cannot trace on the numbers themselves.
BY_FLOATS = ("an if in bwd", "NumPy in a JVP rule")


@pytest.mark.parametrize("where", ["the function", "fwd", "bwd", "the JVP rule"])
@pytest.mark.parametrize("kind", [LookupError, ValueError, NotImplementedError, AssertionError])
def test_what_the_caller_raises_is_not_touched(where: str, kind: type[Exception]) -> None:
    error = kind("of the caller's own")
    cause = KeyError("the cause of it")

    def broken(*args: Any) -> Any:
        raise error from cause

    function = {
        "the function": broken,
        "fwd": by_vjp(lambda x, g: (g,), broken),
        "bwd": by_vjp(broken),
        "the JVP rule": by_jvp(broken),
    }[where]
    gradient = jax.grad(lambda x: function(x).sum())
    for call in (
        lambda: check_grads(function, (X,), modes="rev"),
        lambda: compare(jnp.cos, gradient, X),
        lambda: sweep(gradient, jnp.float16, lambda x, y: y <= 1),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert caught.value is error and cause in _causes(error)
        assert "broken" in [entry.name for entry in caught.traceback]
        assert any("Raised while jaxgrad ran" in note for note in error.__notes__)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The chain of them, into which JAX sets what it knows of where a backward rule was called."""
    return [] if error is None else [error, *_causes(error.__cause__)]


def test_what_jax_says_of_the_callers_code_is_not_touched() -> None:
    for f in (lambda x: x + jnp.ones(5), by_vjp(lambda x, g: (g * jnp.ones(5),))):
        for call in (
            lambda f=f: check_grads(f, (X,), modes="rev"),
            lambda f=f: compare(jnp.cos, jax.grad(lambda x: f(x).sum()), X),
        ):
            with pytest.raises(TypeError, match="incompatible shapes for broadcasting") as caught:
                call()
            assert not isinstance(caught.value, JaxgradError)
            assert any("Raised while jaxgrad ran" in note for note in caught.value.__notes__)


def test_what_a_library_raises_is_not_taken_for_jaxs() -> None:
    """Whatever it says."""
    scope: dict[str, Any] = {}
    source = "def checked(x):\n    raise ValueError('Derivatives of this')"
    exec(compile(source, "/site-packages/library.py", "exec"), scope)
    with pytest.raises(ValueError, match="Derivatives of this") as caught:
        check_grads(scope["checked"], (X,))
    assert not isinstance(caught.value, JaxgradError)


def test_a_call_that_may_be_of_a_rule_has_a_note_of_what_rules_take() -> None:
    """Within the caller's own code the traceback does not tell who called."""
    f = by_vjp(lambda x, g: (g,), lambda x, y: (jnp.sin(x), x))
    with pytest.raises(ArgumentError, match="a custom derivative rule of f takes other arguments"):
        check_grads(f, (X,), modes="rev")
    with pytest.raises(TypeError, match="missing 1 required") as caught:
        compare(jnp.cos, jax.grad(lambda x: f(x).sum()), X)
    assert "if that is a derivative rule: a fwd rule takes" in caught.value.__notes__[-1]


def test_a_function_that_is_called_with_too_few_arguments_is_said_to_be() -> None:
    """Of a library's function the signature does not tell."""
    words = "is called with 1 argument, which it does not take: add"
    with pytest.raises(ArgumentError, match=f"^f {words}"):
        check_grads(jnp.add, (0.5,))
    with pytest.raises(ArgumentError, match=f"^auto {words}"):
        compare(jnp.cos, jnp.add, X)


def test_of_two_gradients_without_a_value_it_is_said_that_they_have_none() -> None:
    found = compare(lambda x: 0.5 / jnp.sqrt(x), jax.grad(jnp.sqrt), 0.0)
    assert found.verdict is Verdict.UNDECIDED
    said = found.evidence.text
    assert said.startswith("neither side has a real value of gradient at the given point; `div` at")
    assert said.endswith("divides by 0")


def test_numpy_code_that_raises_is_the_callers_own() -> None:
    def hand(x: Any) -> Any:
        if np.asarray(x).shape != (7,):
            raise ValueError("seven entries are wanted")
        return x

    with pytest.raises(ValueError, match="seven entries") as caught:
        compare(hand, jnp.cos, X)
    assert not isinstance(caught.value, JaxgradError)
    assert "jaxgrad ran hand on NumPy arrays" in caught.value.__notes__[-1]
    assert compare(lambda x: np.cos(np.asarray(x)), jnp.cos, X).verdict.passes


@pytest.mark.parametrize(
    ("function", "args", "text"),
    [
        (lambda x: x if x[0] > 0 else -x, (X,), r"in `<lambda>` \(`.*`\); `if`, .*jnp.where"),
        (lambda x: x * float(x[0]), (X,), r"in `<lambda>` \(`.*`\); float\(\), .*use .astype"),
        (lambda x: x * x[0].item(), (X,), r"in `<lambda>` \(`.*`\); float\(\), .*use .astype"),
        (lambda x: np.sort(x), (X,), "in `<lambda>` .*NumPy needs them: call jax.numpy instead"),
        (lambda x: x[x > 0], (X,), "boolean index picks depends on them: use jnp.where"),
        (lambda x: sum(x[i] for i in range(x[0].astype(int))), (X,), "close over that argument"),
        (lambda x: "a", (X,), "f returns a value of type str, which is no array of numbers"),
        (lambda x: {"loss": x, "of": ["a"]}, (X,), r"type str at \['of'\]\[0\], which is no arr"),
        (lambda x: jnp.sin, (X,), "f returns a value of type .*Pjit.*, which is no array"),
    ],
)
def test_what_cannot_be_traced_says_where_and_what_to_write(
    function: Any, args: Any, text: str
) -> None:
    with pytest.raises(TraceError, match=text) as caught:
        check_grads(function, args)
    assert isinstance(caught.value.__cause__, TypeError | IndexError)


def test_numpys_way_of_calling_jax_says_why_it_is_not_exact() -> None:
    def branching(x: Any) -> Any:
        return jnp.sin(x) if x[0] > 0 else -jnp.sin(x)

    found = compare(lambda x: 2 * jnp.cos(x), jax.grad(lambda x: branching(x).sum()), X)
    assert "auto runs only in floating point (auto cannot be traced by JAX: it asks for the valu" \
        in found.evidence.text  # fmt: skip
    assert compare(jnp.cos, jax.grad(lambda x: branching(x).sum()), X).verdict.passes


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: check_grads(times, (X,)), r"^f is called with 1 argument, which it does not take"),
        (lambda: check_grads(times, ()), r"^f is called with 0 arguments, which it does not take"),
        (lambda: compare(times, jnp.cos, X), r"^hand is called with 1 argument, which it does no"),
        (lambda: compare(jnp.cos, jax.grad(times), X), r"^auto is called with 1 argument, which"),
        (lambda: sweep(times, "float16", lambda x, y: y < 1), "^sweep: f is called with 1 argume"),
        (lambda: sweep(jnp.sin, "float16", lambda x: x < 1), "^sweep: holds is called with 2 arg"),
        (lambda: sweep(jnp.sin, "float16", lambda x, y: y if y < 1 else x),
         r"^sweep: holds asks for the truth of a whole array in `<lambda>` .*jnp.where for `if`"),
        (lambda: compare(jnp.cos, jax.grad(jnp.sin), X), "^auto takes jax.grad of a function that"),
        (lambda: compare(jnp.cos, jax.grad(lambda x: (x > 0).sum()), X),
         "^auto differentiates a function whose result is not floating point"),
        (lambda: compare(lambda x: "a", jnp.cos, X), "^hand is a value of type str, which is no"),
        (lambda: check_grads(lambda x: None, (X,)), r"f returns nothing \(a forgotten `retu"),
        (lambda: check_grads(jnp.sin, ("a",)), "^no argument is floating point, so there is nothi"),
        (lambda: check_grads(lambda x: {"n": 3}, (X,)), r"nothing to check: f\['n'\] is int32"),
    ],
)  # fmt: skip
def test_calls_that_make_no_sense(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        call()


def test_sweep_names_what_jax_says() -> None:
    def swept(f: Any) -> Any:
        return sweep(f, jnp.float16, lambda x, y: y <= 1)

    with pytest.raises(TraceError, match=r"^sweep: f cannot be traced by JAX: it asks .*where"):
        swept(lambda x: x if x > 0 else -x)
    with pytest.raises(TreeMismatch, match="a custom derivative rule of a function in sweep: f"):
        swept(jax.grad(by_vjp(lambda x, g: (g, g))))
    with pytest.raises(NoDerivative, match="JAX cannot differentiate a function in sweep: f: "):
        swept(jax.grad(lambda x: _schur(x * jnp.ones(3)).sum()))
    with pytest.raises(LookupError, match="own") as caught:
        sweep(jnp.sin, jnp.float16, raising)
    assert "jaxgrad ran sweep: holds" in caught.value.__notes__[-1]


def test_a_callback_that_fails_is_named() -> None:
    def fails(x: Any) -> Any:
        raise RuntimeError("no device")

    def gradient(x: Any) -> Any:
        return jax.pure_callback(fails, x, x)

    with pytest.raises(TraceError, match=r"fails to run it: \w+Error: RuntimeError: no device"):
        compare(jnp.cos, gradient, X)


def test_whose_an_error_is() -> None:
    def caught(call: Callable[[], Any]) -> Exception:
        try:
            call()
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    assert is_raised_by_caller(caught(raising))
    assert not is_raised_by_caller(caught(lambda: {}["x"]))
    assert not is_raised_by_caller(caught(lambda: jnp.ones(2) + jnp.ones(3)))
    assert not is_raised_by_caller(caught(lambda: np.linalg.inv(np.zeros((2, 2)))))
    assert not is_jaxs_own(caught(raising))


def test_a_tuple_of_the_arguments_of_a_comparison_is_hinted_at() -> None:
    with pytest.raises(TypeError) as caught:
        compare(jnp.cos, jax.grad(jnp.sin), (0.5,))
    assert "the one argument is a tuple" in caught.value.__notes__[-1]
    assert compare(lambda x: (2 * x[0],), jax.grad(lambda x: x[0] ** 2), (0.5,))


@pytest.mark.parametrize("kind", [JaxgradError, GradientMismatch, UndecidedError])
def test_public_errors_are_shown_and_pickled_by_their_public_names(kind: type[Exception]) -> None:
    """A line of pytest's summary has little room for a message behind a name."""
    assert traceback.format_exception_only(kind("REFUTED")) == [
        f"jaxgrad.{kind.__name__}: REFUTED\n"
    ]
    again = pickle.loads(pickle.dumps(kind("REFUTED")))
    assert type(again) is kind is getattr(jaxgrad, kind.__name__) and str(again) == "REFUTED"


def test_what_is_no_function_is_named_with_its_article() -> None:
    with pytest.raises(ArgumentError, match=r"^auto is an int, not a callable"):
        compare(jnp.sin, 3, 0.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^hand is None, not a callable"):
        compare(None, jnp.sin, 0.5)  # type: ignore[arg-type]


def test_what_cannot_be_batched_is_not_called_underivable() -> None:
    def f(x: Any) -> Any:
        return jax.custom_derivatives.linear_call(lambda r, x: 2 * x, lambda r, g: 2 * g, None, x)

    text = check_grads(f, (X[0],)).evidence.text
    assert "not looked at under vmap: JAX cannot batch f: Batching rule for" in text
