"""Each property holds of the right function, and a planted error is found, with its text."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import closed_form, properties
from jaxgrad.claims.cli import main
from jaxgrad.errors import ArgumentError, GradientMismatch, PropertyRefuted
from jaxgrad.networks import Chain
from jaxgrad.verdict import Verdict

FEW = {"dtypes": "float32", "max_examples": 10}


def steeper(x):
    return 1.04 * jax.nn.sigmoid(x)


@jax.custom_jvp
def half_at_zero(x):
    return jnp.maximum(x, 0)


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
            "f is not increasing: it falls from",
        ),
    ],
)
def test_a_property_and_a_planted_error(holds, fails, text: str) -> None:
    assert holds().verdict is Verdict.AGREES
    with pytest.raises(PropertyRefuted) as found:
        fails()
    assert text in str(found.value) and "# with `f` in scope" in str(found.value)
    assert found.value.check.verdict is Verdict.REFUTED


def test_the_code_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PropertyRefuted) as found:
        properties.derivative_below(steeper, 0.25, **FEW)
    exec(found.value.check.counterexample, {"f": steeper})
    assert "and y <= 0.25 is False" in capsys.readouterr().out


def test_a_gradient_by_hand_with_one_wrong_index() -> None:
    def wrong(net):
        def gradient(params, x, y):
            found = list(closed_form.gradient(net)(params, x, y))
            return [*found[:-1], (found[0][0], found[-1][1])]

        return gradient

    properties.network_gradient_by_hand(wrong, Chain(1), max_examples=2)
    with pytest.raises(GradientMismatch, match=r"of Chain\(depth=2, .*the smallest network found"):
        properties.network_gradient_by_hand(wrong, Chain(2), max_examples=2)


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
    assert "from jax.nn import sigmoid as f" in out
    assert main(["properties"]) == 2
    assert "--below is of a function of yours" in capsys.readouterr().err
    assert main(["properties", "jax.nn:nothing"]) == 2


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ArgumentError, match="not one real scalar"):
        properties.derivative_finite(lambda x: jnp.ones(2) * x)
    with pytest.raises(ArgumentError, match="values is empty"):
        properties.derivative_takes(jax.nn.relu, ())
    with pytest.raises(ArgumentError, match="no Hypothesis strategy"):
        properties.gradient_by_hand(jnp.sin, jnp.cos, 3)
