"""Tasks from the living hospital: shifts are played, charts frozen at decision points, and questions written whose answers are known to be so."""
