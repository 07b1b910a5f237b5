"""check_grads as it stands, on the losses and layers of libraries built on JAX."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.interpreters import ad

from jaxgrad import Verdict, check, check_grads
from jaxgrad.errors import GradientMismatch

PREDICTED = np.array([0.3, -0.7, 1.2], np.float32)
TARGET = np.array([0.5, 0.1, -0.4], np.float32)
PROBABILITIES = np.array([0.25, 0.5, 0.25], np.float32)
HARD = np.array([1.0, 0.0, 1.0], np.float32)
SIGNS = np.array([1.0, -1.0, 1.0], np.float32)
LOGITS = np.array([[0.3, -0.7, 1.2], [0.1, 0.9, -0.2]], np.float32)
ROWS = np.array([[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]], np.float32)
CLASSES = np.array([2, 0])

# Name of the loss -> (the arguments that move, those that are held fixed).
LOSSES: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "l2_loss": ((PREDICTED, TARGET), ()),
    "squared_error": ((PREDICTED, TARGET), ()),
    "huber_loss": ((PREDICTED, TARGET), ()),
    "log_cosh": ((PREDICTED, TARGET), ()),
    "cosine_similarity": ((PREDICTED, TARGET), ()),
    "cosine_distance": ((PREDICTED, TARGET), ()),
    "sigmoid_binary_cross_entropy": ((PREDICTED, PROBABILITIES), ()),
    "sigmoid_focal_loss": ((PREDICTED,), (HARD,)),
    "softmax_cross_entropy": ((LOGITS, ROWS), ()),
    "safe_softmax_cross_entropy": ((LOGITS, ROWS), ()),
    "softmax_cross_entropy_with_integer_labels": ((LOGITS,), (CLASSES,)),
    "poly_loss_cross_entropy": ((LOGITS, ROWS), ()),
    "kl_divergence": ((np.log(PROBABILITIES),), (ROWS[1],)),
    "kl_divergence_with_log_targets": ((np.log(PROBABILITIES), np.log(ROWS[1])), ()),
    "generalized_kl_divergence": ((np.log(PROBABILITIES),), (ROWS[1],)),
    "hinge_loss": ((PREDICTED,), (SIGNS,)),
    "perceptron_loss": ((PREDICTED,), (SIGNS,)),
    "multiclass_hinge_loss": ((LOGITS,), (CLASSES,)),
    "multiclass_perceptron_loss": ((LOGITS,), (CLASSES,)),
    "sparsemax_loss": ((PREDICTED,), (HARD,)),
    "ranking_softmax_loss": ((PREDICTED,), (PROBABILITIES,)),
    "smooth_labels": ((ROWS,), (0.125,)),
    "ntxent": ((np.float32([[0.5, 1.0], [0.25, -1.0], [1.5, 0.5]]),), (np.array([0, 0, 1]),)),
    "triplet_margin_loss": ((PREDICTED, TARGET, PROBABILITIES), ()),
    "dice_loss": ((LOGITS,), (ROWS,)),
}

OPTIONS: dict[str, dict[str, float]] = {
    "sigmoid_focal_loss": {"alpha": 0.25},
    "poly_loss_cross_entropy": {"epsilon": 2.0},
}


def _loss(name: str) -> Callable[..., Any]:
    losses = pytest.importorskip("optax").losses
    if not hasattr(losses, name):
        pytest.skip(f"this release of optax has no {name}")
    return functools.partial(getattr(losses, name), **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_optax(name: str) -> None:
    loss, (moving, fixed) = _loss(name), LOSSES[name]
    assert check_grads(lambda *args: loss(*args, *fixed), moving).verdict.passes


@pytest.mark.parametrize("name", ["huber_loss", "softmax_cross_entropy"])
def test_second_derivatives_of_a_loss(name: str) -> None:
    loss, (moving, fixed) = _loss(name), LOSSES[name]
    assert check_grads(lambda x: loss(x, *moving[1:], *fixed), moving[:1], order=2).verdict.passes


def test_a_gradient_of_a_loss_is_a_function_too() -> None:
    loss = _loss("softmax_cross_entropy")
    assert check_grads(jax.grad(lambda x: loss(x, ROWS).sum()), (LOGITS,)).verdict.passes


def test_a_planted_rule_in_a_loss_is_refuted() -> None:
    loss = _loss("log_cosh")

    @jax.custom_jvp
    def planted(x: Any) -> Any:
        return loss(x)

    # tanh(x) is right.
    planted.defjvp(lambda xs, ts: (planted(*xs), jnp.tanh(xs[0] / 2) * ts[0]))
    with pytest.raises(GradientMismatch):
        check_grads(planted, (PREDICTED,))


# -- equinox -------------------------------------------------------------------------------------
X = np.array([0.3, -0.7], np.float32)
KEY = 7  # any seed


def _equinox_layers() -> dict[str, Callable[[Any], Any]]:
    """Layer -> makes it from equinox's ``nn``."""
    key = jax.random.key(KEY)
    return {
        "Linear": lambda nn: nn.Linear(2, 2, key=key),
        "MLP": lambda nn: nn.MLP(2, 1, 3, 1, activation=jax.nn.tanh, key=key),
        "MLP of relu": lambda nn: nn.MLP(2, 1, 3, 1, key=key),
        "LayerNorm": lambda nn: nn.LayerNorm(2),
        "RMSNorm": lambda nn: nn.RMSNorm(2),
        "GRUCell": lambda nn: nn.GRUCell(2, 2, key=key),
        "LSTMCell": lambda nn: nn.LSTMCell(2, 2, key=key),
        "Dropout": lambda nn: nn.Dropout(0.5, inference=True),
    }


