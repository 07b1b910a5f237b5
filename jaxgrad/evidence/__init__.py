"""Proves a statement that is no program: decisions, covers, enclosures, sweeps, frequencies."""
