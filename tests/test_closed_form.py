"""The formulas against the compiled automatic gradient, within what rounding can do and no more."""

from __future__ import annotations

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import closed_form, strategies
from jaxgrad.errors import ArgumentError, ShapeMismatch, TreeMismatch
from jaxgrad.networks import Chain, Dense
from jaxgrad.networks.activations import Activation, activation
from jaxgrad.networks.layers import layer, output_layer

UNIT = 2.0**-53  # of float64
TINY = 2.0**-1022  # what is below may have been flushed to zero
# The largest error of an elementary function of float64 that has been measured is 129 units
# (log1p), and an activation or a derivative takes at most two of them and two operations.
ELEMENTARY = 2 * 129 + 2

SMOOTH = [
    net
    for kind in ("sigmoid", "tanh", "softplus")
    for cost in ("quadratic", "cross-entropy")
    for net in (Chain(4, kind, cost), Dense((2, 3, 1), kind, cost), Dense((3, 2, 4, 2), kind, cost))
]
RECTIFIED = [Chain(1, "relu"), Chain(5, "relu"), Dense((2, 3), "relu"), Dense((3, 4, 2, 1), "relu")]


def arguments(net, dtype="float64", largest=8.0):
    parts = (strategies.parameters, strategies.inputs, strategies.targets)
    return st.tuples(*(part(net, dtype, largest=largest) for part in parts))


def forward_errors(net, params, x):
    """Every layer with what it is fed and z, and how far float64 may be from either.

    To first order: an operation rounds its result by one unit, a sum of n products by n units of
    Σ|products| in any order, an elementary function by ELEMENTARY units. |σ'| <= 1 and |σ''| <= 1
    for the three smooth activations, so that an error of z reaches σ(z) and σ'(z) undiminished at
    most. σ' may have been computed by exp(z - softplus(z)), hence 1 + |z|.
    """
    chosen, a, a_error = activation(net.activation), x, np.zeros_like(x)
    for w, b in params:
        z = np.dot(w, a) + b
        terms = np.dot(np.abs(w), np.abs(a)) + np.abs(b)
        z_error = np.dot(np.abs(w), a_error) + (np.size(a) + 1) * UNIT * terms + TINY
        slope = np.abs(np.asarray(chosen.derivative(z)))
        slope_error = z_error + ELEMENTARY * UNIT * (1 + np.abs(z))
        yield SimpleNamespace(
            w=w, a=np.abs(a), a_error=a_error, z=z, slope=slope, slope_error=slope_error
        )
        a = np.asarray(chosen.function(z))
        a_error = z_error + ELEMENTARY * UNIT * (1 + np.abs(a))


def last_delta_error(net, last, y):
    """(|δ^L|, its error); softmax moves by at most twice what its largest argument does."""
    if net.objective == "quadratic":
        output = np.asarray(activation(net.activation).function(last.z))
        distance = np.abs(output - y)
        output_error = last.slope_error + ELEMENTARY * UNIT * np.abs(output)
        rounding = 3 * UNIT * distance * last.slope
        error = output_error * last.slope + distance * last.slope_error + rounding
        return distance * last.slope, error + TINY
    weight = np.sum(np.abs(y)) if np.size(y) > 1 else 1.0
    size = weight + np.abs(y)
    rounding = (np.size(y) + ELEMENTARY) * UNIT * size
    return size, 2 * weight * np.max(last.slope_error) + rounding + TINY


def rounding_bound(net, params, x, y):
    """How far from the exact gradient float64 may end up, leaf by leaf, to first order."""
    layers = list(forward_errors(net, params, x))
    delta, error = last_delta_error(net, layers[-1], y)
    bounds = []
    for number in reversed(range(len(layers))):
        here = layers[number]
        of_w = np.multiply.outer(error, here.a + here.a_error)
        of_w = of_w + np.multiply.outer(delta, here.a_error + UNIT * here.a) + TINY
        bounds.append((of_w, error))
        if number:
            below, w = layers[number - 1], np.abs(here.w).T
            through = np.dot(w, delta)
            error = np.dot(w, error) + (np.size(delta) + 1) * UNIT * through
            error = error * below.slope + through * below.slope_error + TINY
            delta = through * below.slope
    return bounds[::-1]


def flush_bound(net, params, x, y):
    """What flushing numbers below TINY to zero can add up to, whatever the order of the products.

    Each layer has at most four products on a path, and a number lost in one of them would have been
    multiplied by what is left of that path: summed over all paths, by at most Σ|w| of each other
    layer, by |∂C/∂a^L| or |δ^L|, which |σ(z)| <= 1 + |z| bounds, and by the largest |a|; |σ'| <= 1.
    """
    layers = list(forward_errors(net, params, x))
    delta, _ = last_delta_error(net, layers[-1], y)
    paths = np.prod([1 + np.sum(np.abs(w)) for w, _ in params])
    distance = np.sum(np.abs(y)) + sum(np.sum(1 + np.abs(here.z)) for here in layers)
    largest = 1 + max(np.max(here.a) for here in layers)
    return 4 * len(params) * TINY * paths * (1 + np.max(delta) + distance) * largest


