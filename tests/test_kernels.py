"""Kernels beside their references: right ones pass, wrong ones are refuted, in every dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import KERNELS, Kernel, drawn, moments, softmax

from jaxgrad import Verdict, check, compare
from jaxgrad.gradients.floats.kernels import KernelArithmetic
from jaxgrad.gradients.witness import enclosures
from jaxgrad.interpret.computed_dtypes import Dtypes
from jaxgrad.numbers.in_any_order import InAnyOrder
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.meanings import READERS
from jaxgrad.programs.pallas_kernels import PALLAS
from jaxgrad.programs.trace import trace

DTYPES = [np.dtype(np.float32), np.dtype(jnp.bfloat16)]
F32, BF16 = DTYPES


def checked(kernel: Kernel, args: Any, error: Callable[[Any], Any] = lambda x: x) -> Any:
    return check(kernel.function(error), args, modes="rev", reference=kernel.reference)


@pytest.fixture(autouse=True, scope="module")
def unread() -> Iterator[None]:
    """Of the kernels of these tests there are floats alone, as of those that cannot be read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(READERS, PALLAS)
        yield


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=2)
@given(seed=st.integers(0, 2**32 - 1))
def test_right_kernels_pass_at_any_point(name: str, dtype: Any, seed: int) -> None:
    kernel = KERNELS[name]
    found = checked(kernel, drawn(kernel, np.random.default_rng(seed), dtype))
    assert found.verdict is Verdict.AGREES, found


def test_a_point_where_the_derivative_is_near_zero() -> None:
    for kernel in (KERNELS["x tanh x"],):
        found = checked(kernel, (np.linspace(-2, 2, 8, dtype=np.float32),))
        assert found.verdict is Verdict.AGREES
        assert found.evidence.text.startswith("the floats of f are as near to the value")


PLANTED: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "a thousandth": (lambda x: x * 1.001, [F32]),
    "twice": (lambda x: 2 * x, DTYPES),
    "minus": (lambda x: -x, DTYPES),
    "nothing": (lambda x: 0 * x, DTYPES),
    "a hundredth more": (lambda x: x + 0.01, DTYPES),
    "NaN": (lambda x: x + jnp.nan, DTYPES),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("planted", PLANTED)
@settings(max_examples=1)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_error_in_the_backward_kernel_is_refuted(name: str, planted: str, seed: int) -> None:
    kernel, (error, dtypes) = KERNELS[name], PLANTED[planted]
    for dtype in dtypes:
        args = drawn(kernel, np.random.default_rng(seed), dtype)
        found = checked(kernel, args, error)
        assert found.verdict is Verdict.REFUTED, found
        assert f"more than twice what rounding in {dtype} explains" in found.evidence.text


def test_what_rounding_may_or_may_not_explain_is_open() -> None:
    """Half of the way from what is explained to what is wrong."""
    kernel, x = KERNELS["x tanh x"], (np.float32([0.5]),)
    verdicts = [
        checked(kernel, x, lambda y, error=error: y + y * error * 2.0**-24).verdict
        for error in (4, 40, 400)
    ]
    assert verdicts == [Verdict.AGREES, Verdict.UNDECIDED, Verdict.REFUTED]
    open_ = checked(kernel, x, lambda y: y + y * 40 * 2.0**-24)
    assert "further from that of the reference than rounding explains" in open_.evidence.text


def test_a_coarser_dtype_inside_a_kernel_is_seen_and_named() -> None:
    def coarse(x: Any, g: Any) -> tuple[Any, ...]:
        return ((g * 2 * x).astype(jnp.bfloat16),)

    def halved(x: Any, g: Any) -> tuple[Any, ...]:
        return ((g * x).astype(jnp.bfloat16),)

    x = (np.float32([0.3, 1.7]),)
    for backward, verdict in ((coarse, Verdict.AGREES), (halved, Verdict.REFUTED)):
        kernel = Kernel(jnp.square, backward, jnp.square, ((2,),))
        found = checked(kernel, x)
        assert found.verdict is verdict
    assert "rounding in bfloat16 and float32 explains" in found.evidence.text


