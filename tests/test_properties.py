"""Each property holds of the right function, and a planted error is found, with its text."""

from __future__ import annotations

import contextlib
import json
import math
import re
from fractions import Fraction

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from jaxgrad import closed_form, properties, strategies
from jaxgrad.claims.cli import main
from jaxgrad.claims.properties_command import _counted
from jaxgrad.errors import ArgumentError, GradientMismatch, PropertyRefuted, UndecidedError
from jaxgrad.networks import Activation, Chain
from jaxgrad.properties.document import Property
from jaxgrad.properties.search import Once, smallest
from jaxgrad.verdict import Evidence, Verdict

FEW = {"dtypes": "float32", "max_examples": 10}


def steeper(x):
    return 1.04 * jax.nn.sigmoid(x)


@jax.custom_jvp
def half_at_zero(x):
    return jnp.maximum(x, 0)


@jax.custom_jvp
def doubled(x):
    return jnp.sin(x)


doubled.defjvps(lambda t, _, x: 2 * t * jnp.cos(x))


def of_root(x):
    """Its derivative is not known at 0, and 1/√|x| elsewhere."""
    return 2 * jnp.sqrt(jnp.abs(x))


def of_units(slope):
    """Chains of neurons slope·z with the weight 1 and the bias 0."""
    activation = Activation("line", lambda z: slope * z, lambda z: slope * jnp.ones_like(z))
    one = (np.float32(1), np.float32(0))
    return {
        "of": st.builds(Chain, st.integers(1, 3), st.just(activation)),
        "drawn": lambda net: st.just([one] * net.depth),
        "max_examples": 5,
    }


half_at_zero.defjvps(lambda t, _, x: t * jnp.where(x == 0, 0.5, jnp.where(x > 0, 1.0, 0.0)))


@pytest.mark.parametrize(
    ("holds", "fails", "text"),
    [
        (
            lambda: properties.derivative_below(jax.nn.sigmoid, 0.25, **FEW),
            lambda: properties.derivative_below(steeper, 0.25, **FEW),
            "is not <= 0.25: at x = 0.0 (float32) the compiled one is 0.2599",
        ),
        (
            lambda: properties.derivative_below(jax.nn.sigmoid, 0.25, exact=True, **FEW),
            lambda: properties.derivative_below(steeper, 0.25, exact=True, **FEW),
            "and the formula 0.2599",
        ),
        (
            lambda: properties.derivative_takes(jax.nn.relu, {0, 1}, **FEW),
            lambda: properties.derivative_takes(half_at_zero, {0, 1}, **FEW),
            "is not one of 0, 1: at x = 0.0 (float32) the compiled one is 0.5",
        ),
        (
            lambda: properties.derivative_above(jax.nn.relu, 0, **FEW),
            lambda: properties.derivative_above(jnp.negative, 0, **FEW),
            "is not >= 0: at x = 0.0 (float32) the compiled one is -1.0",
        ),
        (
            lambda: properties.derivative_finite(jnp.tanh, **FEW),
            lambda: properties.derivative_finite(jnp.sqrt, **FEW),
            "is not finite: at x = 0.0 (float32) the compiled one is inf",
        ),
        (
            lambda: properties.increasing(jax.nn.relu, **FEW),
            lambda: properties.increasing(jnp.negative, **FEW),
            "f is not increasing: it falls from 3.4028234663852886e+38 at -3.4028234663852886e+38",
        ),
        (
            lambda: properties.increasing(jax.nn.relu, exact=True, **FEW),
            lambda: properties.increasing(jnp.negative, exact=True, **FEW),
            "(float32); so does the formula",
        ),
        (
            lambda: properties.gradient_shrinks(**of_units(0.25), rate=0.25),
            lambda: properties.gradient_shrinks(**of_units(0.5), rate=0.25),
            "‖∂C/∂b‖ is not at most 0.25 times that of the layer after it: in layer 1 of "
            "Chain(depth=2, activation='line', cost='quadratic') it is",
        ),
        (
            lambda: properties.gradient_kept(**of_units(1), rate=1),
            lambda: properties.gradient_kept(**of_units(0.5), rate=1),
            "‖∂C/∂b‖ is not at least 1 times that of the layer after it: in layer 1 of "
            "Chain(depth=2, activation='line', cost='quadratic') it is",
        ),
    ],
    ids=[
        "derivative_below",
        "derivative_below, exact",
        "derivative_takes",
        "derivative_above",
        "derivative_finite",
        "increasing",
        "increasing, exact",
        "gradient_shrinks",
        "gradient_kept",
    ],
)
def test_a_property_and_a_planted_error(holds, fails, text: str) -> None:
    assert holds().verdict is Verdict.AGREES
    with pytest.raises(PropertyRefuted) as found:
        fails()
    assert text in str(found.value) and "\nTo see it:\n" in str(found.value)
    assert found.value.check.verdict is Verdict.REFUTED


def test_the_code_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PropertyRefuted) as found:
        properties.derivative_below(steeper, 0.25, **FEW)
    exec(found.value.check.counterexample, {"f": steeper})
    assert "and y <= 0.25 is False" in capsys.readouterr().out