def largest_excess(net, hand, auto, values):
    """max |hand - auto| / allowance over all entries; at most 1 where they agree.

    Both sides err by the bounds, and a factor of two covers the terms of second order.
    """
    bounds, flushed = jax.tree.leaves(rounding_bound(net, *values)), flush_bound(net, *values)
    gaps = jax.tree.map(lambda h, g: np.abs(np.asarray(h) - np.asarray(g)), hand, auto)
    pairs = zip(jax.tree.leaves(gaps), bounds, strict=True)
    return max(float(np.max(gap / (2 * 2 * (bound + flushed)))) for gap, bound in pairs)


@pytest.mark.parametrize("net", SMOOTH, ids=str)
def test_smooth_gradients_agree(net):
    auto, hand = jax.jit(jax.grad(net.cost)), jax.jit(closed_form.gradient(net))

    @given(values=arguments(net))
    @settings(deadline=None, max_examples=40)
    def holds(values):
        with jax.enable_x64(True):
            assert largest_excess(net, hand(*values), auto(*values), values) <= 1

    holds()


@pytest.mark.parametrize("net", SMOOTH, ids=str)
def test_one_part_in_a_million_is_seen(net):
    params, x, y = net.init(jax.random.key(0)), jnp.ones(net.input_shape), 0.25
    y = jnp.full(net.shapes[-1][1], y)
    with jax.enable_x64(True):
        values = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), (params, x, y))
        right = closed_form.gradient(net)(*values)
        auto = jax.grad(net.cost)(*values)
        assert largest_excess(net, right, auto, values) <= 1
        for number, leaf in enumerate(jax.tree.leaves(right)):
            leaves, tree = jax.tree.flatten(right)
            leaves[number] = leaf * (1 + 1e-6)
            assert largest_excess(net, jax.tree.unflatten(tree, leaves), auto, values) > 1


def small_integers(net):
    def array(shape):
        size = int(np.prod(shape))
        drawn = st.lists(st.integers(-4, 4), min_size=size, max_size=size)
        return drawn.map(lambda v: np.array(v, np.float64).reshape(shape))

    params = st.tuples(*(st.tuples(array(w), array(b)) for w, b in net.shapes)).map(list)
    return st.tuples(params, array(net.input_shape), array(net.shapes[-1][1]))


@pytest.mark.parametrize("net", RECTIFIED, ids=str)
def test_rectified_gradients_are_equal_bit_by_bit(net):
    """Integers up to 4 stay so small that float64, exact up to 2^53, never rounds.

    A layer of width <= 4 takes |a| <= A to at most 16 A + 4 and |δ| <= D to at most 16 D: after
    three layers |a| <= 17476 and |δ| <= 16^2 (17476 + 4), so |δ a| < 2^38. Five layers of one
    neuron grow by 4 instead of 16 and stay below that.
    """
    auto, hand = jax.jit(jax.grad(net.cost)), jax.jit(closed_form.gradient(net))

    @given(values=small_integers(net))
    @settings(deadline=None)
    def holds(values):
        with jax.enable_x64(True):
            jax.tree.map(np.testing.assert_array_equal, hand(*values), auto(*values))

    holds()


@pytest.mark.parametrize("net", [net for net in SMOOTH if isinstance(net, Dense)], ids=str)
def test_the_matrix_product_is_the_recurrence(net):
    product, recurrence = (
        jax.jit(each(net)) for each in (closed_form.matrix_product, closed_form.delta)
    )

    @given(values=arguments(net))
    @settings(deadline=None, max_examples=25)
    def holds(values):
        with jax.enable_x64(True):
            zeros = [np.zeros_like(w) for w, _ in values[0]]
            left, right = (
                list(zip(zeros, each(*values), strict=True)) for each in (product, recurrence)
            )
            assert largest_excess(net, left, right, values) <= 1

    holds()


@pytest.mark.parametrize("net", [net for net in RECTIFIED if isinstance(net, Dense)], ids=str)
def test_the_matrix_product_is_the_recurrence_bit_by_bit(net):
    @given(values=small_integers(net))
    @settings(deadline=None, max_examples=25)
    def holds(values):
        with jax.enable_x64(True):
            pairs = closed_form.matrix_product(net)(*values), closed_form.delta(net)(*values)
            jax.tree.map(np.testing.assert_array_equal, *pairs)

    holds()


