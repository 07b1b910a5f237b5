"""How long programs are compiled over intervals, as estimated, and what is not compiled."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import compare, everywhere
from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients import batch_lies, interval_batch
from jaxgrad.gradients.compile_cost import compile_seconds
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict


def chain(count: int) -> Any:
    def f(x: Any) -> Any:
        for _ in range(count):
            x = jax.lax.erf(x) + 0.1 * x
        return x

    return f


def seconds(f: Any) -> float:
    return compile_seconds([trace(f, (1.0,))])


def test_a_chain_costs_more_than_its_parts_side_by_side() -> None:
    def beside(x: Any) -> Any:
        return sum(chain(1)(x + k) for k in range(10))

    assert seconds(chain(20)) > 3.5 * seconds(chain(10)) > 10 * seconds(beside)
    assert seconds(chain(20)) > interval_batch._SECONDS > seconds(chain(10))  # pyright: ignore


@pytest.mark.parametrize("order", [lambda x: x[::-1], lambda x: jnp.roll(x, 1)])
def test_other_orders_of_entries_cost_more_in_a_chain(order: Any) -> None:
    def f(x: Any, count: int, reordered: Any) -> Any:
        for _ in range(count):
            x = x * reordered(x) + 0.1
        return x

    def cost(count: int, reordered: Any) -> float:
        return compile_seconds([trace(lambda x: f(x, count, reordered), (np.ones(8),))])

    assert cost(8, order) > 3 * cost(4, order) > 10 * cost(4, lambda x: x)


def test_turns_of_loops_and_programs_inside_are_a_chain() -> None:
    def turned(x: Any) -> Any:
        return jax.lax.scan(lambda c, _: (jax.jit(chain(1))(c), None), x, None, length=10)[0]

    assert seconds(turned) == pytest.approx(seconds(chain(10)), rel=0.02)


def test_what_is_compiled_for_long_is_open() -> None:
    found = everywhere(chain(20), (0.1,), (0.2,), between=(-50, 50))
    assert found.verdict is Verdict.UNDECIDED and found.boxes == 0
    assert "would be compiled over intervals for 24 s, as its functions say" in found.evidence.text
    assert everywhere(chain(1), (0.1,), (0.2,), between=(-50, 50)).verdict is Verdict.PROVED


def test_a_batch_is_judged_by_other_numbers_then(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []
    before = interval_batch.OverIntervals

    def seen(*args: Any) -> Any:
        try:
            return before(*args)
        except UnsupportedPrimitive as error:
            refused.append(str(error))
            raise

    def wrong(x: Any) -> Any:
        return jnp.where(x > 2.5, 1.1, 1.0) * jnp.sin(x)

    batch = (np.linspace(0.5, 3, 40, dtype=np.float32),)
    monkeypatch.setattr(batch_lies, "OverIntervals", seen)
    monkeypatch.setattr(interval_batch, "_SECONDS", 0.01)
    found = compare(wrong, jnp.sin, np.float32(0.5), batch=batch)
    assert found.verdict is Verdict.REFUTED
    assert refused and all("compiled over intervals for" in text for text in refused)
