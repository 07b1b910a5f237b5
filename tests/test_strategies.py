"""What each strategy promises of what it draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from jaxgrad import strategies
from jaxgrad.errors import ArgumentError

BRIEF = settings(deadline=None, max_examples=20)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn"])
def test_floats_that_matter(dtype: str) -> None:
    values, limits = strategies.values_that_matter(dtype), jnp.finfo(dtype)
    assert all(x.dtype == dtype and np.isfinite(float(x)) for x in values)
    assert len({x.tobytes() for x in values}) == len(values) > 50
    seen = {float(x) for x in values}
    one = np.dtype(dtype).type(1)
    asked = [limits.max, limits.tiny, limits.smallest_subnormal, 1 + float(limits.eps)]
    assert {sign * float(x) for x in [*asked, one, 0.0] for sign in (1, -1)} <= seen
    assert {np.signbit(float(x)) for x in values if x == 0} == {True, False}
    normal = strategies.values_that_matter(dtype, allow_subnormal=False)
    assert all(x == 0 or abs(float(x)) >= float(limits.tiny) for x in normal)


def test_exp_overflows_at_one_of_them_and_not_beside_it() -> None:
    limit = np.log(float(jnp.finfo("float32").max))
    near = [float(x) for x in strategies.values_that_matter("float32") if abs(x - limit) < 1e-4]
    assert min(near) < limit < max(near)


@BRIEF
@given(
    strategies.pytrees(
        {"w": ((3, 4), "float32"), "k": [((), "int8"), ((2,), bool), ((2,), "complex64")]}
    )
)
def test_pytrees_have_their_shapes_and_dtypes(drawn: dict) -> None:
    assert drawn["w"].shape == (3, 4) and drawn["w"].dtype == np.float32
    assert [x.shape for x in drawn["k"]] == [(), (2,), (2,)]
    assert [x.dtype.name for x in drawn["k"]] == ["int8", "bool", "complex64"]
    assert abs(drawn["w"]).max() <= 8


@BRIEF
@given(strategies.arrays(strategies.shapes(sizes=(2, 5), max_dims=2), "bfloat16"))
def test_shapes_are_of_few_sizes(drawn: np.ndarray) -> None:
    assert set(drawn.shape) <= {2, 5} and drawn.ndim <= 2 and drawn.dtype.name == "bfloat16"


@pytest.mark.parametrize(("dtype", "condition"), [("float16", 30), ("float32", 1e5)])
@pytest.mark.parametrize("definite", [False, True])
def test_the_condition_number_is_kept(dtype: str, condition: float, definite: bool) -> None:
    @BRIEF
    @given(strategies.matrices(4, dtype, condition=condition, positive_definite=definite))
    def kept(a: np.ndarray) -> None:
        assert a.dtype == dtype and a.shape == (4, 4)
        assert np.linalg.cond(a.astype(float)) == pytest.approx(condition, rel=0.14)
        if definite:
            assert (a == a.T).all() and np.linalg.eigvalsh(a.astype(float)).min() > 0

    kept()


@BRIEF
@given(strategies.programs(), st.sampled_from([1, 4]), st.data())
def test_programs_run_and_have_gradients(program: strategies.Program, n: int, data) -> None:
    x = data.draw(strategies.arrays((n,)))
    value, gradient = jax.value_and_grad(program)(x)
    assert np.isfinite(value) and np.isfinite(gradient).all(), str(program)
    scope: dict = {"jax": jax, "jnp": jnp}
    exec(str(program), scope)
    assert scope["f"](x) == program(x)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: strategies.matrices(3, "float16", condition=1e4), "pass at most"),
        (lambda: strategies.matrices(1, condition=2), "pass 1, since a number"),
        (lambda: strategies.pytrees({"a": 3}), r"the leaf \['a'\] is 3"),
        (lambda: strategies.arrays((2,), "U3"), "is none of numbers"),
        (lambda: strategies.matrices(2, condition="a"), "pass a number >= 1"),
        (lambda: strategies.matrices(2, "float33"), "'float33' is not floating"),
        (lambda: strategies.arrays(3), "shape is 3: pass a tuple"),
        (lambda: strategies.arrays((2,), "int8", largest=-1), "largest is -1"),
        (lambda: strategies.finite_floats("float32", largest="a"), "largest is 'a'"),
        (lambda: strategies.shapes(sizes=()), "pass some integers"),
        (lambda: strategies.shapes(min_dims=3), "min_dims=3, max_dims=2"),
        (lambda: strategies.networks(max_depth=0), "both must be integers >= 1"),
        (lambda: strategies.parameters("Chain(2)"), "is no network: give one"),
        (lambda: strategies.programs(max_steps=9), "max_steps is 9"),
        (lambda: strategies.floats_that_matter("float8_e8m0fnu"), "has no zero"),
    ],
)
def test_what_cannot_be_drawn(call, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        call()


@pytest.mark.parametrize("drawn", ["ab", 3, (-1,), (1.5,)])
def test_a_shape_that_a_strategy_draws_is_checked(drawn: object) -> None:
    with pytest.raises(ArgumentError, match="pass a tuple of integers >= 0"):
        find(strategies.arrays(st.just(drawn)), lambda _: True)  # pyright: ignore