CARRIES: dict[str, Any] = {"GRUCell": (X,), "LSTMCell": ((X, X),)}


@pytest.mark.parametrize("name", _equinox_layers())
def test_a_layer_of_equinox(name: str) -> None:
    eqx = pytest.importorskip("equinox")
    layer = _equinox_layers()[name](eqx.nn)
    parameters, static = eqx.partition(layer, eqx.is_inexact_array)
    args = (parameters, X, *CARRIES.get(name, ()))
    assert check_grads(lambda p, *args: eqx.combine(p, static)(*args), args).verdict.passes


def test_a_module_of_arrays_is_an_argument_as_it_is() -> None:
    """Leaves that are None or static are no leaves, and filtered functions are functions."""
    eqx = pytest.importorskip("equinox")
    layer = eqx.nn.Linear(2, 2, use_bias=False, key=jax.random.key(KEY))
    found = check_grads(lambda layer, x: layer(x), (layer, X))
    assert [leaf.path for leaf in found.leaves] == ["layer.weight", "x"]
    loss = eqx.filter_grad(lambda layer, x: jnp.sum(layer(x) ** 2))
    assert check_grads(loss, (layer, X)).verdict.passes


def test_a_module_that_holds_a_function_is_an_argument() -> None:
    eqx = pytest.importorskip("equinox")
    network = eqx.nn.MLP(2, 1, 3, 1, key=jax.random.key(KEY))
    assert check_grads(lambda network, x: network(x), (network, X)).verdict.passes


def test_a_setting_of_a_module_is_split_off_as_the_text_says() -> None:
    """To jax.grad the probability of a Dropout is a number like any other, without a derivative."""
    eqx = pytest.importorskip("equinox")
    layer = eqx.nn.Dropout(0.5)
    x, random = np.linspace(-1, 2, 8, dtype=np.float32), jax.random.key(KEY)
    found = check(lambda layer, x: layer(x, key=random), (layer, x))
    assert "(if layer.p is data, take it out of the argument" in found.evidence.text
    assert "as equinox.partition and equinox.combine do" in found.evidence.text
    moving, held = eqx.partition(layer, eqx.is_inexact_array)
    assert check(lambda p, x: eqx.combine(p, held)(x, key=random), (moving, x)).verdict.passes


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_a_filtered_rule_has_the_name_and_the_line_of_its_function(mode: str) -> None:
    eqx = pytest.importorskip("equinox")

    def scaled(x: Any, factor: Any) -> Any:
        return factor * x

    def scaled_jvp(primals: Any, tangents: Any) -> Any:
        return scaled(*primals), tangents[0]

    if mode == "fwd":
        ruled = eqx.filter_custom_jvp(scaled)
        ruled.def_jvp(scaled_jvp)  # of which nothing leads to the function
    else:
        ruled = eqx.filter_custom_vjp(scaled)
        ruled.def_fwd(lambda perturbed, x, factor: (scaled(x, factor), None))
        ruled.def_bwd(lambda saved, g, perturbed, x, factor: g)
    found = check(lambda x: jnp.sin(ruled(x, 2.0)), (0.5,), modes=mode)
    assert found.verdict is Verdict.REFUTED
    named = scaled_jvp if mode == "fwd" else scaled
    where = rf"test_libraries\.py:{named.__code__.co_firstlineno}"
    assert re.search(rf"the rule `{named.__name__}` \([^ ]*{where}\)", found.evidence.text)


