//! The dialects: how each writes strings, names and comments.

/// How a database's statements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Nobody says which: what the dialects read differently ends the statement.
    Unknown,
    /// SQL as the standard has it: Oracle, DB2, H2 and others.
    Standard,
    /// `PostgreSQL` and what is made of it.
    Postgres,
    /// `MySQL`, `MariaDB` and what speaks like them.
    MySql,
    /// `SQLite`.
    Sqlite,
    /// Microsoft SQL Server.
    SqlServer,
    /// Oracle, with its own quotes.
    Oracle,
    /// `BigQuery` and Spanner.
    Google,
    /// Snowflake.
    Snowflake,
}

/// What a system's statements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// SQL.
    Sql(Dialect),
    /// A command and its arguments on each line.
    Redis,
    /// Something else.
    Other,
}

/// The systems whose dialect is known, as `db.system` or `db.system.name` names them.
const SYSTEMS: [(Dialect, &[&str]); 8] = [
    (
        Dialect::Postgres,
        &[
            "postgresql",
            "postgres",
            "cockroachdb",
            "redshift",
            "aws.redshift",
            "edb",
            "timescaledb",
            "vertica",
            "netezza",
        ],
    ),
    (
        Dialect::MySql,
        &[
            "mysql",
            "mariadb",
            "tidb",
            "hive",
            "spark",
            "databricks",
            "clickhouse",
        ],
    ),
    (Dialect::Sqlite, &["sqlite"]),
    (
        Dialect::SqlServer,
        &["mssql", "mssqlcompact", "microsoft.sql_server", "sybase"],
    ),
    (Dialect::Oracle, &["oracle", "oracle.db"]),
    (
        Dialect::Google,
        &["bigquery", "gcp.bigquery", "spanner", "gcp.spanner"],
    ),
    (Dialect::Snowflake, &["snowflake"]),
    (
        Dialect::Standard,
        &[
            "db2",
            "ibm.db2",
            "h2",
            "h2database",
            "hsqldb",
            "derby",
            "hanadb",
            "sap.hana",
            "firebird",
            "firebirdsql",
            "teradata",
            "trino",
            "cassandra",
        ],
    ),
];
const REDIS: [&str; 2] = ["redis", "valkey"];
/// Whose statements are no SQL.
const OTHERS: [&str; 14] = [
    "mongodb",
    "elasticsearch",
    "opensearch",
    "memcached",
    "neo4j",
    "couchdb",
    "hbase",
    "geode",
    "dynamodb",
    "aws.dynamodb",
    "influxdb",
    "cosmosdb",
    "azure.cosmosdb",
    "couchbase",
];

impl Language {
    /// That of a system.
    pub(super) fn of(system: &str) -> Self {
        let is = |known: &&str| known.eq_ignore_ascii_case(system);
        if REDIS.iter().any(is) {
            return Self::Redis;
        }
        if OTHERS.iter().any(is) {
            return Self::Other;
        }
        let known = SYSTEMS.iter().find(|(_, names)| names.iter().any(is));
        Self::Sql(known.map_or(Dialect::Unknown, |&(dialect, _)| dialect))
    }
}

/// What a character that the dialects disagree on is the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Itself.
    Sign,
    /// A comment up to the end of the line.
    Comment,
    /// A string.
    Text,
    /// A quoted name.
    Name,
    /// One thing here and another there.
    Doubtful,
}

impl Dialect {
    /// Whether a backslash in a string takes the next character along; not known of an unknown dialect.
    pub(super) fn backslash(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::MySql | Self::Google | Self::Snowflake => Some(true),
            _ => Some(false),
        }
    }

    /// What stands in double quotes.
    pub(super) fn double_quotes(self) -> Reading {
        match self {
            Self::Unknown | Self::MySql | Self::Google => Reading::Text,
            _ => Reading::Name,
        }
    }

    /// What a number sign is: a comment, or the beginning of a temporary table's name.
    pub(super) fn number_sign(self) -> Reading {
        match self {
            Self::Unknown => Reading::Doubtful,
            Self::MySql | Self::Google => Reading::Comment,
            _ => Reading::Sign,
        }
    }

    /// What two dashes are that no blank follows.
    pub(super) fn dashes(self) -> Reading {
        match self {
            Self::Unknown => Reading::Doubtful,
            Self::MySql => Reading::Sign,
            _ => Reading::Comment,
        }
    }

    /// What two slashes are.
    pub(super) fn slashes(self) -> Reading {
        match self {
            Self::Unknown | Self::Standard => Reading::Doubtful,
            Self::Snowflake => Reading::Comment,
            _ => Reading::Sign,
        }
    }

    /// What a bracket is: the beginning of a name, or of an element's number.
    pub(super) fn bracket(self) -> Reading {
        match self {
            Self::Sqlite | Self::SqlServer => Reading::Name,
            _ => Reading::Sign,
        }
    }

    /// Whether a number sign may stand in a name.
    pub(super) fn number_sign_in_names(self) -> bool {
        matches!(self, Self::Standard | Self::SqlServer | Self::Oracle)
    }

    /// Whether a colon and digits are a placeholder, and not an end of a range.
    pub(super) fn numbered_placeholders(self) -> bool {
        matches!(self, Self::Standard | Self::Sqlite | Self::Oracle)
    }

    /// Whether comments stand in comments; not known of an unknown dialect.
    pub(super) fn nests_comments(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Postgres | Self::SqlServer => Some(true),
            _ => Some(false),
        }
    }

    /// Whether `$$` and `$tag$` quote.
    pub(super) fn dollar_quotes(self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Postgres | Self::Snowflake | Self::Standard | Self::MySql
        )
    }

    /// Whether three quotes are a quote.
    pub(super) fn triple_quotes(self) -> bool {
        self == Self::Google
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Language};

    #[test]
    fn systems_are_known_by_their_old_and_new_names() {
        for (system, expected) in [
            ("postgresql", Language::Sql(Dialect::Postgres)),
            ("MariaDB", Language::Sql(Dialect::MySql)),
            ("mssql", Language::Sql(Dialect::SqlServer)),
            ("microsoft.sql_server", Language::Sql(Dialect::SqlServer)),
            ("oracle.db", Language::Sql(Dialect::Oracle)),
            ("ibm.db2", Language::Sql(Dialect::Standard)),
            ("other_sql", Language::Sql(Dialect::Unknown)),
            ("", Language::Sql(Dialect::Unknown)),
            ("redis", Language::Redis),
            ("mongodb", Language::Other),
        ] {
            assert_eq!(Language::of(system), expected, "{system}");
        }
    }
}
