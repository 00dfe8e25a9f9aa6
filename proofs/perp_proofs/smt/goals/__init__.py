"""The theorems, one module a family. They import definitions, never the reverse."""
