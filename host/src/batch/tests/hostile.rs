//! Bytes that nobody should send. `otlet-fuzz` makes them up; these are written by hand.

use bytes::Bytes;

use super::{
    super::{Batch, Column, Signal, Value},
    column, edited,
};

fn refused(bytes: &[u8]) -> String {
    Batch::new(Signal::Traces, Bytes::copy_from_slice(bytes))
        .expect_err("malformed")
        .to_string()
}

#[test]
fn errors_name_what_is_wrong_and_where() {
    assert_eq!(
        refused(&[0x0a, 5, 0]),
        "malformed traces: a length beyond the end of its message at byte 2"
    );
    assert_eq!(
        refused(&[0x02, 0]),
        "malformed traces: field number 0 at byte 0"
    );
    assert_eq!(
        refused(&[0x0f]),
        "malformed traces: an unknown wire type at byte 0"
    );
    assert_eq!(
        refused(&[0x08, 1]),
        "malformed traces: a field of another wire type than its own at byte 0"
    );
    assert_eq!(
        refused(&[0x10; 1]),
        "malformed traces: a varint without an end at byte 1"
    );
    let mut long = vec![0x10];
    long.extend([0x80; 10]);
    long.push(1);
    assert_eq!(
        refused(&long),
        "malformed traces: a varint without an end at byte 1"
    );
    assert_eq!(
        refused(&[0x13, 0x1c]),
        "malformed traces: an end of another group at byte 2"
    );
    assert_eq!(
        refused(&[0x0c]),
        "malformed traces: an end of a group that did not begin at byte 1"
    );
}

#[test]
fn too_many_records_are_refused() {
    // One resource, one scope, empty spans.
    let spans = [0x12, 0].repeat(262_145);
    let len = |len: usize| {
        let mut out = Vec::new();
        super::super::wire::put_varint(&mut out, len as u64);
        out
    };
    let scope = [&[0x12][..], &len(spans.len()), &spans].concat();
    let request = [&[0x0a][..], &len(scope.len()), &scope].concat();
    assert!(refused(&request).contains("too many records"));
    let fits = request.len() - 2;
    let scope = [&[0x12][..], &len(spans.len() - 2), &spans[2..]].concat();
    let request = [&[0x0a][..], &len(scope.len()), &scope].concat();
    assert_eq!(request.len(), fits);
    let batch = Batch::new(Signal::Traces, Bytes::from(request)).expect("as many as may be");
    assert_eq!(batch.records(), 262_144);
}

#[test]
fn a_row_is_edited_beside_a_field_of_a_wrong_wire_type() {
    // A span whose links, field 13, are a fixed64, with a status whose code is 1.
    let request = |code| {
        let span = [0x69, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 0x18, code];
        [&[0x0a, 17, 0x12, 15, 0x12, 13][..], &span].concat()
    };
    let batch =
        Batch::new(Signal::Traces, Bytes::from(request(1))).expect("its records are bounded");
    let code = column("span.status.code");
    let back = edited(batch, |work| {
        work.fill(&code, None, &Value::Integer(2)).unwrap();
        work.all_leaves(&["link".to_owned()], &["text".to_owned()])
            .expect_err("links are messages");
    });
    assert_eq!(back.splice(0), request(2));
}

#[test]
fn malformed_bytes_that_a_plugin_wrote_are_its_own_fault() {
    // A span whose name has five bytes, of which one is there.
    let span = [0x0a, 7, 0x12, 5, 0x12, 3, 0x2a, 5, b'a'];
    let name = Column::parse("span.name").unwrap();
    let came = Batch::new(Signal::Traces, Bytes::copy_from_slice(&span)).unwrap();
    let mut work = came.begin(1 << 20);
    assert!(work.texts(&name).is_err());
    assert!(work.malformed().is_some());

    let mut work = Batch::new(Signal::Traces, Bytes::new())
        .unwrap()
        .begin(1 << 20);
    let taken = work.replace_with_otlp(Bytes::copy_from_slice(&span));
    assert_eq!(taken, Ok(Ok(())));
    assert!(work.texts(&name).is_err());
    assert_eq!(work.malformed(), None);
}
