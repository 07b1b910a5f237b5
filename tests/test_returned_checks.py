"""What a check returns: its text, its truth, its table, and its use as evidence."""

from __future__ import annotations

import copy
import html.parser
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.custom_derivatives import SymbolicZero

import jaxgrad
from benchmarks.cases import with_rule
from jaxgrad import Verdict
from jaxgrad.claims.claim import Claim
from jaxgrad.claims.running import run
from jaxgrad.errors import ArgumentError

WRONG = with_rule(jnp.sin, lambda xs, ts: 2 * jnp.cos(xs[0]) * ts[0])
RIGHT = with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0])
OPEN = jax.jit(lambda x: jax.random.gamma(jax.random.key(0), x))


def _point(function: Callable[..., Any]) -> Any:
    return jaxgrad.check(function, (0.5,))


def test_a_check_is_returned_whatever_its_verdict() -> None:
    assert _point(RIGHT).verdict.passes and bool(_point(RIGHT))
    assert _point(WRONG).verdict is Verdict.REFUTED and not _point(WRONG)
    assert _point(OPEN).verdict is Verdict.UNDECIDED and not _point(OPEN)


@pytest.mark.parametrize(
    "function, error", [(WRONG, jaxgrad.GradientMismatch), (OPEN, jaxgrad.UndecidedError)]
)
def test_the_error_carries_the_check(function: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        jaxgrad.check_grads(function, (0.5,))
    found: Any = raised.value
    assert str(found) == str(_point(function)) == str(found.check)
    assert found.check.verdict is _point(function).verdict


def test_the_error_carries_the_comparison() -> None:
    with pytest.raises(jaxgrad.GradientMismatch) as raised:
        jaxgrad.compare(jnp.sin, jax.grad(jnp.sin), 0.5).assert_agrees()
    assert isinstance(raised.value.check, jaxgrad.Comparison)
    assert jaxgrad.GradientMismatch("of one's own").check is None


@pytest.mark.parametrize("function", [RIGHT, WRONG, OPEN])
def test_in_a_prompt_it_is_one_line(function: Any) -> None:
    result = _point(function)
    line = repr(result)
    assert line.startswith(f"<GradientCheck {result.verdict}: ") and line.endswith(">")
    assert "\n" not in line and len(line) <= 100
    compared = repr(jaxgrad.compare(jnp.cos, jax.grad(jnp.sin), 0.5))
    assert compared.startswith("<Comparison PROVED: ") and len(compared) <= 100


class _Cells(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _html(result: Any) -> _Cells:
    cells = _Cells()
    cells.feed(result._repr_html_())
    cells.close()
    return cells


def test_in_a_notebook_it_is_a_small_table() -> None:
    wrong = _html(_point(WRONG))
    assert wrong.texts[0] == "REFUTED" and wrong.tags.count("tr") == 1 and "pre" in wrong.tags
    assert any(
        text.startswith("x: fwd: the derivative of f with respect to x") for text in wrong.texts
    )
    assert any("jax.jvp" in text for text in wrong.texts)
    right = _html(_point(RIGHT))
    assert right.texts[0] == "PROVED" and "pre" not in right.tags
    arguments = {f"<{i}>": jnp.float32(i) for i in range(12)}
    many = _html(jaxgrad.compare(lambda x: x, lambda x: x, arguments))
    assert many.tags.count("tr") == 9 and "and 4 more" in many.texts
    assert any("['<0>']" in text for text in many.texts)  # a key is text, and no tag


def test_a_check_is_evidence_in_a_claim() -> None:
    for function, verdict in ((WRONG, Verdict.REFUTED), (RIGHT, Verdict.PROVED)):
        declared = Claim(lambda f=function: _point(f), "s", "", verdict, Path("toy.py"))
        (result,) = run(declared)
        assert result.as_expected and result.verdict is verdict


def test_a_static_argument_is_asked_to_be_closed_over() -> None:
    power = jax.jit(lambda x, n: x**n, static_argnums=1)
    with pytest.raises(jaxgrad.JaxgradError, match=r"static_argnums .*close over it"):
        jaxgrad.check(power, (0.5, 3.0))
    assert jaxgrad.check(lambda x: power(x, 3.0), (0.5,)).verdict.passes
    assert jaxgrad.check(power, (0.5, 3)).verdict.passes  # no variable, so it is held


@pytest.mark.parametrize("floats_first", [False, True])
def test_a_comparison_is_handed_on_without_its_functions(floats_first: bool) -> None:
    result = jaxgrad.compare(jnp.sin, jax.grad(jnp.sin), 0.5)
    if floats_first:
        assert result.floats
    there = pickle.loads(pickle.dumps(result))
    assert str(there) == str(result) and there.leaves == result.leaves
    assert copy.deepcopy(result) is copy.copy(result) is result
    if floats_first:
        assert there.floats == result.floats
    else:
        with pytest.raises(ArgumentError, match="comes from another process or a file"):
            there.floats  # noqa: B018


def test_errors_cross_processes_with_their_checks() -> None:
    with pytest.raises(jaxgrad.GradientMismatch) as raised:
        jaxgrad.compare(jnp.sin, jax.grad(jnp.sin), 0.5).assert_agrees()
    with pytest.raises(jaxgrad.GradientMismatch) as wrong:
        jaxgrad.check_grads(WRONG, (0.5,))
    for error in (raised.value, wrong.value):
        there = pickle.loads(pickle.dumps(error))
        assert type(there) is type(error) and str(there) == str(error)
        assert str(there.check) == str(error.check) and there.check.verdict is Verdict.REFUTED


def test_floats_are_a_line_each_in_a_prompt() -> None:
    for line in map(repr, jaxgrad.compare(jnp.cos, jax.grad(jnp.sin), 0.5).floats):
        assert line.startswith("<FloatResult STABLE ") and len(line) < 120


def test_what_a_rule_with_symbolic_zeros_was_not_asked_is_said() -> None:
    def product(told: bool) -> Any:
        f = jax.custom_jvp(lambda x, y: x * y)

        def rule(xs: Any, ts: Any) -> Any:
            (x, y), (s, t) = xs, ts
            if told:
                s, t = (jnp.zeros(()) if isinstance(a, SymbolicZero) else a for a in (s, t))
            return f(x, y), s * y + x * t

        f.defjvp(rule, symbolic_zeros=told)
        return f

    said = "by symbolic_zeros or as hijax does, not asked where some arguments alone move"
    assert said in str(jaxgrad.check(product(True), (0.5, 0.25)))
    assert said not in str(jaxgrad.check(product(False), (0.5, 0.25)))