def host(factor: float, dtype: Any = np.float32) -> Callable[..., Any]:
    """The square, whose slope comes from the host."""

    def slope(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
        function = lambda x: (2 * factor * x.astype(dtype)).astype(x.dtype)  # noqa: E731
        return jax.pure_callback(function, shape, x, vmap_method="expand_dims")

    square = jax.custom_jvp(lambda x: x * x)
    square.defjvp(lambda xs, ts: (square(xs[0]), slope(xs[0]) * ts[0]))
    return square


def test_what_a_callback_computes_in_is_not_seen() -> None:
    x = np.float32([0.3, 1.7])
    verdicts = {
        "right": check(host(1.0), (x,), reference=jnp.square).verdict,
        "in half": check(host(1.0, np.float16), (x,), reference=jnp.square).verdict,
        "twice": check(host(2.0), (x,), reference=jnp.square).verdict,
    }
    assert verdicts == {
        "right": Verdict.AGREES, "in half": Verdict.UNDECIDED, "twice": Verdict.REFUTED,
    }  # fmt: skip
    told = check(
        host(1.0, np.float16), (x,), special_points=False,
        reference=lambda x: jnp.square(x.astype(jnp.float16)).astype(x.dtype),
    )  # fmt: skip
    assert told.verdict is Verdict.AGREES


def _looked_up(x: Any) -> Any:
    """Nothing, from a place that rounding may move."""
    return jnp.take(jnp.zeros(100), jnp.floor(x * 10).astype(int))


def _by_hosts(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[..., Any]:
    def called(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        shape = jax.ShapeDtypeStruct((), np.float32)
        run = lambda x: np.float32(function(x))  # noqa: E731
        return lambda x: jax.pure_callback(run, shape, x, vmap_method="expand_dims")

    f = jax.custom_jvp(called(value))
    f.defjvp(lambda xs, ts: (f(*xs), called(slope)(xs[0]) * ts[0]))
    return f


UNBOUNDED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "an index": (lambda x: x * x + _looked_up(x), lambda x: x * x, lambda x: 2 * x),
    "a divisor": (
        lambda x: x * x / ((x + 1e8) - 1e8 + 5),
        lambda x: x * x / (x + 5),
        lambda x: (x * x + 10 * x) / (x + 5) ** 2,
    ),
}


@pytest.mark.parametrize("name", UNBOUNDED)
@pytest.mark.parametrize("factor", [3.5, -77.0, np.inf])
def test_where_nobody_knows_what_rounding_does_nothing_is_explained(
    name: str, factor: float
) -> None:
    reference, value, slope = UNBOUNDED[name]
    x = (np.float32(0.3),)
    right = check(_by_hosts(value, slope), x, reference=reference)
    assert right.verdict is Verdict.AGREES, right
    wrong = check(_by_hosts(value, lambda x: factor * slope(x)), x, reference=reference)
    assert wrong.verdict is Verdict.UNDECIDED, wrong
    assert "how far rounding may take the reference is not known" in wrong.evidence.text


def test_a_side_beside_which_nobody_knows_what_rounding_does() -> None:
    def side(factor: float) -> Callable[..., Any]:
        shape = jax.ShapeDtypeStruct((), np.float32)
        return lambda x: jax.pure_callback(lambda x: np.float32(factor * x), shape, x)

    for factor, verdict in ((2, Verdict.AGREES), (7, Verdict.UNDECIDED)):
        found = compare(side(factor), lambda x: 2 * x + _looked_up(x), np.float32(0.3))
        assert found.verdict is verdict, found


MEANLESS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "softmax": lambda x, g: (softmax(x) * g,),
    "layer norm": lambda x, w, g: (g * w * moments(x)[1], jnp.sum(g * moments(x)[0], axis=0)),
}


@pytest.mark.parametrize("name", MEANLESS)
@pytest.mark.parametrize(("rows", "size"), [(1, 32), (1, 256)])
def test_means_of_many_entries_are_missed(name: str, rows: int, size: int) -> None:
    """A mean of many entries is less than what many roundings of a combination explain."""
    shapes = ((rows, size), (size,))[: 1 + (name == "layer norm")]
    right = replace(KERNELS[name], shapes=shapes)
    args = drawn(right, np.random.default_rng(0), BF16)
    assert checked(right, args).verdict is Verdict.AGREES
    assert not checked(replace(right, backward=MEANLESS[name]), args).verdict.passes


def test_any_slope_between_those_at_a_kink_is_right() -> None:
    def relu(slope: float) -> Kernel:
        def backward(x: Any, g: Any) -> tuple[Any, ...]:
            return (jnp.where(x > 0, g, jnp.where(x < 0, 0 * g, slope * g)),)

        return Kernel(lambda x: jnp.maximum(x, 0), backward, lambda x: jnp.maximum(x, 0), ((2,),))

    x = (np.float32([0.0, 2.0]),)
    for slope in (0.0, 0.25, 0.5, 1.0):
        assert checked(relu(slope), x).verdict is Verdict.AGREES
    for slope in (-0.5, 1.5):
        assert checked(relu(slope), x).verdict is Verdict.REFUTED


def test_what_cancels_within_the_program_is_explained_by_its_running_error() -> None:
    """Of two entries the normalised ones are ±1, and the derivative is what rounding leaves."""
    kernel = KERNELS["layer norm"]
    args = np.float32([[3.0, 1.1]]), np.float32([0.7, 1.3])
    found = checked(kernel, args)
    assert found.verdict is Verdict.AGREES
    assert checked(kernel, args, lambda x: x + 1e-3).verdict is Verdict.REFUTED


def test_a_loop_in_the_reference_is_followed() -> None:
    def cube(x: Any) -> Any:
        return jax.lax.while_loop(
            lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * x), (0, x * 0 + 1)
        )[1]

    @jax.custom_jvp
    def reference(x: Any) -> Any:
        return cube(x)

    reference.defjvp(lambda xs, ts: (cube(xs[0]), 3 * xs[0] ** 2 * ts[0]))
    x = (np.float32([0.3, 1.7]),)
    for factor, verdict in ((3, Verdict.AGREES), (4, Verdict.REFUTED)):
        kernel = Kernel(lambda x: x * x * x, lambda x, g, k=factor: (k * x * x * g,), cube, ((2,),))
        ruled = check(kernel.function(), x, modes="rev", reference=reference, special_points=False)
        assert ruled.verdict is verdict, ruled


