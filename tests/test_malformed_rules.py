"""A malformed rule, or a missing one, is named with its place, whichever function calls it."""

from __future__ import annotations

import json
from types import ModuleType

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.claims.cli import main
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.malformed import is_malformed
from jaxgrad.errors import ArgumentError, DtypeMismatch, NoDerivative, RuleFault, TreeMismatch

NAME = "badly"
MODULE = """\
import jax, jax.numpy as jnp, numpy as np

@jax.custom_vjp
def right(x):
    return 2 * x

right.defvjp(lambda x: (2 * x, None), lambda kept, g: (2 * g,))

@jax.custom_vjp
def scale_shift(x, scale, shift):
    return x * scale + shift

def forward(x, scale, shift):
    return x * scale + shift, (x, scale)

scale_shift.defvjp(forward, lambda kept, g: (g * kept[1], g * kept[0]))

@jax.custom_vjp
def tree(weights, x):
    return weights["a"] * x + weights["b"]

tree.defvjp(lambda weights, x: (tree(weights, x), x), lambda x, g: ({"a": g * x}, g))

@jax.custom_vjp
def biased(x, bias):
    return x + bias

biased.defvjp(lambda x, bias: (x + bias, None), lambda kept, g: (g, g))

@jax.custom_vjp
def bare(x):
    return x / 2

bare.defvjp(lambda x: (x / 2, None), lambda kept, g: g / 2)

@jax.custom_vjp
def single(x):
    return x / 2

single.defvjp(lambda x: x / 2, lambda kept, g: (g / 2,))

@jax.custom_jvp
def summed(x):
    return x / 2

summed.defjvp(lambda x, t: (x[0] / 2, jnp.sum(t[0])))

@jax.custom_vjp
def forgotten(x):
    return 2 * x

@jax.custom_jvp
def left(x):
    return 2 * x

@jax.custom_vjp
def halved(x):
    return x / 2

halved.defvjp(lambda x: (x / 2, None), lambda kept, g: ((g / 2).astype(jnp.float16),))

@jax.custom_vjp
def times(x, count):
    return x * count

def backward(kept, g):
    return g * kept, np.zeros(kept.shape, jax.dtypes.float0)

times.defvjp(lambda x, count: (x * count, count), backward)

@jax.custom_vjp
def of_one(x):
    return 2 * x

def doubled(g):
    return (2 * g,)

of_one.defvjp(lambda x: (2 * x, None), doubled)

class Layer:
    def call(self, x):
        return forgotten(right(x))

def shifted(x):
    def step(carry, row):
        return carry + jnp.sum(scale_shift(row, 2.0 * row, row)), row
    return jax.lax.scan(step, 0.0, right(x))[0]

def of_tree(x):
    return tree({"a": right(x), "b": x}, x)

def of_biased(x):
    return biased(x, right(x)[0])

def of_bare(x):
    return jax.jit(bare)(right(x))

def of_single(x):
    return single(right(x))

def of_summed(x):
    return right(summed(x))

def uses(x):
    return jax.jit(Layer().call)(x)

def of_left(x):
    return right(left(x))

def of_halved(x):
    return jnp.sin(halved(right(x)))

def of_parameters(x):
    return jax.jit(of_one)(right(x))
"""
_FAULTS = [
    ("shifted", "scale_shift", "bwd returns 2 cotangents for 3 arguments (x, scale, shift)"),
    ("of_tree", "tree", "bwd returns another tree for weights than that is"),
    ("of_biased", "biased", "bwd returns float32[3,2] for bias, which is float32[2]"),
    ("of_bare", "bare", "bwd returns no tuple for 1 argument (x)"),
    ("of_single", "single", "fwd returns the wrong structure"),
    ("of_summed", "summed", "its tangent is float32[], and has to be float32[3,2]"),
    ("uses", "forgotten", "it has no rule yet: forgotten.defvjp(forward, backward) defines one"),
    ("of_halved", "halved", "bwd returns float16[3,2] for x, which is float32[3,2]"),
    ("of_parameters", "of_one", "doubled() takes 1 positional argument but 2 were given"),
    ("of_left", "left", "it has no rule yet: left.defjvp(rule) defines one"),
]


_OF_JAX = ("Custom", "No VJP", "No JVP", "cotangent of dtype", "takes other arguments than JAX")


def _line(name: str) -> int:
    """Of the decorator of a rule."""
    return MODULE[: MODULE.index(f"def {name}(")].count("\n")


