"""The loop around the machine functions: who sits in which lane, and when what happens. Plain Python, translated."""
