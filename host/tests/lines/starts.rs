//! Under which circumstances otlet starts to read, and how many files it opens.

use std::fs;

use otlet_tests::program::Program;
use otlet_tests::records::bodies;

use super::Logs;

#[test]
fn files_leave_room_for_sockets_however_few_may_be_open() {
    const FILES: usize = 150;
    const LIMIT: u32 = 128;
    let logs = Logs::new();
    let mut expected = vec![];
    for receiver in ["a", "b"] {
        fs::create_dir(logs.path(receiver)).unwrap();
        for number in 0..FILES {
            let line = format!("{receiver} {number}");
            logs.append(&format!("{receiver}/{number}.log"), format!("{line}\n"));
            expected.push(line);
        }
    }
    // Lines leave the files once they are delivered.
    let config = format!(
        "
receivers:
  jsonlines/a: {{ include: ['{}/*.log'], start_at: beginning, poll_interval: 10ms }}
  jsonlines/b: {{ include: ['{}/*.log'], start_at: beginning, poll_interval: 10ms }}
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines/a, jsonlines/b], exporters: [otlp] }} }} }}
",
        logs.path("a").display(),
        logs.path("b").display(),
        logs.backend.endpoint()
    );
    let otlet = Program::start_with_open_files(env!("CARGO_BIN_EXE_otlet"), &config, LIMIT);
    logs.backend.wait_until("every file", |received| {
        bodies(received).len() >= expected.len()
    });
    expected.sort();
    assert_eq!(logs.arrived(), expected);
    let open = fs::read_dir(format!("/proc/{}/fd", otlet.id())).unwrap();
    let logs = open.filter(|fd| {
        let leads_to = fs::read_link(fd.as_ref().unwrap().path());
        leads_to.is_ok_and(|path| path.extension().is_some_and(|end| end == "log"))
    });
    // Beside those that are kept each receiver has one that it reads.
    assert!(logs.count() <= LIMIT as usize / 4 + 2);
}

#[test]
fn nothing_is_read_where_another_receiver_cannot_start() {
    let logs = Logs::new();
    logs.append("app.log", "one\n");
    // Opening these takes a while, in which the line above could leave.
    fs::create_dir(logs.path("many")).unwrap();
    for number in 0..2000 {
        logs.append(&format!("many/{number}.log"), "");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = logs.path("otlet.yaml");
    let text = format!(
        "
receivers:
  jsonlines: {{ include: ['{}'], start_at: beginning, storage: '{}' }}
  jsonlines/many: {{ include: ['{}/*.log'] }}
  otlp: {{ protocols: {{ grpc: {{ endpoint: '{}' }} }} }}
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines, jsonlines/many, otlp], exporters: [otlp] }} }} }}
",
        logs.path("app.log").display(),
        logs.path("positions").display(),
        logs.path("many").display(),
        taken.local_addr().unwrap(),
        logs.backend.endpoint()
    );
    fs::write(&config, text).unwrap();
    let output = otlet_tests::program::command(env!("CARGO_BIN_EXE_otlet"))
        .args(["run", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot listen") && !said.contains("passed over"),
        "{said}"
    );
    assert_eq!(logs.backend.attempts(), 0);
    assert!(!logs.path("positions/jsonlines.json").exists());
}

#[test]
fn two_programs_cannot_keep_their_positions_in_one_place() {
    let logs = Logs::new();
    let _first = logs.otlet("start_at: beginning");
    let config = logs.path("second.yaml");
    fs::write(
        &config,
        format!(
            "
receivers: {{ jsonlines: {{ include: [/none.log], storage: '{}' }} }}
exporters: {{ debug: }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines], exporters: [debug] }} }} }}
",
            logs.path("positions").display()
        ),
    )
    .unwrap();
    let output = otlet_tests::program::command(env!("CARGO_BIN_EXE_otlet"))
        .args(["run", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("another otlet keeps its positions there"),
        "{said}"
    );
}
