//! What is done to a request, a function a case.

use std::hint::black_box;

use crate::batch::{Batch, Column, PackedTexts, Transaction, Value};
use crate::requests::Request;

/// A piece of work on a request, of which everything is ready.
pub type Work = Box<dyn FnOnce()>;

/// A case's name, and what readies it.
pub type Case = (&'static str, fn(&Request) -> Work);

/// Every case.
pub const CASES: &[Case] = &[
    ("index", index),
    ("read an attribute", read_attribute),
    ("read a rare field", read_rare_field),
    ("read it again", read_again),
    ("read ids", read_ids),
    ("write an attribute that is there", write_attribute),
    ("fill in a new attribute", fill_new_attribute),
    ("write a rare field", write_field),
    ("retain a tenth", retain_tenth),
    ("all leaves", all_leaves),
    ("splice a new attribute", splice_new_attribute),
    ("splice a tenth", splice_tenth),
    ("sample a tenth, whole", sample_whole),
    ("copy an attribute, whole", copy_whole),
];

/// What a plugin may cost: more than any case takes.
const BUDGET: usize = 1 << 30;

/// Does a piece of work. The name is what callgrind is told to count.
#[inline(never)]
pub fn counted(work: Work) {
    work();
}

fn index(request: &Request) -> Work {
    let Request { signal, bytes, .. } = request.clone();
    Box::new(move || {
        black_box(Batch::new(signal, bytes).is_ok());
    })
}

fn read_attribute(request: &Request) -> Work {
    let column = attribute(request.key);
    on(request, move |batch| {
        black_box(batch.packed(&column).is_ok());
    })
}

fn read_rare_field(request: &Request) -> Work {
    let column = column(request.rare.0);
    on(request, move |batch| {
        black_box(batch.packed(&column).is_ok());
    })
}

fn read_again(request: &Request) -> Work {
    let column = column(request.rare.0);
    let mut batch = begun(request);
    black_box(batch.packed(&column).is_ok());
    Box::new(move || {
        black_box(batch.packed(&column).is_ok());
    })
}

fn read_ids(request: &Request) -> Work {
    let column = column("record.trace_id");
    on(request, move |batch| {
        black_box(batch.ids(&column).is_ok());
    })
}

fn write_attribute(request: &Request) -> Work {
    let column = attribute(request.key);
    let rows = batch(request).records();
    let texts = PackedTexts {
        data: b"changed".repeat(rows as usize),
        ends: (1..=rows).map(|row| row * 7).collect(),
        present: vec![u8::MAX; rows.div_ceil(8) as usize],
    };
    on(request, move |batch| {
        done(batch.set_packed(&column, None, &texts));
    })
}

fn fill_new_attribute(request: &Request) -> Work {
    let column = attribute("deployment.ring");
    on(request, move |batch| {
        done(batch.fill(&column, None, &Value::Text("canary".to_owned())));
    })
}

fn write_field(request: &Request) -> Work {
    let (column, value) = (column(request.rare.0), request.rare.1.clone());
    on(request, move |batch| {
        done(batch.fill(&column, None, &value));
    })
}

fn retain_tenth(request: &Request) -> Work {
    let mask = tenth(request);
    on(request, move |batch| done(batch.retain("record", &mask)))
}

fn all_leaves(request: &Request) -> Work {
    let tables = ["resource", "scope", "metric", "record", "event", "link"];
    let tables = tables.map(str::to_owned);
    let kinds = ["text", "key", "integer"].map(str::to_owned);
    on(request, move |batch| {
        black_box(batch.all_leaves(&tables, &kinds).is_ok());
    })
}

fn splice_new_attribute(request: &Request) -> Work {
    let column = attribute("deployment.ring");
    let mut batch = begun(request);
    done(batch.fill(&column, None, &Value::Text("canary".to_owned())));
    splice(batch)
}

fn splice_tenth(request: &Request) -> Work {
    let mut batch = begun(request);
    done(batch.retain("record", &tenth(request)));
    splice(batch)
}

/// What `sample` asks of a batch, from its bytes to its bytes.
fn sample_whole(request: &Request) -> Work {
    let Request {
        signal,
        bytes,
        rare: (_, value),
        ..
    } = request.clone();
    let (ids, states) = (column("record.trace_id"), column(request.rare.0));
    let mask = tenth(request);
    let kept: Vec<_> = (0..batch(request).records())
        .filter(|row| row % 10 == 0)
        .collect();
    Box::new(move || {
        let batch = Batch::new(signal, bytes).expect("a valid request");
        let mut batch = batch.begin(BUDGET);
        black_box(batch.ids(&ids).is_ok());
        black_box(batch.packed(&states).is_ok());
        done(batch.fill(&states, Some(&kept), &value));
        done(batch.retain("record", &mask));
        black_box(batch.commit().splice(5));
    })
}

/// What `enrich` asks of a batch to copy an attribute, from its bytes to its bytes.
fn copy_whole(request: &Request) -> Work {
    let Request { signal, bytes, .. } = request.clone();
    let (from, to) = (attribute(request.key), attribute("deployment.ring"));
    Box::new(move || {
        let batch = Batch::new(signal, bytes).expect("a valid request");
        let mut batch = batch.begin(BUDGET);
        done(batch.copy(&from, &to, None));
        black_box(batch.commit().splice(5));
    })
}

/// Works on a batch that was indexed before.
fn on(request: &Request, work: impl FnOnce(&mut Transaction) + 'static) -> Work {
    let mut batch = begun(request);
    Box::new(move || work(&mut batch))
}

fn splice(batch: Transaction) -> Work {
    let batch = batch.commit();
    Box::new(move || {
        black_box(batch.splice(5));
    })
}

fn batch(request: &Request) -> Batch {
    Batch::new(request.signal, request.bytes.clone()).expect("a valid request")
}

fn begun(request: &Request) -> Transaction {
    batch(request).begin(BUDGET)
}

fn column(path: &str) -> Column {
    Column::parse(path).expect("a known path")
}

fn attribute(key: &str) -> Column {
    column(&format!("record.attributes[{key:?}]"))
}

/// The rows to keep, as bits.
fn tenth(request: &Request) -> Vec<u8> {
    let mut mask = vec![0; (batch(request).records() as usize).div_ceil(8)];
    for row in (0..batch(request).records() as usize).step_by(10) {
        mask[row / 8] |= 1 << (row % 8);
    }
    mask
}

fn done<E: std::fmt::Debug>(result: Result<(), E>) {
    result.expect("the cases are allowed");
}
