"""The only sequencing code: it knows ports and the domain, nothing else."""
