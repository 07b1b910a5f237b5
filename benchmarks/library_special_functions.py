"""Calls on special functions and transforms: tensorflow-probability, jaxoplanet, s2fft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["jaxoplanet", "s2fft", "tfp"]


def _positive(*values: Any) -> Any:
    return jnp.all(jnp.stack([v > 0 for v in values]))


def tfp() -> Iterator[Call]:
    """The functions with gradients of their own, by all arguments that the library names."""
    tfp = imported("tensorflow_probability.substrates.jax")

    yield from _bessel(tfp.math)
    yield from _inverses(tfp.math)
    yield from _distributions(tfp)


def _bessel(math: Any) -> Iterator[Call]:
    for name in ("bessel_ive", "bessel_kve", "log_bessel_ive", "log_bessel_kve"):
        function = getattr(math, name)
        yield Call(f"math.{name} by z", lambda z, f=function: f(np.float32(1.0), z), (0.7,),
                   domain=_positive)  # fmt: skip
    ratio = math.bessel_iv_ratio
    yield Call("math.bessel_iv_ratio by z", lambda z: ratio(np.float32(1.0), z), (0.7,),
               domain=_positive)  # fmt: skip
    yield Call("math.bessel_iv_ratio", ratio, (1.0, 0.7), domain=_positive)


def _inverses(math: Any) -> Iterator[Call]:
    hypergeometric = imported("tensorflow_probability.substrates.jax.math.hypergeometric")
    special = imported("tensorflow_probability.substrates.jax.math.special")

    def probable(a: Any, b: Any, x: Any) -> Any:
        return (a > 0) & (b > 0) & (x > 0) & (x < 1)

    yield Call("math.lambertw", math.lambertw, (0.4,), domain=lambda z: z > -1 / np.e)
    yield Call("math.lambertw near −1/e", math.lambertw, (-0.36,), domain=lambda z: z > -1 / np.e)
    yield Call("math.betainc", math.betainc, (1.4, 0.7, 0.3), domain=probable)
    yield Call("math.special.betaincinv", special.betaincinv, (1.4, 0.7, 0.3), domain=probable)
    yield Call(
        "math.special.betaincinv by y",
        lambda y: special.betaincinv(np.float32(1.4), np.float32(0.7), y), (0.3,),
        domain=lambda y: (y > 0) & (y < 1),
    )  # fmt: skip
    for name in ("igammainv", "igammacinv"):
        yield Call(
            f"math.{name}", getattr(math, name), (1.4, 0.3),
            domain=lambda a, p: (a > 0) & (p > 0) & (p < 1),
        )  # fmt: skip
    yield Call("math.special.dawsn", special.dawsn, (0.7,))
    yield Call("math.erfcx", math.erfcx, (0.7,))
    yield Call("math.log_cosh", math.log_cosh, (0.7,))
    series: Any = hypergeometric.hyp2f1_small_argument
    a, b, c = np.float32(0.5), np.float32(1.5), np.float32(2.5)
    yield Call(
        "math.hypergeometric.hyp2f1_small_argument by z", lambda z: series(a, b, c, z),
        (0.3,), domain=lambda z: jnp.abs(z) < 1,
    )  # fmt: skip
    yield Call("math.smootherstep", math.smootherstep, (0.3,))


def _distributions(tfp: Any) -> Iterator[Call]:
    util = imported("tensorflow_probability.substrates.jax.math.psd_kernels.internal.util")

    yield Call(
        "psd_kernels.sqrt_with_finite_grads", util.sqrt_with_finite_grads, (0.3,),
        domain=lambda x: x >= 0,
    )  # fmt: skip
    kernel = tfp.math.psd_kernels.MaternThreeHalves
    yield Call(
        "psd_kernels.MaternThreeHalves", lambda a, s, x, y: kernel(a, s).apply(x, y),
        (1.5, 0.8, drawn(2), drawn(1, 2)[0]), domain=lambda a, s, x, y: (a > 0) & (s > 0),
    )  # fmt: skip
    yield Call(
        "distributions.StudentT.cdf",
        lambda x, df: tfp.distributions.StudentT(df, 0.0, 1.0).cdf(x), (0.4, 3.0),
        domain=lambda x, df: df > 0,
    )  # fmt: skip


def jaxoplanet() -> Iterator[Call]:
    """Kepler's equation, the roots that are safe at 0, and light curves."""
    utils = imported("jaxoplanet.utils")
    kepler = imported("jaxoplanet.core.kepler").kepler
    kite_area = imported("jaxoplanet.core.limb_dark").kite_area
    deficit = imported("jaxoplanet.core.limb_dark").light_curve
    light_curve = imported("jaxoplanet.light_curves.limb_dark").light_curve
    TransitOrbit = imported("jaxoplanet.orbits").TransitOrbit

    def eccentric(mean: Any, ecc: Any) -> Any:
        return (ecc >= 0) & (ecc < 1)

    yield Call("kepler", kepler, (1.3, 0.3), domain=eccentric)
    yield Call("kepler at π", kepler, (np.pi, 0.3), domain=eccentric)
    yield Call("kepler in float64", kepler, (1.3, 0.3), domain=eccentric, x64=True)
    yield Call("zero_safe_sqrt", utils.zero_safe_sqrt, (0.3,), domain=lambda x: x >= 0)
    yield Call("zero_safe_sqrt at 0", utils.zero_safe_sqrt, (0.0,), domain=lambda x: x >= 0)
    yield Call("kite_area", kite_area, (0.5, 0.7, 0.9))
    yield Call(
        "limb_dark.light_curve",
        lambda u, b, r: deficit(u, b, r, order=10),
        (np.array([0.3, 0.2], np.float32), 0.4, 0.1),
        domain=lambda u, b, r: (b >= 0) & (r > 0),
    )

    def flux(u: Any, period: Any, radius: Any) -> Any:
        orbit = TransitOrbit(
            period=period, duration=0.2, time_transit=0.0, impact_param=0.3, radius_ratio=radius
        )
        return light_curve(orbit, u, order=10)(0.05)

    yield Call(
        "light_curves.limb_dark.light_curve", flux, (np.array([0.3], np.float32), 3.0, 0.1),
        domain=lambda u, period, radius: (period > 0) & (radius > 0),
    )  # fmt: skip


def s2fft() -> Iterator[Call]:
    """The inverse transform to the sphere."""
    s2fft = imported("s2fft")

    yield Call("inverse", _power(s2fft.inverse), (drawn(3, 5), drawn(5, 3).T))


def _power(transform: Any) -> Callable[..., Any]:
    return lambda real, imag: jnp.abs(transform(real + 1j * imag, 3, method="jax")) ** 2
