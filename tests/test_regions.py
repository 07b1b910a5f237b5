"""everywhere: statements about every point of a box, by compiled intervals, slopes and halving."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import Intervals, everywhere, run_over
from jaxgrad.errors import EnginesDisagree
from jaxgrad.gradients.regions import everywhere as module
from jaxgrad.gradients.regions.boxes import Judged, judging
from jaxgrad.gradients.regions.statement import Between, Near, Statement
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace
from jaxgrad.strategies.programs import Program, programs
from jaxgrad.verdict import Verdict

SLOPE = jax.grad(jax.nn.sigmoid)


# -- ranges ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "high, verdict",
    [("0.2501", Verdict.PROVED), ("0.25", Verdict.UNDECIDED), ("0.2499", Verdict.REFUTED)],
)
def test_the_slope_of_a_sigmoid_is_a_quarter_at_most(high: str, verdict: Verdict) -> None:
    found = everywhere(SLOPE, (-9.0,), (9.0,), between=(0, high), budget=1)
    assert found.verdict is verdict and bool(found) == (verdict is Verdict.PROVED)
    assert (found.share_open > 0) == (verdict is not Verdict.PROVED)
    assert len(found.open_boxes[0]) == len(found.open_boxes[1])


def test_what_is_open_is_where_the_bound_is_touched() -> None:
    found = everywhere(SLOPE, (-9.0,), (9.0,), between=(None, 0.25), budget=1)
    low, high = found.open_boxes
    assert found.verdict is Verdict.UNDECIDED and len(low) >= 1
    assert float(abs(low).max()) < 1e-3 and float(abs(high).max()) < 1e-3
    assert "leave some room" in found.evidence.text
    # Which of the two it is depends on how fast the machine is.
    assert any(why in found.evidence.text for why in ("1 s", "boxes are not kept"))


def test_a_refuted_range_has_a_point_to_paste() -> None:
    found = everywhere(SLOPE, (-9.0,), (9.0,), between=(None, "0.2499"))
    assert found.counterexample is not None
    scope: dict[str, Any] = {"f": SLOPE}
    exec(found.counterexample.replace("print(", "shown = ("), scope)
    assert float(scope["shown"][1]) > 0.2499


def test_every_entry_of_every_leaf_is_judged() -> None:
    def f(x: Any, y: Any) -> Any:
        return {"a": jnp.sin(x) * y, "b": jnp.stack([y, y**2 - 0.5])}

    lower, upper = (np.zeros(2, np.float32), 0.0), (np.ones(2, np.float32), 1.0)
    assert everywhere(f, lower, upper, between=("-1.01", "1.01")).verdict is Verdict.PROVED
    found = everywhere(f, lower, upper, between=("-0.4", "1.01"))
    assert found.verdict is Verdict.REFUTED  # by the last entry alone


def test_a_corner_is_no_reason_not_to_know() -> None:
    found = everywhere(
        jax.grad(lambda x: jax.nn.relu(x) * x), (-1.0,), (1.0,), between=("-.1", 2.1)
    )
    assert found.verdict is Verdict.PROVED


def test_a_region_without_a_value_is_open() -> None:
    found = everywhere(jnp.log, (-1.0,), (3.0,), between=(-100, 2), budget=1)
    assert found.verdict is Verdict.UNDECIDED
    assert 0.2 < found.share_open < 0.3


def test_what_intervals_do_not_know_is_undecided() -> None:
    found = everywhere(jax.scipy.special.gammaln, (1.5,), (2.0,), between=(-1, 1))
    assert found.verdict is Verdict.UNDECIDED
    assert "lgamma is not known over the interval numbers" in found.evidence.text


def test_an_error_in_a_narrow_region_is_found() -> None:
    """Of a width of one ten-thousandth, by a millionth."""

    def wrong(x: Any) -> Any:
        return jnp.where((x > 0.3) & (x < 0.3001), 1 + 1e-6, 1.0) * jnp.cos(x)

    found = everywhere(wrong, (-1.0,), (1.0,), reference=jnp.cos)
    assert found.verdict is Verdict.REFUTED and "at x = 0.300" in found.evidence.text


def test_a_taylor_branch_is_within_an_ulp() -> None:
    def near(x: Any) -> Any:
        return jnp.where(abs(x) < 1e-2, 1 - x**2 / 2 + x**4 / 24, jnp.cos(x))

    assert everywhere(near, (-1.0,), (1.0,), reference=jnp.cos).verdict is Verdict.PROVED
    cut = everywhere(near, (-1.0,), (1.0,), reference=jnp.cos, ulps="1/10000000")
    assert cut.verdict is not Verdict.PROVED


@pytest.mark.parametrize("off, verdict", [(1e-8, Verdict.PROVED), (1e-6, Verdict.REFUTED)])
def test_a_factor_is_within_an_ulp_or_is_not(off: float, verdict: Verdict) -> None:
    def hand(x: Any) -> Any:
        return jax.nn.sigmoid(x) * jax.nn.sigmoid(-x) * (1 + np.float64(off))

    with jax.enable_x64(True):
        args = (np.float64(0.0),), (np.float64(5.0),)

        def reference(x: Any) -> Any:
            return SLOPE(x).astype(jnp.float32)

        found = everywhere(lambda x: hand(x), *args, reference=reference)
    assert found.verdict is verdict


def test_numbers_that_are_the_same_at_both_ends_are_held() -> None:
    def f(w: Any, x: Any) -> Any:
        return w * jnp.cos(x)

    found = everywhere(f, (2.0, 0.0), (2.0, 1.0), between=(1, "2.01"))
    assert found.verdict is Verdict.PROVED and "w" not in found.evidence.text.split("every x")[1]


# -- soundness -------------------------------------------------------------------------------------
def _judged(statement: Statement, function: Callable[..., Any], low: Any, high: Any) -> Judged:
    """Of a few boxes, by slopes as well."""
    with jax.enable_x64(True):
        program = trace(function, (np.zeros(low.shape[1:]),))
        jacobian = trace(lambda x: [jax.jacfwd(function)(x)], (np.zeros(low.shape[1:]),))
        judge = judging(program, jacobian, statement, [None])
        return Judged(*map(np.asarray, judge(low, high)))


@settings(max_examples=12)
@given(programs(), st.integers(0, 2**32 - 1), st.sampled_from([1e-6, 1e-2, 1.0]))
def test_values_in_boxes_are_between_the_ends(program: Program, seed: int, width: float) -> None:
    draw = np.random.default_rng(seed)
    low = draw.normal(size=(8, 2))
    high = low + width * draw.random((8, 2))
    judged = _judged(Between(Fraction(0), Fraction(1), ("0", "1")), program, low, high)
    count = 0
    for k in range(8):
        for weight in (draw.random(2), np.zeros(2), np.ones(2)):
            x = np.clip(low[k] + weight * (high[k] - low[k]), low[k], high[k])
            with jax.enable_x64(True):
                value = run_over(Ball(), program, x)
            if not np.isnan(judged.low[k] + judged.high[k]):
                assert not value < arb(float(judged.low[k])), (k, x)
                assert not value > arb(float(judged.high[k])), (k, x)
            if judged.holds[k]:
                assert value >= -(2.0**-60) and value <= 1 + 2.0**-60
            if judged.fails[k]:
                assert value < 2.0**-60 or value > 1 - 2.0**-60
            count += 1
    assert count == 24


def test_slopes_make_enclosures_narrower() -> None:
    low, high = np.array([[0.5]]), np.array([[0.5 + 1e-4]])
    judged = _judged(
        Between(None, Fraction(1), ("", "1")), lambda x: jnp.sum(x * (1 - x) ** 3 * x), low, high
    )
    assert float(judged.high[0] - judged.low[0]) < 3e-5


def test_boxes_that_are_not_covered_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that loses one half would prove what is false."""
    before = module.searched

    def losing(judge: Any, low: Any, high: Any, *rest: Any) -> Any:
        return before(judge, low, low + (high - low) / 2, *rest)

    wrong = {"between": (None, "0.2499")}
    assert everywhere(SLOPE, (-9.0,), (9.0,), **wrong).verdict is Verdict.REFUTED  # type: ignore[arg-type]
    monkeypatch.setattr(module, "searched", losing)
    assert everywhere(SLOPE, (-9.0,), (3.0,), **wrong).verdict is Verdict.PROVED  # type: ignore[arg-type]


