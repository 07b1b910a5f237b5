"""What a check returns: its text, its truth, its table, and its use as evidence."""

from __future__ import annotations

import html.parser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from benchmarks.cases import with_rule
from jaxgrad import Verdict
from jaxgrad.claims.claim import Claim, run

WRONG = with_rule(jnp.sin, lambda xs, ts: 2 * jnp.cos(xs[0]) * ts[0])
RIGHT = with_rule(jnp.sin, lambda xs, ts: jnp.cos(xs[0]) * ts[0])
OPEN = jax.jit(lambda x: jnp.linalg.eigh(x.reshape(1, 1))[0][0])


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
    assert "x" in wrong.texts and any("jax.jacfwd" in text for text in wrong.texts)
    right = _html(_point(RIGHT))
    assert right.texts[0] == "PROVED" and "pre" not in right.tags
    arguments = {f"<{i}>": jnp.float32(i) for i in range(12)}
    many = _html(jaxgrad.compare(lambda x: x, lambda x: x, arguments))
    assert many.tags.count("tr") == 9 and "and 4 more" in many.texts
    assert "['<0>']" in many.texts  # a key is text, and no tag


def test_a_check_is_evidence_in_a_claim() -> None:
    for function, verdict in ((WRONG, Verdict.REFUTED), (RIGHT, Verdict.PROVED)):
        declared = Claim(lambda f=function: _point(f), "s", "", verdict, Path("toy.py"))
        (result,) = run(declared)
        assert result.as_expected and result.verdict is verdict


def test_a_static_argument_is_asked_to_be_closed_over() -> None:
    power = jax.jit(lambda x, n: x**n, static_argnums=1)
    with pytest.raises(jaxgrad.JaxgradError, match=r"static_argnums .*; close over that one"):
        jaxgrad.check(power, (0.5, 3))
    assert jaxgrad.check(lambda x: power(x, 3), (0.5,)).verdict.passes
