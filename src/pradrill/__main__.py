"""`python -m pradrill` is `pradrill`."""

from pradrill.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
