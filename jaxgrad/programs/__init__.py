"""A function as a jaxpr, and everything that only reads one."""
