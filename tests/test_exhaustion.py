"""Every float is visited once, classes are told apart by bits, and a planted error is found."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence import tiled_pass
from jaxgrad.evidence.float_formats import (
    Float,
    Format,
    float_dtypes,
    format_of,
    is_negative,
    is_positive,
    is_subnormal,
    is_zero,
)
from jaxgrad.evidence.sweep import sweep
from jaxgrad.verdict import Verdict

SMALL = [dtype for dtype in float_dtypes() if Format(dtype).bits <= 16]
GRADIENT = jax.jit(jax.grad(jax.nn.sigmoid))


def every_float(dtype):
    """All bit patterns, and the same as exact float64 values (NumPy knows nothing of flushing)."""
    bits = np.arange(2 ** Format(dtype).bits, dtype=f"uint{8 * dtype.itemsize}")
    with np.errstate(invalid="ignore"):
        return bits.view(dtype), bits.view(dtype).astype(np.float64)


def in_order_of_reals(bits, width):
    return np.where(bits >> (width - 1) & 1, -bits.astype(int) - 1, bits.astype(int))


def test_every_width_that_can_be_computed_with_is_listed():
    names = {dtype.name for dtype in float_dtypes()}
    assert {"float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "bfloat16", "float32"} <= names
    assert not any(name.startswith(("float4", "float6", "float64")) for name in names)


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_classes_are_those_of_numpy(dtype):
    format = Format(dtype)
    _, values = every_float(dtype)
    tiny = float(Format(dtype).value(format.first_normal))
    assert format.nans == np.isnan(values).sum()
    assert format.infinities == np.isinf(values).sum()
    assert format.zeros == (values == 0).sum()
    assert format.subnormals == ((np.abs(values) < tiny) & (values != 0)).sum()
    nan = np.asarray(format.is_nan(jnp.arange(2**format.bits, dtype=jnp.uint32)))
    np.testing.assert_array_equal(nan, np.isnan(values))


def test_bit_predicates_know_single_precision():
    x = jnp.asarray([1e-40, -1e-40, 0.0, -0.0, jnp.nan, -jnp.inf], jnp.float32)
    assert is_positive(x).tolist() == [True, False, False, False, False, False]
    assert is_negative(x).tolist() == [False, True, False, False, False, True]
    assert is_zero(x).tolist() == [False, False, True, True, False, False]
    assert is_subnormal(x).tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_bit_predicates_are_those_of_numpy(dtype):
    floats, values = every_float(dtype)
    x, tiny = jnp.asarray(floats), float(Format(dtype).value(Format(dtype).first_normal))
    np.testing.assert_array_equal(np.asarray(is_zero(x)), values == 0)
    np.testing.assert_array_equal(np.asarray(is_positive(x)), values > 0)
    np.testing.assert_array_equal(np.asarray(is_negative(x)), values < 0)
    subnormal = (np.abs(values) < tiny) & (values != 0)
    np.testing.assert_array_equal(np.asarray(is_subnormal(x)), subnormal)


def equals_zero(x):
    return jnp.where(x == 0, jnp.float32(0.25), jnp.float32(1))


@jax.custom_jvp
def _the_same(x):
    return x


_the_same.defjvp(lambda x, t: (x[0], t[0] * jnp.where(x[0] == 0, 0.25, 1).astype(t[0].dtype)))
a_rule_that_asks_for_0 = jax.grad(_the_same)


@pytest.mark.parametrize("dtype", SMALL, ids=str)
@pytest.mark.parametrize("in_a_loop", [False, True], ids=["few", "in a loop"])
@pytest.mark.parametrize(
    "f",
    [GRADIENT, jax.nn.sigmoid, equals_zero, a_rule_that_asks_for_0],
    ids=["gradient", "sigmoid", "equals 0", "a rule that asks for 0"],
)
def test_the_sweep_sees_what_the_compiled_function_returns(f, in_a_loop, dtype, monkeypatch):
    """Subnormals that are stored equal 0 to most of XLA's kernels; as integers they do not."""
    if in_a_loop and dtype != jnp.float8_e8m0fnu:  # its conversions differ in a loop: see below
        monkeypatch.setattr(tiled_pass, "_FEW", 0)
    floats, _ = every_float(dtype)
    output = np.asarray(jax.jit(jax.vmap(f))(jnp.asarray(floats)))
    with np.errstate(invalid="ignore"):
        output = output.astype(np.float64)
    number = ~np.isnan(every_float(dtype)[1])
    result = sweep(
        f,
        dtype,
        lambda x, y: y <= 0.25,
        count={
            "quarter": lambda x, y: y == 0.25,
            "zero": lambda x, y: is_zero(y),
            "one": lambda x, y: y == 1,
        },
    )
    assert result.checked == 2 ** Format(dtype).bits
    assert result.nan_inputs == (~number).sum()
    assert result.nan_outputs == (np.isnan(output) & number).sum()
    assert result.failures.total == (number & ~(output <= 0.25)).sum()
    assert (result.verdict is Verdict.PROVED) == (result.failures.total == 0)
    for name, value in (("quarter", 0.25), ("zero", 0.0), ("one", 1.0)):
        hit = np.flatnonzero(number & (output == value))
        counted = result.counts[name]
        assert counted.total == hit.size
        key = in_order_of_reals(hit, Format(dtype).bits if Format(dtype).signed else 60)
        for end, which in ((counted.first, np.argmin), (counted.last, np.argmax)):
            assert (end.bits == hit[which(key)]) if hit.size else end is None


