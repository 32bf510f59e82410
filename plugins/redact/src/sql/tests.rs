//! Statements of every dialect, whole and cut off.

use super::dialect::Dialect::{
    self, Google, MySql, Oracle, Postgres, Snowflake, SqlServer, Sqlite, Standard, Unknown,
};
use super::dialect::Language;
use super::redis;
use super::statement::shape;

const ALL: [Dialect; 9] = [
    Unknown, Standard, Postgres, MySql, Sqlite, SqlServer, Oracle, Google, Snowflake,
];

/// The shape of a statement, which is its own shape.
fn shaped(text: &str, dialect: Dialect) -> String {
    let shaped = shape(text, dialect).unwrap_or_else(|| text.to_owned());
    assert_eq!(shape(&shaped, dialect), None, "{text} twice, {dialect:?}");
    shaped
}

#[test]
fn literals_are_hidden_in_every_dialect() {
    for (text, expected) in [
        (
            "SELECT * FROM t WHERE a = 'x'",
            "SELECT * FROM t WHERE a = ?",
        ),
        ("select 'it''s', '' , 'x'", "select ?, ? , ?"),
        (
            "WHERE a=17 AND b>-1.5 AND c<.5",
            "WHERE a=? AND b>-? AND c<?",
        ),
        (
            "VALUES (1e10, 1E-5, 0x1F, 2.5e+3, 1_000)",
            "VALUES (?, ?, ?, ?, ?)",
        ),
        ("SELECT N'x', X'4F', B'01' , e'x'", "SELECT ?, ?, ? , ?"),
        ("DATE'2020-01-01'", "DATE?"),
        ("LIMIT 10, 20", "LIMIT ?, ?"),
        (
            "id = abcdef12-7425-40de-944b-a07fc1f90ae7 AND",
            "id = ? AND",
        ),
        ("a > \u{a3}17 OR a = \u{20ac}1.50", "a > ? OR a = ?"),
        ("1", "?"),
    ] {
        for dialect in ALL {
            assert_eq!(shaped(text, dialect), expected, "{dialect:?}");
        }
    }
}

#[test]
fn names_keywords_and_placeholders_stay() {
    for text in [
        "SELECT t1.a2, utf8mb4.x FROM t1 WHERE a IS NOT NULL AND b = TRUE OR c = false",
        "SELECT * FROM t WHERE a = %(name)s AND b = %s AND c = ? AND d = $1 AND e = :name AND f = @p1 AND g = ?2",
        "CREATE TABLE f\u{fc}r_x (a INT)",
        "SELECT `a1` FROM `my 2nd table`",
        "SELECT @@version, a::text",
        "",
    ] {
        for dialect in ALL {
            assert_eq!(shape(text, dialect), None, "{text} {dialect:?}");
        }
    }
}

#[test]
fn lists_of_equals_become_one() {
    for (text, expected) in [
        ("a IN (1, 2, 3) AND b", "a IN (?) AND b"),
        ("a in(1,2,'x')", "a in(?)"),
        ("a IN ( 1 , 2 )", "a IN ( ? )"),
        ("a IN (?, ?, ?)", "a IN (?)"),
        ("a IN (%s, %s)", "a IN (%s)"),
        ("a IN ($1, $2)", "a IN ($1, $2)"),
        ("a IN (1, NULL, 2, 3)", "a IN (?, NULL, ?)"),
        ("a IN ((1, 2), (3, 4))", "a IN ((?, ?))"),
        ("a IN (f(1, 2), f(3, 4), 5)", "a IN (f(?, ?), ?)"),
        (
            "a IN (SELECT b FROM c WHERE d IN (1, 2)) OR e IN (3, 4)",
            "a IN (SELECT b FROM c WHERE d IN (?)) OR e IN (?)",
        ),
        (
            "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
            "INSERT INTO t VALUES (?, ?)",
        ),
        (
            "INSERT INTO t VALUES (1, now()), (2, now()) RETURNING id",
            "INSERT INTO t VALUES (?, now()) RETURNING id",
        ),
        (
            "VALUES (1, NULL), (2, 'b'), (3, 'c'), (4, NULL)",
            "VALUES (?, NULL), (?, ?), (?, NULL)",
        ),
        (
            "SELECT * FROM (VALUES (1), (2)) AS t, u",
            "SELECT * FROM (VALUES (?)) AS t, u",
        ),
        (
            "INSERT INTO t VALUES (1), (2) ON DUPLICATE KEY UPDATE a=VALUES(a), b=VALUES(b), c=f(a), d=f(a)",
            "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a=VALUES(a), b=VALUES(b), c=f(a), d=f(a)",
        ),
        ("SELECT f(1, 1), (2, 2)", "SELECT f(?, ?), (?, ?)"),
        ("a IN (1, 2", "a IN (?"),
        ("VALUES (1, 2), (3, 4", "VALUES (?, ?), (?, ?"),
        ("a)) IN (1, 2)), b", "a)) IN (?)), b"),
    ] {
        for dialect in ALL {
            assert_eq!(shaped(text, dialect), expected, "{dialect:?}");
        }
    }
}

