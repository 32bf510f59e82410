// owner: says which team owns a service, and drops spans that nobody looks at.
import { Column, count, exportPlugin, log } from 'otlet-plugin';

export class Owner {
  static manifest = {
    version: '0.1.0',
    signals: ['traces', 'metrics', 'logs'],
    on_error: 'pass',
    config_schema: {
      type: 'object',
      additionalProperties: false,
      required: ['teams'],
      properties: {
        teams: {
          description: 'The team of each service, by its service.name.',
          type: 'object',
          minProperties: 1,
          additionalProperties: { type: 'string' },
        },
        attribute: {
          description: 'The resource attribute that names the team.',
          type: 'string',
          minLength: 1,
          default: 'team',
        },
        drop: {
          description: 'Spans whose names begin with one of these are dropped.',
          type: 'array',
          items: { type: 'string', minLength: 1 },
        },
      },
    },
  };

  constructor({ teams, attribute = 'team', drop = [] }) {
    this.teams = new Map(Object.entries(teams));
    this.drop = drop;
    this.service = new Column('resource.attributes["service.name"]');
    this.team = Column.attribute('resource', attribute);
    this.name = new Column('span.name');
    log.info(`owner sets "${attribute}" for ${this.teams.size} services`);
  }

  process(batch) {
    this.nameOwners(batch);
    if (this.drop.length > 0 && batch.signal === 'traces') {
      this.dropSpans(batch);
    }
  }

  nameOwners(batch) {
    const services = batch.texts(this.service);
    const owned = rowsOf(services, (service) => this.teams.has(service));
    if (owned.length > 0) {
      batch.setValues(this.team, owned.map((row) => this.teams.get(services[row])), owned);
      count('resources_owned', owned.length);
    }
  }

  dropSpans(batch) {
    const unwanted = rowsOf(batch.texts(this.name), (name) => this.drop.some((start) => name.startsWith(start)));
    if (unwanted.length > 0) {
      batch.drop('record', unwanted);
      count('spans_dropped', unwanted.length);
    }
  }
}

/** The numbers of the rows whose text there is and is so. */
function rowsOf(texts, isSo) {
  const rows = [];
  texts.forEach((text, row) => {
    if (text !== undefined && isSo(text)) {
      rows.push(row);
    }
  });
  return rows;
}

export const processor = exportPlugin(Owner);