@pytest.mark.parametrize(
    "f",
    [
        GRADIENT,
        jax.nn.sigmoid,
        equals_zero,
        lambda x: jnp.where(x > 0, 1.0, 0.0),
        lambda x: x > 0,
        lambda x: 1.0,
    ],
    ids=["gradient", "sigmoid", "equals 0", "weakly typed", "truth", "constant"],
)
@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "bfloat16"])
def test_many_floats_are_counted_as_few_are(f, dtype, monkeypatch):
    """Of float32 tiles are counted in a loop on the device; here of dtypes that have few floats.

    Not of float8_e8m0fnu: in a small loop XLA on the CPU has other conversions to it, by which its
    sigmoid is 1 (jax 0.10) and not NaN.
    """

    def swept():
        return sweep(
            f,
            dtype,
            lambda x, y: y <= 0.25,
            count={"zero": lambda x, y: y == 0, "one": lambda x, y: y == 1},
        )

    few = swept()
    monkeypatch.setattr(tiled_pass, "_FEW", 0)
    many = swept()
    assert replace(many, evidence=few.evidence) == few
    assert many.evidence.text == few.evidence.text
    assert many.evidence.counterexample == few.evidence.counterexample


def test_the_sides_are_kept_apart():
    counted = sweep(GRADIENT, jnp.float16, lambda x, y: y <= 0.25, count={"0": lambda x, y: y == 0})
    zero = counted.counts["0"]
    assert zero.negative.last.exact < -10 and zero.positive.first.exact > 7
    assert zero.negative.first.value == -np.inf and zero.positive.last.value == np.inf
    assert zero.total == zero.negative.count + zero.positive.count


def test_minus_zero_comes_before_plus_zero():
    counted = sweep(lambda x: x, jnp.float16, lambda x, y: x == y, count={"0": lambda x, y: x == 0})
    zero = counted.counts["0"]
    assert (zero.first.bits, zero.last.bits, zero.total) == (0x8000, 0, 2)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 20))
def test_the_tile_size_changes_nothing(exponent):
    def run(tile):
        return sweep(
            GRADIENT,
            jnp.float16,
            lambda x, y: y < 0.25,
            count={"tenth": lambda x, y: y > 0.1},
            **tile,
        )

    one, other = run({}), run({"tile": 2 ** max(exponent, 7)})
    assert one.counts == other.counts and one.failures == other.failures
    assert one.evidence == other.evidence


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**16 - 1))
def test_a_single_planted_failure_is_found(planted):
    x = Float(np.dtype("float16"), planted)
    wrong = jnp.uint16(planted)

    def holds(x, y):
        return jax.lax.bitcast_convert_type(y, jnp.uint16) != wrong

    result = sweep(lambda x: x, jnp.float16, holds)
    if np.isnan(x.value):
        assert result.verdict is Verdict.PROVED
    else:
        assert result.verdict is Verdict.REFUTED
        assert result.failures.total == 1 and result.failures.first == x


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float8_e5m2], ids=str)
def test_the_counterexample_can_be_pasted(dtype, capsys):
    result = sweep(GRADIENT, dtype, lambda x, y: y < 0.25)
    assert result.verdict is Verdict.REFUTED
    scope = {}
    exec(result.counterexample, scope)
    assert scope["x"].tobytes() == np.asarray(result.failures.first.value).tobytes()
    assert float(scope["y"]) == 0.25
    said = f"at x = {scope['x']!s} f(x) is 0.25 and holds(x, f(x)) should be True"
    assert capsys.readouterr().out.strip() == said
    assert f"\n\nTo see it:\n\n{result.counterexample}" in str(result)


