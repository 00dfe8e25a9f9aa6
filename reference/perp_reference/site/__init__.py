"""The documentation site: pages from `docs/` and from the rules, checked, and built by zensical."""
