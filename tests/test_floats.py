"""The question about floats: roundings are counted, allowances derived, wrong digits seen."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_examples import EXAMPLES

from jaxgrad import Verdict, compare
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.floats.sides import check_floats
from jaxgrad.interpret.roundings import chains, longest_chain
from jaxgrad.interpret.sides import make_side
from jaxgrad.programs.as_code import as_code, imports
from jaxgrad.programs.trace import trace


def roundings(f: Any, *args: Any) -> int:
    return longest_chain(trace(f, args))


def test_roundings_follow_the_longest_way() -> None:
    assert roundings(lambda x: x, 1.0) == 0
    assert roundings(lambda x, y: (x + y) * y - x, 1.0, 2.0) == 3
    assert roundings(lambda x: (x * x, x)[1], 1.0) == 0
    assert roundings(lambda a, b: a @ b, jnp.ones((2, 5)), jnp.ones(5)) == 5
    assert roundings(lambda x: x.sum(), jnp.ones(7)) == 7


def test_roundings_of_solvers_scatters_and_special_functions() -> None:
    places = np.array([0, 0, 1])
    assert roundings(lambda x, y: x.at[places].add(y), jnp.ones(4), jnp.ones(3)) >= 3
    # Six for each step of elimination, and one or more to make the matrix symmetric.
    assert roundings(jnp.linalg.cholesky, jnp.eye(4)) >= 4 * 6
    assert roundings(jax.lax.digamma, 1.5) > roundings(jnp.sin, 1.5) > 0
    assert roundings(lambda x: jax.lax.reduce_precision(x, 8, 7), 1.0) == 1
    assert roundings(jax.lax.cumlogsumexp, jnp.ones(3)) > 3


def test_roundings_pass_through_calls_and_loops() -> None:
    def step(carry: Any, _: Any) -> Any:
        return carry * 1.5, None

    assert roundings(lambda x: jax.lax.scan(step, x, None, length=6)[0], 1.0) == 6
    assert roundings(jax.jit(lambda x: jax.jit(lambda y: y + 1.0)(x) * x), 1.0) == 2
    assert roundings(lambda x: jax.lax.cond(x > 0, lambda y: y * y * y, lambda y: y, x), 1.0) == 2
    with pytest.raises(UnsupportedPrimitive, match="unknown number of rounding errors"):
        roundings(lambda x: jax.lax.while_loop(lambda y: y < 9, lambda y: y * 2, x), 1.0)


@pytest.mark.parametrize("turns", [0, 1, 4])
def test_roundings_of_a_loop_that_turns_so_often(turns: int) -> None:
    def body(carry: Any) -> Any:
        x, y, i = carry
        return x * 1.5, y + x, i  # y has the roundings of the turn before, and one

    def loop(x: Any) -> Any:
        return jax.lax.while_loop(lambda c: c[2] > 0, body, (x * x, x, x))

    program = trace(loop, (1.0,))
    counts = {id(e): turns for e in program.jaxpr.jaxpr.eqns if e.primitive.name == "while"}
    assert len(counts) == 1
    assert chains(program, counts) == [1 + turns, turns + bool(turns), 0]
    assert longest_chain(program, counts) == 1 + turns


def test_a_loop_in_a_branch_that_is_not_taken_rounds_nothing() -> None:
    def chosen(x: Any) -> Any:
        def loop(y: Any) -> Any:
            return jax.lax.while_loop(lambda z: z < 9, lambda z: z * 2, y)

        return jax.lax.cond(x > 0, lambda y: y * y, loop, x)

    program = trace(chosen, (1.0,))
    assert longest_chain(program, {}) == 1
    with pytest.raises(UnsupportedPrimitive, match="unknown number of rounding errors"):
        longest_chain(program)


def test_every_output_has_its_own_chain() -> None:
    assert chains(trace(lambda x: (x, x * x, x * x * x + 1.0), (2.0,))) == [0, 1, 3]


@pytest.mark.parametrize(
    ("f", "count"),
    [
        (jnp.sum, 12),
        (lambda x: jnp.sum(x, axis=0), 3),
        (lambda x: jnp.sum(x, axis=1), 4),
        (lambda x: jnp.prod(x, axis=1), 4),
        (lambda x: jax.lax.cumsum(x, axis=0), 3),
        (lambda x: jax.lax.cumprod(x, axis=1), 4),
        (lambda x: jax.lax.cumsum(x, axis=1).sum(0), 7),
    ],
)
def test_a_sum_rounds_along_its_axes_alone(f: Any, count: int) -> None:
    assert roundings(f, np.ones((3, 4), np.float32)) == count


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("float32", "float64", 0),
        ("float64", "float32", 1),
        ("bfloat16", "float32", 0),
        ("float16", "float32", 0),
        ("float32", "bfloat16", 1),
        ("float16", "bfloat16", 1),  # more digits
        ("bfloat16", "float16", 1),  # larger numbers
        ("int32", "float32", 1),
        ("int32", "float64", 1),
    ],
)
def test_a_number_of_a_wider_dtype_is_not_rounded(before: str, after: str, count: int) -> None:
    with jax.enable_x64(True):
        assert roundings(lambda x: x.astype(after), jnp.ones((), before)) == count


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example.here])
def test_something_is_known_of_the_roundings_of_every_primitive(name: str) -> None:
    function, loops = EXAMPLES[name].function, name in ("while", "custom_linear_solve")
    with jax.enable_x64(True):
        try:
            assert roundings(function, np.ones(4), np.ones(4)) >= 0
        except UnsupportedPrimitive as error:
            assert loops and "a `while_loop` makes" in str(error)


def test_a_primitive_that_runs_a_program_has_its_roundings() -> None:
    def sevenfold(x: Any) -> Any:
        return jax.lax.reduce(x, 1.0, lambda a, b: a * b + 0.0, (0,))

    def windows(x: Any) -> Any:
        return jax.lax.reduce_window(x, 0.0, lambda a, b: (a + b) * 1.0, (3,), (1,), "VALID")

    assert roundings(sevenfold, jnp.ones(7)) == 7 * 2
    assert roundings(windows, jnp.ones(7)) == 3 * 2
    assert roundings(jnp.linalg.solve, jnp.eye(3), jnp.ones(3)) > 3 * 6


def worst(f: Any, reference: Any, *args: Any) -> Any:
    side, truth = make_side("hand", f, args), make_side("auto", reference, args)
    (result,) = check_floats(side, truth, [leaf.value for leaf in side.inputs])
    return result


@given(x=st.floats(-30, 30, width=32))
def test_well_written_functions_are_stable(x: float) -> None:
    value = jnp.float32(x)
    for f in (jax.nn.sigmoid, jnp.tanh, jax.nn.softplus, jnp.sin, lambda z: z * z - 2.0 * z):
        assert worst(f, f, value).stable


def test_cancellation_beyond_conditioning_is_unstable() -> None:
    result = worst(lambda x: jnp.exp(x) - 1.0, jnp.expm1, jnp.float32(1e-6))
    assert not result.stable
    assert result.digits < 2
    assert worst(jnp.expm1, jnp.expm1, jnp.float32(1e-6)).stable


def test_cancellation_that_the_inputs_cause_is_stable() -> None:
    assert worst(
        lambda x, y: x - y, lambda x, y: x - y, jnp.float32(1.0), jnp.float32(1.0000001)
    ).stable


def test_overflow_where_the_truth_is_representable_is_unstable() -> None:
    result = worst(lambda x: jnp.exp(x) / (1 + jnp.exp(x)), jax.nn.sigmoid, jnp.float32(100.0))
    assert not result.stable
    assert np.isnan(result.value)


def test_the_worst_entry_is_named() -> None:
    x = jnp.array([1.0, 2.0, 3.0], jnp.float32)
    result = worst(lambda v: v * jnp.array([1.0, 1.01, 1.0]), lambda v: v, x)
    assert not result.stable
    assert result.index == (1,)
    assert str(result).startswith("UNSTABLE hand[1]: 2.0199")


# XLA would simplify (x + 4) − 4, or 3x/3.
as_written = jax.lax.optimization_barrier


def test_a_branch_that_the_roundings_reach_is_stable_and_one_further_away_is_not() -> None:
    def step(x: Any) -> Any:
        return jnp.where(as_written(x + 4.0) - 4.0 >= 1.0, 1.0, 0.0)

    # The sum rounds to 5; one rounding of the input stays below 1, two of them do not.
    beside = np.float32(1 - 2**-24)
    reached = worst(step, step, beside)
    assert (reached.value, reached.truth, reached.stable) == (1.0, "0", True)
    wrong = worst(lambda x: jnp.where(x >= 0.999, 1.0, 0.0), step, np.float32(1 - 2**-20))
    assert (wrong.value, wrong.stable) == (1.0, False)


def test_inputs_move_apart_and_together() -> None:
    """What only opposite roundings change, and what only equal ones do, is allowed."""
    near = np.float32([1, 1 + 2**-20])
    assert worst(
        lambda x: (as_written(x * 3)[0] - as_written(x * 3)[1]) / 3, lambda x: x[0] - x[1], near
    ).stable
    many = np.full(40, 0.1, np.float32)
    total = float(np.sum(many.astype(np.float64)))
    assert worst(lambda x: jnp.sum(x) - total, lambda x: jnp.sum(x) - total, many).stable
    assert not worst(lambda x: x[0] - x[1] + 1e-4, lambda x: x[0] - x[1], near).stable


def test_a_coarser_dtype_inside_sets_the_allowance_of_a_side_and_is_named() -> None:
    def coarse(x: Any) -> Any:
        return (x.astype(jnp.bfloat16) ** 2).astype(x.dtype)

    x = np.float32(1.1)
    found = worst(coarse, coarse, x)
    assert (found.stable, found.within, found.digits < 4) == (True, ("bfloat16",), True)
    assert str(found).startswith("STABLE hand with bfloat16 inside: 1.2")
    assert not worst(lambda v: 1.05 * coarse(v), coarse, x).stable
    # What the other side is computed in excuses nothing.
    assert not worst(lambda v: v**2 + 1e-3, coarse, x).stable
    assert worst(lambda v: v**2, coarse, x).within == ()


def test_several_coarser_dtypes_inside_are_named_in_one_phrase() -> None:
    def coarse(x: Any) -> Any:
        narrow = [x.astype(dtype).astype(x.dtype) for dtype in (jnp.bfloat16, jnp.float16)]
        return narrow[0] * narrow[1]

    found = worst(coarse, coarse, np.float32(1.1))
    assert sorted(found.within) == ["bfloat16", "float16"]
    assert str(found).startswith(f"STABLE hand with {found.within[0]} and {found.within[1]} inside")


def test_where_no_float_is_the_truth_only_an_infinity_is_right() -> None:
    def beyond(x: Any) -> Any:
        return x * x

    x = np.float32(1e30)
    assert str(worst(beyond, beyond, x)).startswith("STABLE hand: inf, truth 1.0000000")
    assert worst(lambda v: -v * v, beyond, x).status == "UNSTABLE"
    for other in (lambda v: v, lambda v: v * v - v * v):
        found = worst(other, beyond, x)
        assert (found.status, found.stable) == ("UNKNOWN", False)
        assert "the true value is beyond every float of the dtype" in str(found)


def test_where_rounding_the_input_reaches_a_pole_nothing_is_claimed() -> None:
    below = np.float32(2 - 2**-23)  # 2 (1 − u)

    def pole(x: Any) -> Any:
        return 1 / (x - below)

    x = np.float32(2)
    assert worst(pole, pole, x).stable
    found = worst(lambda v: 100 * pole(v), pole, x)
    assert (found.status, found.stable) == ("UNKNOWN", False)
    assert str(found).endswith("0.0 digits right (ill-conditioned beyond all bounds)")
    opaque = compare(lambda v: np.float32(100 / (float(v) - float(below))), pole, x)
    assert opaque.verdict is Verdict.UNDECIDED
    assert "its result cannot be judged: UNKNOWN hand" in opaque.evidence.text


def test_of_a_stable_leaf_the_fewest_digits_are_shown() -> None:
    def difference(v: Any) -> Any:
        return v - np.float32([0, 1])

    x = np.float32([1, 1 + 2**-20])
    found = worst(lambda v: difference(as_written(v * 3) / 3), difference, x)
    assert (found.index, found.judged) == ((1,), 2)


TREES = st.recursive(
    st.none()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, width=32).map(np.float32)
    | st.lists(st.floats(-9, 9, width=16), max_size=3).map(lambda v: np.array(v, np.float16)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(tree=TREES)
def test_code_rebuilds_every_tree_exactly(tree: Any) -> None:
    rebuilt = eval(as_code(tree), {"np": np, "jnp": jnp, "jax": jax, "inf": np.inf})
    assert jax.tree.structure(rebuilt) == jax.tree.structure(tree)
    for new, old in zip(jax.tree.leaves(rebuilt), jax.tree.leaves(tree), strict=True):
        assert np.asarray(new).dtype == np.asarray(old).dtype
        assert np.asarray(new).tobytes() == np.asarray(old).tobytes()


def test_code_of_other_dtypes() -> None:
    scope = {"np": np, "jnp": jnp, "jax": jax}
    brain = jnp.array([0.5, 3.0], jnp.bfloat16)
    rebuilt = eval(as_code(brain), scope)
    assert rebuilt.dtype == jnp.bfloat16
    assert (rebuilt == brain).all()
    key = eval(as_code(jax.random.key(3)), scope)
    assert (jax.random.key_data(key) == jax.random.key_data(jax.random.key(3))).all()
    assert eval(as_code(np.zeros((0, 2), np.float32)), scope).shape == (0, 2)
    assert not any("x64" in line for line in imports([np.float32(1)]))
    assert any("x64" in line for line in imports([np.float64(1)]))
    with pytest.raises(TypeError, match="has no literal"):
        as_code(object())


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (jnp.exp2, (1e75,)),
        (lambda x: -jnp.exp2(x), (1e75,)),
        (lambda x, y: x**y, (3.0, 1e100)),
        (jnp.exp, (1e200,)),
    ],
)
def test_an_infinity_is_right_where_the_truth_is_beyond_every_float(f: Any, args: Any) -> None:
    """However wide the first ball is that holds it."""
    with jax.enable_x64(True):
        point = tuple(map(np.float64, args))
        result = compare(f, f, *point)
        assert result.verdict is Verdict.PROVED and result.stable
        finite = compare(lambda *xs: jnp.where(jnp.isinf(f(*xs)), 1.0, f(*xs)), f, *point)
        assert not finite.verdict.passes
        wrong = compare(lambda *xs: -f(*xs), f, *point)
        assert wrong.verdict is not Verdict.PROVED and not wrong.verdict.passes
