//! A guest that imports WASI, as plain cargo makes it for wasm32-wasip2: what it prints goes to the log, and of the host it
//! sees what its processor was granted.
//!
//! It writes the number of arguments, variables and files at the root that it sees to the resource's attribute `seen`. Its
//! config asks for more: `{"vars": true}` writes the variables; `{"try": [["read", "/tables/a.csv"]]}` does so with each
//! file and writes what came of it (`read`, `list`, `write`, `append`, `remove`, `make`); `{"sleep": 9}` sleeps for so many
//! milliseconds, and `true` for an hour; `{"print": 9}` prints so many lines to both streams; `{"connect": "127.0.0.1:1"}`
//! opens a connection; `{"open": 9}` opens the file `/tables/a.csv` so often, holds it, and writes how often it could;
//! `{"chance": true}` writes what clocks and randomness give.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]

#[path = "../../bindings.rs"]
mod bindings;

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::batch;
use bindings::otlet::plugin::types::Value;
use serde_json::Value as Json;

struct Plugin;

static CONFIG: OnceLock<Json> = OnceLock::new();

impl Guest for Plugin {
    fn describe() -> String {
        r#"{"version": "0.1.0"}"#.to_owned()
    }

    fn configure(config: String) -> Result<(), String> {
        let json: Json = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        CONFIG.get_or_init(|| json);
        #[expect(clippy::print_stdout, reason = "the host takes it as a log line")]
        {
            println!("configured");
        }
        Ok(())
    }

    fn process() -> Result<(), String> {
        let config = CONFIG.get().ok_or("not configured")?;
        let sleep = match &config["sleep"] {
            Json::Bool(true) => Duration::from_hours(1),
            ms => Duration::from_millis(ms.as_u64().unwrap_or(0)),
        };
        #[expect(clippy::disallowed_methods, reason = "the host has to bound it")]
        thread::sleep(sleep);
        print(config["print"].as_u64().unwrap_or(0));
        let seen = env::args().count()
            + env::vars().count()
            + fs::read_dir("/").map_or(0, Iterator::count);
        #[expect(clippy::print_stderr, reason = "the host takes it as a log line")]
        {
            eprintln!("sees {seen} things");
        }
        let seen = i64::try_from(seen).map_err(|error| error.to_string())?;
        write("seen", &Value::Integer(seen))?;
        if config["vars"] == true {
            let mut vars: Vec<_> = env::vars()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            vars.sort();
            write("vars", &Value::Text(vars.join(" ")))?;
        }
        if let Some(address) = config["connect"].as_str() {
            write(
                "connect",
                &said(TcpStream::connect(address).map(|_| String::new())),
            )?;
        }
        if let Some(times) = config["open"].as_u64() {
            let files: Vec<_> = (0..times)
                .map_while(|_| fs::File::open("/tables/a.csv").ok())
                .collect();
            let opened = i64::try_from(files.len()).map_err(|error| error.to_string())?;
            write("open", &Value::Integer(opened))?;
        }
        if config["chance"] == true {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_err(|error| error.to_string())?;
            let seconds = i64::try_from(since.as_secs()).map_err(|error| error.to_string())?;
            write("now", &Value::Integer(seconds))?;
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(1) {}
            // It draws its keys at random.
            let drawn = format!("{:x}", RandomState::new().hash_one(0));
            write("random", &Value::Text(drawn))?;
        }
        for act in config["try"].as_array().into_iter().flatten() {
            let (verb, path) = (
                act[0].as_str().unwrap_or_default(),
                act[1].as_str().unwrap_or_default(),
            );
            write(&format!("{verb} {path}"), &said(attempt(verb, path)))?;
        }
        Ok(())
    }
}

/// Writes an attribute of the resource.
fn write(key: &str, value: &Value) -> Result<(), String> {
    let column = batch::column(&format!("resource.attributes[\"{key}\"]"))?;
    batch::fill(column, None, value);
    Ok(())
}

fn attempt(verb: &str, path: &str) -> io::Result<String> {
    match verb {
        "read" => fs::read_to_string(path),
        "list" => {
            let mut names = vec![];
            for entry in fs::read_dir(path)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            Ok(names.join(" "))
        }
        "write" => fs::write(path, "by wasi").map(|()| String::new()),
        "append" => {
            let mut file = fs::OpenOptions::new().append(true).open(path)?;
            file.write_all(b"by wasi").map(|()| String::new())
        }
        "remove" => fs::remove_file(path).map(|()| String::new()),
        "make" => fs::create_dir(path).map(|()| String::new()),
        other => Err(io::Error::other(format!("nothing is called {other}"))),
    }
}

fn said(result: io::Result<String>) -> Value {
    Value::Text(result.unwrap_or_else(|error| format!("no: {}", error.kind())))
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the host takes it as log lines"
)]
fn print(lines: u64) {
    for line in 0..lines {
        println!("out {line}");
        eprintln!("err {line}");
    }
}
