"""The rule set of this project, version 1: cross, isolated and portfolio margin with a staged waterfall."""
