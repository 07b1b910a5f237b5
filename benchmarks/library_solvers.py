"""Calls on what solvers give: diffrax, optimistix, jaxopt, qpax, flowjax."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["diffrax", "flowjax", "jaxopt", "optimistix", "qpax"]


# -- differential equations ------------------------------------------------------------------------
def diffrax() -> Iterator[Call]:
    """A neural differential equation, by each adjoint."""
    for adjoint, solver, steps in (
        ("RecursiveCheckpointAdjoint", "Tsit5", 3),
        ("BacksolveAdjoint", "Tsit5", 3),
        ("DirectAdjoint", "Tsit5", 3),
        ("ForwardMode", "Tsit5", 3),
    ):
        modes = {"ForwardMode": ("fwd",), "BacksolveAdjoint": ("rev",)}.get(adjoint)
        yield Call(
            f"{solver}, {steps} steps, {adjoint}", _integrated(adjoint, solver, steps),
            (drawn(2), drawn(3, 2), drawn(2, 3)), modes=modes or ("fwd", "rev"),
        )  # fmt: skip
    yield Call("Tsit5 to a steady state, ImplicitAdjoint", _steady, (1.5,))


def _steady(a: Any) -> Any:
    diffrax = imported("diffrax")

    return diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, a: a - y - y**3), diffrax.Tsit5(), 0.0, jnp.inf, 0.1,
        jnp.array(0.5), a, adjoint=diffrax.ImplicitAdjoint(),
        stepsize_controller=diffrax.PIDController(rtol=1e-5, atol=1e-5),
        event=diffrax.Event(diffrax.steady_state_event()), max_steps=256,
    ).ys[-1]  # fmt: skip


def _integrated(adjoint: str, solver: str, steps: int) -> Callable[..., Any]:
    diffrax = imported("diffrax")

    def integrated(y: Any, into: Any, out: Any) -> Any:
        stepper: Any = getattr(diffrax, solver)
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, weights: weights[1] @ jnp.tanh(weights[0] @ y)),
            stepper(), 0.0, 1.0, 1 / steps, y, (into, out),
            adjoint=getattr(diffrax, adjoint)(), max_steps=2 * steps,
            stepsize_controller=diffrax.ConstantStepSize(),
        ).ys[-1]  # fmt: skip

    return integrated


# -- roots and minima ------------------------------------------------------------------------------
def optimistix() -> Iterator[Call]:
    """Roots, fixed points, least squares and minima, by the implicit function theorem."""
    o = imported("optimistix")

    tolerances, start = {"rtol": 1e-6, "atol": 1e-6}, jnp.array(0.5)

    def cubic(x: Any, y: Any) -> Any:
        return x**3 + x - y

    def residuals(x: Any, y: Any) -> Any:
        return jnp.stack([x - y, x * y - 1])

    def quartic(x: Any, y: Any) -> Any:
        return jnp.sum((x - y) ** 2 + x**4)

    for name, solve, solver in (
        ("root_find Newton", o.root_find, o.Newton(**tolerances)),
        ("root_find Chord", o.root_find, o.Chord(**tolerances)),
        ("root_find Bisection", o.root_find, o.Bisection(**tolerances)),
        ("least_squares LevenbergMarquardt", o.least_squares, o.LevenbergMarquardt(**tolerances)),
        ("least_squares GaussNewton", o.least_squares, o.GaussNewton(**tolerances)),
        ("minimise BFGS", o.minimise, o.BFGS(**tolerances)),
    ):
        f = {"root_find": cubic, "least_squares": residuals, "minimise": quartic}[solve.__name__]
        options = {"lower": -4.0, "upper": 4.0} if "Bisection" in name else None
        yield Call(name, _found(solve, f, solver, start, options), (1.5,))

    def fixed(y: Any) -> Any:
        solver = o.FixedPointIteration(**tolerances)
        return o.fixed_point(lambda x, y: y * jnp.cos(x), solver, start, y).value

    yield Call("fixed_point", fixed, (0.5,))


def _found(solve: Any, f: Any, solver: Any, start: Any, options: Any) -> Callable[[Any], Any]:
    return lambda y: solve(f, solver, start, y, options=options).value


# -- jaxopt ----------------------------------------------------------------------------------------
X = np.array([0.3, -0.7, 1.2], np.float32)
DESIGN = np.array([[1, 0.5], [-0.3, 2], [0.7, -1]], np.float32)
SYMMETRIC = np.array([[2, 0.5], [0.5, 1]], np.float32)
PAIR = np.array([1.0, -0.5], np.float32)


def jaxopt() -> Iterator[Call]:
    """Projections, and the solvers with implicit derivatives."""
    yield from _projections()
    yield from _minimizers()
    yield from _constrained()
    yield from _root_finders()
    yield from _perturbed()


def _projections() -> Iterator[Call]:
    isotonic = imported("jaxopt.isotonic")
    projection = imported("jaxopt.projection")

    for name in (
        "simplex", "l1_ball", "l1_sphere", "l2_ball", "l2_sphere", "linf_ball", "non_negative",
    ):  # fmt: skip
        yield Call(f"projection_{name}", getattr(projection, f"projection_{name}"), (X,))
    yield Call(
        "projection_sparse_simplex", lambda x: projection.projection_sparse_simplex(x, 2), (X,)
    )
    yield Call("projection_box", lambda x, low, high: projection.projection_box(x, (low, high)),
               (X, X - 0.5, X + 0.5))  # fmt: skip
    for name in ("hyperplane", "halfspace"):
        project = getattr(projection, f"projection_{name}")
        yield Call(f"projection_{name}", lambda x, a, b, f=project: f(x, (a, b)), (X, X + 1, 0.3))
    affine: Any = projection.projection_affine_set
    yield Call(
        "projection_affine_set", lambda x, a, b: affine(x, (a, b)),
        (X, DESIGN.T, np.array([0.3, 0.5], np.float32)),
    )  # fmt: skip
    section: Any = projection.projection_box_section
    yield Call(
        "projection_box_section",
        lambda x, w: section(x, (jnp.zeros(3), jnp.ones(3), w, 1.0)),
        (X, np.array([0.5, 1.0, 1.5], np.float32)),
    )
    yield Call("projection_birkhoff", projection.projection_birkhoff, (drawn(2, 2),))
    yield Call("isotonic.isotonic_l2_pav", isotonic.isotonic_l2_pav, (X,))


def _quadratic(x: Any, a: Any) -> Any:
    return jnp.sum((x - a) ** 2) + jnp.sum(x**4) / 4


def _minimizers() -> Iterator[Call]:
    jaxopt = imported("jaxopt")

    zero = jnp.zeros(2)
    for name in ("GradientDescent", "LBFGS", "BFGS", "NonlinearCG"):
        solver = getattr(jaxopt, name)(_quadratic, maxiter=100, tol=1e-6, implicit_diff=True)
        yield Call(name, lambda a, s=solver: s.run(zero, a).params, (PAIR,))

    def residuals(x: Any, a: Any) -> Any:
        return jnp.concatenate([x - a, x**2 / 2])

    for name in ("GaussNewton", "LevenbergMarquardt"):
        solver = getattr(jaxopt, name)(residuals, maxiter=30, tol=1e-6, implicit_diff=True)
        yield Call(name, lambda a, s=solver: s.run(zero + 0.1, a).params, (PAIR,))
    scipy = jaxopt.ScipyMinimize(fun=_quadratic, method="BFGS")
    yield Call("ScipyMinimize", lambda a: scipy.run(zero, a).params, (PAIR,))


def _constrained() -> Iterator[Call]:
    jaxopt = imported("jaxopt")
    objective = imported("jaxopt.objective")
    prox = imported("jaxopt.prox")

    lasso = jaxopt.ProximalGradient(objective.least_squares, prox.prox_lasso, implicit_diff=True)
    right = np.array([1.0, 0.5, -0.3], np.float32)
    yield Call(
        "ProximalGradient lasso",
        lambda weight, y: lasso.run(jnp.zeros(2), weight, (DESIGN, y)).params, (0.1, right),
    )  # fmt: skip
    projected = jaxopt.ProjectedGradient(_quadratic, jaxopt.projection.projection_non_negative)
    yield Call("ProjectedGradient", lambda a: projected.run(jnp.ones(2), None, a).params, (PAIR,))
    quadratic = jaxopt.EqualityConstrainedQP()
    yield Call(
        "EqualityConstrainedQP",
        lambda q, c, a, b: quadratic.run(None, (q, c), (a, b)).params.primal,
        (SYMMETRIC, PAIR, np.ones((1, 2), np.float32), np.ones(1, np.float32)),
    )
    splitting = jaxopt.OSQP()
    yield Call(
        "OSQP",
        lambda q, c, g, h: splitting.run(None, (q, c), None, (g, h)).params.primal,
        (SYMMETRIC, PAIR, np.eye(2, dtype=np.float32), np.zeros(2, np.float32)),
    )


def _root_finders() -> Iterator[Call]:
    jaxopt = imported("jaxopt")

    bisection = jaxopt.Bisection(lambda x, a: x**3 + x - a, lower=-4.0, upper=4.0)
    yield Call("Bisection", lambda a: bisection.run(None, a).params, (1.5,))

    def shrunk(x: Any, a: Any) -> Any:
        return a * jnp.cos(x)

    for name in ("FixedPointIteration", "AndersonAcceleration"):
        solver = getattr(jaxopt, name)(shrunk, maxiter=100, implicit_diff=True)
        yield Call(name, lambda a, s=solver: s.run(jnp.array(0.5), a).params, (0.4,))
    broyden = jaxopt.Broyden(lambda x, a: x**3 + 2 * x - a, maxiter=50, implicit_diff=True)
    yield Call("Broyden", lambda a: broyden.run(jnp.zeros(2), a).params, (PAIR,))


def _perturbed() -> Iterator[Call]:
    perturbations = imported("jaxopt.perturbations")

    perturbed: Any = perturbations.make_perturbed_max(
        lambda x: jax.nn.one_hot(jnp.argmax(x, -1), 3), num_samples=8, sigma=0.1
    )
    yield Call("perturbations.make_perturbed_max", lambda x: perturbed(x, jax.random.key(0)), (X,))


# -- programs, flows -------------------------------------------------------------------------------
def qpax() -> Iterator[Call]:
    """A quadratic program, by both of its backends."""
    qpax = imported("qpax")

    args = (
        SYMMETRIC, PAIR, np.ones((1, 2), np.float32), np.ones(1, np.float32),
        -np.eye(2, dtype=np.float32), np.full(2, 0.25, np.float32),
    )  # fmt: skip
    for backend in ("e", "i"):
        yield Call(
            f"solve_qp_primal, backend {backend}",
            lambda *a, backend=backend: qpax.solve_qp_primal(*a, backend=backend), args,
        )  # fmt: skip


def flowjax() -> Iterator[Call]:
    """An inverse that is found by bisection, with an implicit derivative."""
    bijections = imported("flowjax.bijections")
    root_finding = imported("flowjax.root_finding")

    search = root_finding.bisection_search

    def inverse(y: Any, loc: Any) -> Any:
        inverter = root_finding.root_finder_to_inverter(
            lambda f: search(f, lower=jnp.array(-5.0), upper=jnp.array(5.0), atol=1e-6)
        )
        forward = bijections.Chain([bijections.Tanh(), bijections.Affine(loc, 2.0)])
        return bijections.NumericalInverse(forward, inverter).inverse(y)

    yield Call("NumericalInverse", inverse, (0.8, 0.3))
