"""Are two derivatives the same, as formulas and as floats?  compare() and check_grads()."""
