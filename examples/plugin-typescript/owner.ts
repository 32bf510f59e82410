// owner: says which team owns a service, and drops spans that nobody looks at.
import { type Batch, Column, count, exportPlugin, log, type Manifest, type Plugin } from 'otlet-plugin';

/** What stands under the processor's `config`. */
export interface Config {
  teams: Record<string, string>;
  attribute?: string;
  drop?: string[];
}

export class Owner implements Plugin {
  static readonly manifest: Manifest = {
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

  private readonly teams: Map<string, string>;
  private readonly drop: string[];
  private readonly service: Column;
  private readonly team: Column;
  private readonly name: Column;

  constructor({ teams, attribute = 'team', drop = [] }: Config) {
    this.teams = new Map(Object.entries(teams));
    this.drop = drop;
    this.service = new Column('resource.attributes["service.name"]');
    this.team = Column.attribute('resource', attribute);
    this.name = new Column('span.name');
    log.info(`owner sets "${attribute}" for ${this.teams.size} services`);
  }

  process(batch: Batch): void {
    this.nameOwners(batch);
    if (this.drop.length > 0 && batch.signal === 'traces') {
      this.dropSpans(batch);
    }
  }

  private nameOwners(batch: Batch): void {
    const rows: number[] = [];
    const teams: string[] = [];
    batch.texts(this.service).forEach((service, row) => {
      const team = service === undefined ? undefined : this.teams.get(service);
      if (team !== undefined) {
        rows.push(row);
        teams.push(team);
      }
    });
    if (rows.length > 0) {
      batch.setValues(this.team, teams, rows);
      count('resources_owned', rows.length);
    }
  }

  private dropSpans(batch: Batch): void {
    const unwanted: number[] = [];
    batch.texts(this.name).forEach((name, row) => {
      if (this.drop.some((start) => name?.startsWith(start))) {
        unwanted.push(row);
      }
    });
    if (unwanted.length > 0) {
      batch.drop('record', unwanted);
      count('spans_dropped', unwanted.length);
    }
  }
}

export const processor = exportPlugin(Owner);
