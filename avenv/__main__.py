"""`python -m avenv` is `avenv`."""

from avenv.cli import main

if __name__ == "__main__":
    main()
