"""A user's module of functions and custom rules, which ``jaxgrad check`` is called on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jaxgrad.claims.cli import main

__all__ = ["MODULE", "RAISED", "check", "folder_with_module"]

MODULE = """\
import functools
import jax
import jax.numpy as jnp
import numpy as np

rate = 0.5

@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def power(x, n):
    return x**n

power.defjvp(lambda n, x, t: (x[0]**n, n * x[0]**(n - 1) * t[0]))

@jax.custom_vjp
def scaled(x, by=2.0):
    return by * x

scaled.defvjp(lambda x, by=2.0: (by * x, None), lambda kept, g: (3.0 * g, 0.0 * g.sum()))

@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def weighed(x, by, plus=0.0):
    return (by * x**2).sum() + jnp.sum(plus)

@weighed.defjvp
def _(by, plus, primals, tangents):
    (x,), (t,) = primals, tangents
    if np.sum(np.asarray(by)) == 8:  # which no tracer has
        return weighed(x, by, plus), (by * t).sum()
    return weighed(x, by, plus), (2 * by * x * t).sum()

def tripled(x, by):
    return 3 * x

class Layer:
    pass

layer = Layer()
layer.scaled = scaled

def rectified(x):
    return jax.nn.relu(x)

def shifted(x):
    return power(x, 3) + 1

def straight_through(x):
    return jnp.round(x) + x - jax.lax.stop_gradient(x)

def same(x):
    return x

def positive(x):
    return jnp.all(x > 0)

def log(x):
    return jnp.log(x)

@jax.custom_vjp
def factor(a):
    return jnp.linalg.cholesky(a)

factor.defvjp(lambda a: (factor(a), None), lambda kept, g: (g,))

def raises(x):
    raise ValueError("not this one")

def ends(x):
    raise SystemExit(0)

def keywords(x, *, w, key=None, mode="sum"):
    assert mode == "sum"
    return scaled(x).sum() * w.sum()

def masked(x, mask):
    return jnp.where(mask, scaled(x), 0.0)

@jax.custom_vjp
def malformed(x):
    return 2 * x

malformed.defvjp(lambda x: (2 * x, None), lambda kept, g: (jnp.ones(5),))

@jax.custom_vjp
def affine(x, by, plus):
    return by * x + plus

affine.defvjp(
    lambda x, by, plus: (by * x + plus, (x, by)), lambda kept, g: (kept[1] * g, kept[0] * g, g)
)

def affine_reference(x, by, plus):
    return by * x + plus

@jax.custom_vjp
def step(x):
    return jnp.where(x < 1, x, 1.0)

step.defvjp(lambda x: (step(x), x), lambda x, g: (jnp.where(x < 1, g, jnp.where(x > 9, 1., 0.)),))

def of_a_function(function, x):
    return scaled(x) + function

def inside(first, second, third):
    return (first < 100) & (third < 100)

def applied(g, x):
    print("something of its own")
    return scaled(g(x))

def random(key, x):
    return x * jax.random.normal(key)
"""
_LINE = MODULE[: MODULE.index("raise ")].count("\n") + 1
RAISED = f"raised ValueError at checked_model.py:{_LINE}: not this one"


@contextlib.contextmanager
def folder_with_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder that has the module, and one that ends the process."""
    (folder / "checked_model.py").write_text(MODULE, encoding="utf-8")
    (folder / "exits.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))  # put back after the test, whatever was appended
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    yield
    sys.modules.pop("checked_model", None)


def check(arguments: str) -> int:
    """The exit code of the command."""
    return main(["check", *arguments.split(), "--budget", "1"])
