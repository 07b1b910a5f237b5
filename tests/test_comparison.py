"""compare(): every verdict is made, every planted error is refuted, every error text is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from network_support import at

from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    EnginesDisagree,
    NonFiniteInput,
    ShapeMismatch,
    TraceError,
    TreeMismatch,
    UndecidedError,
)
from jaxgrad.gradients import counterexample
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.identity import Budget
from jaxgrad.networks import Dense
from jaxgrad.verdict import Verdict


def test_a_drawn_point_refutes_what_the_given_point_hides() -> None:
    result = compare(lambda z: 0 * z, jax.grad(lambda z: z**2), 0.0)
    assert result.verdict is Verdict.REFUTED
    assert "args = (np.float32(0.0),)" not in (result.counterexample or "")


# -- other ways to write the same thing -----------------------------------------------------------
def by_exponential(z: Any) -> Any:
    s = 1 / (1 + jnp.exp(-z))
    return s * (1 - s)


def by_tanh(z: Any) -> Any:
    return (1 - jnp.tanh(z / 2) ** 2) / 4


def by_growth(z: Any) -> Any:
    return jnp.exp(z) / (1 + jnp.exp(z)) ** 2


def by_symmetry(z: Any) -> Any:
    return jax.nn.sigmoid(z) * jax.nn.sigmoid(-z)


def in_numpy(z: Any) -> Any:
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def in_numpy_by_tanh(z: Any) -> Any:
    return (1 - np.square(np.tanh(0.5 * z))) / 4


@pytest.mark.parametrize(
    "hand", [by_exponential, by_tanh, by_growth, by_symmetry, in_numpy, in_numpy_by_tanh]
)
def test_the_sigmoid_is_recognised_however_it_is_written(hand: Any) -> None:
    assert compare(hand, jax.grad(jax.nn.sigmoid), 0.5).verdict is Verdict.PROVED


def test_numpy_branches_become_indicators() -> None:
    assert compare(lambda z: np.where(z > 0, 1.0, 0.0), jax.grad(jax.nn.relu), 1.0).verdict is (
        Verdict.PROVED
    )


# -- grades below PROVED ---------------------------------------------------------------------------
def test_ties_are_named_where_two_choices_at_a_kink_differ() -> None:
    result = compare(jax.grad(jax.nn.relu), jax.grad(lambda z: jnp.maximum(z, 0)), 1.0)
    assert result.verdict is Verdict.AGREES
    assert "at ties they may differ" in result.evidence.text


def test_without_a_budget_for_polynomials_points_agree() -> None:
    few = Budget(terms=1, work=1, generators=128)

    def hand(x: Any) -> Any:  # of such powers residues know no more
        return 1.25 * x**0.25 * jnp.exp(x) ** 0.5 + 0.5 * x**1.25 * jnp.exp(x) ** 0.5

    result = compare(hand, jax.grad(lambda x: x**1.25 * jnp.exp(x / 2)), 2.0, budget=few)
    assert result.verdict is Verdict.AGREES
    assert "budget" in result.evidence.text
    assert all((leaf.bits or 0) > 106 for leaf in result.leaves)
    result.assert_agrees()


def opaque_sigmoid_derivative(z: Any) -> Any:
    import math

    s = 1 / (1 + math.exp(-float(z)))
    return np.float32(s * (1 - s))


def test_an_opaque_side_is_judged_by_its_floats() -> None:
    result = compare(opaque_sigmoid_derivative, jax.grad(jax.nn.sigmoid), 0.5)
    assert result.verdict is Verdict.AGREES
    assert "runs only in floating point" in result.evidence.text


def test_an_opaque_side_that_is_wrong_is_never_passed() -> None:
    result = compare(lambda z: 1.001 * opaque_sigmoid_derivative(z), jax.grad(jax.nn.sigmoid), 0.5)
    assert result.verdict is Verdict.UNDECIDED
    with pytest.raises(UndecidedError, match="beyond what rounding explains"):
        result.assert_agrees()


def test_a_callback_is_opaque_too() -> None:
    def hand(z: jax.Array) -> jax.Array:
        return jax.pure_callback(np.cos, jax.ShapeDtypeStruct((), z.dtype), z)

    result = compare(hand, jax.grad(jnp.sin), 0.5)
    assert result.verdict is Verdict.AGREES
    assert "pure_callback" in result.evidence.text


def returning(*numbers: float) -> Any:
    """A side of which only what it returns is known."""
    return lambda z: jax.pure_callback(
        lambda z: np.array(numbers, np.float32), jax.ShapeDtypeStruct((len(numbers),), "float32"), z
    )


@pytest.mark.parametrize(
    ("hand", "said"),
    [
        (returning(np.nan, 2, 3), "hand returns nan and auto nan"),
        (returning(np.inf, 2, 3), "hand returns inf and auto nan"),
    ],
)
@pytest.mark.parametrize("shift", [0, 7])
def test_what_has_no_value_is_not_compared(hand: Any, said: str, shift: int) -> None:
    """Whatever the formula is that has none."""
    auto = lambda z: z.at[0].set(jnp.log(-z[0]) + shift)  # noqa: E731
    result = compare(hand, auto, np.array([1, 2, 3], np.float32))
    assert result.verdict is Verdict.UNDECIDED
    assert "no real value of gradient[0] at the given point" in str(result)
    assert said in str(result)


@pytest.mark.parametrize(("more", "verdict"), [(0, Verdict.AGREES), (1e-3, Verdict.UNDECIDED)])
def test_the_same_number_agrees_where_the_formula_has_none(more: float, verdict: Verdict) -> None:
    """No ball holds √z of a complex 0, of which both sides return 0."""
    z = np.array([0, 1 + 1j], np.complex64)

    def hand(z: Any) -> Any:
        shape = jax.ShapeDtypeStruct(z.shape, z.dtype)
        return jax.pure_callback(lambda z: np.sqrt(z) + np.complex64([more, 0]), shape, z)

    assert compare(hand, jnp.sqrt, z).verdict is verdict


@pytest.mark.parametrize(("sign", "verdict"), [(1, Verdict.AGREES), (-1, Verdict.UNDECIDED)])
def test_infinities_are_compared(sign: int, verdict: Verdict) -> None:
    auto = lambda z: z.at[0].set(sign * jnp.inf)  # noqa: E731
    assert (
        compare(returning(np.inf, 2, 3), auto, np.array([1, 2, 3], np.float32)).verdict is verdict
    )


def test_two_opaque_sides_are_undecided() -> None:
    result = compare(opaque_sigmoid_derivative, opaque_sigmoid_derivative, 0.5)
    assert result.verdict is Verdict.UNDECIDED
    assert not result.verdict.passes


def test_a_missing_rule_is_named() -> None:
    def drawn(a: Any) -> Any:
        return jax.random.gamma(jax.random.key(0), a)

    result = compare(drawn, drawn, np.float32(0.5))
    assert result.verdict is Verdict.UNDECIDED
    assert "`random_gamma` has no rule" in result.evidence.text


def test_an_equal_zero_that_no_precision_settles_agrees_absolutely() -> None:
    few = Budget(terms=1, work=1, generators=128)
    result = compare(lambda z: z**0.25 * z - z**1.25, lambda z: 0 * z, 0.5, budget=few)
    assert result.verdict is Verdict.AGREES


# -- the other question: floats --------------------------------------------------------------------
def test_the_right_formula_may_be_unstable_in_floats() -> None:
    result = compare(jax.grad(jax.nn.sigmoid), jax.grad(jax.nn.sigmoid), 20.0)
    assert result.verdict is Verdict.PROVED
    assert not result.stable
    assert [(x.value, x.digits < 1) for x in result.floats] == [(0, True)] * 2
    assert "UNSTABLE" in str(result.floats[0])


def test_a_formula_that_keeps_its_digits_is_stable_at_the_same_point() -> None:
    result = compare(by_symmetry, by_symmetry, 20.0)
    assert result.stable
    assert [found.digits > 5 for found in result.floats] == [True, True]


def test_ill_conditioned_and_right_is_stable() -> None:
    assert compare(lambda x: jnp.cos(x), jax.grad(jnp.sin), 1e3).stable
    with jax.enable_x64(True):
        args = (jnp.asarray(2.7),)
        result = compare(
            lambda x: 1000 * jnp.cos(1000 * x), jax.grad(lambda x: jnp.sin(1000 * x)), *args
        )
    assert result.verdict is Verdict.PROVED


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrow_dtypes_have_their_own_allowance(dtype: str) -> None:
    x = jnp.asarray(0.75, dtype)
    assert compare(jnp.cos, jax.grad(jnp.sin), x).stable
    wrong = compare(lambda x: 0 * x, jax.grad(jnp.sin), x)
    assert wrong.verdict is Verdict.REFUTED


# -- what a comparison says ------------------------------------------------------------------------
def test_json_holds_every_leaf() -> None:
    net = Dense((2, 2))
    zeros = lambda params, x, y: jax.tree.map(jnp.zeros_like, params)  # noqa: E731
    result = compare(zeros, jax.grad(net.cost), *at(net))
    parsed = json.loads(result.to_json())
    assert parsed["verdict"] == "REFUTED"
    assert [leaf["path"] for leaf in parsed["leaves"]] == ["[0][0]", "[0][1]"]
    assert parsed["leaves"][0]["index"] == [0, 0]
    assert parsed["counterexample"] == result.counterexample


def test_text_names_leaf_index_and_sides() -> None:
    result = compare(lambda p: {"w": p["w"] * 0, "b": jnp.cos(p["b"])},
                     jax.grad(lambda p: jnp.sum(p["w"] ** 2) + jnp.sin(p["b"])),
                     {"w": jnp.arange(1.0, 4.0), "b": 0.5})  # fmt: skip
    assert "gradient['w'][0]: hand is 0, auto is 2.00000" in str(result)


def test_integer_arguments_are_held_fixed() -> None:
    def cost(w: Any, label: Any) -> Any:
        return jax.nn.logsumexp(w) - w[label]

    def hand(w: Any, label: Any) -> Any:
        return jax.nn.softmax(w) - jax.nn.one_hot(label, w.size, dtype=w.dtype)

    result = compare(hand, jax.grad(cost), jnp.ones(3), jnp.asarray(1))
    assert result.verdict is Verdict.PROVED
    assert "label = 1 held fixed" in result.evidence.text


def test_divisors_that_may_vanish_are_part_of_the_statement() -> None:
    result = compare(lambda x: -1 / x**2, jax.grad(lambda x: 1 / x), 0.5)
    assert result.verdict is Verdict.PROVED
    assert result.evidence.text.endswith(", except where a divisor vanishes (x)")


def test_divisors_in_branches_that_are_not_taken_are_part_of_the_statement() -> None:
    def hand(x: Any) -> Any:
        return x * jnp.where(x == 0, 5.0, 1 / x)

    result = compare(hand, lambda x: x - x + 1.0, 2.0)
    assert (
        result.verdict is Verdict.PROVED
    )  # and 0, where they differ, is left out in so many words
    assert "vanishes (x), in branches not taken too" in result.evidence.text
    assert compare(hand, lambda x: x - x + 1.0, 0.0).verdict is Verdict.REFUTED


def test_divisors_are_written_in_the_names_of_the_inputs() -> None:
    def hand(p: Any) -> Any:
        return jnp.sum(p["w"]) / (1 + p["w"][1] * p["b"])

    args = ({"w": jnp.ones(2), "b": 2.0},)
    result = compare(hand, lambda p: (p["w"][0] + p["w"][1]) / (p["b"] * p["w"][1] + 1), *args)
    assert result.verdict is Verdict.PROVED
    assert "p['b']*p['w'][1] + 1" in result.evidence.text


def test_a_point_that_the_proof_leaves_out_is_looked_at_too() -> None:
    def guarded(x: Any) -> Any:
        return jnp.where(x == 0, 5.0, x / x)

    assert compare(guarded, lambda x: x / x + 0 * x, 2.0).verdict is not Verdict.REFUTED
    assert compare(guarded, jnp.ones_like, 0.0).verdict is Verdict.REFUTED


def test_engines_that_disagree_are_never_reported_as_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from jaxgrad.numbers.ball import Ball

    monkeypatch.setattr(Ball, "exp", lambda self, x: x.exp() + 1)
    with pytest.raises(EnginesDisagree, match="please report it"):
        compare(lambda x: jnp.exp(x) * jnp.exp(-x), jnp.ones_like, 0.5)


# -- bad input -------------------------------------------------------------------------------------
def linear(x: Any) -> Any:
    return x


def cases() -> Iterator[tuple[Any, type[Exception], str]]:
    one = jnp.ones(2)
    yield (lambda: compare(3.0, linear, one)), ArgumentError, "hand is a float, not a callable"  # type: ignore[arg-type]
    yield (
        (lambda: compare(linear, linear, jnp.array([1.0, jnp.nan]))),
        NonFiniteInput,
        r"x\[1\] is nan",
    )
    yield (lambda: compare(linear, linear, jnp.inf)), NonFiniteInput, "x is inf"
    yield (
        (lambda: compare(linear, linear, jnp.arange(3))),
        ArgumentError,
        "x has dtype int32: convert",
    )
    yield (lambda: compare(linear, linear, "x")), ArgumentError, "argument x is a str"
    yield (
        (lambda: compare(lambda x: (x, x), linear, one)),
        TreeMismatch,
        "is a leaf of one side only",
    )
    yield (
        (lambda: compare(lambda x: x[:1], linear, one)),
        ShapeMismatch,
        r"shape \(1,\) in hand and \(2,\)",
    )
    yield (
        (lambda: compare(lambda x: x.astype(jnp.float16), linear, one)),
        DtypeMismatch,
        "float16 in hand",
    )
    yield (
        (lambda: compare(lambda x, n: x, jax.grad(lambda x, n: x * n, 1), 1.0, 2)),
        ArgumentError,
        "not floating point",
    )
    yield (
        (lambda: compare(lambda x: np.linalg.qr(np.asarray(x))[0], linear, one)),
        TraceError,
        "runs neither under",
    )
    yield (lambda: compare(lambda: 1.0, lambda: 1.0)), ArgumentError, "compare needs arguments"


@pytest.mark.parametrize(("call", "error", "text"), list(cases()))
def test_bad_input_gets_a_clear_error(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_container_of_the_callers_own_is_rebuilt_from_its_structure() -> None:
    from collections import namedtuple

    Pair = namedtuple("Pair", "w b")
    args = (Pair(jnp.float32(1.0), jnp.float32(2.0)),)

    def cost(p: Any) -> Any:
        return p.w * p.b**2

    result = compare(lambda p: Pair(p.b, p.w), jax.grad(cost), *args)
    code = counterexample.write(result._sides[0], args, [np.float32(1), np.float32(2)], 0, ())
    assert "jax.tree.unflatten" in code
