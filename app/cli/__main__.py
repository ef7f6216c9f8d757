"""`python -m app.cli`: the command `renkei` from a checkout that is not installed."""

from app.cli import main

if __name__ == "__main__":
    main(prog_name="renkei")
