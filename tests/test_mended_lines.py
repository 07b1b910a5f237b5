"""The line that is shown for a NaN mends it, and none is shown that does not."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.gradients.mended_line import mended_text
from jaxgrad.programs.function_domains import domain
from jaxgrad.verdict import Verdict

HERE = Path(__file__).name

# A line of code, and the point at which its derivative is NaN though there is one.
BROKEN = [
    ("f = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0) * x", 0.0),
    ("f = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0) * x", -1.0),
    ("f = lambda x: jnp.where(x >= 0, jnp.sqrt(x), 0.0) * x", -2.0),
    ("f = lambda x: jnp.where(x > 0, jax.lax.rsqrt(x), 0.0) * x**2", 0.0),
    ("f = lambda x: jnp.where(x > 0, jnp.log(x), 0.0) * x**2", 0.0),
    ("f = lambda x: jnp.where(x > 0, x * jnp.log(x), 0.0) * x", -1.5),
    ("f = lambda x: jnp.where(x > -1, jnp.log1p(x), 0.0) * (x + 1) ** 2", -1.0),
    ("f = lambda x: jnp.where(x < 1, jnp.arccos(x), 0.0) * (1 - x) ** 2", 1.0),
    ("f = lambda x: jnp.where(x < 1, jnp.arccos(x), 0.0)", 2.0),
    ("f = lambda x: jnp.where(x > -1, jnp.arccos(x), 0.0) * (1 + x) ** 2", -1.0),
    ("f = lambda x: jnp.where(x < 1, jnp.arcsin(x), 0.0)", 3.0),
    ("f = lambda x: jnp.where(x > -1, jnp.arctanh(x), 0.0) * (1 + x) ** 2", -1.0),
    ("f = lambda x: jnp.where(x > 1, jnp.arccosh(x), 0.0) * (1 - x) ** 2", 1.0),
    ("f = lambda x: jnp.where(x > 1, jnp.arccosh(x), 0.0) * (1 - x) ** 2", 0.5),
    ("f = lambda x: jnp.where(x > 0, x**0.3, 0.0) * x", 0.0),
    ("f = lambda x: jnp.where(x > 0, x**0.3, 0.0) * x", -1.0),
    ("f = lambda x: jnp.where(x != 0, x**3 / x, 0.0)", 0.0),
    ("f = lambda x: jnp.cbrt(x) * x", 0.0),
    ("f = lambda x: jnp.sqrt(x + 4) + jnp.where(x > 0, jnp.sqrt(x), 0.0) * x", 0.0),
]


def _of(line: str, name: str) -> Any:
    """What a line defines, whose text is to be had as that of a file is."""
    scope: dict[str, Any] = {"jnp": jnp, "jax": jax}
    linecache.cache[name] = len(line), None, [line + "\n"], name
    exec(compile(line, name, "exec"), scope)
    return scope["f"]


def _shown(found: jaxgrad.GradientCheck) -> str:
    said = found.evidence.text.splitlines()[0]
    line = said.partition("not its result alone: `")[2]
    assert line.endswith("`"), said
    return line[:-1]


@pytest.mark.parametrize("line, x", BROKEN)
def test_the_line_that_is_shown_passes(line: str, x: float) -> None:
    function = _of(line, "<broken>")
    found = jaxgrad.check(function, (x,), special_points=False)
    assert found.verdict is Verdict.REFUTED
    shown = _shown(found)
    mended = _of(shown, "<mended>")
    assert jaxgrad.check(mended, (x,), special_points=False), shown
    # Beside the point and beyond it, on either side, it is no worse than before.
    for y in map(jnp.float32, (x - 0.25, x, x + 0.25)):
        assert np.isfinite(jax.grad(mended)(y)) or not np.isfinite(jax.grad(function)(y))
        if np.isfinite(function(y)):
            np.testing.assert_allclose(mended(y), function(y), rtol=1e-6)


# Nothing is to be masked, or no line is known that could run.
NOT_MENDED = [
    ("f = lambda x: jnp.sqrt(x) ** 2", (0.0,)),  # masked, it would have the slope 0
    ("f = lambda x: x * x / x", (0.0,)),
    ("f = lambda x, y: jnp.arctan2(x, y)", (0.0, 0.0)),
    ("f = lambda x, y: jnp.where(x > 0, jnp.arctan2(x, y), 0.0) * x", (0.0, 0.0)),
]


@pytest.mark.parametrize("line, args", NOT_MENDED)
def test_no_line_is_shown_that_does_not_mend(line: str, args: tuple[float, ...]) -> None:
    found = jaxgrad.check(_of(line, "<broken>"), args, special_points=False)
    assert "`jnp." not in found.evidence.text and "`f =" not in found.evidence.text


# -- in rules ------------------------------------------------------------------------------------
def _of_norm(rule: Callable[[Any, Any, Any], Any]) -> Any:
    """The norm, by a rule of its value, the point and the tangent."""
    function = jax.custom_jvp(lambda x: jnp.sqrt(jnp.sum(x * x)))
    function.defjvp(lambda xs, ts: rule(function(*xs), xs[0], ts[0]))
    return function


@_of_norm
def norm(n: Any, x: Any, t: Any) -> Any:
    return n, jnp.sum(x * t) / n


@_of_norm
def safe(n: Any, x: Any, t: Any) -> Any:
    return n, jnp.sum(x * t) / jnp.where(n != 0, n, 1.0)


def _line(text: str) -> int:
    return 1 + next(k for k, x in enumerate(inspect.getsource(_module()).splitlines()) if text in x)


def _module() -> Any:
    return inspect.getmodule(_line)


@pytest.mark.parametrize("function", [norm, lambda x: norm(x) * jnp.exp(x[0])])
def test_of_a_rule_the_line_is_named_that_divides(function: Any) -> None:
    found = jaxgrad.check(function, (np.float32([3, 4]),))
    assert found.verdict is Verdict.REFUTED
    line = _line("return n, jnp.sum(x * t) / n")
    assert f"; `div` at {HERE}:{line} divides by 0; mask its divisor" in found.evidence.text
    assert _shown(found) == "return n, jnp.sum(x * t) / jnp.where(n != 0, n, 1.0)"
    assert "slope" not in found.evidence.text


def test_a_rule_with_that_line_passes() -> None:
    assert jaxgrad.check(safe, (np.float32([3, 4]),))


def test_of_a_rule_in_a_jitted_function_the_line_that_calls_it_is_named() -> None:
    inner = jax.jit(lambda x: norm(x) * 2)
    found = jaxgrad.check(lambda x: inner(x) + 1, (np.float32([0, 0]),), special_points=False)
    line = _line("jax.jit(lambda x: norm")
    said = found.evidence.text.splitlines()[0]
    assert f"; `div` in a rule called at {HERE}:{line} divides by 0" in said


def test_on_one_line_of_a_rule_the_operation_is_named_that_is_to_blame() -> None:
    @jax.custom_jvp
    def root(x: Any) -> Any:
        return jnp.sqrt(x) * x

    @root.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return root(x), t * (jnp.sqrt(x) + x / (2 * jnp.sqrt(x)))

    found = jaxgrad.check(root, (0.0,), special_points=False)
    line = _line("return root(x), t * (jnp.sqrt(x) + x /")
    assert f"; `div` at {HERE}:{line} divides by 0" in found.evidence.text
    assert "slope" not in found.evidence.text


# -- the text of a line --------------------------------------------------------------------------
MENDED = {
    ("n = jnp.sqrt(s)", "sqrt", None): (
        "n = jnp.where(s > 0, jnp.sqrt(jnp.where(s > 0, s, 1.0)), 0.0)"
    ),
    ("y = x / (a - b)", "div", None): "y = x / (jnp.where((a - b) != 0, a - b, 1.0))",
    ("y = np.divide(x, n)", "div", None): "y = np.divide(x, jnp.where(n != 0, n, 1.0))",
    ("return jax.numpy.log(p[0])", "log", None): (
        "return jax.numpy.log(jnp.where(p[0] > 0, p[0], 1.0))"
    ),
    ("y = sqrt(a) + sqrt(b)", "sqrt", None): None,  # which one?
    ("y = sqrt(a) + sqrt(b)", "sqrt", (14, 21)): (
        "y = sqrt(a) + jnp.where(b > 0, sqrt(jnp.where(b > 0, b, 1.0)), 0.0)"
    ),
    ("y = jnp.linalg.norm(x)", "sqrt", None): None,  # written elsewhere
    ("y = jnp.linalg.norm(x) + jnp.sqrt(x)", "sqrt", (4, 22)): None,
    ("y = (x /", "div", None): None,  # goes on
    ("y = ξ / n", "div", None): None,
    ("", "div", None): None,
}  # fmt: skip


@pytest.mark.parametrize("text, operation, columns", MENDED)
def test_a_line_is_changed_where_it_has_the_operation_once(
    text: str, operation: str, columns: tuple[int, int] | None
) -> None:
    known = domain(operation, 0.0)
    assert known is not None
    assert mended_text(text, operation, known, columns) == MENDED[text, operation, columns]
