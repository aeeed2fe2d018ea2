"""Policies: each maps observations to replies and knows nothing of hospital, scenario or reward."""
