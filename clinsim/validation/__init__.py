"""Checks of the hospital against theory, published figures and hand-worked tables."""
