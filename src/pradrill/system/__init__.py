"""The machine that pradrill runs on: processes, files, locks; the one place for them."""
