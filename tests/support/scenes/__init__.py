"""For each operation a scene in which it is accepted, and for each of its guards a change that makes just it false."""
