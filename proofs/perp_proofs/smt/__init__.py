"""The Z3 reading: the rules read as polynomials and conditions, and what is proved of them for all values.

Definitions: `terms` (values that are not known), `reading` (what the primitives of the language mean on them), `frame`
(a state of any size, seen from one operation), `contracts` (what tables and sums over any number of records satisfy).
Theorems: `goals`. Machinery: `solver`, `prove`, `mutation`.
"""