@pytest.mark.parametrize(("function", "rule", "what"), _FAULTS)
def test_the_error_knows_the_rule(module: ModuleType, function: str, rule: str, what: str) -> None:
    filtering = jax.config.jax_traceback_filtering  # pyright: ignore
    with pytest.raises(ArgumentError) as caught:
        jaxgrad.check(getattr(module, function), (jnp.ones((3, 2)),))
    assert is_malformed(caught.value)
    where = f"{module.__file__}:{_line(rule)}"
    assert caught.value.fault == RuleFault(rule, where, what)
    assert caught.value.__notes__ == [f"It is `{rule}` ({where}): {what}."]
    assert jax.config.jax_traceback_filtering == filtering  # pyright: ignore


@pytest.mark.parametrize(("function", "rule", "what"), _FAULTS)
def test_the_command_names_it_first_and_the_annotation_is_beside_it(
    module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    function: str,
    rule: str,
    what: str,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["check", f"badly:{function}", "f32[3, 2]"]) == Exit.NOT_EXPECTED
    said, jaxs, shown = capsys.readouterr().err.splitlines()
    named = f"`{rule}` (badly.py:{_line(rule)}): {what}"
    assert said == f"jaxgrad: badly:{function}: {named}"
    assert any(words in jaxs for words in _OF_JAX)
    title = f"jaxgrad%3A badly%3A{function} is malformed"
    assert shown.startswith(f"::error file=badly.py,line={_line(rule)},title={title}::{named}%0A")


@pytest.mark.parametrize(("function", "rule", "what"), [_FAULTS[0], _FAULTS[-2]])
@pytest.mark.usefixtures("module")
def test_coverage_names_it_as_well(
    capsys: pytest.CaptureFixture[str], function: str, rule: str, what: str
) -> None:
    call = ["coverage", f"badly:{function}", "--args", "(jnp.ones((3, 2)),)"]
    assert main(call) == Exit.NOT_EXPECTED
    assert capsys.readouterr().err.startswith(f"jaxgrad: `{rule}` (badly.py:{_line(rule)}): {what}")


@pytest.mark.usefixtures("module")
def test_coverage_shows_the_line_that_a_check_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "badly:right", "--args", "(jnp.ones(3),)"]) == Exit.ALL_EXPECTED
    assert f"badly.py:{_line('right')}" in capsys.readouterr().out


def test_the_cotangent_of_an_integer_is_none_of_a_float(module: ModuleType) -> None:
    x = jnp.ones(3)
    with pytest.raises(DtypeMismatch, match="float0 is that of an integer: give the") as caught:
        jaxgrad.check(module.times, (x, x))
    said = "bwd returns float0[3] for count, which is float32[3]"
    assert caught.value.fault and caught.value.fault.what == said
    assert jaxgrad.check(module.times, (x, jnp.arange(3))).verdict.passes


@pytest.mark.usefixtures("module")
def test_an_integer_is_drawn_where_the_rule_has_the_cotangent_of_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rules", "badly", "--check"]) == Exit.NOT_EXPECTED
    out = capsys.readouterr().out
    after = out.partition("badly:times  custom_vjp")[2]
    assert "    jaxgrad check badly:times 'f32[3, 2]' 'i32[3, 2]'\n    PROVED: " in after
    assert after.partition("badly:")[2].count("float0") == 0


def test_one_object_and_a_function_that_is_the_rule(
    module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "badly:forgotten", "f32[3]", "--json"]) == Exit.NOT_EXPECTED
    out, err = capsys.readouterr()
    said = f"`forgotten` (badly.py:{_line('forgotten')}): it has no rule yet: forgotten.defvjp("
    assert json.loads(out)["error"].startswith(said)
    assert err.startswith(f"jaxgrad: badly:forgotten: {said}")


def test_what_is_no_fault_of_a_rule_has_none() -> None:
    def grows(x: jax.Array) -> jax.Array:
        return jax.lax.while_loop(lambda s: s < 10, lambda s: 2 * s, x)

    with pytest.raises(NoDerivative) as caught:
        jaxgrad.check(grows, (1.5,), modes="rev")
    assert caught.value.fault is None and not hasattr(caught.value, "__notes__")
    with pytest.raises(TreeMismatch) as caught:
        jaxgrad.check(jnp.sin, (1.5,), reference=lambda x: (x, x))
    assert caught.value.fault is None
