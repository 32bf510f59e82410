package main

import (
	"reflect"
	"testing"

	"otlet"
	"otlet/otlettest"
)

func TestResourcesGetTheirTeamAndSpansGo(t *testing.T) {
	batch := &otlettest.Batch{
		Signal: otlet.Traces,
		Tables: map[string][]otlettest.Row{
			"resource": {
				{`resource.attributes["service.name"]`: "checkout"},
				{`resource.attributes["service.name"]`: "unknown"},
			},
			"record": {
				{"resource": 0, "span.name": "GET /healthz"},
				{"resource": 0, "span.name": "GET /healthz/live"},
				{"resource": 1, "span.name": "GET /cart"},
			},
		},
	}
	err := otlettest.Run(`{"teams": {"checkout": "payments"}, "drop": ["GET /healthz"]}`, batch)
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string][]otlettest.Row{
		"resource": {
			{`resource.attributes["service.name"]`: "checkout", `resource.attributes["team"]`: "payments"},
			{`resource.attributes["service.name"]`: "unknown"},
		},
		"record": {{"resource": 1, "span.name": "GET /cart"}},
	}
	if !reflect.DeepEqual(batch.Tables, expected) {
		t.Errorf("got %v", batch.Tables)
	}
	if counted := map[string]int{"resources_owned": 1, "spans_dropped": 2}; !reflect.DeepEqual(batch.Counted, counted) {
		t.Errorf("counted %v", batch.Counted)
	}
	if !reflect.DeepEqual(batch.Logged, []string{`info: owner sets "team" for 1 services`}) {
		t.Errorf("logged %q", batch.Logged)
	}
}

func TestLogsKeepTheirRecords(t *testing.T) {
	batch := &otlettest.Batch{
		Signal: otlet.Logs,
		Tables: map[string][]otlettest.Row{
			"resource": {{`resource.attributes["service.name"]`: "cart"}},
			"record":   {{"log.body": "GET /healthz"}},
		},
	}
	err := otlettest.Run(`{"teams": {"cart": "web"}, "attribute": "own\"er", "drop": ["GET"]}`, batch)
	if err != nil {
		t.Fatal(err)
	}
	if team := batch.Tables["resource"][0][`resource.attributes["own\"er"]`]; team != "web" {
		t.Errorf("the team is %v", team)
	}
	if len(batch.Tables["record"]) != 1 {
		t.Errorf("a log record was dropped")
	}
}
