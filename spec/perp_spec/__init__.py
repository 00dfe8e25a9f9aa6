"""The rules of perpetual exchanges, each written once in a small language and read many ways.

`language` holds the primitives of that language, `words` its numbers. A rule set is a package beside them:
`perpetual` is the rule book of this project.
"""