# -- flax ----------------------------------------------------------------------------------------
def _flax_modules() -> dict[str, Callable[[Any], Any]]:
    """Module -> makes it from flax's ``linen``."""
    return {
        "Dense": lambda nn: nn.Dense(2),
        "LayerNorm": lambda nn: nn.LayerNorm(),
        "RMSNorm": lambda nn: nn.RMSNorm(),
        "MLP": lambda nn: nn.Sequential([nn.Dense(3), nn.gelu, nn.Dense(1)]),
    }


@pytest.mark.parametrize("name", _flax_modules())
def test_a_module_of_flax(name: str) -> None:
    module = _flax_modules()[name](pytest.importorskip("flax.linen"))
    variables = module.init(jax.random.key(KEY), X)
    assert check_grads(module.apply, (variables, X)).verdict.passes


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_pooling_of_flax(name: str) -> None:
    pool = getattr(pytest.importorskip("flax.linen"), name)
    image = np.array([0.3, 0.7, 0.7, -1.0], np.float32).reshape(1, 4, 1)
    found = check_grads(lambda x: pool(x, (2,), (1,)), (image,))
    assert found.verdict.passes
    assert bool(found.kinks) == (name == "max_pool")  # two entries of a window tie


def test_a_module_of_nnx() -> None:
    nnx = pytest.importorskip("flax.nnx")
    graph, state = nnx.split(nnx.Linear(2, 2, rngs=nnx.Rngs(KEY)))
    assert check_grads(lambda state, x: nnx.merge(graph, state)(x), (state, X)).verdict.passes


# -- JAX's own implicit functions ----------------------------------------------------------------
def test_a_linear_solve_with_its_own_rule() -> None:
    a, b = np.array([[2.0, 1.0], [0.5, -1.0]], np.float32), np.array([1.0, 0.25], np.float32)

    def solve(a: Any, b: Any) -> Any:
        return jax.lax.custom_linear_solve(
            lambda v: a @ v, b, lambda _, y: jnp.linalg.solve(a, y),
            transpose_solve=lambda _, y: jnp.linalg.solve(a.T, y),
        )  # fmt: skip

    assert check_grads(solve, (a, b)).verdict.passes


def test_a_root_with_its_own_rule() -> None:
    def root(t: Any) -> Any:
        """The positive x with x² = t² + 1."""
        return jax.lax.custom_root(
            lambda x: x * x - t * t - 1, 1.0, lambda f, x: jnp.sqrt(t * t + 1),
            lambda g, y: y / g(1.0),
        )  # fmt: skip

    assert check_grads(root, (0.75,), order=2).verdict.passes


# -- primitives of equinox and lineax -----------------------------------------------------------
# Their guards ask whether a cotangent is finite, so that its being linear would be asked often.
AT_THE_POINT: dict[str, Any] = {"modes": "rev", "budget": 0, "linear": False}
MATRIX, RIGHT = np.array([[2, 0.5], [0.25, 1.5]], np.float32), np.array([1, -0.5], np.float32)


def test_a_loop_of_equinox_in_a_program_that_is_not_compiled_in_line() -> None:
    eqx = pytest.importorskip("equinox")
    loop = eqx.internal.noinline(
        lambda x: eqx.internal.while_loop(
            lambda carry: carry[0] < 2, lambda carry: (carry[0] + 1, carry[1] * jnp.sin(x)),
            (0, x), max_steps=2, kind="bounded",
        )[1]
    )  # fmt: skip
    found = check_grads(lambda x: eqx.internal.nonbatchable(X[0]) * loop(x), (X[1],), budget=1)
    assert "what the implementation of `noinline` is traced to" in found.evidence.trusts


def _solved(a: Any, b: Any) -> Any:
    lx = pytest.importorskip("lineax")
    return lx.linear_solve(lx.MatrixLinearOperator(a), b, lx.LU()).value


def test_a_system_of_lineax() -> None:
    assert check_grads(_solved, (MATRIX, RIGHT), **AT_THE_POINT).verdict.passes
    each = jax.vmap(_solved, (None, 0))
    assert check_grads(each, (MATRIX, np.stack([RIGHT, X])), **AT_THE_POINT).verdict.passes


def test_a_wrong_rule_of_a_system_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    primitive = pytest.importorskip("lineax.internal").linear_solve_p
    right = ad.primitive_jvps[primitive]

    def wrong(*args: Any, **params: Any) -> Any:
        values, (first, *others) = right(*args, **params)
        return values, [first * (1 + 1e-4), *others]

    monkeypatch.setitem(ad.primitive_jvps, primitive, wrong)
    # Of a shape of its own, since JAX keeps what it has differentiated.
    with pytest.raises(GradientMismatch):
        check_grads(_solved, (MATRIX[:1, :1], RIGHT[:1]), modes="fwd")
