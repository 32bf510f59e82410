//! What is left of texts that speak of secrets, or look as if they did.

use super::masked;

#[test]
fn what_is_said_about_secrets_is_left() {
    for text in [
        "Access denied for user x (using password: YES)",
        "unexpected token: COMMA",
        "SyntaxError: Unexpected token: 'foo'",
        "Next token: NUMBER(5)",
        "token: 5 at position 3",
        "refresh token: missing",
        "failed to mount secret: timeout",
        "authorization: granted",
        "cookie: accepted",
        "password: must be at least 8",
        "GSSAPI credentials: not found",
        "--- PASS: TestFoo (0.00s)",
        "pass: 12, fail: 3, pass=12",
        "PWD=/home/user OLDPWD=/tmp",
        "next_page_token=abc",
        "docs --password must be set",
        "Vec<Token>::new(), Option<Secret>x<y>",
        "a -- token 'x'",
        "----- token ----",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn what_only_begins_like_a_sentence_about_secrets_is_hidden() {
    for (text, expected) in [
        ("invalid token: abc123def", "invalid token: [S]"),
        ("send Authorization: Bearer abc", "send Authorization: [S]"),
        ("my password: swordfish", "my password: [S]"),
        ("token: swordfish", "token: [S]"),
        ("my token: 'swordfish'", "my token: '[S]'"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_secret_is_left() {
    for text in [
        r#"{"password": null, "token": "", "secret": true, "api_key": []}"#,
        r#"{"password": "***", "tokens": 512, "token_type": "Bearer"}"#,
        "{'routing_key': 'receipts', 'token': None}",
        "token::Kind and std::token:: paths",
        "GET /x?q=token&page=2",
        "GET /login?password=&token= HTTP/1.1",
        "output_tokens=17 max_tokens: 512",
        "2026-11-22 10:22:31,412 INFO [shop.token] at 10:22",
        "password=",
        "password: ",
        "missing fields: ['password', 'email']",
        "https://example.org/v1/password:reset?x=1",
        "password=[redacted:secret_key], token: [redacted:bearer]",
        r#"{"authorization": "[redacted:secret_key]"}"#,
        "key=value sig=abc",
    ] {
        let expected = text.replace("[redacted:secret_key]", "[S]");
        assert_eq!(masked(text), expected, "{text}");
    }
}
