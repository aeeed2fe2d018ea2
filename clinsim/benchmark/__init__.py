"""Static mode: tasks without a clock, loaded from several layouts, played by policies or as environment, graded by two scorers."""
