"""Pallas kernels read as programs: those of JAX, and kernels with grids, blocks and masks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas as pl

from jaxgrad import UndecidedError, Verdict, check, check_grads, compare
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.meanings import READERS
from jaxgrad.programs.pallas_kernels import PALLAS, kernel_program

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from jax.experimental.pallas.ops.gpu import attention, layer_norm, rms_norm, softmax

GENERATOR = np.random.default_rng(0)
ROWS, WEIGHT, BIAS = (GENERATOR.normal(size=n).astype(np.float32) for n in ((1, 2, 8), 8, 8))


def _with_error(function: Callable[..., Any], error: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function and its backward pass, with an error in its gradient by the first argument."""
    wrong = jax.custom_vjp(function)

    def backward(args: Any, u: Any) -> Any:
        first, *others = jax.vjp(function, *args)[1](u)
        return error(first), *others

    wrong.defvjp(lambda *args: (function(*args), args), backward)
    return wrong


def _blocks(factor: float = 1.0, interpret: bool = True) -> Callable[..., Any]:
    """x tanh(y), in blocks of 2 over rows, and backwards by another kernel."""

    def run(body: Any, count: int, *arrays: Any) -> Any:
        shape = jax.ShapeDtypeStruct(arrays[0].shape, arrays[0].dtype)
        block = pl.BlockSpec((1, 2), lambda i, j: (i, j))
        return pl.pallas_call(
            body,
            out_shape=[shape] * count,
            grid=(shape.shape[0], pl.cdiv(shape.shape[1], 2)),
            in_specs=[block] * len(arrays),
            out_specs=[block] * count,
            interpret=interpret,
        )(*arrays)

    def forward(x: Any, y: Any, out: Any) -> None:
        out[...] = x[...] * jnp.tanh(y[...])

    def backward(x: Any, y: Any, u: Any, dx: Any, dy: Any) -> None:
        t = jnp.tanh(y[...])
        dx[...] = u[...] * t
        dy[...] = factor * u[...] * x[...] * (1 - t * t)

    f = jax.custom_vjp(lambda x, y: run(forward, 1, x, y)[0])
    f.defvjp(lambda x, y: (f(x, y), (x, y)), lambda xy, u: tuple(run(backward, 2, *xy, u)))
    return f


@pytest.mark.parametrize(
    ("width", "verdict"),
    [(4, Verdict.PROVED), (5, Verdict.AGREES)],
    ids=["whole blocks", "a block beyond the end"],
)
def test_a_backward_kernel_and_a_wrong_one(width: int, verdict: Verdict) -> None:
    args = tuple(GENERATOR.normal(size=(2, 2, width)).astype(np.float32))
    assert check(_blocks(), args, modes="rev").verdict is verdict
    wrong = check(_blocks(1.0001), args, modes="rev")
    assert wrong.verdict is Verdict.REFUTED
    assert "y: rev: the derivative of f[0, 0] with respect to y[0, 0]" in wrong.evidence.text


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="a GPU runs them as they are")
def test_a_kernel_that_is_to_be_compiled_is_interpreted_on_a_cpu() -> None:
    args = tuple(GENERATOR.normal(size=(2, 2, 4)).astype(np.float32))
    right, wrong = _blocks(interpret=False), _blocks(1.0001, interpret=False)
    with pytest.raises(ValueError, match="interpret mode"):
        right(*args)
    assert check(right, args, modes="rev").verdict is Verdict.PROVED
    found = check(jax.jit(right), args, modes="rev", dtypes=["float32"])  # which do not run here
    assert found.verdict is Verdict.UNDECIDED and "interpret mode" in found.evidence.text
    assert "; all else passes: the custom rules give the same polynomial" in found.evidence.text
    assert check(wrong, args, modes="rev").verdict is Verdict.REFUTED
    assert compare(right, lambda x, y: x * jnp.tanh(y), *args).verdict is Verdict.PROVED


def test_jaxs_softmax_is_proved() -> None:
    def kernel(x: Any) -> Any:
        return softmax.softmax(x, interpret=True)

    x = ROWS[0]
    proved = compare(kernel, jax.nn.softmax, x)
    assert proved.verdict is Verdict.PROVED
    assert "what JAX's interpreter makes of `pallas_call`" in proved.evidence.trusts
    assert compare(kernel, lambda x: jax.nn.softmax(x, 0), x).verdict is Verdict.REFUTED


NORMS: dict[str, Callable[..., Any]] = {
    "layer_norm": lambda x, w, b: layer_norm.layer_norm(x, w, b, interpret=True),
    "rms_norm": lambda x, w, b: rms_norm.rms_norm(x, w, b, interpret=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NORMS)
def test_jaxs_norms(name: str) -> None:
    """Whose kernels load with masks, which leave out what is beyond the end."""
    args = ROWS[:, :1], WEIGHT, BIAS
    right = check(NORMS[name], args, modes="rev", special_points=False, linear=False)
    assert right.verdict is Verdict.AGREES, right
    wrong = _with_error(NORMS[name], lambda g: g + 1e-4)
    assert check(wrong, args, modes="rev", special_points=False).verdict is Verdict.REFUTED


def _attention(q: Any, k: Any, v: Any) -> Any:
    """Whose running maximum begins with −∞."""
    sizes = attention.BlockSizes(**dict.fromkeys(attention.BlockSizes.__dataclass_fields__, 16))
    return attention.mha(q, k, v, None, block_sizes=sizes, interpret=True)


QKV = tuple(GENERATOR.normal(size=(3, 1, 16, 1, 16)).astype(np.float32))


def test_jaxs_flash_attention() -> None:
    """Forwards and backwards."""
    right = check(_attention, QKV, modes="rev", special_points=False, linear=False)
    assert right.verdict is Verdict.AGREES, right


@pytest.mark.slow
def test_flash_attention_with_an_error_in_one_entry() -> None:
    wrong = _with_error(_attention, lambda g: g.at[0, 3, 0, 5].multiply(1.2))
    found = check(wrong, QKV, modes="rev", special_points=False, linear=False, budget=math.inf)
    assert found.verdict is Verdict.REFUTED, found
    assert "with respect to q[0, 3, 0, 5]" in found.evidence.text


def test_memory_that_nothing_was_written_to_is_no_number() -> None:
    def half(x: Any, out: Any) -> None:
        out[0] = x[0]

    x = np.float32([0.5, 1.5])
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    found = compare(lambda x: pl.pallas_call(half, out_shape=shape, interpret=True)(x), abs, x)
    assert not found.verdict.passes


def test_a_kernel_that_cannot_be_read_has_floats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    double = _blocks()
    args = (np.ones((2, 4), np.float32),) * 2
    (equation,) = [
        x for x in equations(jax.make_jaxpr(double)(*args)) if x.primitive.name == PALLAS
    ]
    assert kernel_program(equation) is not None
    monkeypatch.delitem(READERS, PALLAS)
    with pytest.raises(UndecidedError, match="a kernel or a callback"):
        check_grads(double, args, modes="rev")
