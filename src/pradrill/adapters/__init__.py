"""One module per outside thing; each fulfils a port."""