def test_what_rounding_does_is_told_from_what_the_formula_says(capsys) -> None:
    third = Fraction(1, 3)
    properties.derivative_below(lambda x: x / 3, third, exact=True, **FEW)
    with pytest.raises(PropertyRefuted, match="no counterexample: this is rounding") as found:
        properties.derivative_below(lambda x: x / 3, third, **FEW)
    exec(found.value.check.counterexample, {"f": lambda x: x / 3})
    assert "y <= Fraction(1, 3) is False" in capsys.readouterr().out
    with pytest.raises(PropertyRefuted, match=r"nan; .* this is an overflow or underflow"):
        properties.derivative_finite(lambda x: x * x / (1 + x * x), **FEW)


def test_in_64_bits() -> None:
    few = {"max_examples": 5}
    with jax.enable_x64(True):
        assert "bfloat16, float32, float64" in str(properties.increasing(jax.nn.relu, **few))
    few["dtypes"] = "float64"  # whatever JAX is set to
    properties.derivative_below(lambda x: x / 3, Fraction(1, 3), **few)
    with pytest.raises(
        PropertyRefuted, match=r"at x = 0.0 \(float64\) the compiled one is 0.26"
    ) as e:
        properties.derivative_below(steeper, 0.25, **few)
    assert 'jax.config.update("jax_enable_x64", True)' in e.value.check.counterexample


def test_what_is_open_hides_no_counterexample() -> None:
    with pytest.raises(PropertyRefuted, match=r"at x = 1.0 .*, and the formula 1.0000"):
        properties.derivative_below(of_root, 0.5, exact=True, **FEW)
    with pytest.raises(UndecidedError, match=r"at 0.0 \(float32\) nothing is known of the formula"):
        properties.derivative_below(of_root, math.inf, exact=True, **FEW)


def test_minus_zero_comes_before_zero() -> None:
    properties.increasing(lambda x: jnp.copysign(jnp.ones_like(x), x), **FEW)


def test_a_range() -> None:
    for f, most in ((jax.nn.sigmoid, 0.25), (steeper, 0.26)):
        found = properties.derivative_range(f, dtype="float16")
        assert found.verdict is Verdict.PROVED and found.bounds is not None
        assert most - 1e-7 < float(found.bounds.upper) < most * 1.01
        assert -0.001 < float(found.bounds.lower) <= 0
    open_one = properties.derivative_range(of_root, dtype="float16")
    assert open_one.verdict is Verdict.UNDECIDED and open_one.bounds is None
    assert "nothing is known of the derivative at 0.0" in str(open_one)


def test_rules_and_a_gradient_by_hand() -> None:
    x = strategies.arrays((), largest=2)
    assert properties.derivative_rules(jnp.sin, x, max_examples=2).verdict is Verdict.AGREES
    with pytest.raises(
        GradientMismatch, match="with respect to x they give twice the derivative, at 3 points of 3"
    ):
        properties.derivative_rules(doubled, x, max_examples=2)
    square, x = lambda x: jnp.sum(x * x), strategies.arrays((2,), largest=2)
    properties.gradient_by_hand(lambda x: 2 * x, square, x, max_examples=2)
    with pytest.raises(GradientMismatch, match="in gradient hand is 3/2 of auto"):
        properties.gradient_by_hand(lambda x: 3 * x, square, x, max_examples=2)


def test_each_example_is_asked_of_once_and_different_ones_are_different() -> None:
    seen = []
    asked = Once(lambda x: seen.append(x))  # which is None: open
    several = [0.0, -0.0, 0, False, np.float32(0), np.float16(0), (0.0,)]
    assert not any(asked(x) for x in [*several, *several])
    assert len(seen) == asked.tried == len(several) and asked.open == 0.0
    same_name = [Chain(1, Activation("f", f, f)) for f in (jnp.sin, jnp.cos)]
    assert repr(same_name[0]) == repr(same_name[1])
    both = Once(lambda net: net == same_name[1])
    assert [both(net) for net in same_name] == [False, True]


def test_nothing_holds_of_what_is_never_drawn() -> None:
    with pytest.raises(ArgumentError, match="nothing can be drawn of"):
        properties.derivative_rules(jnp.sin, st.floats().filter(lambda x: False))
    hypothesis.settings.register_profile("no examples", phases=[hypothesis.Phase.explicit])
    before = hypothesis.settings.get_current_profile_name()
    with contextlib.ExitStack() as after:
        after.callback(hypothesis.settings.load_profile, before)
        hypothesis.settings.load_profile("no examples")
        assert smallest(st.integers(), lambda n: n > 10, None) == 11


def test_a_gradient_by_hand_with_one_wrong_index() -> None:
    def wrong(net):
        def gradient(params, x, y):
            found = list(closed_form.gradient(net)(params, x, y))
            return [*found[:-1], (found[0][0], found[-1][1])]

        return gradient

    properties.network_gradient_by_hand(wrong, Chain(1), max_examples=2)
    with pytest.raises(GradientMismatch, match=r"of Chain\(depth=2, .*the smallest network found"):
        properties.network_gradient_by_hand(wrong, Chain(2), max_examples=2)


