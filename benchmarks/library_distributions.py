"""Calls on distributions and bijectors: distrax, numpyro."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["distrax", "numpyro"]

LOC = np.array([0.3, -0.7], np.float32)
SCALE = np.array([1.5, 0.8], np.float32)
X = np.array([0.9, 0.1], np.float32)
LOGITS = np.array([0.3, -0.7, 1.2], np.float32)
PROBABILITIES = np.array([0.25, 0.5, 0.25], np.float32)
LOWER = np.array([[1.2, 0.0], [-0.4, 0.9]], np.float32)
COVARIANCE = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)


def _density(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *parameters: make(*parameters).log_prob(x)


def _of(make: Callable[..., Any], method: str) -> Callable[..., Any]:
    return lambda *parameters: getattr(make(*parameters), method)()


def _probability(*values: Any) -> Any:
    return jnp.all(jnp.stack([(v >= 0) & (v <= 1) for v in values]))


def _positive(*values: Any) -> Any:
    return jnp.all(jnp.stack([jnp.all(v > 0) for v in values]))


def distrax() -> Iterator[Call]:
    """Densities, entropies and bijectors."""
    yield from _densities()
    yield from _discrete()
    yield from _others()
    yield from _bijectors()
    yield from _flows()


def _densities() -> Iterator[Call]:
    d = imported("distrax")

    for name, make, args in (
        ("Normal", d.Normal, (X, LOC, SCALE)),
        ("Laplace", d.Laplace, (X, LOC, SCALE)),
        ("Logistic", d.Logistic, (X, LOC, SCALE)),
        ("Gumbel", d.Gumbel, (X, LOC, SCALE)),
        ("LogStddevNormal", d.LogStddevNormal, (X, LOC, SCALE)),
        ("ClippedNormal", lambda m, s: d.ClippedNormal(m, s, -1.0, 1.0), (0.4, 0.3, 1.5)),
        ("ClippedLogistic", lambda m, s: d.ClippedLogistic(m, s, -1.0, 1.0), (0.4, 0.3, 1.5)),
        ("MultivariateNormalDiag", d.MultivariateNormalDiag, (X, LOC, SCALE)),
        ("MultivariateNormalTri", d.MultivariateNormalTri, (X, LOC, LOWER)),
        (
            "MultivariateNormalFullCovariance",
            d.MultivariateNormalFullCovariance,
            (X, LOC, COVARIANCE),
        ),
        (
            "MultivariateNormalDiagPlusLowRank",
            d.MultivariateNormalDiagPlusLowRank,
            (X, LOC, SCALE, drawn(2, 1)),
        ),
        (
            "MixtureOfTwo",
            lambda p, m, s: d.MixtureOfTwo(p, d.Normal(m, 1.0), d.Laplace(0.0, s)),
            (0.4, 0.3, 0.7, 1.5),
        ),
        (
            "MixtureSameFamily",
            lambda w, m, s: d.MixtureSameFamily(d.Categorical(logits=w), d.Normal(m, s)),
            (0.4, LOC, X, SCALE),
        ),
    ):
        yield Call(f"{name}.log_prob", _density(make), args)
    yield Call("Gamma.log_prob", _density(d.Gamma), (0.8, 1.5, 2.0), domain=_positive)
    yield Call(
        "Beta.log_prob", _density(d.Beta), (0.3, 1.5, 2.5),
        domain=lambda x, a, b: (x >= 0) & (x <= 1) & (a > 0) & (b > 0),
    )  # fmt: skip
    yield Call(
        "Dirichlet.log_prob", _density(d.Dirichlet), (PROBABILITIES, SCALE[[0, 1, 0]]),
        domain=lambda x, a: _positive(x, a) & (jnp.abs(x.sum() - 1) < 1e-6),
    )  # fmt: skip
    yield Call(
        "Uniform.log_prob", _density(d.Uniform), (0.4, -0.5, 1.5),
        domain=lambda x, low, high: low < high,
    )  # fmt: skip
    yield Call(
        "VonMises.log_prob", _density(d.VonMises), (0.4, 0.2, 1.3),
        domain=lambda x, m, c: c > 0,
    )  # fmt: skip


def _discrete() -> Iterator[Call]:
    d = imported("distrax")

    yield Call(
        "Bernoulli(probs).log_prob", lambda p: d.Bernoulli(probs=p).log_prob(1), (0.4,),
        domain=_probability,
    )  # fmt: skip
    yield Call(
        "Bernoulli(probs).entropy", lambda p: d.Bernoulli(probs=p).entropy(), (0.4,),
        domain=_probability,
    )  # fmt: skip
    yield Call("Bernoulli(logits).log_prob", lambda x: d.Bernoulli(x).log_prob(1), (0.4,))
    yield Call("Categorical(logits).log_prob", lambda x: d.Categorical(x).log_prob(1), (LOGITS,))
    yield Call("Categorical(logits).entropy", lambda x: d.Categorical(x).entropy(), (LOGITS,))
    yield Call(
        "Categorical(probs).entropy, one of them 0", lambda p: d.Categorical(probs=p).entropy(),
        (np.array([0.5, 0.5, 0.0], np.float32),), domain=lambda p: jnp.all(p >= 0),
    )  # fmt: skip
    yield Call("Softmax.log_prob", lambda x: d.Softmax(x, 0.5).log_prob(1), (LOGITS,))
    one = np.array([0, 1, 0])
    yield Call(
        "OneHotCategorical.log_prob", lambda x: d.OneHotCategorical(x).log_prob(one), (LOGITS,)
    )
    counts = np.array([1.0, 2.0, 0.0], np.float32)
    yield Call("Multinomial.log_prob", lambda x: d.Multinomial(3, x).log_prob(counts), (LOGITS,))
    yield Call(
        "Quantized.log_prob",
        lambda m, s: d.Quantized(d.Normal(m, s), eps=1e-5).log_prob(1.0),
        (0.3, 1.5),
        domain=lambda m, s: s > 0,
    )


def _others() -> Iterator[Call]:
    d = imported("distrax")
    math = imported("distrax._src.utils.math")

    yield Call("Normal.cdf", lambda x, m, s: d.Normal(m, s).cdf(x), (0.4, 0.3, 1.5))
    yield Call(
        "Normal.kl_divergence",
        lambda m, s, n, t: d.Normal(m, s).kl_divergence(d.Normal(n, t)),
        (0.4, 0.3, 0.5, 1.5),
    )
    yield Call("Gamma.entropy", _of(d.Gamma, "entropy"), (1.5, 2.0), domain=_positive)
    yield Call("VonMises.entropy", _of(d.VonMises, "entropy"), (0.2, 1.3),
               domain=lambda m, c: c > 0)  # fmt: skip
    yield Call("VonMises.cdf", lambda x, c: d.VonMises(0.0, c).cdf(x), (0.4, 1.3),
               domain=lambda x, c: c > 0)  # fmt: skip
    yield Call("VonMises.sample", lambda c: d.VonMises(0.0, c).sample(seed=0), (1.3,),
               domain=lambda c: c > 0)  # fmt: skip
    yield Call("utils.math.power_no_nan", math.power_no_nan, (1.3, 2.0), domain=lambda x, y: x >= 0)
    yield Call("multiply_no_nan", math.multiply_no_nan, (1.3, 2.0))
    yield Call(
        "importance_sampling_ratios",
        lambda x, y: d.importance_sampling_ratios(d.Categorical(x), d.Categorical(y), jnp.array(1)),
        (LOGITS, PROBABILITIES),
    )


def _bijectors() -> Iterator[Call]:
    d = imported("distrax")

    x = 0.4
    yield Call("Sigmoid.forward_log_det_jacobian", d.Sigmoid().forward_log_det_jacobian, (x,))
    yield Call("Tanh.forward_log_det_jacobian", d.Tanh().forward_log_det_jacobian, (x,))
    yield Call("GumbelCDF.forward_and_log_det", d.GumbelCDF().forward_and_log_det, (x,))
    yield Call(
        "ScalarAffine.inverse_and_log_det",
        lambda y, shift, scale: d.ScalarAffine(shift, scale).inverse_and_log_det(y),
        (x, 0.3, 1.5),
    )
    yield Call(
        "LowerUpperTriangularAffine.inverse",
        lambda y, m, b: d.LowerUpperTriangularAffine(m, b).inverse(y), (X, COVARIANCE, LOC),
    )  # fmt: skip
    yield Call(
        "UnconstrainedAffine.inverse_and_log_det",
        lambda y, m, b: d.UnconstrainedAffine(m, b).inverse_and_log_det(y), (X, COVARIANCE, LOC),
    )  # fmt: skip
    yield Call(
        "DiagPlusLowRankLinear.inverse",
        lambda y, s, u, v: d.DiagPlusLowRankLinear(s, u, v).inverse(y),
        (X, SCALE, drawn(2, 1), drawn(1, 2).T),
    )


def _flows() -> Iterator[Call]:
    d = imported("distrax")

    for name, x, method in (
        ("forward_and_log_det", 0.3, "forward_and_log_det"),
        ("inverse_and_log_det", 0.2, "inverse_and_log_det"),
    ):
        yield Call(f"RationalQuadraticSpline.{name}", _spline(method), (x, drawn(10)))
    yield Call(
        "Transformed.log_prob",
        lambda y, m, s: d.Transformed(d.Normal(m, s), d.Tanh()).log_prob(y), (0.4, 0.3, 1.5),
        domain=lambda y, m, s: (jnp.abs(y) < 1) & (s > 0),
    )  # fmt: skip
    coupling = d.MaskedCoupling(
        jnp.array([True, False]), lambda x: jnp.stack([jnp.sin(x), x**2]),
        lambda p: d.ScalarAffine(shift=p[0], log_scale=p[1]),
    )  # fmt: skip
    yield Call("MaskedCoupling.forward_and_log_det", coupling.forward_and_log_det, (X,))


def _spline(method: str) -> Callable[..., Any]:
    d = imported("distrax")

    return lambda x, p: getattr(d.RationalQuadraticSpline(p, -1.0, 1.0), method)(x)


def numpyro() -> Iterator[Call]:
    """Densities, those with rules of their own among them."""
    d = imported("numpyro.distributions")
    util = imported("numpyro.distributions.util")

    def within(x: Any, alpha: Any, low: Any, high: Any) -> Any:
        return (low > 0) & (low < high) & (low <= x) & (x <= high)

    power_law = d.DoublyTruncatedPowerLaw
    for method, x in (("log_prob", 1.3), ("cdf", 1.3), ("icdf", 0.4)):
        yield Call(
            f"DoublyTruncatedPowerLaw.{method}",
            lambda x, *args, method=method: getattr(power_law(*args), method)(x),
            (x, -1.5, 1.0, 2.0),
            domain=within if method != "icdf" else lambda q, a, low, high: (
                (q >= 0) & (q <= 1) & (low > 0) & (low < high)
            ),
        )  # fmt: skip
    yield Call(
        "DoublyTruncatedPowerLaw.log_prob, alpha = -1", _density(power_law),
        (1.3, -1.0, 1.0, 2.0), domain=within,
    )  # fmt: skip
    yield Call(
        "LowerTruncatedPowerLaw.log_prob", _density(d.LowerTruncatedPowerLaw), (1.3, -1.5, 1.0),
        domain=lambda x, alpha, low: (alpha < -1) & (low > 0) & (low <= x),
    )  # fmt: skip
    yield Call("util.log1mexp", util.log1mexp, (-0.7,), domain=lambda x: x < 0)
    yield Call(
        "Kumaraswamy.log_prob", _density(d.Kumaraswamy), (0.3, 1.5, 2.0),
        domain=lambda x, a, b: (x >= 0) & (x <= 1) & (a > 0) & (b > 0),
    )  # fmt: skip
    yield Call(
        "Kumaraswamy(1, 1).log_prob", lambda x: d.Kumaraswamy(1.0, 1.0).log_prob(x), (0.3,),
        domain=lambda x: (x >= 0) & (x <= 1),
    )  # fmt: skip
    yield Call(
        "TwoSidedTruncatedDistribution.log_prob",
        lambda x, m, s: d.TruncatedNormal(m, s, low=-1.0, high=1.0).log_prob(x), (0.4, 0.3, 1.5),
        domain=lambda x, m, s: (jnp.abs(x) <= 1) & (s > 0),
    )  # fmt: skip
    yield Call(
        "StudentT.log_prob", _density(d.StudentT), (0.4, 3.0, 0.3, 1.5),
        domain=lambda x, df, m, s: (df > 0) & (s > 0),
    )  # fmt: skip
    yield Call(
        "LKJCholesky.log_prob", lambda c: d.LKJCholesky(2, c).log_prob(LOWER / np.linalg.norm(
            LOWER, axis=1, keepdims=True)), (1.5,), domain=lambda c: c > 0,
    )  # fmt: skip
