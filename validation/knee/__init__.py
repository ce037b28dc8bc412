"""Checks of the knee that take too long for the tests."""
