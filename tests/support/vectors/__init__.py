"""Sources of the conformance vectors: scenarios of the rules' scenes, random walks, observed cases, committed files."""
