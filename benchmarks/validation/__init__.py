"""How urbanlab agrees with SUMO on real maps: the whole comparison, made anew by `scripts/validate`."""
