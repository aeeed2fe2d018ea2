"""Data only: hospitals, conditions, formulary, standing orders and scenarios, a `source:` beside each number."""
