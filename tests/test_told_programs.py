"""What a program does not tell is not kept under its name."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback

import jaxgrad
from jaxgrad.errors import ArgumentError
from jaxgrad.evidence import sweep as sweep_module
from jaxgrad.evidence import tiled_pass
from jaxgrad.evidence.told_programs import require_told
from jaxgrad.verdict import Verdict

Function = Callable[..., Any]
ROOT = Path(__file__).parents[1]
CONFIG: Any = jax.config
NARROW = "float8_e5m2"
CALLBACK = r"calls back a Python function .*leave out keep="


@contextlib.contextmanager
def set_to(option: str, value: Any) -> Iterator[None]:
    before = getattr(CONFIG, option, CONFIG.values[option])
    CONFIG.update(option, value)
    try:
        yield
    finally:
        CONFIG.update(option, before)


def below(x: Any, y: Any) -> Any:
    return (y <= 2) | (x > 2)


class Called:
    """A product that Python computes, and how often it was asked."""

    def __init__(self, factor: float) -> None:
        self.factor, self.count = factor, 0

    def _product(self, x: Any) -> np.ndarray:
        self.count += 1
        return (np.asarray(x, np.float32) * self.factor).astype(x.dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.pure_callback(self._product, like, x, vmap_method="expand_dims")

    def counted(self, x: jax.Array) -> jax.Array:
        return io_callback(self._product, jax.ShapeDtypeStruct(x.shape, x.dtype), x)


def _by_own_rule(called: Called) -> Function:
    function = jax.custom_jvp(lambda x: called(x))
    function.defjvp(lambda p, t: (called(p[0]), t[0]))
    return function


PLACES: dict[str, Callable[[Called], Function]] = {
    "as it is": lambda called: called,
    "io_callback": lambda called: called.counted,
    "jit": lambda called: jax.jit(lambda x: called(x)),
    "scan": lambda called: lambda x: jax.lax.scan(lambda s, _: (called(s), None), x, None, 1)[0],
    "cond": lambda called: lambda x: jax.lax.cond(x > 0, called, lambda x: x, x),
    "loop": lambda called: lambda x: jax.lax.fori_loop(0, 1, lambda _, s: called(s), x),
    "custom_jvp": _by_own_rule,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_sweep_of_what_python_computes_is_not_kept(place: str, tmp_path: Path) -> None:
    right, wrong = Called(1.0), Called(2.0)
    for called in (right, wrong):
        with pytest.raises(ArgumentError, match=f"sweep: f {CALLBACK}"):
            jaxgrad.sweep(PLACES[place](called), NARROW, below, keep=tmp_path / "kept")
    assert right.count == wrong.count == 0 and not list(tmp_path.iterdir())
    found = [jaxgrad.sweep(PLACES[place](called), NARROW, below) for called in (right, wrong)]
    assert [each.verdict for each in found] == [Verdict.PROVED, Verdict.REFUTED]


def test_nor_by_a_predicate_that_python_answers(tmp_path: Path) -> None:
    called = Called(2.0)
    asks: Any = {
        "holds": lambda: jaxgrad.sweep(jnp.abs, NARROW, lambda x, y: called(y) >= y, keep=tmp_path),
        r"count\['twice'\]": lambda: jaxgrad.sweep(
            jnp.abs, NARROW, below, count={"twice": lambda x, y: called(y) > 1}, keep=tmp_path
        ),
    }
    for name, ask in asks.items():
        with pytest.raises(ArgumentError, match=f"sweep: {name} {CALLBACK}"):
            ask()
    assert called.count == 0


@pytest.mark.parametrize("name", ["f", "holds"])
def test_nor_of_pairs(name: str, tmp_path: Path) -> None:
    called, dtypes = Called(2.0), (NARROW, NARROW)
    function: Function = (lambda x, y: called(x) + y) if name == "f" else jnp.add
    predicate: Function = {
        "f": lambda x, y, z: z == z,
        "holds": lambda x, y, z: called(z) == z,
    }[name]
    with pytest.raises(ArgumentError, match=f"sweep_pairs: {name} {CALLBACK}"):
        jaxgrad.sweep_pairs(function, dtypes, predicate, keep=tmp_path)
    assert called.count == 0


def test_nor_the_accuracy_of_a_derivative(tmp_path: Path) -> None:
    off, right = Called(1.0), Called(2.0)
    for called in (off, right):
        with pytest.raises(ArgumentError, match=f"accuracy: the derivative {CALLBACK}"):
            jaxgrad.accuracy(lambda x: x * x, NARROW, derivative=called, keep=tmp_path)
    assert off.count == right.count == 0
    found = [jaxgrad.accuracy(lambda x: x * x, NARROW, derivative=x) for x in (off, right)]
    assert (found[0].least or 0) < (found[1].least or 0)


def test_nor_what_a_library_computes(tmp_path: Path) -> None:
    """Another one may be registered by the same name."""

    def function(x: jax.Array) -> jax.Array:
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.ffi.ffi_call("of_a_library", like, vmap_method="expand_dims")(x)

    with pytest.raises(ArgumentError, match="sweep: f calls 'of_a_library' of a compiled library"):
        jaxgrad.sweep(function, NARROW, below, keep=tmp_path)


# The setting is read where JAX is imported.
_OUTSIDE = """
import sys
import jax.numpy as jnp
import jaxgrad

