"""What each number system can run: JAX's public functions, and a function of the caller's own."""