#[test]
fn blanks_become_one_and_comments_go() {
    for (text, expected) in [
        ("  SELECT\n\ta,\r\n b  ", "SELECT a, b"),
        ("SELECT a -- of alice's\nFROM t", "SELECT a FROM t"),
        ("SELECT a -- of alice", "SELECT a"),
        ("SELECT/* alice's */a", "SELECT a"),
        ("/* alice */ SELECT a /*+ hint */", "SELECT a"),
        ("SELECT a /* cut off in alice", "SELECT a"),
        ("--", ""),
    ] {
        for dialect in ALL {
            assert_eq!(shaped(text, dialect), expected, "{dialect:?}");
        }
    }
}

#[test]
fn what_is_cut_off_loses_its_rest() {
    for (text, expected) in [
        (
            "SELECT a FROM t WHERE b = 'alice and b",
            "SELECT a FROM t WHERE b = ?",
        ),
        (
            "SELECT a FROM t WHERE b = 'alice''",
            "SELECT a FROM t WHERE b = ?",
        ),
        ("SELECT a FROM `t", "SELECT a FROM ?"),
        ("SELECT a FROM \"t", "SELECT a FROM ?"),
        (
            "SELECT a FROM t WHERE b = 12",
            "SELECT a FROM t WHERE b = ?",
        ),
        ("SELECT a FROM t WHERE b = '", "SELECT a FROM t WHERE b = ?"),
    ] {
        for dialect in ALL {
            assert_eq!(shaped(text, dialect), expected, "{dialect:?}");
        }
    }
}

#[test]
fn each_dialect_has_its_own_ways() {
    for (dialect, text, expected) in [
        (Postgres, r"SELECT 'C:\', 'x'", "SELECT ?, ?"),
        (Postgres, r"SELECT E'it\'s', 'x'", "SELECT ?, ?"),
        (
            Postgres,
            "SELECT $$it's$$, $f$a$$b$f$, $1",
            "SELECT ?, ?, $1",
        ),
        (Postgres, "SELECT $$cut off", "SELECT ?"),
        (Postgres, "SELECT \"a 1\" FROM t", "SELECT \"a 1\" FROM t"),
        (Postgres, "SELECT /* a /* b */ alice */ c", "SELECT c"),
        (
            Postgres,
            "SELECT a[1:2], a #> b, ARRAY['x'] @> c",
            "SELECT a[?:?], a #> b, ARRAY[?] @> c",
        ),
        (Postgres, "SELECT 5--3\nFROM t", "SELECT ? FROM t"),
        (
            MySql,
            r#"SELECT "it\"s", 'it\'s', 'a\\', b"#,
            "SELECT ?, ?, ?, b",
        ),
        (MySql, "SELECT a # alice's\nFROM t", "SELECT a FROM t"),
        (MySql, "SELECT 5--3", "SELECT ?--?"),
        (
            MySql,
            "SELECT _utf8mb4'x', `a``1`",
            "SELECT _utf8mb4?, `a``1`",
        ),
        (MySql, "SELECT a#it's\n, b", "SELECT a , b"),
        (
            Sqlite,
            "SELECT [a 1], \"b 2\", x'00', :1, ?1",
            "SELECT [a 1], \"b 2\", ?, :1, ?1",
        ),
        (Sqlite, r"SELECT 'C:\', 'x'", "SELECT ?, ?"),
        (
            SqlServer,
            "SELECT [it's 1]]2] FROM #tmp1 WHERE a = N'x' AND b = @p1",
            "SELECT [it's 1]]2] FROM #tmp1 WHERE a = ? AND b = @p1",
        ),
        (SqlServer, "SELECT 0xAB, [cut off", "SELECT ?, ?"),
        (
            Oracle,
            "SELECT q'[it's]', nq'!a'b!', :1 FROM t$1#",
            "SELECT ?, ?, :1 FROM t$1#",
        ),
        (Oracle, "SELECT q'[cut' off", "SELECT ?"),
        (
            Google,
            r#"SELECT """it's "x" """, r'\'', "a\"b", b'x', '''a'''"#,
            "SELECT ?, ?, ?, ?, ?",
        ),
        (Google, "SELECT `p-1.d.t` # alice", "SELECT `p-1.d.t`"),
        (
            Snowflake,
            r"SELECT 'it\'s', $$it's$$ // alice",
            "SELECT ?, ?",
        ),
        (Standard, "SELECT \"a 1\", a # b", "SELECT \"a 1\", a # b"),
    ] {
        assert_eq!(shaped(text, dialect), expected, "{dialect:?}");
    }
}

