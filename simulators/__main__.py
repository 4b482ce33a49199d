"""`python -m simulators` is `estate-sim`."""

from simulators.cli import main

if __name__ == "__main__":
    main()
