package exchange

import (
	"encoding/binary"
	"fmt"

	"perptestee/internal/hashsuite"
	"perptestee/internal/wire"
)

// Config is fixed for the life of an exchange.
type Config struct {
	Name          string
	GovernanceKey string
	FeesKey       string
	OracleKeys    [][]string
	Parameters    Parameters
	Markets       []Listing
}

// Listing is one market of a configuration.
type Listing struct {
	Symbol, Lot string
	Market      Market
}

// notListed is what a market that is not configured reads as.
var notListed Market

func (c *Config) market(id int64) *Market {
	if id < int64(len(c.Markets)) {
		return &c.Markets[id].Market
	}
	return &notListed
}

// DecodeConfig reads a configuration file, and checks its numbers each by itself.
func DecodeConfig(value any) (*Config, error) {
	object, err := wire.AsObject(value, "config")
	if err != nil {
		return nil, err
	}
	err = wire.Members(
		object, "config", "format", "name", "governance_key", "fees_key", "oracle_keys", "parameters", "markets",
	)
	if err != nil {
		return nil, err
	}
	if object["format"] != "perpspec-config-1" {
		return nil, fmt.Errorf("config: expected the format perpspec-config-1, got %v", object["format"])
	}
	c := &Config{}
	texts := []struct {
		name string
		into *string
	}{{"name", &c.Name}, {"governance_key", &c.GovernanceKey}, {"fees_key", &c.FeesKey}}
	for _, text := range texts {
		if *text.into, err = wire.AsString(object[text.name], "config."+text.name); err != nil {
			return nil, err
		}
	}
	if err := wire.Decode(object["parameters"], "config.parameters", &c.Parameters); err != nil {
		return nil, err
	}
	if err := c.decodeKeys(object["oracle_keys"]); err != nil {
		return nil, err
	}
	return c, c.decodeMarkets(object["markets"])
}

func (c *Config) decodeKeys(value any) error {
	families, err := wire.AsArray(value, "config.oracle_keys")
	if err != nil {
		return err
	}
	for _, family := range families {
		items, err := wire.AsArray(family, "config.oracle_keys")
		if err != nil {
			return err
		}
		keys := []string{}
		for _, item := range items {
			key, err := wire.AsString(item, "config.oracle_keys")
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		c.OracleKeys = append(c.OracleKeys, keys)
	}
	return nil
}

func (c *Config) decodeMarkets(value any) error {
	items, err := wire.AsArray(value, "config.markets")
	if err != nil {
		return err
	}
	for i, item := range items {
		what := fmt.Sprintf("config.markets[%d]", i)
		object, err := wire.AsObject(item, what)
		if err != nil {
			return err
		}
		if err := wire.Members(object, what, "symbol", "lot", "market"); err != nil {
			return err
		}
		var listing Listing
		if listing.Symbol, err = wire.AsString(object["symbol"], what+".symbol"); err != nil {
			return err
		}
		if listing.Lot, err = wire.AsString(object["lot"], what+".lot"); err != nil {
			return err
		}
		if err := wire.Decode(object["market"], what+".market", &listing.Market); err != nil {
			return err
		}
		c.Markets = append(c.Markets, listing)
	}
	return nil
}

// Digest is the digest of a configuration.
func (c *Config) Digest(h *hashsuite.Hasher) digest {
	head := []uint32{
		layoutVersion, uint32(len(c.Markets)), heightOfAccounts, heightOfOrders, heightOfMarkets, heightOfRequests,
	}
	elements := append(wholeBlocks(head), wholeBlocks(wire.Elements(c.Parameters))...)
	for _, listing := range c.Markets {
		elements = append(elements, wholeBlocks(wire.Elements(listing.Market))...)
	}
	elements = append(elements, hashsuite.BytesElements(c.texts())...)
	return h.HashElements(hashsuite.Config, elements)
}

func wholeBlocks(elements []uint32) []uint32 {
	for len(elements)%8 != 0 {
		elements = append(elements, 0)
	}
	return elements
}

// texts are the bytes of what people and programs around the rules read.
func (c *Config) texts() []byte {
	var bytes []byte
	number := func(n int) { bytes = binary.LittleEndian.AppendUint32(bytes, uint32(n)) }
	text := func(t string) {
		number(len(t))
		bytes = append(bytes, t...)
	}
	for _, t := range []string{hashsuite.Identifier, ruleSetIdentifier, c.Name, c.GovernanceKey, c.FeesKey} {
		text(t)
	}
	for _, listing := range c.Markets {
		text(listing.Symbol)
		text(listing.Lot)
	}
	number(len(c.OracleKeys))
	for _, family := range c.OracleKeys {
		number(len(family))
		for _, key := range family {
			text(key)
		}
	}
	return bytes
}
