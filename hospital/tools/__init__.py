"""The tools through which agents act on the hospital, one module per group."""
