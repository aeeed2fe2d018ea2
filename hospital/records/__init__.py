"""Databases of the static domains: typed records that are parsed once, and worlds on top of them that are cheap to open."""
