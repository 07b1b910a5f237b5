"""What PROBABLE costs against the number of multiplications: networks and transformer blocks.

The closed form of a network's gradient, and the backward pass of a transformer block derived by
hand, are held against ``jax.grad`` modulo random primes.  A power of the multiplications in both
programs is fitted to the CPU seconds of each family.

    python -m benchmarks.residues [--picture residues.svg]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.hand_transformer import backward, cost, parameters
from jaxgrad import closed_form, compare
from jaxgrad.gradients.probable import same_residues
from jaxgrad.interpret.sides import make_side
from jaxgrad.networks import Dense

Case = tuple[str, str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]


def cases() -> Iterator[Case]:
    """(family, name, by hand, autodiff, arguments)."""
    for width in (32, 64, 128, 256):
        yield _network("width", (width,) * 4)
    for depth in (5, 10, 20, 40):
        yield _network("depth", (64,) * (depth + 1))
    yield _network("784-30-10", (784, 30, 10))
    for width, tokens in ((16, 8), (32, 16), (64, 32), (128, 32)):
        x = jax.random.normal(jax.random.key(1), (tokens, width))
        args = parameters(width, jax.random.key(0)), x, jnp.zeros((tokens, width))
        yield "transformer", f"width {width}, {tokens} tokens", backward, jax.grad(cost), args


def _network(family: str, widths: tuple[int, ...]) -> Case:
    net = Dense(widths)
    x = jax.random.normal(jax.random.key(1), widths[:1])
    args = net.init(jax.random.key(0)), x, jnp.zeros(net.widths[-1])
    alike = len(set(widths)) == 1 and len(widths) > 3
    name = f"{len(widths) - 1} layers of {net.widths[0]}" if alike else "-".join(map(str, widths))
    return family, name, closed_form.gradient(net), jax.grad(net.cost), args


def multiplications(jaxpr: Any) -> int:
    """How many numbers a program multiplies, or divides by."""
    total = 0
    for equation in jaxpr.eqns:
        size = sum(math.prod(x.aval.shape) for x in equation.outvars)
        name = equation.primitive.name
        if name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += size * math.prod(equation.invars[0].aval.shape[a] for a in contracted)
        elif name in ("mul", "div", "integer_pow", "square"):
            total += size
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                total += multiplications(inner)
    return total


def _seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _plain(auto: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """CPU seconds of one compiled run."""
    compiled = jax.jit(auto)
    jax.block_until_ready(compiled(*args))
    return min(_seconds(lambda: jax.block_until_ready(compiled(*args))) for _ in range(5))


def exponent(counts: list[int], seconds: list[float]) -> float:
    """The power of the counts that is nearest to the seconds."""
    return float(np.polyfit(np.log(counts), np.log(seconds), 1)[0])


def draw(found: dict[str, list[tuple[int, float]]], path: str) -> None:
    """The seconds against the multiplications, both on logarithmic scales."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for family, pairs in found.items():
        counts, seconds = zip(*sorted(pairs), strict=True)
        label = family
        if len(pairs) > 1:
            label += f": power {exponent(list(counts), list(seconds)):.2f}"
        axes.loglog(counts, seconds, "o-", label=label)
    axes.set_xlabel("multiplications in both programs")
    axes.set_ylabel("CPU seconds modulo random primes")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", help="where to draw the seconds")
    options = parser.parse_args()
    table = Table(
        "program", "multiplications", "residues, CPU s", "error", "compare, s", "plain, s"
    )
    found: dict[str, list[tuple[int, float]]] = {}
    for family, name, hand, auto, args in cases():
        sides = [make_side(n, f, args) for n, f in (("hand", hand), ("auto", auto))]
        programs = [side.program for side in sides if side.program is not None]
        count = sum(multiplications(program.jaxpr.jaxpr) for program in programs)
        residual = same_residues(*sides)
        assert all(bool(leaf.all()) for leaf in residual.equal), name
        spent = min(_seconds(lambda s=sides: same_residues(*s)) for _ in range(2))
        whole = time.perf_counter()
        verdict = compare(hand, auto, *args).verdict
        whole = time.perf_counter() - whole
        found.setdefault(family, []).append((count, spent))
        table.add_row(
            name, f"{count:,}", f"{spent:.2f}", f"2^{math.ceil(residual.log_error)}",
            f"{whole:.1f} ({verdict})", f"{_plain(auto, args):.4f}",
        )  # fmt: skip
    console = Console(width=110)
    console.print(table)
    for family, pairs in found.items():
        if len(pairs) > 1:
            counts, seconds = map(list, zip(*pairs, strict=True))
            console.print(
                f"{family}: seconds grow as multiplications^{exponent(counts, seconds):.2f}"
            )
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()
