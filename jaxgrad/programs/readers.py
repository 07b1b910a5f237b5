"""The primitives of JAX that stand for programs: all that make these are registered here."""

from __future__ import annotations

from jaxgrad.programs.approximate_top_k import APPROXIMATE_TOP_K, exact_top_k
from jaxgrad.programs.implementations import implementation_program
from jaxgrad.programs.linear_systems import SPARSE_SOLVE, dense_solve, unperturbed_solve
from jaxgrad.programs.meanings import READERS, READERS_OF_ANY, Reader
from jaxgrad.programs.pallas_kernels import PALLAS, kernel_program
from jaxgrad.programs.sharded import SHARD_MAP, sharded_program

__all__ = ["register_readers"]


def register_readers() -> None:
    """Fills the tables of ``programs/meanings.py``."""
    READERS[APPROXIMATE_TOP_K] = Reader(
        exact_top_k, "that `approx_top_k` is exact, as it is without a TPU"
    )
    READERS[PALLAS] = Reader(kernel_program, "what JAX's interpreter makes of `pallas_call`")
    READERS[SHARD_MAP] = Reader(
        sharded_program, "what JAX's vmap over named axes makes of `shard_map`"
    )
    READERS[SPARSE_SOLVE] = Reader(dense_solve, "that `spsolve` solves its system")
    READERS_OF_ANY[:] = unperturbed_solve, implementation_program
