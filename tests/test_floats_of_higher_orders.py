"""The floats of every order that is asked for, of low precision inside, and which one is shown."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.gradients.floats.derivatives import rule_floats
from jaxgrad.gradients.floats.higher import higher_floats
from jaxgrad.gradients.rules.primal import Primal

NESTED = [("fwd", "fwd"), ("fwd", "rev"), ("rev", "fwd"), ("rev", "rev")]


@jax.custom_jvp
def doubled(x: Any) -> Any:
    return 2 * x


# A slope of 2, of which a number of the size of 2^30 leaves nothing.
doubled.defjvp(
    lambda xs, ts: (doubled(xs[0]), 2.0 * (((xs[0] + 2.0**30) + 1) - (xs[0] + 2.0**30)) * ts[0])
)


@jax.custom_jvp
def square(x: Any) -> Any:
    return x * x


square.defjvp(lambda xs, ts: (square(xs[0]), doubled(xs[0]) * ts[0]))


def test_what_is_lost_at_order_2_alone_is_found() -> None:
    x = np.float32(1.5)
    first = check(square, (x,), dtypes=["float32"])
    assert first.verdict.passes, first
    second = check(square, (x,), order=2, dtypes=["float32"])
    assert second.verdict is Verdict.REFUTED
    lost = second.unstable[0]
    assert (lost.mode, lost.given, lost.value) == ("fwd then fwd", True, 0.0)
    assert lost.truth == "2.000000000"
    assert str(lost).startswith("UNSTABLE fwd then fwd float32: ∂(∂f)/∂x at x = 1.5 under jit: 0.0")
    right = check(lambda x: x * x, (x,), order=2, dtypes=["float32"])
    assert right.verdict.passes
    assert {found.mode for found in right.floats} == {
        "fwd", "rev", *(" then ".join(modes) for modes in NESTED)
    }  # fmt: skip


@pytest.mark.parametrize("modes", NESTED)
def test_the_code_prints_the_second_derivative(modes: tuple[str, ...]) -> None:
    def f(tree: Any, y: Any) -> Any:
        return {"a": square(tree["x"]) * y, "b": jnp.sum(tree["x"]) * y}

    args = {"x": np.float32([1.5, 0.25]), "n": np.int32(3)}, np.float32(0.5)
    primal = Primal(f, args)
    elsewhere = [np.float32([0.75, 0.5]), np.float32(2)]
    every = higher_floats(primal, modes, np.float32, [primal.point, elsewhere])
    assert len(every) > 1
    for found in every:
        assert "∂(∂f" in str(found) or found.output == "a drawn combination"
        assert found.path in ("tree['x']", "y")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(found.code, {"f": f})
        value, rest = printed.getvalue().split(maxsplit=1)
        assert float(value) == found.value
        assert rest.strip() == f"should be {found.truth}"


def test_three_derivatives_and_what_does_not_take_a_dtype() -> None:
    primal = Primal(lambda x: x**4, (np.float32(0.5),))
    (third,) = higher_floats(primal, ("rev", "fwd", "rev"), np.float32, [primal.point])
    assert (third.mode, third.value, third.output) == ("rev then fwd then rev", 12.0, "(∂(∂f/∂x))")
    fixed = Primal(lambda x: jax.lax.add(x, jnp.float32(1)), (np.float32(1),))
    (unknown,) = higher_floats(fixed, ("fwd", "rev"), jnp.float16, [fixed.point])
    assert (unknown.status, unknown.mode) == ("UNKNOWN", "fwd then rev")


@pytest.mark.parametrize("dtype", ["float16", "float8_e4m3fn"])
def test_what_underflows_in_a_coarser_dtype_inside_is_a_fault(dtype: str) -> None:
    def f(x: Any, size: float = 1e-9) -> Any:
        return size * jnp.sum(x.astype(dtype).astype(x.dtype))

    x = np.linspace(0.5, 1, 3, dtype=np.float32)
    found = check(f, (x,), modes="rev", dtypes=["float32"])
    assert found.verdict is Verdict.REFUTED
    assert (found.unstable[0].reason, found.unstable[0].given) == ("underflow", True)
    assert check(lambda x: f(x, 0.5), (x,), modes="rev", dtypes=["float32"])
    assert not check(f, (x,), modes="rev")  # nothing at all is left
    half = lambda x: f(x) + jnp.sum(x[:1])  # noqa: E731
    assert check(half, (x,), modes="rev")


def test_where_the_given_point_fails_too_it_is_shown() -> None:
    def lossy(x: Any) -> Any:
        return jax.lax.optimization_barrier(x + 2**10) - 2**10

    # The slope that is lost gets worse the further out.
    ruled = jax.custom_jvp(lambda x: x * x)
    ruled.defjvp(lambda xs, ts: (ruled(xs[0]), 2 * lossy(xs[0]) * ts[0]))
    given, worse = np.float32(0.3), np.float32(1e-4)
    primal = Primal(ruled, (given,))
    (found,) = rule_floats(primal, ("fwd",), None, [primal.point, [worse]])
    assert (found.given, found.reason) == (True, "digits lost")
    (other,) = rule_floats(primal, ("fwd",), None, [[np.float32(0.5)], [worse]])
    assert (other.given, other.point) == (False, f"x = {float(worse)!r}")


def test_what_fails_at_the_given_point_comes_first() -> None:
    def f(a: Any, b: Any) -> Any:
        return jnp.where(a > 20, jnp.exp(a - 90), a) + doubled(b)

    found = check(f, (np.float32(1.5), np.float32(0.1)), dtypes=["float32"], modes="fwd")
    assert found.verdict is Verdict.REFUTED
    assert [x.given for x in found.unstable] == sorted(
        (x.given for x in found.unstable), reverse=True
    )
    assert found.unstable[0].given
    assert found.counterexample == found.unstable[0].code
