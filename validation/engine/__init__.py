"""The engine against other solvers, and against itself where it is hardest."""
