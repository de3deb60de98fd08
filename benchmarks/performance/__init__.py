"""How fast urbanlab is, and in how much memory, beside its peers: all figures, made anew by `scripts/bench`."""
