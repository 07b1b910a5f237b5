"""NumPy code over the numbers of a system."""