def test_a_side_of_a_comparison_that_is_not_read() -> None:
    def sine(factor: float) -> Callable[..., Any]:
        return lambda x: jax.pure_callback(
            lambda x: np.float32(factor) * np.sin(x), jax.ShapeDtypeStruct(x.shape, x.dtype), x
        )

    x = np.float32([0.5, 1.0])
    for factor, verdict in (
        (1.0, Verdict.AGREES), (1.001, Verdict.UNDECIDED), (-1.0, Verdict.REFUTED)
    ):  # fmt: skip
        found = compare(sine(factor), jnp.sin, x)
        assert found.verdict is verdict
        assert found.stable == (verdict is Verdict.AGREES)
        turned = compare(jnp.sin, sine(factor), x)
        assert turned.verdict is verdict
    assert (turned.leaves[0].hand, turned.leaves[0].auto) == ("0.8414709848", "-0.8414710164070129")
    assert (
        turned.counterexample is not None
        and 'for name, gradient in (("hand", hand)' in turned.counterexample
    )
    assert str(found).splitlines()[1] == (
        "  gradient[1]: hand is -0.8414710164070129, auto is 0.8414709848"
    )


@pytest.mark.parametrize("name", KERNELS)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_program_run_in_its_dtype_is_within_its_own_errors(name: str, seed: int) -> None:
    kernel = KERNELS[name]
    args = drawn(kernel, np.random.default_rng(seed), F32)

    def slopes(*args: Any) -> Any:
        return jax.grad(lambda *xs: jnp.sum(jnp.sin(kernel.reference(*xs))), 0)(*args)

    program = trace(slopes, args)
    with precision(106):
        (known,) = enclosures(program, list(args), InAnyOrder(F32, F32, F32))
        for value, ball in zip(
            np.asarray(jax.jit(slopes)(*args)).flat, known.reshape(-1), strict=True
        ):
            assert ball.value.contains(arb(float(value)))
            assert ball.value.rad() < 1e-3  # where the rows have a deviation of their size


def test_the_dtypes_of_a_program() -> None:
    def summed(x: Any) -> Any:
        return jnp.sum(x.astype(jnp.float32) * 2).astype(x.dtype)

    found = Dtypes.of(jax.make_jaxpr(summed)(np.ones(3, BF16)))
    assert (found.computed, found.summed) == ({F32}, {F32})
    assert found.kept == {BF16}  # to a wider dtype nothing is rounded
    assert not found.loops
    looped = Dtypes.of(
        jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 2, x))(1.0)
    )
    assert (looped.computed, looped.loops) == ({F32}, True)


def test_the_roundings_of_a_kernel_are_counted_in_its_dtypes() -> None:
    program = trace(lambda x: jnp.sum(x * x) * 2, (np.ones(8, np.float32),))
    roundings = {
        dtypes: KernelArithmetic(program, dtypes).roundings
        for dtypes in ((F32, F32, F32), (F32, F32, BF16), (BF16, F32, BF16), (BF16, BF16, BF16))
    }
    # A product, a sum of eight that is rounded once more, and a product.
    coarse = 2**16  # roundings of float32 in one of bfloat16
    assert list(roundings.values()) == [11, 11 + 4 * coarse, 8 + 3 * coarse, 11]