def test_engines_that_disagree_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> Any:
        judge = judging(*args)

        def all_fail(low: Any, high: Any) -> Judged:
            return judge(low, high)._replace(fails=np.ones(len(low), bool))

        return all_fail

    monkeypatch.setattr(module, "judging", wrong)
    with pytest.raises(EnginesDisagree, match="compiled intervals say of a point that not every"):
        everywhere(SLOPE, (-9.0,), (9.0,), between=(-1, 1))


@given(st.floats(1e-40, 1e30), st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
def test_an_ulp_is_the_distance_to_the_next_float(value: float, name: str) -> None:
    dtype = jnp.dtype(name)
    with np.errstate(over="ignore"):
        rounded = np.asarray(value).astype(dtype)
    kind = {2: np.uint16, 4: np.uint32, 8: np.uint64}[dtype.itemsize]
    after = (rounded.view(kind) + kind(1)).view(dtype)
    gap = float(after) - float(rounded)
    if not np.isfinite(gap) or rounded == 0:
        return
    exact = arb(float(rounded))
    inside, beyond = (np.array([arb(gap) * f], object) for f in (0.75, 1.5))
    near = Near(Fraction(1), "1", (dtype,))
    assert near.fails_at([inside, np.array([exact], object)]) is False
    assert near.fails_at([beyond, np.array([exact], object)]) == (0, (0,))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x, jnp.float32(jnp.inf)),
        lambda x: jnp.where(x > 0.5, jnp.inf, 1.0),
        lambda x: jnp.maximum(x, jnp.array([0.5, jnp.inf])),
        lambda x: jax.jit(lambda y: jnp.where(y > 0.5, jnp.inf, y))(x),
    ],
)
def test_what_is_infinite_is_no_real_number(f: Any) -> None:
    found = everywhere(f, (0.0,), (1.0,), between=(0, None), budget=0.2)
    assert found.verdict is Verdict.UNDECIDED and found.share_open > 0
    most = everywhere(lambda x: jax.tree.map(jnp.negative, f(x)), (0.0,), (1.0,),
                      between=(None, 2), budget=0.2)  # fmt: skip
    assert most.verdict is Verdict.UNDECIDED


