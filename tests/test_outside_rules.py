"""A package outside this one says what its own primitives compute, by a JAX function."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

import jaxgrad
from jaxgrad import Verdict, check_grads, compare
from jaxgrad.errors import (
    ArgumentError,
    EnginesDisagree,
    GradientMismatch,
    JaxgradError,
    UndecidedError,
    UnsupportedPrimitive,
)
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.meanings import MEANINGS

X = np.float32(0.3)
V = np.array([0.3, -0.7, 1.2], np.float32)


def meaning(x: Any, *, slope: float) -> Any:
    return jnp.where(x > 0, x, slope * x)


def primitive(
    name: str,
    function: Callable[..., Any] = meaning,
    derivative: Callable[..., Any] = lambda x, slope: jnp.where(x > 0, 1.0, slope),
    impl: bool = True,
) -> Callable[..., Any]:
    """A leaky rectifier as a primitive of its own, with a derivative by hand."""
    made = Primitive(name)
    if impl:
        made.def_impl(lambda x, **params: function(x, slope=params["slope"]))
    made.def_abstract_eval(lambda x, **params: x)
    mlir.register_lowering(
        made, mlir.lower_fun(lambda x, **p: function(x, slope=p["slope"]), multiple_results=False)
    )
    ad.defjvp(made, lambda t, x, slope, **_: t * derivative(x, slope))
    batching.defvectorized(made)
    return lambda x, slope=0.1, **rest: made.bind(x, slope=slope, **rest)


def test_without_a_rule_it_is_undecided_and_the_text_leads_here() -> None:
    found = compare(primitive("leaky0", lambda x, slope: np.maximum(x, slope * x)), jnp.sin, X)
    assert found.verdict is Verdict.UNDECIDED
    assert "if it is your own, @jaxgrad.rule('leaky0') above a JAX function" in str(found)


def test_values_and_derivatives() -> None:
    leaky = primitive("leaky1")
    assert jaxgrad.rule("leaky1")(meaning) is meaning
    right = lambda x: jnp.maximum(x, 0.1 * x)  # noqa: E731
    assert compare(leaky, lambda x: meaning(x, slope=0.1), V).verdict is Verdict.PROVED
    assert compare(leaky, right, V).verdict.passes
    assert compare(leaky, lambda x: jnp.maximum(x, 0.11 * x), V).verdict is Verdict.REFUTED
    for x in (X, V):
        assert check_grads(leaky, (x,), order=2).verdict.passes
        assert check_grads(lambda x: jnp.sin(leaky(x)) ** 2, (x,)).verdict.passes
    turned = lambda x: jax.lax.fori_loop(0, 3, lambda i, c: leaky(c - 0.2), x)  # noqa: E731
    assert check_grads(jax.jit(turned), (X,), modes="fwd").verdict.passes


@pytest.mark.parametrize("asked", [{}, {"dtypes": ("float32",)}, {"modes": "rev"}], ids=str)
def test_a_primitive_that_only_compiled_programs_have(asked: dict[str, Any]) -> None:
    leaky = primitive("leaky7", impl=False)
    jaxgrad.rule("leaky7")(meaning)
    assert compare(leaky, lambda x: meaning(x, slope=0.1), V).verdict is Verdict.PROVED
    compare(jax.grad(leaky), lambda x: jnp.where(x > 0, 1.0, 0.1), X).assert_agrees()
    assert check_grads(leaky, (V,), order=2, **asked).verdict.passes
    wrong = primitive(
        "leaky8", derivative=lambda x, slope: jnp.where(x > 0, 1.0, -slope), impl=False
    )
    jaxgrad.rule("leaky8")(meaning)
    with pytest.raises(GradientMismatch):
        check_grads(wrong, (V,), **asked)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "derivative",
    [
        lambda x, slope: jnp.where(x > 0, 1.0, 0.0),
        lambda x, slope: jnp.where(x > 0, 1.0, -slope),
        lambda x, slope: jnp.where(x > 1, 1.0, slope),
        lambda x, slope: jnp.where(x > 0, 1.0 + 1e-5, slope),
    ],
    ids=["no slope", "a sign", "another threshold", "a little steeper"],
)
def test_a_wrong_derivative_of_the_primitive(derivative: Callable[..., Any], order: int) -> None:
    leaky = primitive("leaky2", derivative=derivative)
    jaxgrad.rule("leaky2")(meaning)
    with pytest.raises(GradientMismatch):
        check_grads(leaky, (X,), order=order)
    with pytest.raises(GradientMismatch):
        check_grads(lambda x: jnp.sum(leaky(x) ** 2), (V,), order=order)


@pytest.mark.parametrize(
    "form",
    [
        lambda x, slope: meaning(x, slope=slope),
        lambda x, slope=0.2: meaning(x, slope=slope),
        lambda x, /, slope, more=None: meaning(x, slope=slope),
        lambda *xs, slope: meaning(*xs, slope=slope),
        lambda x, **params: meaning(x, **params),
    ],
)
def test_parameters_need_no_star_where_the_inputs_come_first(form: Callable[..., Any]) -> None:
    leaky = primitive("leaky21")
    jaxgrad.rule("leaky21")(form)
    try:
        assert compare(leaky, lambda x: meaning(x, slope=0.1), V).verdict is Verdict.PROVED
        assert compare(leaky, lambda x: meaning(x, slope=0.11), V).verdict is Verdict.REFUTED
    finally:
        del MEANINGS["leaky21"]


@pytest.mark.parametrize("form", [lambda slope: slope, lambda x: x, lambda slope, /, **rest: slope])
def test_a_parameter_in_the_place_of_an_input_is_none(form: Callable[..., Any]) -> None:
    leaky = primitive("leaky22")
    jaxgrad.rule("leaky22")(form)
    try:
        text = compare(leaky, jnp.sin, V).evidence.text
        assert "a keyword slope, as in (x, *, slope), or say harmless='slope'" in text
    finally:
        del MEANINGS["leaky22"]


def test_of_a_primitive_that_runs_python_the_rule_is_named() -> None:
    def run(x: Any, slope: float) -> Any:
        shape = jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))
        return jax.pure_callback(lambda x: np.maximum(x, slope * x), shape, x)

    said = r"with reference=, or write one of the primitive under @jaxgrad.rule\('leaky23'\)"
    with pytest.raises(UndecidedError, match=said):
        check_grads(primitive("leaky23", run), (X,))
    ruled = jax.custom_jvp(lambda x: run(x, 0.1))  # no primitive of anybody's own
    ruled.defjvp(lambda xs, ts: (ruled(*xs), ts[0]))
    with pytest.raises(UndecidedError, match=r"with reference=$"):
        check_grads(ruled, (X,))


def test_a_rule_that_is_not_the_primitive_is_no_verdict() -> None:
    leaky = primitive("leaky3")

    @jaxgrad.rule("leaky3")
    def _(x: Any, *, slope: float) -> Any:
        return jnp.where(x > 0, x, slope * x) * 1.001

    primitive("another3")
    jaxgrad.rule("another3")(meaning)  # which is not in the program
    first = "included; what jaxgrad.rule was told of `leaky3` is not what it computes; or a rule of"
    with pytest.raises(EnginesDisagree, match=first):
        compare(leaky, lambda x: meaning(x, slope=0.1), V)
    with pytest.raises(EnginesDisagree):
        check_grads(leaky, (V,))


def test_a_parameter_that_is_not_read() -> None:
    leaky = primitive("leaky4")
    jaxgrad.rule("leaky4")(meaning)
    tiled = lambda x: leaky(x, tile=8)  # noqa: E731
    found = compare(tiled, leaky, V)
    assert found.verdict is Verdict.AGREES  # by its floats alone
    assert "`leaky4` with tile=8, of which its rule takes no account" in str(found)
    assert "or say harmless='tile' where it changes no result" in str(found)
    jaxgrad.rule("leaky4", harmless="tile")(meaning)
    assert compare(tiled, leaky, V).verdict is Verdict.PROVED


def test_other_results_than_the_primitive() -> None:
    leaky = primitive("leaky5")
    jaxgrad.rule("leaky5")(lambda x, *, slope: jnp.sum(x))
    assert "returns float32[3], and the function under" in str(compare(leaky, jnp.sin, V))
    assert "returns float32[]; return what the primitive does" in str(compare(leaky, jnp.sin, V))


def test_two_rules_of_one_primitive() -> None:
    jaxgrad.rule("leaky6")(meaning)
    jaxgrad.rule("leaky6")(meaning)  # as when a notebook's cell is run again
    with pytest.raises(ArgumentError, match="the primitive 'leaky6' has a rule already"):
        jaxgrad.rule("leaky6")(lambda x, *, slope: x)
    with pytest.raises(ArgumentError, match=r"already, `meaning` at .*outside_rules.py:\d+, and"):
        jaxgrad.rule("leaky6")(functools.partial(meaning))  # which has no name
    with pytest.raises(ArgumentError, match="'sin' has a rule already, of this package, and"):
        jaxgrad.rule("sin")(jnp.cos)
    with pytest.raises(ArgumentError, match=r"rule: 3 is no function; write @jaxgrad.rule\('p'\)"):
        jaxgrad.rule("p")(3)  # type: ignore[type-var]


def test_a_primitive_with_two_results_in_a_batch() -> None:
    made = Primitive("both")
    made.multiple_results = True
    parts = lambda x: [jnp.sin(x), jnp.cos(x)]  # noqa: E731
    made.def_impl(parts)
    made.def_abstract_eval(lambda x: [x, x])
    mlir.register_lowering(made, mlir.lower_fun(parts, multiple_results=True))
    batching.primitive_batchers[made] = lambda xs, dims: (made.bind(*xs), [*dims, *dims])

    def forward(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        sine, cosine = made.bind(x)
        return [sine, cosine], [cosine * t, -sine * t]

    ad.primitive_jvps[made] = forward
    jaxgrad.rule("both")(lambda x: (jnp.sin(x), jnp.cos(x)))
    square = lambda x: sum(y * y for y in made.bind(x))  # noqa: E731
    assert compare(jax.vmap(square), lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2, V).verdict.passes
    assert check_grads(lambda x: made.bind(x), (V,), order=2).verdict.passes


def test_a_meaning_that_uses_the_primitive_itself() -> None:
    leaky = primitive("leaky9")
    jaxgrad.rule("leaky9")(lambda x, *, slope: jax.jit(leaky)(x) + 0 * slope)
    said = "the function under @jaxgrad.rule('leaky9') leads back to `leaky9` itself"
    assert said in str(compare(leaky, jnp.sin, X))
    with pytest.raises(UndecidedError, match="leads back to `leaky9` itself"):
        check_grads(leaky, (X,))


@pytest.mark.parametrize("wrong", [lambda *, slope: slope, lambda x, y, *, slope: x])
def test_a_meaning_of_other_arguments(wrong: Callable[..., Any]) -> None:
    leaky = primitive("leaky10")
    jaxgrad.rule("leaky10")(wrong)
    for check in (lambda: compare(leaky, jnp.sin, X), lambda: check_grads(leaky, (X,))):
        with pytest.raises(JaxgradError, match=r"the function under @jaxgrad\.rule") as caught:
            check()
        assert "leaky10" in str(caught.value)


def of_many(
    name: str, computed: Callable[..., Any], derivative: Callable[..., Any], said: Any
) -> Primitive:
    """A primitive whose batching rule moves the axis of the batch to the front and binds it."""
    made = Primitive(name)
    made.def_abstract_eval(lambda x, **_: x)
    mlir.register_lowering(made, mlir.lower_fun(computed, multiple_results=False))
    ad.primitive_jvps[made] = lambda ps, ts, **k: (
        made.bind(*ps, **k), derivative(ps[0], ad.instantiate_zeros(ts[0]), **k)
    )  # fmt: skip
    batching.primitive_batchers[made] = lambda xs, dims, **k: (
        made.bind(jnp.moveaxis(xs[0], dims[0], 0), **k), 0
    )  # fmt: skip
    jaxgrad.rule(name)(said)
    return made


def last(x: Any) -> Any:
    return jnp.sum(x, -1, keepdims=True)


@pytest.mark.parametrize("order", [1, 2])
def test_a_primitive_that_is_another_in_a_batch(order: int) -> None:
    derivative = lambda x, t: t * last(x) + x * last(t)  # noqa: E731
    right = of_many("total1", lambda x: x * last(x), derivative, lambda x: x * last(x))
    assert check_grads(right.bind, (V,), order=order).verdict.passes
    wrong = of_many("total2", lambda x: x * jnp.sum(x), derivative, lambda x: x * last(x))
    with pytest.raises(EnginesDisagree, match="under vmap"):
        check_grads(wrong.bind, (V,), order=order)


def test_parameters_that_are_equal_and_not_the_same() -> None:
    def signed(x: Any, *, w: Any) -> Any:
        return x * x if np.signbit(w) else x

    made = of_many("signed", signed, lambda x, t, w: (2 * x if np.signbit(w) else 1) * t, signed)
    run = lambda w: float(jaxgrad.run_over(jaxgrad.Ball(), lambda x: made.bind(x, w=w), 3.0))  # noqa: E731
    assert [run(0.0), run(-0.0), run(0.0)] == [3, 9, 3]
    for w in (0.0, -0.0, (1, 1.0, True)[0]):
        assert check_grads(lambda x, w=w: made.bind(x, w=w), (X,)).verdict.passes


def test_meanings_within_meanings() -> None:
    links: list[Any] = []
    for k in range(7):
        scale = 0.5 * 2**k
        said = (lambda x: x / 2) if k == 0 else (lambda x, k=k: 2 * links[k - 1].bind(x))
        derivative = lambda x, t, scale=scale: scale * t  # noqa: E731
        links.append(of_many(f"link{k}", lambda x, scale=scale: scale * x, derivative, said))
    assert compare(links[-1].bind, lambda x: x * 32, X).verdict is Verdict.PROVED
    assert check_grads(links[-1].bind, (X,)).verdict.passes


def test_meanings_that_lead_to_one_another() -> None:
    derivative = lambda x, t: t  # noqa: E731
    one = of_many("one", lambda x: x, derivative, lambda x: other.bind(x))
    other = of_many("other", lambda x: x, derivative, lambda x: one.bind(x))
    with pytest.raises(UndecidedError, match="leads back to `one` itself"):
        check_grads(one.bind, (X,))
    with pytest.raises(UnsupportedPrimitive, match="leads back to `one` itself"):
        jaxgrad.run_over(jaxgrad.Ball(), one.bind, 1.0)


def test_a_slip_in_the_name_of_a_primitive_is_asked_about() -> None:
    jaxgrad.rule("leakyy9")(meaning)
    bare = Primitive("leaky9")
    bare.def_abstract_eval(lambda x: x)
    said = "; one was given to 'leakyy9', is `leaky9` meant?"
    with pytest.raises(UnsupportedPrimitive, match=re.escape(said)):
        jaxgrad.run_over(jaxgrad.Ball(), bare.bind, 1.0)


def test_two_lambdas_are_two_functions() -> None:
    jaxgrad.rule("lambdas")(lambda x: x)
    with pytest.raises(ArgumentError, match="has a rule already"):
        jaxgrad.rule("lambdas")(lambda x: 2 * x)


def test_what_is_no_name_and_no_function_of_ones_own() -> None:
    with pytest.raises(ArgumentError, match="is no name"):
        jaxgrad.rule(meaning)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="the arguments of <built-in function max> cannot be"):
        jaxgrad.rule("largest")(max)


@pytest.mark.parametrize(
    "wrong", [lambda x: np.sin(x), lambda x: x if x > 0 else -x], ids=["NumPy", "a branch"]
)
def test_a_meaning_that_cannot_be_traced(wrong: Callable[..., Any]) -> None:
    made = of_many("untraced", jnp.sin, lambda x, t: jnp.cos(x) * t, wrong)
    with pytest.raises(JaxgradError, match=r"the function under @jaxgrad\.rule\('untraced'\)"):
        check_grads(made.bind, (X,))


def test_what_a_verdict_rests_on() -> None:
    leaky = primitive("leaky11")
    jaxgrad.rule("leaky11")(meaning)
    told = "what jaxgrad.rule was told of `leaky11`"
    assert told in compare(leaky, lambda x: meaning(x, slope=0.1), V).evidence.trusts
    assert told in check_grads(leaky, (X,)).evidence.trusts
    assert told not in compare(jnp.sin, jnp.sin, X).evidence.trusts


def test_a_meaning_counts_as_the_program_that_it_is() -> None:
    links: list[Any] = []
    for k in range(40):
        twice = lambda x, k=k: links[k - 1].bind(x) + links[k - 1].bind(x)  # noqa: E731
        said = twice if k else lambda x: x / 2
        links.append(of_many(f"count{k}", lambda x: x, lambda x, t: t, said))
    counts = [operations(jax.make_jaxpr(links[k].bind)(X).jaxpr) for k in (0, 1, 2, 39)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[3] > 2**39  # and it does not take that long to count
