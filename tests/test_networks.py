"""Networks: what they compute, how they are compiled, and what they refuse."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import strategies
from jaxgrad.errors import ArgumentError, DtypeMismatch, ShapeMismatch, TreeMismatch
from jaxgrad.networks import Chain, Dense
from jaxgrad.networks.activations import ACTIVATIONS, Activation, activation
from jaxgrad.networks.costs import COSTS, Cost, cost

SHAPED = [Chain(1), Chain(3), Dense((2, 1)), Dense((2, 3, 2))]


def drawn(net, dtype=None, seed=0):
    key = jax.random.key(seed)
    x, y = (jax.random.normal(key, shape) for shape in (net.input_shape, net.shapes[-1][1]))
    return net.init(key, dtype), x.astype(dtype or x.dtype), y.astype(dtype or y.dtype)


def integers(net):
    """Parameters, input and target of small integers, on which ReL networks are exact."""
    values = st.integers(-4, 4)

    def array(shape):
        size = int(np.prod(shape))
        drawn = st.lists(values, min_size=size, max_size=size)
        return drawn.map(lambda v: np.array(v, np.float32).reshape(shape))

    params = st.tuples(*(st.tuples(array(w), array(b)) for w, b in net.shapes)).map(list)
    return st.tuples(params, array(net.input_shape), array(net.shapes[-1][1]))


@pytest.mark.parametrize("net", [Chain(4, "relu"), Dense((3, 2, 3), "relu")], ids=str)
def test_the_network_is_what_its_definition_says(net):
    @given(arguments=integers(net))
    @settings(deadline=None)
    def holds(arguments):
        params, x, y = arguments
        a, zs = x, []
        for w, b in params:
            # From |a| <= 4, four layers of one neuron reach 1364 and these two dense ones 420.
            zs.append(np.dot(w, a) + b)
            a = np.maximum(zs[-1], 0)
        for found, expected in zip(net.preactivations(params, x), zs, strict=True):
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(net.forward(params, x), a)
        # Exact too: 1368^2 and 3 * 424^2 are below 2^24.
        assert float(net.cost(params, x, y)) == np.sum((a - y) ** 2) / 2

    holds()


@given(
    z=st.lists(st.floats(-30, 30), min_size=1, max_size=4),
    data=st.data(),
)
@settings(deadline=None)
def test_cross_entropy_is_its_textbook_form(z, data):
    y = data.draw(st.lists(st.floats(-3, 3), min_size=len(z), max_size=len(z)))
    with jax.enable_x64(True):
        z, y = np.array(z), np.array(y)
        found = float(cost("cross-entropy").value(jnp.asarray(z), jnp.asarray(y)))
        if len(z) == 1:
            terms = [np.log1p(np.exp(-abs(z[0]))) + max(z[0], 0), -y[0] * z[0]]
        else:
            terms = y * (np.log(np.sum(np.exp(z))) - z)
        # Every number in between is below 3 * 61 + log 4, ten roundings or library errors of at
        # most 129 units of 2^-53 each.
        assert abs(found - sum(terms)) <= 4 * 10 * 129 * 185 * 2.0**-53


@pytest.mark.parametrize("size", [1, 3])
def test_the_outputs_of_a_cross_entropy_network_are_probabilities(size):
    net = Dense((2, size), "tanh", "cross-entropy")
    params, x, _ = drawn(net)
    expected = (jax.nn.sigmoid if size == 1 else jax.nn.softmax)(net.preactivations(params, x)[-1])
    # Two programs of the same few operations, which XLA may round in another order.
    np.testing.assert_array_max_ulp(net.forward(params, x), np.asarray(expected), 4)


@given(net=strategies.networks())
@settings(deadline=None)
def test_equal_networks_are_one(net):
    again = eval(repr(net), {"Chain": Chain, "Dense": Dense})
    assert again == net and hash(again) == hash(net) and len(net.shapes) == net.depth


def test_equal_networks_share_one_compilation():
    traced = []
    counted = Activation("counted", lambda z: (traced.append(z), z)[1], jnp.ones_like)
    params, x, y = drawn(Dense((2, 2)))
    for widths in ((2, 2), [2, 2], (2, 2)):
        Dense(widths, counted).cost(params, x, y)
    assert len(traced) == 1


def test_networks_are_frozen():
    with pytest.raises(AttributeError):
        Chain(2).depth = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("net", SHAPED, ids=str)
def test_init_draws_what_the_network_takes(net, dtype):
    with jax.enable_x64(True):
        params, x, y = drawn(net, dtype)
        assert [(w.shape, b.shape) for w, b in params] == net.shapes
        leaves = jax.tree.leaves(params)
        assert {leaf.dtype for leaf in leaves} == {jnp.dtype(dtype)}
        drawn_numbers = np.concatenate([np.asarray(leaf, float).ravel() for leaf in leaves])
        if dtype in ("float32", "float64"):  # of which no number is drawn twice
            assert len(set(drawn_numbers)) == drawn_numbers.size
        assert net.cost(params, x, y).dtype == jnp.dtype(dtype)


def test_init_draws_from_the_standard_normal_distribution():
    w, _ = Dense((1000, 1000)).init(jax.random.key(1))[0]
    # A million draws: the mean has standard deviation 1e-3, the mean square sqrt(2) * 1e-3; six of
    # them are exceeded with probability 2e-9, and the key is fixed.
    assert abs(float(jnp.mean(w))) < 6e-3
    assert abs(float(jnp.mean(w * w)) - 1) < 6e-3 * 2**0.5


def test_default_dtype_is_that_of_jax():
    assert Chain(1).init(jax.random.key(0))[0][0].dtype == jnp.float32
    with jax.enable_x64(True):
        assert Chain(1).init(jax.random.key(0))[0][0].dtype == jnp.float64


def test_batches_are_for_vmap():
    net = Dense((2, 3, 2), "softplus", "cross-entropy")
    params, x, y = drawn(net)
    batched = jax.vmap(net.cost, in_axes=(None, 0, 0))
    assert batched(params, jnp.stack([x] * 5), jnp.stack([y] * 5)).shape == (5,)


def test_functions_of_ones_own():
    halved = Activation("halved", lambda z: z / 2, lambda z: jnp.full_like(z, 0.5))
    linear = Cost("linear", False, lambda a, y: jnp.sum(a * y), lambda a, y: y)
    net = Chain(1, halved, linear)
    assert float(net.cost([(jnp.float32(6), jnp.float32(2))], 1.0, 3.0)) == 12
    assert repr(net) == "Chain(depth=1, activation='halved', cost='linear')"


@pytest.mark.parametrize("depth", [0, -1, 1.5, True, None, "2"])
def test_bad_depths_are_refused(depth):
    with pytest.raises(ArgumentError, match=r"depth is .*: pass an integer >= 1"):
        Chain(depth)


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((), r"\(\), a network without a layer"),
        ((3,), r"\(3,\), a network without a layer"),
        ((3, 0), r"widths\[1\] is 0: pass an integer >= 1"),
        ((2.0, 3), r"widths\[0\] is 2.0"),
        (7, "widths is 7: pass"),
        ("32", "widths is '32': pass"),
    ],
)
def test_bad_widths_are_refused(widths, message):
    with pytest.raises(ArgumentError, match=message):
        Dense(widths)


@pytest.mark.parametrize("build", [lambda **k: Chain(1, **k), lambda **k: Dense((1, 1), **k)])
def test_unknown_names_are_refused(build):
    with pytest.raises(ArgumentError, match="unknown activation 'swish': known are 'sigmoid'"):
        build(activation="swish")
    with pytest.raises(ArgumentError, match="unknown cost 'hinge': known are 'quadratic', 'cross"):
        build(cost="hinge")
    with pytest.raises(ArgumentError, match="unknown cost None"):
        build(cost=None)


def refusal(error, message, params=None, x=None, y=None):
    """A case: what replaces the right argument of Dense((2, 3, 1)), and how it is refused."""
    return error, message, params, x, y


W, B = np.ones((3, 2), np.float32), np.ones(3, np.float32)
V, C = np.ones((1, 3), np.float32), np.ones(1, np.float32)
RIGHT = ([(W, B), (V, C)], np.ones(2, np.float32), np.ones(1, np.float32))


@pytest.mark.parametrize("method", ["cost", "grad"])
@pytest.mark.parametrize(
    ("error", "message", "params", "x", "y"),
    [
        refusal(TreeMismatch, r"params has 1 layer\(s\), Dense.* has 2", [(W, B)]),
        refusal(TreeMismatch, r"params has 0 layer\(s\)", []),
        refusal(TreeMismatch, "params is a dict", {"w": W}),
        refusal(TreeMismatch, r"layer 2 \(params\[1\]\) is no pair", [(W, B), (V, C, C)]),
        refusal(
            ShapeMismatch,
            r"layer 1 \(params\[0\]\): w has shape \(2, 3\), expected \(3, 2\)",
            [(W.T, B), (V, C)],
        ),
        refusal(
            ShapeMismatch,
            r"layer 2 \(params\[1\]\): b has shape \(\), expected \(1,\)",
            [(W, B), (V, C[0])],
        ),
        refusal(DtypeMismatch, r"layer 2.*: w has dtype float16", [(W, B), (V.astype("e"), C)]),
        refusal(ShapeMismatch, r"^x has shape \(3,\), expected \(2,\)", x=B),
        refusal(ShapeMismatch, r"^y has shape \(\), expected \(1,\)", y=C[0]),
        refusal(DtypeMismatch, "^x has dtype float16, layer 1.* has float32", x=B[:2].astype("e")),
        refusal(ArgumentError, r"^x has dtype int32.*x.astype\(float\)", x=B[:2].astype("i")),
        refusal(ArgumentError, "^x is a list, not an array: pass an array", x=[1.0, 2.0]),
        refusal(ArgumentError, "^y is a str, not an array", y="one"),
    ],
)
def test_bad_arguments_are_refused(method, error, message, params, x, y):
    net = Dense((2, 3, 1))
    called = net.cost if method == "cost" else jax.grad(net.cost)
    pairs = zip((params, x, y), RIGHT, strict=True)
    replaced: list[Any] = [right if new is None else new for new, right in pairs]
    with pytest.raises(error, match=message):
        called(*replaced)


def test_integer_parameters_are_refused():
    with pytest.raises(ArgumentError, match=r"layer 1 .*: w has dtype int32.*w.astype\(float\)"):
        Dense((2, 3, 1)).cost([(W.astype("i"), B), (V, C)], *RIGHT[1:])
    with pytest.raises(ArgumentError, match=r"layer 1 .*: b has dtype int32"):
        Chain(1).cost([(0.5, 1)], 0.5, 1.0)


@pytest.mark.parametrize("method", ["forward", "preactivations"])
def test_every_method_checks(method):
    with pytest.raises(ShapeMismatch, match="x has shape"):
        getattr(Chain(1), method)([(0.5, 1.0)], np.ones(2, np.float32))
    with pytest.raises(TreeMismatch):
        getattr(Chain(2), method)([(0.5, 1.0)], 1.0)


def test_a_missing_target_is_refused():
    with pytest.raises(ArgumentError, match="y is None, not an array"):
        Chain(1).cost([(0.5, 1.0)], 1.0, None)  # pyright: ignore[reportArgumentType]


def test_integers_of_python_adapt_to_the_parameters():
    params = [(jnp.float16(0.5), jnp.float16(1))]
    assert float(Chain(1, "relu").cost(params, 2, 0)) == 2
    assert Chain(1).cost(params, 2, 0).dtype == jnp.float16


@pytest.mark.parametrize("dtype", ["int32", "complex64", "bool"])
def test_init_refuses_dtypes_that_are_not_real(dtype):
    with pytest.raises(ArgumentError, match="weights are real numbers"):
        Chain(1).init(jax.random.key(0), dtype)


def test_the_registries_know_their_names():
    assert all(activation(name).name == name for name in ACTIVATIONS)
    assert all(cost(name).name == name for name in COSTS)
    assert cost(COSTS["quadratic"]) is COSTS["quadratic"]