def test_what_float64_has_no_bound_for_may_be_a_real_number() -> None:
    found = everywhere(lambda x: jnp.exp(x * 100), (0.0,), (20.0,), between=(0, None))
    assert found.verdict is Verdict.PROVED
    capped = everywhere(lambda x: jnp.minimum(x, jnp.inf), (0.0,), (1.0,), between=(0, None))
    assert capped.verdict is Verdict.PROVED


# -- what a search of counterexamples has found once ----------------------------------------------
NOT_EVERYWHERE: dict[str, tuple[Any, Any, Any, Any]] = {
    "a root has no value": (jnp.sqrt, -1.0, 1.0, (None, 2)),
    "a logarithm": (jnp.log, -1.0, 1.0, (None, 1)),
    "of a branch": (lambda x: jax.lax.cond(x > 0.5, lambda y: y, lambda y: jnp.log(y - 0.5), x),
                    0.0, 1.0, (None, 2)),
    "what it is compared to": (lambda x: jnp.where(jnp.sqrt(x) < 3, 1.0, 0.0), -1.0, 4.0, (0.5, 2)),
    "a half is rounded": (jnp.round, 0.5, 0.7, ("0.5", "1.5")),
    "away from 0": (lambda x: jax.lax.round(x), -0.5, -0.3, ("-0.5", "0.5")),
    "the tail of erfc": (lambda x: jax.lax.erfc(x) * jnp.exp(x * x), 26.0, 26.000002,
                         (None, "0.02168358441689")),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_EVERYWHERE)
def test_what_is_not_so_everywhere_is_not_proved(name: str) -> None:
    f, low, high, between = NOT_EVERYWHERE[name]
    found = everywhere(f, (low,), (high,), between=between, budget=0.5)
    assert found.verdict is not Verdict.PROVED, found


def test_numbers_that_are_flushed_to_0_are_within_a_box() -> None:
    with jax.enable_x64(True):
        found = everywhere(lambda x: x * 1e300 * 1e20, (0.0,), (1e-320,), between=(None, "0.5"))
    assert found.verdict is not Verdict.PROVED


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (-1.0, 2.0, Verdict.REFUTED),  # no middle of its halves is 0, but what is flushed to it
        (0.0, 1e-320, Verdict.REFUTED),
        (1e-320, 2.0, Verdict.UNDECIDED),  # it holds there
        (5e-324, 1e-310, Verdict.UNDECIDED),
    ],
)
def test_middles_that_are_subnormal_are_no_points(
    low: float, high: float, verdict: Verdict
) -> None:
    with jax.enable_x64(True):
        ends = (np.float64(low),), (np.float64(high),)
        found = everywhere(lambda x: jnp.where(x == 0, 0.0, 1.0), *ends, between=("0.5", 1))
    assert found.verdict is verdict


def test_boxes_as_large_as_float64_has_them_are_halved() -> None:
    with jax.enable_x64(True):
        ends = (np.float64(-1.7e308),), (np.float64(1.7e308),)
        assert everywhere(lambda x: x * x, *ends, between=(-1, None)).verdict is Verdict.PROVED
        wrong = everywhere(lambda x: x / 2, *ends, between=(None, "8e307"))
    assert wrong.verdict is Verdict.REFUTED


def test_products_of_large_and_small_numbers_are_held() -> None:
    large, small = np.array([1.1e300, -1.3e300]), np.array([1.3e-300, 1.1e-300])
    with jax.enable_x64(True):
        found = run_over(Intervals(), jnp.dot, large, small)
        low, high = (float(end) for end in found.parts)
        exact = sum(
            Fraction(float(a)) * Fraction(float(b)) for a, b in zip(large, small, strict=True)
        )
        tiny = np.array([2.5, -2.25, 1.5, -1.625, 1.0]) * 2.0**-1022
        total = run_over(Intervals(), lambda x: jnp.sum(x), tiny)
    assert low <= exact <= high
    exact = sum(Fraction(float(a)) for a in tiny)
    assert float(total.parts[0]) <= exact <= float(total.parts[1])


def test_what_is_made_of_itself_again_and_again_ends() -> None:
    """XLA's kernels computed each end of an interval for each use of it, of which there are two."""

    def f(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (jnp.sin(c * 0.1) + x, None), x, None, length=24)[0]

    assert everywhere(f, (0.5,), (0.6,), between=(0, 2)).verdict is Verdict.PROVED

    def longer(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=600)[0]

    found = everywhere(longer, (0.5,), (0.6,), between=(0, 2))
    assert "a program of more than 500 operations" in found.evidence.text
