"""Clinical calculators: pure functions, each with its unit and its source."""
