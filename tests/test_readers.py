"""Primitives of JAX that stand for programs, and what a verdict rests on then."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import Primitive

import jaxgrad.programs
from jaxgrad import Verdict, compare
from jaxgrad.programs.meanings import READERS, Reader


def test_an_entry_is_all_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    doubled = Primitive("doubled_by_reader")
    doubled.def_abstract_eval(lambda x: x)
    doubled.def_impl(lambda x: x + x)
    program = jax.make_jaxpr(lambda x: x + x)(jnp.float32(0.5))
    reader = Reader(lambda equation: program, "that doubling is a sum")
    monkeypatch.setitem(READERS, doubled.name, reader)
    x = jnp.float32(0.5)
    proved = compare(doubled.bind, lambda x: 2 * x, x)
    assert proved.verdict is Verdict.PROVED
    assert "that doubling is a sum" in proved.evidence.trusts
    assert compare(doubled.bind, lambda x: 2.5 * x, x).verdict is Verdict.REFUTED


def test_no_program_is_imported_for_what_it_registers() -> None:
    files = list(Path(jaxgrad.programs.__file__).parent.glob("*.py"))
    assert len(files) > 20
    assert [path.name for path in files if "F401" in path.read_text()] == []
