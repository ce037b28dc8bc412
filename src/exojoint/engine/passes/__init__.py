"""Steps from equations to a program, one per file: derivative, collect, reciprocal, elimination."""
