"""Coverage of the intervals of a pooled effect, by simulation. See README.md."""
