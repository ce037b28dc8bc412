"""`python -m exojoint` is the command line."""

from exojoint.cli import main

main()