@pytest.mark.parametrize(
    "f, wrong",
    [
        (lambda x: x.astype(jnp.int32), np.int32(0)),
        (lambda x: x > 1, np.bool_(False)),
        (lambda x: jnp.sqrt(x - jnp.inf), None),
    ],
)
def test_the_output_may_have_another_dtype(f, wrong):
    result = sweep(f, jnp.float8_e5m2, lambda x, y: jnp.isnan(x) & (y == 0))
    scope = {}
    exec(result.counterexample, scope)
    assert np.isnan(float(scope["y"])) if wrong is None else scope["y"].dtype == wrong.dtype


def test_a_double_output_can_be_pasted():
    with jax.enable_x64(True):
        result = sweep(lambda x: x.astype(jnp.float64) / 3, jnp.float16, lambda x, y: y < 0.5)
    scope = {}
    exec(result.counterexample, scope)
    assert scope["y"].dtype == np.float64 and scope["y"] == np.float64(scope["x"]) / 3


def test_the_predicate_sees_rounded_outputs():
    """Fused with the function it would see float32 values: 958 of these would not count."""
    floats, _ = every_float(np.dtype(jnp.bfloat16))
    outputs = np.asarray(jax.jit(jax.vmap(GRADIENT))(jnp.asarray(floats))).astype(np.float32)
    result = sweep(
        GRADIENT,
        jnp.bfloat16,
        lambda x, y: y <= 0.25,
        count={"quarter": lambda x, y: y.astype(jnp.float32) == 0.25},
    )
    assert result.counts["quarter"].total == (outputs == 0.25).sum()


def test_subnormals_are_reported_apart():
    step = jax.grad(jax.nn.relu)

    def holds(x, y):
        return jnp.where(is_positive(x), y == 1, y == 0)

    flushed = sweep(step, jnp.bfloat16, holds)
    assert flushed.subnormals == 254 and f"{flushed.flushed} of the 254" in flushed.evidence.text
    # A positive subnormal that arithmetic takes for zero is on the wrong side of the kink.
    assert flushed.failures.total == flushed.flushed // 2
    kept = sweep(step, jnp.float16, holds)
    assert kept.flushed == 0 and kept.verdict is Verdict.PROVED


def test_no_number_is_no_excuse_for_nan():
    result = sweep(lambda x: jnp.log(x), jnp.float8_e5m2, lambda x, y: y < 100)
    assert result.nan_outputs > 0 and result.verdict is Verdict.REFUTED


@pytest.mark.parametrize("dtype", ["float64", "float6_e2m3fn", "float4_e2m1fn", "int8", "banana"])
def test_dtypes_that_cannot_be_swept(dtype):
    dtype = getattr(jnp, dtype, dtype)
    with pytest.raises(ArgumentError, match="take one of float8_e3m4"):
        sweep(lambda x: x, dtype, lambda x, y: x == y)


def test_errors_name_the_fix():
    with pytest.raises(ArgumentError, match="power of two, not 100"):
        sweep(lambda x: x, jnp.float16, lambda x, y: x == y, tile=100)
    said = r"returns \(float16\[\], float16\[\]\) for a scalar float16, not one scalar"
    with pytest.raises(ArgumentError, match=said):
        sweep(lambda x: (x, x), jnp.float16, lambda x, y: x == y)
    with pytest.raises(ArgumentError, match=r"count\['sum'\] returned float16"):
        sweep(lambda x: x, jnp.float16, lambda x, y: x == y, count={"sum": lambda x, y: x + y})
    with pytest.raises(ArgumentError, match="no rational number"):
        _ = Float(np.dtype("float16"), 0x7C00).exact
    assert Float(np.dtype("float16"), 0x3555).exact == Fraction(1365, 4096)


