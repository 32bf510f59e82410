//! What the detectors make of whole texts with names and values in them.

mod left;

use crate::redacted;

/// The text with masks, by all detectors.
fn masked(text: &str) -> String {
    redacted(text)
        .replace("[redacted:secret_key]", "[S]")
        .replace("[redacted:url_secret]", "[U]")
}

#[test]
fn values_in_json_and_its_like_are_hidden() {
    for (text, expected) in [
        (
            r#"{"password": "hunter2", "n": 1}"#,
            r#"{"password": "[S]", "n": 1}"#,
        ),
        (
            r#"{"password":"a\"b\\","n":1}"#,
            r#"{"password":"[S]","n":1}"#,
        ),
        (
            r#"{"pin":1,"api_key":12345,"n":1}"#,
            r#"{"pin":1,"api_key":"[S]","n":1}"#,
        ),
        (
            r#"{"secrets":["a]","b"],"n":1}"#,
            r#"{"secrets":"[S]","n":1}"#,
        ),
        (
            r#"{"credentials":{"u":{"p":"x}"}},"n":1}"#,
            r#"{"credentials":"[S]","n":1}"#,
        ),
        (
            r#"{"body":"{\"token\":\"abc\",\"n\":1}"}"#,
            r#"{"body":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (
            r#"{"a":"{\"token\":\"a\\\"b\",\"n\":1}"}"#,
            r#"{"a":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (
            r#"{"a":"{\"token\":17,\"n\":1}"}"#,
            r#"{"a":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (r#"{"API Key" : "abc"}"#, r#"{"API Key" : "[S]"}"#),
        ("{\"password\":\n  \"abc\"}", "{\"password\":\n  \"[S]\"}"),
        (r#"{"token": "cut of"#, r#"{"token": "[S]"#),
        (r#"{"secrets": ["cut", "of"#, r#"{"secrets": "[S]""#),
        (
            "{'password': 'hunter2', 'n': 1}",
            "{'password': '[S]', 'n': 1}",
        ),
        ("{'cookie': b'a=b; c=d'}", "{'cookie': b'[S]'}"),
        (
            "[(b'authorization', b'Basic eA=='), ('n', 1)]",
            "[(b'authorization', b'[S]'), ('n', 1)]",
        ),
        ("('x-api-key', \"abc\")", "('x-api-key', \"[S]\")"),
        (
            "{:password=>\"abc\", \"token\"=>\"x\"}",
            "{:password=>\"[S]\", \"token\"=>\"[S]\"}",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn values_in_plain_text_are_hidden() {
    for (text, expected) in [
        (
            "login user=bob password=hunter2, ok",
            "login user=bob password=[S], ok",
        ),
        ("Password: hunter2", "Password: [S]"),
        ("db_password = hunter2\nnext", "db_password = [S]\nnext"),
        (
            "User(name='bob', password='x y')",
            "User(name='bob', password='[S]')",
        ),
        (
            "auth failed (token=abc) for 7",
            "auth failed (token=[S]) for 7",
        ),
        ("a token=Token(value='abc', n=1) x", "a token=[S] x"),
        (
            "got Authorization: Digest username=\"bob\"",
            "got Authorization: [S]",
        ),
        ("Authorization: Token abc def", "Authorization: [S] def"),
        ("Authorization: Bearer abcdef1 x", "Authorization: [S] x"),
        (
            "Authorization: SSWS 00QCjAl4MlV-WPXMabc x",
            "Authorization: [S] x",
        ),
        (
            "send Authorization: DeepL-Auth-Key 00Qabc:fx",
            "send Authorization: [S]",
        ),
        (
            "curl -H 'Authorization: SharedKey u:Zx9Q=' x",
            "curl -H 'Authorization: [S]' x",
        ),
        (
            "Authorization: Digest username=\"a\", nc=1, response=\"Zx9\"\nn",
            "Authorization: [S]\nn",
        ),
        (
            "Authorization: OAuth a=\"b\",oauth_signature=\"Zx9\" x",
            "Authorization: [S] x",
        ),
        (
            "Authorization: Token token=\"Zx9Qpw7\"",
            "Authorization: [S]",
        ),
        (
            r#"{"h":"Authorization: Signature keyId=\"a\",signature=\"Zx9\"","n":1}"#,
            r#"{"h":"Authorization: [S]","n":1}"#,
        ),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [S]\nHost: x"),
        ("-H 'Cookie: a=b; c=d' x", "-H 'Cookie: [S]' x"),
        (
            "\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m n=1",
            "\x1b[36mpassword\x1b[0m=\x1b[35m[S]\x1b[0m n=1",
        ),
        (
            "\\u001b[36mtoken\\u001b[0m=\\u001b[35mabc\\u001b[0m",
            "\\u001b[36mtoken\\u001b[0m=\\u001b[35m[U]\\u001b[0m",
        ),
        ("x password=a\\nnext", "x password=[S]\\nnext"),
        ("--api-key=abc --n=1", "--api-key=[S] --n=1"),
        ("password := abc", "password := [S]"),
        ("a PASSWORD=$'Zx9\\'Qpw7' n", "a PASSWORD=$'[S]' n"),
        ("a password=N'Zx9Qpw7' n", "a password=N'[S]' n"),
        ("a password = @\"Zx9 a\" n", "a password = @\"[S]\" n"),
        ("a password=ab\"Zx9\" n", "a password=[S] n"),
        ("a password=it'sZx9 n", "a password=[S] n"),
        ("'a password=Zx9'", "'a password=[S]'"),
        ("password:&#9;Zx9Qpw7", "password:&#9;[S]"),
        (
            "a, PublicKeyToken=30ad4fe6b2a6aeed",
            "a, PublicKeyToken=30ad4fe6b2a6aeed",
        ),
        (
            "-p, --password string   to use",
            "-p, --password string   to use",
        ),
        ("def f(password: str)", "def f(password: str)"),
        ("x,u:Zx9Qpw7@host:5432,y", "x,[U]@host:5432,y"),
        ("x|u:Zx9Qpw7@host:5432", "x|[U]@host:5432"),
        ("\u{a0}u:Zx9Qpw7@[::1]:22", "\u{a0}[U]@[::1]:22"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn secrets_in_urls_are_hidden() {
    for (text, expected) in [
        (
            "GET /x?a=1&token=abc&b=2 HTTP/1.1",
            "GET /x?a=1&token=[U]&b=2 HTTP/1.1",
        ),
        ("password=cwvbpm%24945&x=1", "password=[U]&x=1"),
        ("/x?sig=abc#top", "/x?sig=[U]#top"),
        (
            "https://h/cb#access_token=abc&x=1",
            "https://h/cb#access_token=[U]&x=1",
        ),
        ("/x?key=AIzaSyA-0123456789abcdef&n=1", "/x?key=[U]&n=1"),
        ("/x?key=user:42&code=BOOK-12", "/x?key=user:42&code=BOOK-12"),
        (
            "/x?user%5Bpassword%5D=abc&n=1",
            "/x?user%5Bpassword%5D=[U]&n=1",
        ),
        (
            "/x?user[password]=abc&passwords[]=d",
            "/x?user[password]=[U]&passwords[]=[U]",
        ),
        (
            "to=%2Fx%3Ftoken%3Dabc%26n%3D1&m=2",
            "to=%2Fx%3Ftoken%3D[U]%26n%3D1&m=2",
        ),
        (
            "to=%252Fx%253Ftoken%253Dabc%2526n&m=2",
            "to=%252Fx%253Ftoken%253D[U]%2526n&m=2",
        ),
        ("\"/x?token=abc\\u0026n=1\"", "\"/x?token=[U]\\u0026n=1\""),
        ("\"/x?n=1\\u0026token=abc\"", "\"/x?n=1\\u0026token=[U]\""),
        (
            "(see https://h/x?token=abc,d).",
            "(see https://h/x?token=[U]).",
        ),
        ("/x;jsessionid=0af9?n=1", "/x;jsessionid=[U]"),
        (
            "postgres://u:p@h/x?password=abc",
            "postgres://[U]@h/x?password=[U]",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn values_on_several_lines_are_hidden_whole() {
    for (text, expected) in [
        (
            "private_key: -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nn: 1",
            "private_key: [redacted:private_key]\nn: 1",
        ),
        (
            "-----BEGIN PRIVATE KEY-----&#13;&#10;MIIE&#10;-----END PRIVATE KEY-----.",
            "[redacted:private_key].",
        ),
        (
            r"key -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n.",
            r"key [redacted:private_key]\n.",
        ),
        ("password: |\n  hunter2\nn: 1", "password: |\n  [S]\nn: 1"),
        (
            "a:\n  token: >-\n    abc\n    def\n  n: 1",
            "a:\n  token: >-\n    [S]\n  n: 1",
        ),
        ("password:\n  hunter2", "password:\n  [S]"),
        (
            r#""password: |\n  hunter2\nn: 1""#,
            r#""password: |\n  [S]\nn: 1""#,
        ),
        ("x cookie=a=b; c=d; e=f; g", "x cookie=[S]; g"),
        ("password='a''b' n", "password='[S]' n"),
        ("password=\"a\"\"b\" n", "password=\"[S]\" n"),
        ("password='' n='x'", "password='' n='x'"),
        ("password:\n  min: 8", "password:\n  min: 8"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn values_that_no_separator_parts_from_their_names_are_hidden() {
    for (text, expected) in [
        ("mysql --password hunter2 -u x", "mysql --password [S] -u x"),
        ("[--password Zx9Qpw7 --user x]", "[--password [S] --user x]"),
        ("(--token Zx9Qpw7)", "(--token [S])"),
        ("<b>--password Zx9</b>", "<b>--password [S]</b>"),
        ("'--password' 'Zx9'", "'--password' '[S]'"),
        ("--password \\\n  Zx9Qpw7 x", "--password \\\n  [S] x"),
        (
            r#"{ "name" : "password" , "value" : "Zx9" }"#,
            r#"{ "name" : "password" , "value" : "[S]" }"#,
        ),
        (
            "- name: DB_PASSWORD\n  value: Zx9",
            "- name: DB_PASSWORD\n  value: [S]",
        ),
        (
            "{Name:DB_PASSWORD Value:Zx9}",
            "{Name:DB_PASSWORD Value:[S]}",
        ),
        (
            "key:\"password\" value:\"Zx9\"",
            "key:\"password\" value:\"[S]\"",
        ),
        ("x --api-key 'a b' y", "x --api-key '[S]' y"),
        (r#"["--password", "hunter2"]"#, r#"["--password", "[S]"]"#),
        ("<password>hunter2</password>", "<password>[S]</password>"),
        ("<a:Token> x </a:Token>", "<a:Token>[S]</a:Token>"),
        (
            r#"{"name":"password","value":"hunter2"}"#,
            r#"{"name":"password","value":"[S]"}"#,
        ),
        (
            r#"[{\"key\": \"api_key\", \"value\": 17}]"#,
            r#"[{\"key\": \"api_key\", \"value\": \"[S]\"}]"#,
        ),
        (
            "ALTER USER x WITH PASSWORD 'hunter2'",
            "ALTER USER x WITH PASSWORD '[S]'",
        ),
        ("IDENTIFIED BY 'hunter2'", "IDENTIFIED BY '[S]'"),
        ("x[\"password\"] = \"hunter2\"", "x[\"password\"] = \"[S]\""),
        (r#"{"pass":"hunter2"}"#, r#"{"pass":"[S]"}"#),
        ("user=x pass=hunter2", "user=x pass=[S]"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn names_and_values_are_seen_through_escapes() {
    for (text, expected) in [
        (
            r#"{"pass\u0077ord":"hunter2"}"#,
            r#"{"pass\u0077ord":"[S]"}"#,
        ),
        ("/x?tok%65n=abc&n=1", "/x?tok%65n=[U]&n=1"),
        ("a=1&pass%77ord=x", "a=1&pass%77ord=[U]"),
        ("pass\x1b[0mword = hunter2", "pass\x1b[0mword = [S]"),
        ("password%3A%20hunter2", "password%3A%20[S]"),
        (
            "%7B%22password%22%3A%22hun%5C%22ter2%22%7D",
            "%7B%22password%22%3A%22[S]%22%7D",
        ),
        (
            "{%22token%22:17,%22n%22:1}",
            "{%22token%22:%22[S]%22,%22n%22:1}",
        ),
        (
            r#"{"a":"{\u0022token\u0022:17,\u0022key\u0022:1}"}"#,
            r#"{"a":"{\u0022token\u0022:\u0022[S]\u0022,\u0022key\u0022:1}"}"#,
        ),
        (
            r#"{"password":"abc\u0022def","n":1}"#,
            r#"{"password":"[S]","n":1}"#,
        ),
        (
            r#"{"password":"abc%5C","n":1}"#,
            r#"{"password":"[S]","n":1}"#,
        ),
        (
            r#"{"password":"a%22b","n":1}"#,
            r#"{"password":"[S]","n":1}"#,
        ),
        ("/x?token=a%26b%2520c&n=%20", "/x?token=[U]&n=%20"),
        (
            "/x?user%5Bpassword%5D=a%26b&n=1",
            "/x?user%5Bpassword%5D=[U]&n=1",
        ),
        (
            "/x?to=%3Ftoken%3Da%2526b%26n%3D1",
            "/x?to=%3Ftoken%3D[U]%26n%3D1",
        ),
        (r"https:\/\/u:p@h\/x", r"https:\/\/[U]@h\/x"),
        (
            "https%3A%2F%2Fu%3Ap%40host%2Fx",
            "https%3A%2F%2F[U]%40host%2Fx",
        ),
        ("https://u:p%2Fs%40s@host/x", "https://[U]@host/x"),
        (
            "https://alice%40example.org:p%40ss@host",
            "https://[U]@host",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn brackets_belong_to_the_value_that_they_are_around() {
    for (text, expected) in [
        ("password=[hunter2]", "password=[U]"),
        ("password=(hunter2)", "password=[U]"),
        ("password={hunter2}", "password=[U]"),
        ("(/x?password=hunter2)", "(/x?password=[U])"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}
