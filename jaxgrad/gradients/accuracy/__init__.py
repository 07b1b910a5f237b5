"""How accurate a compiled derivative is at every float of a dtype, against the true one."""
