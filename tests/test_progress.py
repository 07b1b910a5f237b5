"""What sweep and compare say of their progress, and where they are interrupted."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import compare, sweep
from jaxgrad.evidence import sweep as sweep_module
from jaxgrad.evidence import tiled_pass
from jaxgrad.evidence.swept import SweptSoFar
from jaxgrad.gradients import compare as compare_module
from jaxgrad.numbers import progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """What takes the place of standard error, of a terminal that is told of each step."""
    shown = _Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(progress, "SILENT", 0.0)
    monkeypatch.setattr(progress, "BETWEEN_LINES", 0.0)
    return shown


def same(x: jax.Array) -> jax.Array:
    return x


def negative(x: jax.Array, y: jax.Array) -> jax.Array:
    return y < 0


def one_tile_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled_pass, "_CHUNK", 1)
    monkeypatch.setattr(tiled_pass, "_WORKERS", 1)


def test_a_sweep_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    one_tile_after_another(monkeypatch)
    found = sweep(same, "float16", negative, tile=2**12)
    shown = terminal.getvalue()
    assert "s, sweep, 25% of the floats …" in shown and shown.endswith("\r\x1b[K")
    assert found.checked == 2**16 and found.failures.total == 31746


def test_a_line_fits_into_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that did not would be left there, and the next one come below it."""
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(terminal, "fileno", lambda: 2)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((40, 10)))
    shown = progress.Progress()
    shown.say("sweep, 63% of the floats")
    shown.look()
    _, line = terminal.getvalue().removesuffix("\x1b[K").split("\r")
    assert line.startswith("jaxgrad: 0 s, sweep, 63% of") and len(line) < 40


def test_an_interrupted_sweep_says_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    one_tile_after_another(monkeypatch)

    class Interrupted(progress.Progress):
        def look(self) -> None:
            if "75%" in self._text:
                raise KeyboardInterrupt

    monkeypatch.setattr(tiled_pass, "Progress", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(same, "float16", negative, tile=2**12)
    # Three quarters of all patterns: those of positive numbers, the two zeros, an infinity.
    assert terminal.getvalue().endswith(
        "jaxgrad, interrupted: sweep evaluated 49152 of 65536 float16 bit patterns; the predicate "
        "fails at 31746 of these\n\nTo see it:\n\n"
        "import ml_dtypes, numpy as np\n"
        "x = np.asarray(0x0000, np.uint16).view(np.float16)[()]  # 0.0\n"
        "y = np.asarray(0x0000, np.uint16).view(np.float16)[()]  # f(x) = 0.0\n"
        "print('at x =', x, 'f(x) is', y, 'and holds(x, f(x)) should be True')\n"
    )


@pytest.mark.parametrize("few", [0, 2**16], ids=["counts", "masks"])
def test_a_sweep_tells_of_a_failing_float_at_every_moment(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """What it has counted as failing, it can show; what it has not is of no other float."""
    one_tile_after_another(monkeypatch)
    monkeypatch.setattr(tiled_pass, "_FEW", few)
    known: list[SweptSoFar] = []

    class Watched(progress.Progress):
        def say(self, text: str) -> None:
            known.extend(progress.known_so_far())  # pyright: ignore

    evaluated = tiled_pass.TiledPass._evaluated

    def between(self: tiled_pass.TiledPass, number: int) -> tuple[np.ndarray, np.ndarray]:
        known.append(self.so_far())
        return evaluated(self, number)

    monkeypatch.setattr(tiled_pass, "Progress", Watched)
    monkeypatch.setattr(tiled_pass.TiledPass, "_evaluated", between)
    found = sweep(lambda x: -x, "float16", lambda x, y: y >= -1, tile=2**12)
    assert {bool(seen.failures) for seen in known} == {True, False}
    for seen in known:
        assert (seen.failing is not None) is bool(seen.failures)
        if seen.failing is not None:
            assert seen.failing.y == -seen.failing.x.value < -1
    last = known[-1]
    assert (last.checked, last.failures) == (2**16, found.failures.total)


def test_a_sweep_that_is_evaluated_is_known_until_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: list[object] = []
    concluded = sweep_module._conclude

    def late(*args: Any) -> Any:
        known.extend(progress.known_so_far())
        return concluded(*args)

    monkeypatch.setattr(sweep_module, "_conclude", late)
    found = sweep(same, "float16", negative)
    assert [(seen.checked, seen.failures) for seen in known if isinstance(seen, SweptSoFar)] == [
        (2**16, found.failures.total)
    ]


def test_a_comparison_says_what_it_does_and_what_it_has_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = terminal_of(monkeypatch)
    x = np.linspace(-1, 1, 2000, dtype=np.float32)
    assert compare(lambda x: jnp.cos(x), jax.grad(lambda x: jnp.sin(x).sum()), x)
    assert "s, compare, " in terminal.getvalue()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for name, said in (
        ("identity", "nothing known yet\n"),
        ("agrees", "points that were looked at\n"),
    ):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(compare_module, name, interrupted)
            compare(lambda x: jnp.sin(2 * x), lambda x: 2 * jnp.sin(x) * jnp.cos(x), x[:2])
        assert terminal.getvalue().rpartition("jaxgrad, interrupted: ")[2].endswith(said)
    assert "interrupted: no difference of the sides at " in terminal.getvalue()