@pytest.mark.parametrize("shape", [(), (3, 2)], ids=["scalar", "dense"])
def test_one_step_is_the_reverse_derivative_of_one_layer(shape):
    @given(data=st.data())
    @settings(deadline=None, max_examples=40)
    def holds(data):
        w = data.draw(small_array(shape))
        b, a = data.draw(small_array(shape[:1])), data.draw(small_array(shape[1:]))
        cotangent, y = data.draw(small_array(shape[:1])), data.draw(small_array(shape[:1]))
        pulled = jax.vjp(layer("relu"), w, b, a)[1](cotangent)
        by_hand = closed_form.step("relu")(w, b, a, cotangent)
        jax.tree.map(np.testing.assert_array_equal, by_hand, pulled)
        auto = jax.grad(output_layer("relu", "quadratic"), argnums=(0, 1, 2))(w, b, a, y)
        by_hand = closed_form.base("relu", "quadratic")(w, b, a, y)
        jax.tree.map(np.testing.assert_array_equal, by_hand, auto)

    holds()


def small_array(shape):
    size = int(np.prod(shape))
    drawn = st.lists(st.integers(-4, 4), min_size=size, max_size=size)
    return drawn.map(lambda v: jnp.asarray(v, jnp.float32).reshape(shape))


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("kind", ["sigmoid", "tanh", "softplus", "relu"])
def test_steps_from_the_base_are_the_gradient(kind, cost):
    net = Dense((2, 3, 4, 2), kind, cost)
    params, x, y = net.init(jax.random.key(3)), jnp.array([0.5, -1.0]), jnp.array([0.25, 2.0])
    fed = [x]
    for w, b in params:
        fed.append(layer(kind)(w, b, fed[-1]))
    w_bar, b_bar, cotangent = closed_form.base(kind, cost)(*params[-1], fed[-2], y)
    composed = [(w_bar, b_bar)]
    for (w, b), a in zip(params[-2::-1], fed[-3::-1], strict=True):
        w_bar, b_bar, cotangent = closed_form.step(kind)(w, b, a, cotangent)
        composed.insert(0, (w_bar, b_bar))
    # The same operations in the same order, but eager here and partly compiled there.
    jax.tree.map(
        lambda one, two: np.testing.assert_allclose(one, two, rtol=2**-14, atol=2**-18),
        composed,
        closed_form.gradient(net)(params, x, y),
    )


def test_a_wrong_derivative_is_seen():
    planted = Activation("planted", jax.nn.relu, lambda z: 2 * activation("relu").derivative(z))
    for net in (Chain(2, planted), Dense((1, 1, 1), planted)):
        one = jnp.ones(net.input_shape)
        params = jax.tree.map(jnp.ones_like, net.init(jax.random.key(0)))
        hand = closed_form.gradient(net)(params, one, one)
        auto = jax.grad(net.cost)(params, one, one)
        assert not np.array_equal(hand[0][1], auto[0][1])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("net", [Chain(2), Dense((2, 3, 1), "relu", "cross-entropy")], ids=str)
def test_tree_and_dtypes_are_those_of_the_automatic_gradient(net, container, dtype):
    with jax.enable_x64(True):
        params = container([jnp.ones(w, dtype), jnp.ones(b, dtype)] for w, b in net.shapes)
        x, y = jnp.ones(net.input_shape, dtype), jnp.ones(net.shapes[-1][1], dtype)
        hand = jax.eval_shape(closed_form.gradient(net), params, x, y)
        auto = jax.eval_shape(jax.grad(net.cost), params, x, y)
        assert jax.tree.structure(hand) == jax.tree.structure(auto)
        shaped = [[(g.shape, g.dtype) for g in jax.tree.leaves(tree)] for tree in (hand, auto)]
        assert shaped[0] == shaped[1]


def test_the_scalar_chain_of_the_documents_example():
    """w = 100 and b = -100 a give z = 0, so that each layer's δ is 25 times the next one's."""
    net = Chain(4)
    params = [(jnp.float32(100), jnp.float32(-50))] * 4
    deltas = closed_form.delta(net)(params, 0.5, 1.0)
    assert [float(d) for d in deltas] == [-(25.0**k) / 8 for k in (3, 2, 1, 0)]


@pytest.mark.parametrize("function", [closed_form.gradient, closed_form.delta])
def test_arguments_are_checked(function):
    with pytest.raises(TreeMismatch, match="params has 1 layer"):
        function(Chain(2))([(0.5, 1.0)], 1.0, 1.0)
    with pytest.raises(ShapeMismatch, match="y has shape"):
        function(Chain(1))([(0.5, 1.0)], 1.0, np.ones(1, np.float32))
    with pytest.raises(ArgumentError, match="neither a Chain nor a Dense"):
        function("Chain(2)")


def test_the_matrix_product_is_for_dense_networks():
    with pytest.raises(ArgumentError, match="is no Dense: the product of a Chain is"):
        closed_form.matrix_product(Chain(2))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ShapeMismatch, match="x has shape"):
        closed_form.matrix_product(Dense((1, 1)))(Dense((1, 1)).init(jax.random.key(0)), 1.0, 1.0)
