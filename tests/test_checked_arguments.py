"""``jaxgrad rules --check`` draws arguments that suit the rule, too, and show what is wrong."""

from __future__ import annotations

import inspect
import json
from types import ModuleType

import jax
import jax.numpy as jnp
import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.suitable_arguments import suitable
from jaxgrad.claims.tried_arguments import tried_arguments

NAME = "suited"
MODULE = '''\
"""Right rules, each of which fails at most shapes that its function takes, and wrong ones."""
import jax, jax.numpy as jnp

def ruled(f, forward, backward, **options):
    rule = jax.custom_vjp(f, **options)
    rule.defvjp(forward, backward)
    return rule

def kept(f):
    return lambda *args: (f(*args), args)

def product(a, b):
    return a @ b

def shifted(x, b):
    return x + b

def affine(x, w, b):
    return x @ w + b

def rms(x, w):
    return x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * w

def of_rms(kept, g):
    x, w = kept
    r = jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6)
    u = g * w
    return r * u - x * r**3 * jnp.mean(u * x, -1, keepdims=True), jnp.sum(g * x * r, 0)

def normalized(x):
    return jax.nn.softmax(x)

def of_softmax(x):
    return jax.nn.softmax(x), jax.nn.softmax(x)

def huber(x):
    return jnp.mean(jnp.where(jnp.abs(x) < 1, x**2 / 2, jnp.abs(x) - 0.5))

def force(depth, beta):
    return jnp.where(depth > 0, beta * depth**2, 0.0)

def entropy(logits, labels):
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(labels)), labels])

def of_entropy(kept, g):
    logits, labels = kept
    hot = jax.nn.one_hot(labels, logits.shape[1])
    return g * (jax.nn.softmax(logits) - hot) / len(labels), None

matvec = ruled(product, kept(product), lambda k, g: (jnp.outer(g, k[1]), k[0].T @ g))
matmul = ruled(product, kept(product), lambda k, g: (g @ k[1].T, k[0].T @ g))
bias = ruled(shifted, kept(shifted), lambda k, g: (g, g.sum(0)))
dense = ruled(affine, kept(affine), lambda k, g: (g @ k[1].T, k[0].T @ g, g.sum(0)))
dot = ruled(product, kept(product), lambda k, g: (g * k[1], g * k[0]) if k[0].ndim == 1 else None)
norm = ruled(rms, kept(rms), of_rms)
crossed = ruled(entropy, kept(entropy), of_entropy)
softmax = ruled(
    normalized, of_softmax, lambda y, g: (y * (g - jnp.sum(y * g, -1, keepdims=True)),)
)

wrong_matmul = ruled(product, kept(product), lambda k, g: (g @ k[1].T, 2 * k[0].T @ g))
wrong_softmax = ruled(normalized, of_softmax, lambda y, g: (y * (g - jnp.sum(y * g)),))
wrong_huber = ruled(huber, kept(huber), lambda k, g: (g * jnp.clip(k[0], -1, 1) / len(k[0]),))
wrong_force = ruled(
    force,
    lambda depth, beta: (force(depth, beta), depth),
    lambda beta, depth, g: (jnp.where(depth > 0, 2 * depth * g, 0.0),),
    nondiff_argnums=(1,),
)

summed = ruled(lambda x: x / 2, kept(lambda x: x / 2), lambda k, g: (jnp.sum(g) / 2,))
def stiff(depth, beta=1.0):
    return jnp.where(depth > 0, beta * depth**2, 0.0)

wrong_stiff = ruled(
    stiff,
    lambda depth, beta=1.0: (stiff(depth, beta), depth),
    lambda depth, g: (jnp.where(depth > 0, 2 * depth * g, 0.0), None),
)
malformed = ruled(shifted, kept(shifted), lambda k, g: (g,))
of_objects = ruled(lambda x: x.size, lambda x: (x.size, None), lambda k, g: (g,))
'''
_RIGHT = {
    "matvec": ("f32[3, 2]", "f32[2]"),
    "matmul": ("f32[3, 2]", "f32[2, 3]"),
    "bias": ("f32[3, 2]", "f32[2]"),
    "dense": ("f32[2, 3]", "f32[3, 2]", "f32[2]"),
    "dot": ("f32[3]", "f32[3]"),
    "norm": ("f32[3, 2]", "f32[2]"),
    "crossed": ("f32[3, 2]", "i32[3]"),
    "softmax": ("f32[3, 2]",),
}
_WRONG = {
    "wrong_matmul": ("f32[3, 2]", "f32[2, 3]"),
    "wrong_softmax": ("f32[3, 2]",),
    "wrong_huber": ("f32[3, 2]",),
    "wrong_force": ("f32[3, 2]", "3"),
    "wrong_stiff": ("f32[3, 2]", "beta=0.75"),
}


