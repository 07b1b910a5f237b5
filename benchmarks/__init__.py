"""jaxgrad beside its peers; each script is one command and one run."""
