"""The hospital: SimPy clock, pathways, physiology, charts; `clinsim.hospital.tools` are its only doors."""
