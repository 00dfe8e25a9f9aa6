"""The generated pages of the documentation: `python -m perp_reference.pages docs` writes them."""