#[test]
fn in_doubt_about_the_dialect_the_rest_is_hidden() {
    for (text, expected) in [
        (r"a = 'C:\' AND b = 'alice'", "a = ?"),
        (r"a = 'C:\\' AND b = 'alice'", "a = ? AND b = ?"),
        (r"a = 'C:\x' AND b = 'alice'", "a = ? AND b = ?"),
        ("a = \"alice\" AND b", "a = ? AND b"),
        ("a # alice's", "a ?"),
        ("a /* b /* c */ alice */", "a ?"),
        ("5--alice", "??"),
        ("a // alice", "a ?"),
        ("a = q'[it's alice]'", "a = ?"),
        ("$$it's$$ b", "? b"),
    ] {
        assert_eq!(shaped(text, Unknown), expected);
    }
}

#[test]
fn masks_stay() {
    for dialect in ALL {
        let text = "SELECT a = ? [redacted:sql:3f2a9c0b7d1e4f56]";
        assert_eq!(shape(text, dialect), None, "{dialect:?}");
    }
}

#[test]
fn no_beginning_of_a_statement_shows_a_literal() {
    let statements = [
        (
            Postgres,
            r#"INSERT INTO "u" VALUES ('alice', E'al\'ice', $x$alice$x$, 4711) -- alice"#,
        ),
        (
            MySql,
            r#"SELECT `a` FROM t WHERE a IN ("alice", 'al\'ice', 4711) # alice"#,
        ),
        (
            SqlServer,
            "SELECT [a] FROM t WHERE a = N'alice''s' /* alice */ AND b = 4711",
        ),
        (
            Oracle,
            "SELECT a FROM t WHERE a = q'[alice's]' AND b = 4711 /* alice",
        ),
        (
            Unknown,
            r#"SELECT a FROM t WHERE a = 'al\'ice' OR "alice" = 4711"#,
        ),
    ];
    for (dialect, text) in statements {
        for end in 0..=text.len() {
            let shape = shaped(text.get(..end).unwrap(), dialect);
            assert!(
                !shape.contains("al") && !shape.contains('4'),
                "{shape} of {end} bytes"
            );
        }
    }
}

#[test]
fn the_readme_says_what_happens() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## SQL statements").unwrap();
    let mut rows = 0;
    for row in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let code = |i: usize| cells[i].trim().trim_matches('`').trim();
        for system in cells[0]
            .trim()
            .split(", ")
            .filter(|system| *system != "...")
        {
            let system = system
                .strip_prefix('`')
                .map_or("", |system| system.trim_matches('`'));
            let found = match Language::of(system) {
                Language::Sql(dialect) => shape(code(1), dialect),
                Language::Redis => redis::shape(code(1)),
                Language::Other => Some("left to the detectors".to_owned()),
            };
            assert_eq!(found.as_deref(), Some(code(2)), "{system}");
            rows += 1;
        }
    }
    assert_eq!(rows, 26);
}

#[test]
fn what_only_some_dialects_have_hides_more_than_it_leaves() {
    for (text, dialect, expected) in [
        ("a > $1234.56", SqlServer, "a > ?"),
        ("a > $1", Postgres, "a > $1"),
        ("SELECT a // of alice", Standard, "SELECT a ?"),
        ("SELECT $$alice$$ FROM t", MySql, "SELECT ? FROM t"),
        (
            "INSERT INTO t FORMAT CSV\n1,ZZ1",
            MySql,
            "INSERT INTO t FORMAT CSV?",
        ),
        (
            "COPY t FROM stdin;\n1\tZZ1",
            Postgres,
            "COPY t FROM stdin;?",
        ),
        ("SELECT \"\"\"a\"ZZ1\"\"\"", Unknown, "SELECT ?"),
    ] {
        assert_eq!(shaped(text, dialect), expected, "{text} {dialect:?}");
    }
}