def test_two_devices_give_what_one_gives():
    program = (
        "import jax; jax.config.update('jax_num_cpu_devices', {})\n"
        "from jaxgrad.evidence.sweep import sweep\n"
        "r = sweep(jax.grad(jax.nn.sigmoid), 'float16', lambda x, y: y < 0.25,\n"
        "          count={{'zero': lambda x, y: y == 0}}, tile=1024)\n"
        "print(len(jax.local_devices()), r.counts, r.failures, r.evidence.text)"
    )
    one, two = (
        subprocess.run(
            [sys.executable, "-c", program.format(count)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for count in (1, 2)
    )
    assert one[0] == "1" and two[0] == "2" and one[1:] == two[1:]


@pytest.mark.exhaustive
def test_every_float32():
    result = sweep(
        GRADIENT, jnp.float32, lambda x, y: y <= 0.25, count={"zero": lambda x, y: is_zero(y)}
    )
    assert result.verdict is Verdict.PROVED and result.checked == 2**32
    assert result.nan_inputs == 2 * (2**23 - 1) and result.subnormals == 2 * (2**23 - 1)
    # The positive side rounds sigma to 1 first; the negative side is zero only past underflow.
    assert result.counts["zero"].positive.first.exact < 17
    assert result.counts["zero"].negative.last.exact < -87


@pytest.mark.exhaustive
def test_one_wrong_float32_in_four_billion_is_found():
    planted = 0x41A80001

    def holds(x, y):
        return jax.lax.bitcast_convert_type(y, jnp.uint32) != jnp.uint32(planted)

    result = sweep(lambda x: x, jnp.float32, holds)
    assert result.verdict is Verdict.REFUTED
    assert result.failures.total == 1 and result.failures.first.bits == planted


# -- what follows from a sweep ---------------------------------------------------------------------
CALL = "jax.jit(jax.grad(jax.nn.sigmoid))"


def test_a_predicate_that_holds_nowhere_and_one_that_does() -> None:
    f = jax.jit(jax.grad(jax.nn.sigmoid))
    counts = {"above": lambda x, y: y > 0.25, "attained": lambda x, y: y == 0.25}
    swept = sweep(f, "float16", lambda x, y: y <= 0.25, count=counts)
    never = swept.never("above", "none is above", call=CALL, shown=["attained"])
    assert (never.verdict, never.text) == (Verdict.PROVED, "none is above")
    total = str(swept.counts["attained"].total)
    assert never.enclosures == {"floats: attained": (total, total)}
    assert swept.never(call=CALL).text == swept.evidence.text
    for last in (False, True):
        found = swept.never("attained", call=CALL, asserted="y == 0.25", last=last)
        assert found.verdict is Verdict.REFUTED
        place = swept.counts["attained"].last if last else swept.counts["attained"].first
        scope: dict[str, Any] = {}
        exec(str(found.counterexample), scope)
        assert place is not None
        assert scope["x"].tobytes() == place.value.tobytes()
    assert str(swept.counts["above"]) == "nowhere"
    assert str(swept.counts["attained"]).startswith(f"at {total} floats, from -")
    with pytest.raises(ArgumentError, match=r"nothing was counted under 'below', but under \['ab"):
        swept.never("below", call=CALL)


def test_dtypes_with_a_zero_and_with_infinities() -> None:
    every = float_dtypes()
    for dtype in every:
        format = format_of(dtype)
        assert (dtype in float_dtypes(zero=True)) == format.has_zero
        assert (dtype in float_dtypes(infinities=True)) == bool(format.infinities)
    for yes, no in ((float_dtypes(zero=True), float_dtypes(zero=False)),
                    (float_dtypes(infinities=True), float_dtypes(infinities=False))):  # fmt: skip
        assert yes
        assert no
        assert set(yes) | set(no) == set(every)
        assert not set(yes) & set(no)