def test_an_undecided_network_is_named() -> None:
    net = Chain(1)
    with pytest.raises(UndecidedError, match=r"^UNDECIDED: of Chain\(depth=1.*'quadratic'\): "):
        properties.network_gradient_by_hand(lambda net: unreadable, net, max_examples=1)


def unreadable(params, x, y):
    """Bits, of which nothing is known in exact arithmetic."""
    bits = jax.lax.bitcast_convert_type(jnp.float32(x), jnp.int32) % 3
    return jax.tree.map(lambda p: p + bits.astype(jnp.float32), params)


def test_the_command(tmp_path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["properties", "jax.nn:relu", "--takes", "0,1", "--dtypes", "float16"]
    assert main([*asked, "--max-examples", "5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["properties"]
    assert [one["verdict"] for one in told[:2]] == ["AGREES", "AGREES"]
    (tmp_path / "pyproject.toml").write_text("[tool.jaxgrad.properties]\nbelow = 0.2\n")
    asked = ["properties", "jax.nn:sigmoid", "--dtypes", "float16", "--max-examples", "5"]
    assert main(asked) == 1
    assert "REFUTED, where AGREES is expected: f' <= 1/5" in (out := capsys.readouterr().out)
    assert "from jax.nn import sigmoid as f" in out and "properties, 1 not as expected" in out
    asked[1:2] = ["jax.nn:silu", "--below", "1.2"]
    assert main(asked) == 0  # it falls at first, which nobody asked about
    assert "REFUTED, for information: f is increasing" in (out := capsys.readouterr().out)
    assert out.endswith("5 properties, all as expected\n")
    assert main(["properties"]) == 2
    assert "--below is of a function of yours" in capsys.readouterr().err
    assert main(["properties", "jax.nn:nothing", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["properties"] == [] and "cannot be imported" in told["error"]
    assert main(["properties", "jax.nn:relu", "--below", "1/0"]) == 2
    assert "invalid number value: '1/0'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["AGREES"], "1 property, all as expected"),
        (["AGREES", "REFUTED"], "2 properties, 1 not as expected"),
        (["AGREES", "UNDECIDED"], "2 properties, 1 undecided"),
        (["REFUTED", "UNDECIDED"], "2 properties, 1 not as expected, 1 undecided"),
    ],
)
def test_how_many_are_as_expected(verdicts, said) -> None:
    found = [Evidence(Verdict(verdict), "sampling", "at 3 points") for verdict in verdicts]
    told = [(Property("", "", lambda: found[0], Verdict.AGREES), each) for each in found]
    assert _counted(told) == said


def test_the_exit_code_where_one_is_open(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import jax.numpy as jnp\ndef f(x): return jnp.sin(x.astype('int8').astype('float32')) + x"
    )
    (tmp_path / "own_with_bits.py").write_text(code)
    asked = ["properties", "own_with_bits:f", "--exact", "--below", "1", "--dtypes", "float16"]
    assert main([*asked, "--max-examples", "3"]) == 3, capsys.readouterr()
    assert "UNDECIDED, where AGREES is expected: f' <= 1" in capsys.readouterr().out


def test_options_that_only_check_has_name_it(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import jax\n@jax.custom_jvp\ndef f(x): return x * x\n"
        "f.defjvp(lambda p, t: (f(*p), 3 * p[0] * t[0]))"
    )
    (tmp_path / "own_with_rule.py").write_text(code)
    asked = ["properties", "own_with_rule:f", "--dtypes", "f16", "--max-examples", "3"]
    assert main([*asked, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["properties"]
    [said] = [one["evidence"] for one in found if one["property"] == "derivative_rules"]
    assert "(jaxgrad check --domain, --argnums or --no-special-points keep to yours)" in said
    assert not re.search(r"\w=[\s,;:.)]", said)
    for dtype in ("float17", "float128"):
        assert main([*asked, "--dtypes", dtype]) == 2
        assert f"--dtypes has '{dtype}': pass float16, bfloat16, f" in capsys.readouterr().err


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ArgumentError, match=r"returns float32\[2\] for .* not one real scalar"):
        properties.derivative_finite(lambda x: jnp.ones(2) * x)
    with pytest.raises(ArgumentError, match="values is empty"):
        properties.derivative_takes(jax.nn.relu, ())
    with pytest.raises(ArgumentError, match="no Hypothesis strategy"):
        properties.gradient_by_hand(jnp.sin, jnp.cos, 3)
    with pytest.raises(ArgumentError, match="bound is 'a': pass a real number"):
        properties.derivative_above(jax.nn.relu, "a")
    with pytest.raises(ArgumentError, match=r"dtype is \['float16', 'float32'\]: pass float16"):
        properties.derivative_range(jax.nn.relu, dtype=["float16", "float32"])
    with pytest.raises(ArgumentError, match="drawn is 3: give a function of a network"):
        properties.gradient_kept(jax.nn.relu, 1, drawn=3)
    with pytest.raises(ArgumentError, match="3 is no network: give one, such as"):
        properties.gradient_kept(st.just(3), 1)
