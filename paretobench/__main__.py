"""`python -m paretobench` is the `paretobench` command."""

from paretobench.cli import main

main()
