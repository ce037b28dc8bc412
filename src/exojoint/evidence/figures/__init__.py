"""Figures of the evidence: each a picture with title, caption and words for who cannot see it."""