@pytest.mark.parametrize("name", [*_RIGHT, *_WRONG])
def test_arguments_suit_the_rule_as_well(module: ModuleType, name: str) -> None:
    found = suitable(FoundRule("custom_vjp", f"suited:{name}", "", 0))
    assert found[:2] == ((_RIGHT | _WRONG)[name], True)


def test_a_rule_that_fails_everywhere_is_shown_at_the_first_arguments(module: ModuleType) -> None:
    told: list[object] = []
    found = suitable(FoundRule("custom_vjp", "suited:malformed", "", 0), told.append)
    assert found[:2] == (("f32[3, 2]", "f32[3, 2]"), False)
    assert told[0] == told[-1] == found.arguments and len(set(map(str, told))) > 5
    assert suitable(FoundRule("custom_vjp", "suited:of_objects", "", 0)) == (None, False, None)


def test_a_rotation_is_checked_at_a_quaternion(module: ModuleType) -> None:
    def rotated(q: jax.Array, v: jax.Array) -> jax.Array:
        w, u = q[0], q[1:4]
        assert q.shape == (4,)
        return v + 2 * jnp.cross(u, jnp.cross(u, v) + w * v)

    module.rotated = jax.custom_vjp(rotated)  # pyright: ignore
    module.rotated.defvjp(
        lambda q, v: (rotated(q, v), (q, v)), lambda kept, g: jax.vjp(rotated, *kept)[1](g)
    )
    found = suitable(FoundRule("custom_vjp", "suited:rotated", "", 0))
    assert found == (("f32[4]", "f32[3]"), True, None)


def test_tangents_are_traced_of_a_rule_that_has_them(module: ModuleType) -> None:
    module.outer = jax.custom_jvp(lambda x, y: x + y)  # pyright: ignore
    module.outer.defjvp(lambda x, t: (x[0] + x[1], t[0] + jnp.stack([t[1]] * 3)))
    found = suitable(FoundRule("custom_jvp", "suited:outer", "", 0))
    assert found == (("f32[3, 2]", "f32[2]"), True, ("f32[3, 2]", "f32[3, 2]"))


def test_python_numbers_are_such_as_show_most() -> None:
    @jax.custom_vjp
    def whole(x, n: int, flag: bool): ...

    def first(f: object, count: int) -> list[tuple[str, ...]]:
        tried = tried_arguments(f)  # pyright: ignore
        return [next(tried) for _ in range(count)]

    assert first(whole, 2) == [("f32[3, 2]", "3", "True"), ("f32[3, 2]", "2", "True")]
    held = jax.custom_vjp(lambda x, rate, flag: x, nondiff_argnums=(1, 2))
    held.__wrapped__.__annotations__ = {"rate": float, "flag": bool}
    assert inspect.signature(held).parameters["rate"].annotation is float
    assert first(held, 2) == [("f32[3, 2]", "0.75", "True"), ("f32[3, 2]", "3.0", "False")]


@pytest.mark.slow
def test_right_rules_pass_and_wrong_ones_do_not(
    module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "suited", "--check", "--json"]) == 1
    rules = json.loads(capsys.readouterr().out)["rules"]
    verdicts = {rule["name"].partition(":")[2]: rule.get("verdict") for rule in rules}
    assert {name for name in _RIGHT if verdicts[name] in ("PROVED", "AGREES")} == set(_RIGHT)
    assert {name for name in _WRONG if verdicts[name] == "REFUTED"} == set(_WRONG)
    said = {rule["name"].partition(":")[2]: rule["text"] for rule in rules}
    assert "bwd returns 1 cotangent for 2 arguments" in said["malformed"]
    assert "at all drawn arguments that the function takes" in said["malformed"]
    assert verdicts["summed"] == "PROVED"  # of numbers, and that is said
    assert said["summed"].endswith("the function takes 'f32[3, 2]', too, where its rule fails")
    assert all("too, where" not in said[name] for name in _RIGHT)
    assert "\nat one row alone, 'f32[2]', it is PROVED; --arguments" in said["wrong_softmax"]
    assert "at one row" not in said["wrong_matmul"] + said["wrong_force"] + said["softmax"]
