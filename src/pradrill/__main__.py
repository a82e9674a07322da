"""Run `python -m pradrill` as `pradrill`."""

from pradrill.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