for factor in (1.0, 2.0):
    factors = jnp.array([1.0, factor] * 500)
    def scaled(x):
        return x * factors[1].astype(x.dtype)
    def below(x, y):
        return (y <= 2) | (x > 2)
    for keep in (sys.argv[1], None):
        try:
            print(jaxgrad.sweep(scaled, "float8_e5m2", below, keep=keep).verdict)
        except jaxgrad.errors.ArgumentError as error:
            print(error)
"""


def test_nor_constants_that_are_no_part_of_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OUTSIDE, str(tmp_path / "kept")]
    env = {**os.environ, "JAX_USE_SIMPLIFIED_JAXPR_CONSTANTS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=True)
    kept, right, again, wrong = ran.stdout.splitlines()
    said = "sweep: f closes over constants that JAX keeps out of its program (the setting"
    assert kept.startswith(said) and again.startswith(said)
    assert (right, wrong) == ("PROVED", "REFUTED")


def test_what_shows_up_in_the_pass_alone_is_refused_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sweep_module, "require_told", lambda *_: None)
    for few in (2**16, 0):
        monkeypatch.setattr(tiled_pass, "_FEW", few)
        for f, holds in ((Called(1.0), below), (jnp.abs, lambda x, y: Called(2.0)(y) >= 0)):
            with pytest.raises(ArgumentError, match=f"sweep: a function {CALLBACK}"):
                jaxgrad.sweep(f, NARROW, holds, keep=tmp_path)


def _printing(x: jax.Array) -> jax.Array:
    jax.debug.print("{}", x)
    return x


def test_what_only_prints_changes_no_number() -> None:
    [device], like = jax.devices()[:1], jax.ShapeDtypeStruct((2,), np.float32)
    require_told("sweep", {"f": (jax.vmap(_printing), (like,))}, [device])
    with pytest.raises(ArgumentError, match=f"sweep: f {CALLBACK}"):
        require_told("sweep", {"f": (jax.vmap(Called(1.0)), (like,))}, [device])


def _inverse(x: jax.Array) -> jax.Array:
    return jnp.linalg.inv(jnp.eye(2) * x.astype(jnp.float32))[0, 0].astype(x.dtype)


@pytest.mark.parametrize("f", [_inverse, jax.lax.erf])
def test_what_jax_brings_is_kept(f: Function, tmp_path: Path) -> None:
    def seen(x: Any, y: Any) -> Any:
        return y == y

    first, again = (jaxgrad.sweep(f, NARROW, seen, keep=tmp_path) for _ in range(2))
    assert first == again == jaxgrad.sweep(f, NARROW, seen)


def test_tallies_of_another_configuration_are_others(tmp_path: Path) -> None:
    jaxgrad.sweep(jnp.tanh, NARROW, below, keep=tmp_path)
    different = pytest.raises(ArgumentError, match="its configuration differs")
    with set_to("jax_disable_most_optimizations", True), different:
        jaxgrad.sweep(jnp.tanh, NARROW, below, keep=tmp_path)
