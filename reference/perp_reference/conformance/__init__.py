"""The conformance kit: any implementation, in any language, tested against the reference by docs/protocol.md."""
