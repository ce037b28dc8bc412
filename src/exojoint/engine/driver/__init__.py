"""The loop around the machine functions.

Compiled by numba once per machine: who sits in which lane, and when what happens.
"""
