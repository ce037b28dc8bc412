"""Twins: published trials and experiments that nothing was fitted to, predicted and compared."""
