"""owner: says which team owns a service, and drops spans that nobody looks at."""

from otlet_plugin import Batch, Column, Plugin, count, export, log


class Owner(Plugin):
    version = "0.1.0"
    signals = ("traces", "metrics", "logs")
    on_error = "pass"
    config_schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["teams"],
        "properties": {
            "teams": {
                "description": "The team of each service, by its service.name.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"type": "string"},
            },
            "attribute": {
                "description": "The resource attribute that names the team.",
                "type": "string",
                "minLength": 1,
                "default": "team",
            },
            "drop": {
                "description": "Spans whose names begin with one of these are dropped.",
                "type": "array",
                "items": {"type": "string", "minLength": 1},
            },
        },
    }

    def __init__(self, config):
        self.teams = config["teams"]
        self.drop = tuple(config.get("drop", ()))
        attribute = config.get("attribute", "team")
        self.service = Column('resource.attributes["service.name"]')
        self.team = Column.attribute("resource", attribute)
        self.name = Column("span.name")
        log.info(f'owner sets "{attribute}" for {len(self.teams)} services')

    def process(self, batch: Batch):
        self.name_owners(batch)
        if self.drop and batch.signal == "traces":
            self.drop_spans(batch)

    def name_owners(self, batch: Batch):
        services = batch.texts(self.service)
        owned = [row for row, service in enumerate(services) if service in self.teams]
        if owned:
            batch.set_values(self.team, [self.teams[services[row]] for row in owned], owned)
            count("resources_owned", len(owned))

    def drop_spans(self, batch: Batch):
        names = batch.texts(self.name)
        unwanted = [row for row, name in enumerate(names) if name and name.startswith(self.drop)]
        if unwanted:
            batch.drop("record", unwanted)
            count("spans_dropped", len(unwanted))


Processor = export(Owner)
