"""Exojoint: develop an exosome injection for knee osteoarthritis in silico.

From a lot of vesicles to the verdict of a trial.
"""
