from otlet_plugin.testing import FakeBatch, Harness
from owner import Owner

TEAMS = {"checkout": "payments", "cart": "web"}


def spans():
    """Two resources: a service with a team and one without, each with two spans."""
    batch = FakeBatch("traces")
    for service in ("cart", "search"):
        resource = batch.add("resource", attributes={"service.name": service})
        batch.add("record", resource, name="GET /healthz")
        batch.add("record", resource, name="POST /")
    return batch


def test_a_service_that_is_listed_gets_its_team():
    batch = spans()
    harness = Harness(Owner, {"teams": TEAMS})
    harness.process(batch)
    cart, search = batch.left("resource")
    assert cart.attributes == {"service.name": "cart", "team": "web"}
    assert search.attributes == {"service.name": "search"}
    assert len(batch.left("record")) == 4
    assert harness.counts == {"resources_owned": 1}


def test_the_attribute_is_the_one_that_the_config_names():
    batch = FakeBatch("logs")
    resource = batch.add("resource", attributes={"service.name": "checkout"})
    Harness(Owner, {"teams": TEAMS, "attribute": 'owner "team"'}).process(batch)
    assert resource.attributes['owner "team"'] == "payments"


def test_spans_are_dropped_by_how_their_names_begin():
    batch = spans()
    harness = Harness(Owner, {"teams": TEAMS, "drop": ["GET /healthz", "GET /readyz"]})
    harness.process(batch)
    assert [span.fields["name"] for span in batch.left("record")] == ["POST /", "POST /"]
    assert harness.counts == {"resources_owned": 1, "spans_dropped": 2}


def test_log_records_have_no_names_and_stay():
    batch = FakeBatch("logs")
    resource = batch.add("resource", attributes={"service.name": "search"})
    batch.add("record", resource, body="GET /healthz")
    harness = Harness(Owner, {"teams": TEAMS, "drop": ["GET /healthz"]})
    harness.process(batch)
    assert len(batch.left("record")) == 1 and not harness.counts


def test_it_says_what_it_was_configured_with():
    harness = Harness(Owner, {"teams": TEAMS})
    assert harness.logged == [("info", 'owner sets "team" for 2 services')]
