// Plugin owner says which team's each service is, and drops spans that nobody wants to see.
package main

import (
	_ "embed"
	"strings"

	"otlet"
)

//go:embed config.schema.json
var schema []byte

var manifest = otlet.Manifest{
	Version:      "0.1.0",
	Signals:      []string{otlet.Traces, otlet.Metrics, otlet.Logs},
	ConfigSchema: schema,
	OnError:      "pass",
}

// config is what stands under `config` of the processor. The host has held it to the schema.
type config struct {
	Teams     map[string]string `json:"teams"`
	Attribute string            `json:"attribute"`
	Drop      []string          `json:"drop"`
}

type owner struct {
	config
	service, team, name otlet.Column
}

func init() { otlet.Register(manifest, configure) }

func main() {}

func configure(c config) (otlet.Plugin, error) {
	if c.Attribute == "" {
		c.Attribute = "team"
	}
	service, err := otlet.Open(`resource.attributes["service.name"]`)
	if err != nil {
		return nil, err
	}
	team, err := otlet.OpenAttribute("resource", c.Attribute)
	if err != nil {
		return nil, err
	}
	name, err := otlet.Open("span.name")
	if err != nil {
		return nil, err
	}
	otlet.Info("owner sets %q for %d services", c.Attribute, len(c.Teams))
	return &owner{c, service, team, name}, nil
}

func (o *owner) Process(batch otlet.Batch) error {
	var rows []uint32
	var teams []string
	for row, service := range o.service.Texts().All() {
		if team, ok := o.Teams[service]; ok {
			rows = append(rows, row)
			teams = append(teams, team)
		}
	}
	o.team.SetTexts(otlet.Only(rows...), teams)
	otlet.Count("resources_owned", len(rows))

	if batch.Signal() == otlet.Traces {
		o.dropSpans(batch)
	}
	return nil
}

func (o *owner) dropSpans(batch otlet.Batch) {
	var dropped []uint32
	for row, name := range o.name.Texts().All() {
		for _, prefix := range o.Drop {
			if strings.HasPrefix(name, prefix) {
				dropped = append(dropped, row)
				break
			}
		}
	}
	batch.Drop("record", dropped)
	otlet.Count("spans_dropped", len(dropped))
}
